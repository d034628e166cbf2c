"""A database that is made once a run: empty, migrated, and copied into the folder of whoever starts on it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from timbre.store.embedded import EmbeddedPostgres
from timbre.store.schema import migrate

DATABASE = "postgres"  # its name in the data folder of a server


def put_database(folder: Path) -> None:
    """Put a copy into the data folder of a server, unless there is a database.

    Tests kill processes, but nobody cuts the power: it is never waited for that a write is on the disk.
    """
    if not (folder / DATABASE).exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        subprocess.run(["cp", "-a", _made() / DATABASE, folder / DATABASE], check=True)


def forget_database() -> None:
    """Remove what is copied."""
    if _made.cache_info().currsize:
        shutil.rmtree(_made())
        _made.cache_clear()


@cache
def _made() -> Path:
    # Not in pytest's own folder: another run of it by root closes that to the user that root's database runs as.
    folder = Path(mkdtemp(prefix="timbre-tests-"))
    postgres = EmbeddedPostgres(folder / DATABASE)
    try:
        migrate(postgres.start())
    finally:
        postgres.stop()
    with (folder / DATABASE / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("fsync = off\n")
    return folder
