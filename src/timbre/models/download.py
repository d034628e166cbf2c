"""Fetch model files from where they are published.

Nothing that is downloaded is ever run: from a wheel, which is a zip archive, one member is read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from timbre.errors import ModelDownloadFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timbre.models.catalogue import HubSource, ModelFile, WheelSource

_LOOK_EVERY: Final = 0.2  # seconds


class Progress(Protocol):
    """Is told how a download goes on, several times a second, from a thread of its own."""

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Take the file's name, the bytes that have come, and how many there will be if that is known.

        When all has come, and only then, `done` equals `total`.
        """
        ...


def silent(_name: str, _done: int, _total: int | None) -> None:
    """Report nothing."""


def from_wheel(file: ModelFile, source: WheelSource, folder: Path, progress: Progress) -> Path:
    """Download a wheel with pip, which checks its sha256, and take the file out of it.

    Args:
        file: What to get.
        source: Where from.
        folder: An empty folder to work in.
        progress: Is told how it goes on.

    Raises:
        ModelDownloadFailed: pip is missing or failed, or the wheel does not hold the file.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.wheel} --hash=sha256:{source.wheel_sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(requirements)),
        *("--dest", str(folder)),
    ]
    with _watched(folder, file.name, source.wheel_bytes, progress):
        pip = subprocess.run(
            command,
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if "No module named pip" in pip.stderr:
        raise ModelDownloadFailed(
            f"{source.wheel} needs pip, which {sys.executable} lacks; `python -m ensurepip` adds it."
        )
    if pip.returncode != 0:
        raise ModelDownloadFailed(f"pip could not download {source.wheel}: {_last_line(pip.stderr)}")
    return _member(next(folder.glob("*.whl")), source.member, folder / file.filename)


def _member(wheel: Path, member: str, target: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as content, target.open("wb") as copy:
            shutil.copyfileobj(content, copy)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelDownloadFailed(f"{wheel.name} does not hold {member}: {error}") from error
    return target


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it gave no reason.")


def from_hub(file: ModelFile, source: HubSource, folder: Path, endpoint: str, progress: Progress) -> Path:
    """Download a file from the model hub.

    Args:
        file: What to get.
        source: Where from.
        folder: An empty folder to work in.
        endpoint: Address of the hub.
        progress: Is told how it goes on.

    Raises:
        ModelDownloadFailed: the hub does not answer, does not have the file, or broke off.
    """
    import huggingface_hub  # noqa: PLC0415 - 0.3 s that only a download should pay

    try:
        member = source.member or _member_with(file.sha256, source, endpoint)
        with _watched(folder, file.name, file.bytes, progress):
            path = huggingface_hub.hf_hub_download(
                source.hub,
                member,
                revision=source.revision,
                endpoint=endpoint,
                local_dir=folder,
                token=False,  # every file is public; a mirror need not learn who asks
                tqdm_class=_unseen_bar(),
            )
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelDownloadFailed(f"{source.hub} at {endpoint} does not give {file.name}: {reason}") from error
    return Path(path)


def _member_with(sha256: str, source: HubSource, endpoint: str) -> str:
    """Return the path of the file in a repository that has a checksum."""
    from huggingface_hub import HfApi  # noqa: PLC0415

    tree = HfApi(endpoint=endpoint, token=False).list_repo_tree(source.hub, recursive=True, revision=source.revision)
    for entry in tree:
        if (lfs := getattr(entry, "lfs", None)) and lfs.sha256 == sha256:
            return entry.path
    raise ModelDownloadFailed(f"no file of the repository has the sha256 {sha256}.")


def _unseen_bar() -> type[Any]:
    """Return a progress bar class that draws nothing: the caller draws."""
    from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

    class UnseenBar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

    return UnseenBar


@contextlib.contextmanager
def _watched(folder: Path, name: str, total: int | None, progress: Progress) -> Iterator[None]:
    """Report how a folder grows, which neither pip nor the hub's library would tell in one way."""
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(_LOOK_EVERY):
            progress(name, min(_size(folder), (total or sys.maxsize) - 1), total)

    watcher = threading.Thread(target=watch, daemon=True)
    progress(name, 0, total)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # temporary files come and go
                total += Path(where, name).stat().st_size
    return total
