"""Scrubbing: what was erased goes from the files of the database as well.

PostgreSQL only marks a row as dead, and lets its bytes be until their place is used again; the log that it writes ahead
(WAL) has them, too. So after erasures small tables are written anew, and the log begins a new file and lets those
before it go. What this reaches, and what it cannot: docs/explanations/retention-and-privacy.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from psycopg.sql import SQL, Identifier

from timbre.service.people.search import Search
from timbre.store.database import Connection, Database, Row, one
from timbre.store.queries import queries

MOST_BYTES: Final = 128 << 20  # of a table that is written anew by itself: nobody can use it for a second or so
_SQL: Final = queries("scrubbing")
_log: Final = structlog.get_logger("timbre.retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What was reached."""

    rewritten: tuple[str, ...] = ()  # tables; nothing that was erased is left in them
    cleaned: tuple[str, ...] = ()  # too large for that; their bytes stay until their place is used again
    left: tuple[str, ...] = ()  # that somebody else was using
    log: bool = False  # whether the log written ahead was let go; the database may not allow it


class Scrubbing:
    """Takes what was erased out of the files of the database."""

    def __init__(self, database: Database, search: Search) -> None:
        self._database = database
        self._search = search

    async def sweep(self) -> Scrubbed | None:
        """Scrub if anything was erased since the last time, or that was a day ago; None if there is no need."""
        row = await self._database.one(_SQL["due"])
        if not row or not row["due"]:
            return None
        return await self._scrub(most_bytes=MOST_BYTES)

    async def scrub(self) -> Scrubbed | None:
        """Write all tables anew, however large; None if another process is at it.

        Indexes of large galleries are made again by a worker. Meanwhile everybody waits for the table in hand.
        """
        async with self._search.without_indexes():
            return await self._scrub(most_bytes=None)

    async def _scrub(self, most_bytes: int | None) -> Scrubbed | None:
        async with self._database.apart() as connection:
            row = await one(connection, _SQL["alone"])
            if not row or not row["locked"]:
                return None
            began = await one(connection, _SQL["begin"])
            if most_bytes is not None:
                await connection.execute(_SQL["be_brief"])
            rewritten, cleaned, left = list[str](), list[str](), list[str]()
            for table in await (await connection.execute(_SQL["tables"])).fetchall():
                small = most_bytes is None or (table["bytes"] <= most_bytes and not table["has_graph"])
                if not await _vacuum(connection, "rewrite" if small else "clean", table):
                    left.append(table["name"])
                else:
                    (rewritten if small else cleaned).append(table["name"])
            scrubbed = Scrubbed(
                rewritten=tuple(rewritten),
                cleaned=tuple(cleaned),
                left=tuple(left),
                log=await _let_log_go(connection),
            )
            if began and not left:
                await connection.execute(_SQL["done"], {"at": began["at"]})
            _log.info("scrubbed", cleaned=cleaned, left=left, log=scrubbed.log)
            return scrubbed


async def _vacuum(connection: Connection, how: str, table: Row) -> bool:
    query = SQL(_SQL[how].decode()).format(table=Identifier(table["name"]))
    try:
        await connection.execute(query)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


async def _let_log_go(connection: Connection) -> bool:
    """Have what is in the log brought into the files, and files of the log that hold nothing newer removed."""
    try:
        await connection.execute(_SQL["switch_log"])
        await connection.execute(_SQL["checkpoint"])
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
