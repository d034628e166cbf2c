"""Making a backup, while the server runs.

The database is read in one snapshot, by `pg_dump`, and so is the list of recordings that go with it. Recordings never
change once they are there, so what is copied after the snapshot is what it knew; one that was deleted meanwhile is
left out. Only recordings that the place does not have yet are copied.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg.sql import SQL, Identifier

from timbre.errors import BackupError, BackupUnreadable, MediaUnknown
from timbre.service.backups.contents import BackedUp, Contents, contents_of, database_of, read_contents
from timbre.service.backups.erasures import drop_logs, log_erasures
from timbre.service.backups.place import Place, backups_among, stamp
from timbre.service.files.storage import Storage
from timbre.store.database import Connection, Database, one
from timbre.store.dumps import dump
from timbre.store.queries import queries

_SQL: Final = queries("backups")
_UNUSED: Final = timedelta(days=1)  # what no backup names may belong to one that is being made
Progress = Callable[[int, int], None]  # how many recordings are done, of how many


async def make_backup(
    database: Database, url: str, storage: Storage, place: Place, *, version: str, progress: Progress
) -> Contents:
    """Back up a server's database and the recordings that it keeps.

    Args:
        database: Of the server.
        url: Of the same database.
        storage: Of the server.
        place: Where to.
        version: Of this program.
        progress: Told now and then.

    Raises:
        BackupError: another backup is being made, or the database cannot be read.
        ServiceUnavailable: the database, the storage or the place does not answer.
    """
    async with _alone(database) as connection:
        await connection.execute(_SQL["one_moment"])
        moment = await one(connection, _SQL["moment"])
        assert moment is not None  # noqa: S101 - it has no condition
        backup = stamp(moment["at"])
        tables = await count_rows(connection)
        objects = [row["object"] for row in await (await connection.execute(_SQL["kept_media"])).fetchall()]
        written = await place.put(database_of(backup), dump(url, moment["snapshot"]))
        await connection.execute(_SQL["end"])
        contents = Contents(
            id=backup,
            timbre=version,
            schema=moment["schema"],
            tables=tables,
            database_bytes=written,
            media=await _copied(storage, place, objects, progress),
        )
        await place.write(contents_of(backup), contents.to_bytes())
        await log_erasures(place, connection, datetime.now(UTC))
        return contents


async def note_erasures(database: Database, place: Place) -> int:
    """Write down who and what was erased since the last time, and nothing else; return how much that is."""
    async with database.transaction() as connection:
        return await log_erasures(place, connection, datetime.now(UTC))


async def drop_old(place: Place, days: float) -> int:
    """Drop backups that are older than so many days, all but the newest; return how many."""
    names = await place.names()
    backups = backups_among(names)
    oldest = stamp(datetime.now(UTC) - timedelta(days=days))
    dropped = [backup for backup in backups[:-1] if backup < oldest]
    for backup in dropped:
        # The contents first: without them it is no backup, whatever is left of it.
        await place.delete(contents_of(backup))
        await place.delete(database_of(backup))
    kept = [backup for backup in backups if backup not in dropped]
    if dropped and kept:
        await drop_logs(place, kept[0])
        await _drop_unused(place, names, kept)
    return len(dropped)


async def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for table in await (await connection.execute(_SQL["tables"])).fetchall():
        query = SQL(_SQL["rows"].decode()).format(Identifier("public", table["name"]))
        row = await (await connection.execute(query)).fetchone()
        counts[table["name"]] = row["total"] if row else 0
    return counts


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[Connection]:
    async with database.apart() as connection:
        row = await one(connection, _SQL["alone"])
        if not row or not row["locked"]:
            raise BackupError("Another backup of this server is being made; wait until it is done.")
        yield connection


async def _copied(storage: Storage, place: Place, objects: list[str], progress: Progress) -> list[BackedUp]:
    there = await place.names()
    copied = []
    for number, name in enumerate(objects):
        progress(number, len(objects))
        size = await storage.size(name)
        if size is None:
            continue
        kept = BackedUp(object=name, bytes=size, name=place.of_recording(name))
        if kept.name not in there:
            try:
                await place.put(kept.name, storage.chunks(name))
            except MediaUnknown:
                continue
        copied.append(kept)
    return copied


async def _drop_unused(place: Place, names: dict[str, tuple[datetime, int]], kept: list[str]) -> None:
    used = set[str]()
    for backup in kept:
        try:
            used |= {one_.name for one_ in (await read_contents(place, backup)).media}
        except BackupUnreadable:  # of another master key: nobody can tell what it needs
            return
    before = datetime.now(UTC) - _UNUSED
    for name, (written, _) in names.items():
        if name.startswith("media/") and name not in used and written < before:
            await place.delete(name)
