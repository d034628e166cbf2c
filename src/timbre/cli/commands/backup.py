"""`timbre backup`, `timbre verify`, `timbre restore`: a server as it was, sealed, in a place of its own."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from timbre.cli.display.progress import filling
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import megabytes
from timbre.cli.exits import tell
from timbre.cli.options import DataDir
from timbre.cli.server.data_folder import database_url, embedded, held, server_settings

if TYPE_CHECKING:
    from timbre.service.backups.contents import Contents
    from timbre.service.backups.place import Place
    from timbre.settings import Settings
    from timbre.store.database import Database

Where = Annotated[
    str, typer.Argument(metavar="PLACE", help="Folder of the backups, or a bucket: s3://…, gs://…, az://….")
]
Backup = Annotated[str | None, typer.Option("--backup", help="Which one, by its time.", show_default="the newest one")]
_COLUMNS: Final = (
    Column("Backup"),
    Column("Timbre"),
    Column("Tables"),
    Column("Rows", "number"),
    Column("Recordings", "number"),
    Column("Database", "number"),
)
_ERASED: Final = {
    "person": ("person", "people"),
    "sample": ("sample", "samples"),
    "job": ("job", "jobs"),
    "voices": ("team's voices", "teams' voices"),
    "key": ("revoked key", "revoked keys"),
}


def backup(
    place: Where,
    *,
    keep_days: Annotated[
        float | None,
        typer.Option("--keep-days", help="Drop backups that are older, all but the newest.", show_default="keep all"),
    ] = None,
    erasures: Annotated[
        bool, typer.Option("--erasures", help="Write down who and what was erased since the last time, nothing else.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Back up the database and the recordings that are kept, while the server runs."""
    if keep_days is not None and not 0 <= keep_days < math.inf:
        raise typer.BadParameter("expected days, such as 30", param_hint="--keep-days")
    settings = server_settings(data_dir)
    with database_url(settings) as url:
        if erasures:
            asyncio.run(_note_erasures(settings, url, place))
            return
        contents, dropped = asyncio.run(_back_up(settings, url, place, keep_days))
    tell(f"Backed up as {contents.id}: {_told(contents)}.")
    if dropped:
        tell(f"Dropped {dropped} older {'backup' if dropped == 1 else 'backups'}.")


def verify(
    place: Where,
    *,
    backup: Backup = None,
    data_dir: DataDir = None,
) -> None:
    """List the backups, and prove one: open all of it, restore its database into one that is thrown away, count."""
    settings = server_settings(data_dir)

    async def act() -> tuple[list[Contents], Contents]:
        from timbre.service.backups.restoring import choose  # noqa: PLC0415
        from timbre.service.backups.verification import readable, verify  # noqa: PLC0415

        there = _place(settings, place)
        contents = await choose(there, backup)
        with filling("Recordings") as progress:
            await verify(contents, there, settings.temp_dir, progress)
        return await readable(there), contents

    listed, contents = asyncio.run(act())
    show(Table(columns=_COLUMNS, rows=[_row(each) for each in listed]))
    tell(f"{contents.id} is whole: {_told(contents)}.")


def restore(
    place: Where,
    *,
    backup: Backup = None,
    data_dir: DataDir = None,
) -> None:
    """Restore a backup into an empty database; who and what was erased since stays erased."""
    from timbre.service.backups.restoring import Restored, choose, restore  # noqa: PLC0415

    settings = server_settings(data_dir)
    there = _place(settings, place)
    contents = asyncio.run(choose(there, backup))

    async def act(url: str) -> Restored:
        from timbre.service.files.storage import open_storage  # noqa: PLC0415

        with filling("Recordings") as progress:
            return await restore(
                url, contents, there, storage=open_storage(settings), settings=settings, progress=progress
            )

    if settings.database_url:
        done = asyncio.run(act(settings.database_url))
    else:
        postgres = embedded(settings)
        with held(settings.data_dir):
            url = postgres.start()
            try:
                done = asyncio.run(act(url))
            finally:
                postgres.stop()
    tell(f"Restored {contents.id}: {_told(contents)}.")
    if done.erased:
        tell(f"Erased again, as it was after this backup: {_erased(done.erased)}.")
    if lost := len(contents.media) - done.recordings:
        tell(f"{lost} recordings were not restored: what knew of them was erased, or is over its time.")
    tell("Everybody has to sign in to the web app again.")


async def _back_up(settings: Settings, url: str, where: str, keep_days: float | None) -> tuple[Contents, int]:
    from timbre import __version__  # noqa: PLC0415
    from timbre.service.backups.backup import drop_old, make_backup  # noqa: PLC0415
    from timbre.service.files.storage import open_storage  # noqa: PLC0415

    there = _place(settings, where)
    async with _checked(url, settings) as database:
        storage = open_storage(settings)
        with filling("Recordings") as progress:
            contents = await make_backup(database, url, storage, there, version=__version__, progress=progress)
    return contents, 0 if keep_days is None else await drop_old(there, keep_days)


async def _note_erasures(settings: Settings, url: str, where: str) -> None:
    from timbre.service.backups.backup import note_erasures  # noqa: PLC0415

    there = _place(settings, where)
    async with _checked(url, settings) as database:
        count = await note_erasures(database, there)
    tell(f"{count} erasures were written down." if count else "Nothing was erased since the last time.")


@asynccontextmanager
async def _checked(url: str, settings: Settings) -> AsyncIterator[Database]:
    from timbre.service.keys.template_protection import check_master_key  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415
    from timbre.store.schema import check_schema  # noqa: PLC0415

    async with open_database(url, connections=2, application="timbre backup") as database:
        async with database.transaction() as own:
            await check_schema(own)
        await check_master_key(database, settings)
        yield database


def _place(settings: Settings, where: str) -> Place:
    from timbre.service.backups.place import open_backups  # noqa: PLC0415
    from timbre.service.keys.master_key import MasterKeys  # noqa: PLC0415

    return open_backups(where, MasterKeys.load(settings))


def _told(contents: Contents) -> str:
    return (
        f"{sum(contents.tables.values())} rows of {len(contents.tables)} tables in"
        f" {megabytes(contents.database_bytes)}, {_counted(len(contents.media), 'recording', 'recordings')}"
    )


def _row(contents: Contents) -> tuple[str, ...]:
    rows, recordings = sum(contents.tables.values()), len(contents.media)
    size = megabytes(contents.database_bytes)
    return contents.id, contents.timbre, contents.schema, str(rows), str(recordings), size


def _erased(erased: Counter[str]) -> str:
    return ", ".join(_counted(count, *_ERASED[kind]) for kind, count in erased.items())


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
