"""The schema's version: bringing a database up to date, and telling whether it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.rows import DictRow

from timbre.errors import DatabaseUnavailable, SchemaOutdated

HEAD: Final = "0002"
_LOCK: Final = 0x74696D6272  # one migration at a time, whoever starts it
_READ_VERSION: Final = "SELECT version_num FROM alembic_version"


def migrate(url: str) -> None:
    """Bring the database at this address to the version this Timbre needs.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    if _version(url) == HEAD:
        return
    # Slow to import, and needed once in the life of a server.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, make_url, text  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except OperationalError as error:
        raise _unavailable(error.orig) from None


def _version(url: str) -> str | None:
    """The version of a database, None of one that is empty."""
    try:
        with psycopg.connect(url) as connection:
            row = connection.execute(_READ_VERSION).fetchone()
    except errors.UndefinedTable:
        return None
    except psycopg.OperationalError as error:
        raise _unavailable(error) from None
    return None if row is None else str(row[0])


def _unavailable(error: object) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"The database cannot be reached: {error}; check TIMBRE_DATABASE_URL.")


async def check_schema(connection: AsyncConnection[DictRow]) -> None:
    """Tell whether the database fits this Timbre.

    Raises:
        SchemaOutdated: it was made by another version, or not at all.
    """
    try:
        row = await (await connection.execute(_READ_VERSION)).fetchone()
    except errors.UndefinedTable:
        raise SchemaOutdated("The database is empty; set it up with `timbre migrate`.") from None
    if row is None or row["version_num"] != HEAD:
        raise SchemaOutdated
