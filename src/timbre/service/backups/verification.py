"""Verifying a backup: it is opened to its last byte, and its database is restored into one that is thrown away."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from timbre.errors import BackupUnreadable
from timbre.service.backups.backup import Progress, count_rows
from timbre.service.backups.contents import Contents, database_of, read_contents
from timbre.service.backups.place import Place, backups_among
from timbre.store.database import open_database
from timbre.store.dumps import load
from timbre.store.embedded import EmbeddedPostgres


async def verify(contents: Contents, place: Place, folder: Path | None, progress: Progress) -> None:
    """See that a backup is whole, and that a database comes of it with as many rows as the one it was made of.

    Args:
        contents: Of the backup.
        place: Where it lies.
        folder: For the database that is thrown away; the system's temporary one if None.
        progress: Told now and then.

    Raises:
        BackupMissing, BackupUnreadable: something is missing, or damaged.
        BackupError: the database cannot be restored.
        DatabaseUnavailable, DiskFull: there is no way to try.
    """
    for number, kept in enumerate(contents.media):
        progress(number, len(contents.media))
        size = 0
        async for piece in place.get(kept.name):
            size += len(piece)
        if size != kept.bytes:
            raise BackupUnreadable(f"{kept.name} has {size} bytes, and should have {kept.bytes}.")
    with TemporaryDirectory(prefix="timbre-verify-", dir=folder) as scratch:
        postgres = EmbeddedPostgres(Path(scratch, "postgres"))
        try:
            found = await _restored(postgres.start(), contents, place)
        finally:
            postgres.stop()
    if differing := sorted(
        name for name in found.keys() | contents.tables if found.get(name) != contents.tables.get(name)
    ):
        counts = ", ".join(f"{name}: {found.get(name)} instead of {contents.tables.get(name)}" for name in differing)
        raise BackupUnreadable(f"The database that comes of it has other rows than it was made of: {counts}.")


async def readable(place: Place) -> list[Contents]:
    """The contents of all backups that this master key opens, the oldest first."""
    found = []
    for backup in backups_among(await place.names()):
        with suppress(BackupUnreadable):
            found.append(await read_contents(place, backup))
    return found


async def _restored(url: str, contents: Contents, place: Place) -> dict[str, int]:
    await load(url, place.get(database_of(contents.id)), b"")
    async with (
        open_database(url, connections=1, application="timbre verify") as database,
        database.transaction() as connection,
    ):
        return await count_rows(connection)
