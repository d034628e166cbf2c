"""The schema's version: bringing a database up to date, and telling whether it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow

from timbre.errors import DatabaseUnavailable, SchemaOutdated
from timbre.store.database import unavailable

HEAD: Final = "0010"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_KNOWN: Final = frozenset(path.name[: len(HEAD)] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
_LOCK: Final = 0x74696D6272  # one migration at a time, whoever starts it
_READ_VERSION: Final = "SELECT version_num FROM alembic_version"
_READ_FLOOR: Final = "SELECT oldest FROM schema_floor"
# A change of a table waits for whoever uses it, and all others wait behind it: so it gives up soon, and tries again.
_LOCK_WAIT: Final = "SET lock_timeout = '2s'"
_TRIES: Final = 30
_PAUSE: Final = 1.0  # seconds between them


def migrate(url: str) -> None:
    """Bring the database at this address to the version this Timbre needs.

    Raises:
        DatabaseUnavailable: it cannot be reached, or refuses.
        SchemaOutdated: it is of a newer version, and was left alone.
    """
    found = _version(url)
    if found == HEAD:
        return
    if found is not None and found not in _KNOWN:
        raise _newer(found)
    # Slow to import, and needed once in the life of a server.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, make_url, text  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError, OperationalError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(_LOCK_WAIT))
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes["connection"] = connection
            for left in reversed(range(_TRIES)):
                try:
                    command.upgrade(config, "head")
                    connection.commit()
                    break
                except OperationalError as error:
                    connection.rollback()
                    if not left or not isinstance(error.orig, errors.LockNotAvailable):
                        raise
                    time.sleep(_PAUSE)
    except DBAPIError as error:
        raise DatabaseUnavailable(f"The database cannot be brought up to date: {error.orig}") from error


def _version(url: str) -> str | None:
    """The version of a database, None of one that is empty."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute(_READ_VERSION).fetchone()
    except errors.UndefinedTable:
        return None
    except psycopg.Error as error:
        raise unavailable(error) from None
    return None if row is None else str(row[0])


async def check_schema(connection: AsyncConnection[DictRow]) -> None:
    """Tell whether the database fits this Timbre: it is of its version, or of a newer one that bears it still.

    Raises:
        SchemaOutdated: it was made by another version, or not at all.
    """
    try:
        row = await (await connection.execute(_READ_VERSION)).fetchone()
    except errors.UndefinedTable:
        row = None
    if row is None:
        raise SchemaOutdated("The database is empty; set it up with `timbre migrate`.")
    if row["version_num"] not in _KNOWN:
        if await _bears(connection):
            return
        raise _newer(row["version_num"])
    if row["version_num"] != HEAD:
        raise SchemaOutdated


async def _bears(connection: AsyncConnection[DictRow]) -> bool:
    """Whether the tables of a newer version are good for this one too."""
    row = await (await connection.execute(_READ_FLOOR)).fetchone()
    return row is not None and row["oldest"] <= HEAD


def is_known(version: str) -> bool:
    """Whether tables of this version can be brought up to date."""
    return version in _KNOWN


def _newer(found: str) -> SchemaOutdated:
    return SchemaOutdated(
        f"The database was made by a newer version of Timbre: its tables are of version {found}, and this one knows no"
        f" other than {HEAD} and those before. Run that version, or name another database or data folder; nothing was"
        " changed."
    )
