"""The data folder of a server that brings its own database: who holds it, and how commands reach the database in it."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from timbre.cli.exits import tell
from timbre.cli.inputs.loading import read_settings
from timbre.disk import needed, written
from timbre.errors import DataFolderBusy, OptionError, ServerError
from timbre.settings import Settings
from timbre.store.embedded import EmbeddedPostgres

_LOCK: Final = "timbre.lock"
_DATABASE: Final = "postgres"
_ADDRESS: Final = "address"
_LOGS: Final = "log"


@contextmanager
def held(folder: Path) -> Iterator[list[int]]:
    """Hold the folder while the block runs; the lock goes with its descriptors, and so with the process.

    The folder itself is locked, as the file in it may be deleted meanwhile; that says who holds it, and is what earlier
    versions lock.

    Raises:
        DataFolderBusy: another server holds it.
        PathUnusable, DiskFull: it cannot be made, or not written to.
    """
    with _locked_file(folder) as file, _opened_folder(folder) as itself:
        try:
            for descriptor in (itself, file.fileno()):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise DataFolderBusy(
                f"Another server runs on {folder} (process {holder}); stop it first, or name another folder with"
                " --data-dir."
            ) from None
        with needed(folder / _LOCK):
            os.truncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        yield [itself, file.fileno()]


@contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    with needed(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def opened_to_others(folder: Path) -> list[Path]:
    """Folders that other users may pass through from now on, because root's database runs as one of them."""
    if os.geteuid() != 0:
        return []
    return [parent for parent in folder.parents if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH]


def _locked_file(folder: Path) -> TextIO:
    with needed(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with needed(folder / _LOCK):
        return (folder / _LOCK).open("a+", encoding="utf-8")


def log_file(folder: Path, name: str) -> Path:
    """Return the file that a part of the server logs to, made if it is not there.

    Raises:
        PathUnusable, DiskFull: it cannot be made, or not written to.
    """
    file = folder / _LOGS / f"{name}.log"
    with needed(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with needed(file):
        file.open("ab").close()
    return file


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The database in the folder."""
    return EmbeddedPostgres(settings.data_dir / _DATABASE)


def note_address(folder: Path, address: str) -> None:
    """Note where the server of this folder is reached, for commands that print links to it.

    Raises:
        PathUnusable, DiskFull: it cannot be written down.
    """
    with needed(folder / _ADDRESS), written(folder / _ADDRESS) as file:
        file.write(address.encode())


def noted_address(settings: Settings) -> str:
    """Where the server is reached: its public address, where it last ran, or where it would by its settings."""
    if settings.public_url:
        return settings.public_url
    file = settings.data_dir / _ADDRESS
    if settings.database_url is None and file.is_file():
        return file.read_text("utf-8").strip()
    return f"http://{settings.host}:{settings.port}"


def server_settings(data_dir: Path | None) -> Settings:
    """Read the settings of the server that a command is about: that of a data folder, where one is named.

    Raises:
        OptionError: two servers are named, or a setting has a value it cannot have.
    """
    settings = read_settings(data_dir=data_dir)
    if data_dir is not None and settings.database_url:
        raise OptionError("--data-dir and TIMBRE_DATABASE_URL name two servers; leave one of them out.")
    return settings


@contextmanager
def database_url(settings: Settings, *, make: bool = False) -> Iterator[str]:
    """Address of the database for a command: the one that is set, that of a running server, or one started for it.

    Raises:
        ServerError: there is none, and `make` does not ask for a new one; or it cannot be reached or started.
        DiskFull: there is no room to start it.
    """
    if settings.database_url:
        yield settings.database_url
        return
    postgres = embedded(settings)
    if url := postgres.url():
        yield url
        return
    with needed(settings.data_dir):
        new = not postgres.exists()
    if new and not make:
        raise ServerError(
            f"There is no server's data in {settings.data_dir}; name its folder with --data-dir, or start a server"
            " there with `timbre serve`."
        )
    from timbre.store.schema import migrate  # noqa: PLC0415

    with held(settings.data_dir):
        url = postgres.start()
        try:
            migrate(url)
            if new:
                tell(f"There was no server's data in {settings.data_dir}; it was made now.", err=True)
            yield url
        finally:
            postgres.stop()


def sign_in_link(address: str, token: str) -> str:
    """The address that signs a browser in; a server never sees what stands behind the `#`, nor does any log."""
    return f"{address.rstrip('/')}/#sign-in={token}"
