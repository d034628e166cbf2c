"""Restoring a backup into an empty database, so that what was erased since stays erased."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from psycopg.sql import Literal

from timbre.errors import BackupMissing, RestoreRefused, SchemaOutdated
from timbre.service.backups.backup import Progress
from timbre.service.backups.contents import Contents, database_of, read_contents
from timbre.service.backups.erasures import erase_again, logged_since
from timbre.service.backups.place import Place, backups_among
from timbre.service.files.storage import Storage
from timbre.service.keys.template_protection import check_master_key
from timbre.settings import Settings
from timbre.store.database import Database, open_database
from timbre.store.dumps import load
from timbre.store.queries import queries
from timbre.store.schema import HEAD, is_known, migrate

_SQL: Final = queries("backups")
_JOBS: Final = queries("jobs")
_MARK: Final = "INSERT INTO public.upkeep (task, at) VALUES ({}, now());\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back."""

    contents: Contents
    erased: Counter[str]  # what had come back, and was erased again, by kind
    recordings: int  # that are in the storage again


async def choose(place: Place, backup: str | None) -> Contents:
    """The contents of a backup, the newest unless one is named.

    Raises:
        BackupMissing: it is not here.
        BackupUnreadable: it is of another master key, or damaged.
    """
    there = backups_among(await place.names())
    if not there:
        raise BackupMissing
    if backup is not None and backup not in there:
        raise BackupMissing(f"There is no backup {backup} here; there are: {', '.join(there)}.")
    return await read_contents(place, backup or there[-1])


async def restore(
    url: str, contents: Contents, place: Place, *, storage: Storage, settings: Settings, progress: Progress
) -> Restored:
    """Fill an empty database, and the storage that belongs to it; what was broken off goes on.

    Raises:
        RestoreRefused: there is something in the database.
        SchemaOutdated: a newer version of Timbre made the backup.
        BackupError: the database refuses it, or it is not whole.
        MasterKeyInvalid: the master key is not the one that protects its voiceprints.
        ServiceUnavailable: the database, the storage or the place does not answer.
    """
    if not is_known(contents.schema):
        raise SchemaOutdated(
            f"A newer version of Timbre made this backup: its tables are of version {contents.schema}, and this one"
            f" knows no other than {HEAD} and those before. Restore it with that version; nothing was changed."
        )
    task = f"restoring {contents.id}"
    async with open_database(url, connections=2, application="timbre restore") as database:
        if not await _begun(database, task):
            await load(url, place.get(database_of(contents.id)), _MARK.format(Literal(task).as_string()).encode())
    migrate(url)
    async with open_database(url, connections=2, application="timbre restore") as database:
        await check_master_key(database, settings)
        erased = await erase_again(database, settings, await logged_since(place, contents.id))
        await database.one(_JOBS["abandon_all"])
        await database.one(_SQL["sign_all_out"])
        recordings = await _copied_back(database, contents, place, storage, progress)
        await database.one(_SQL["restored"], {"task": task})
    return Restored(contents=contents, erased=erased, recordings=recordings)


async def _begun(database: Database, task: str) -> bool:
    """Whether this very backup is in the database already, and only what comes after is missing."""
    anything = await database.one(_SQL["anything"])
    if not anything or not anything["found"]:
        return False
    async with database.transaction() as connection:
        there = await (await connection.execute(_SQL["tables"])).fetchall()
        if "upkeep" in {row["name"] for row in there}:
            row = await (await connection.execute(_SQL["restoring"], {"task": task})).fetchone()
            if row and row["found"]:
                return True
    raise RestoreRefused


async def _copied_back(
    database: Database, contents: Contents, place: Place, storage: Storage, progress: Progress
) -> int:
    """Copy what the database still knows, after the erasures, and the storage does not have."""
    known = {row["object"] for row in await database.all(_SQL["kept_media"])}
    wanted = [kept for kept in contents.media if kept.object in known]
    for number, kept in enumerate(wanted):
        progress(number, len(wanted))
        if await storage.size(kept.object) != kept.bytes:
            await storage.put(kept.object, place.get(kept.name), most_bytes=max(kept.bytes, 1))
    return len(wanted)
