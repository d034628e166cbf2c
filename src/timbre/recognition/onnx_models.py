"""Models of the extra `asr` on this machine: pulled from the hub, pinned to what came, verified before they are loaded.

`onnx-asr` knows which repository has a model and which of its files it needs. They are fetched once, each is checked
against the checksum that the hub gives for it, and what came is written down in `pinned.json`: from then on the model
is that, whatever the repository becomes. A folder is there whole or not at all.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from timbre.disk import refusal
from timbre.errors import ModelCorrupt, ModelDownloadFailed, ModelError, ModelMissing, ModelUnknown
from timbre.extras import needing
from timbre.models.archive import sha256
from timbre.models.download import silent

if TYPE_CHECKING:
    from timbre.models.download import Progress
    from timbre.settings import Settings

PINNED: Final = "pinned.json"
_FOLDER: Final = "words"  # below that of the other models
_REVISION: Final = "main"  # of the first pull; afterwards the checksums pin it
_ALWAYS: Final = ("config.json", "config.yaml")
_PREFIX: Final = "nemo-"  # that onnx-asr has before names that the field has without


def model_name(name: str) -> str:
    """The name that `onnx-asr` has for a model, which the field may call by a shorter one.

    Raises:
        ModelUnknown: it knows none of this name.
        ExtraMissing: the extra `asr` is not installed.
    """
    with needing("asr"):
        from onnx_asr.resolver import model_repos  # noqa: PLC0415 - of an extra
    found = next((known for known in (name, _PREFIX + name) if known in model_repos or "/" in known), None)
    if found is None:
        raise ModelUnknown(
            f"There is no model {name!r} for words; there are: {', '.join(sorted(set(model_repos) - {'silero'}))},"
            " and owner/name of a repository of the hub."
        )
    return found


def pull(name: str, settings: Settings, progress: Progress = silent) -> Path:
    """Get a model from the hub, unless it is here and whole; return its folder.

    Raises:
        ModelUnknown: there is no such model.
        ModelMissing: it is not here, and `TIMBRE_OFFLINE` forbids to get it.
        ModelDownloadFailed: the hub does not give it.
        ModelCorrupt: what it gives is not what it says.
        ExtraMissing: the extra `asr` is not installed.
    """
    model = model_name(name)
    place = _place(model, settings)
    if _is_whole(place):
        return place
    if settings.offline:
        raise ModelMissing(f"The model {model} is not on this machine, and TIMBRE_OFFLINE forbids to get it.")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=place.parent) as work:
            folder = Path(work) / place.name
            pinned = _fetch(model, folder, settings, progress)
            (folder / PINNED).write_text(json.dumps(pinned, indent=1) + "\n")
            shutil.rmtree(place, ignore_errors=True)
            folder.replace(place)
    except OSError as error:
        raise ModelError(f"The folder of models {refusal(place, error, 'set TIMBRE_MODELS_DIR')}") from error
    return place


def find(name: str, settings: Settings) -> Path:
    """Return the folder of a model, every file of it checked.

    Raises:
        ModelUnknown: there is no such model.
        ModelMissing: it is not on this machine.
        ModelCorrupt: it is damaged.
        ExtraMissing: the extra `asr` is not installed.
    """
    model = model_name(name)
    place = _place(model, settings)
    advice = f"get it with `timbre models pull {name}`"
    if not (place / PINNED).is_file():
        raise ModelMissing(f"The model {model} is not in {place.parent}; {advice}.")
    if not _is_whole(place):
        raise ModelCorrupt(f"A file in {place} does not match its checksum; {advice}.")
    return place


def _place(model: str, settings: Settings) -> Path:
    return settings.models_dir / _FOLDER / model.replace("/", "--")


def _is_whole(place: Path) -> bool:
    try:
        files: dict[str, str] = json.loads((place / PINNED).read_text())["files"]
        return bool(files) and all(sha256(place / name) == checksum for name, checksum in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _fetch(model: str, folder: Path, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Fetch the files of a model, and return what pins them."""
    import huggingface_hub  # noqa: PLC0415 - 0.3 s that only a download should pay
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415
    from onnx_asr.loader import create_asr_resolver  # noqa: PLC0415 - of an extra
    from onnx_asr.resolver import model_repos  # noqa: PLC0415

    repository = model_repos.get(model, model)
    endpoint = settings.hub_endpoint
    asking: dict[str, Any] = {
        "endpoint": endpoint,
        "token": False,
    }  # every file is public; a mirror need not learn who asks
    try:
        tree = huggingface_hub.HfApi(**asking).list_repo_tree(repository, recursive=True, revision=_REVISION)
        files = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

        def get(path: str) -> Path:
            progress(path, 0, files[path].size)
            got = Path(
                huggingface_hub.hf_hub_download(repository, path, revision=_REVISION, local_dir=folder, **asking)
            )
            _check(got, files[path])
            progress(path, files[path].size, files[path].size)
            return got

        for path in filter(files.__contains__, _ALWAYS):
            get(path)
        folder.mkdir(parents=True, exist_ok=True)
        patterns = create_asr_resolver(model, folder, offline=True).model_type._get_model_files(None).values()
        wanted = [path for path in files if path not in _ALWAYS and _is_wanted(path, patterns)]
        for path in wanted:
            get(path)
    except ModelError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelDownloadFailed(f"{repository} at {endpoint} does not give the model {model}: {reason}") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    if not wanted:
        raise ModelDownloadFailed(f"{repository} at {endpoint} has none of the files of the model {model}.")
    got = [path for path in (*_ALWAYS, *wanted) if (folder / path).is_file()]
    return {"model": model, "repository": repository, "files": {path: sha256(folder / path) for path in got}}


def _is_wanted(path: str, patterns: Iterable[str]) -> bool:
    """Whether a file is one of a model's, or holds the weights of one."""
    shapes = [shape for pattern in patterns for shape in (pattern, pattern.removeprefix("**/"))]
    weights = [f"{shape}?data" for shape in shapes if shape.endswith(".onnx")]
    return any(fnmatch.fnmatch(path, shape) for shape in (*shapes, *weights))


def _check(path: Path, entry: Any) -> None:
    """Compare a file with the checksum that the hub has for it: sha256 of large ones, git's own of small ones."""
    content = path.read_bytes() if entry.lfs is None else b""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if (blob != entry.blob_id) if entry.lfs is None else (sha256(path) != entry.lfs.sha256):
        raise ModelCorrupt(f"What the hub gave as {entry.path} is not what it says it is; try again.")
