"""The queue: procrastinate, on the pool of the database.

An entry exists if and only if the transaction that made it committed. Lanes keep what is quick from waiting behind
what is slow.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from timbre.errors import ServiceUnavailable
from timbre.store.database import Connection, Database
from timbre.store.queries import queries

_SQL: Final = queries("queue")
FETCH_TASK: Final = "fetch"
HEAR_TASK: Final = "hear"
DELIVER_TASK: Final = "deliver"
UPGRADE_TASK: Final = "upgrade"


class Lane(StrEnum):
    """The queues, by what is scarce there."""

    FETCH = "fetch"  # the network: recordings on their way into the storage
    SHORT = "short"  # the processor, for seconds
    LONG = "long"  # the processor, for minutes
    WEBHOOKS = "webhooks"  # receivers that may be slow
    UPGRADES = "upgrades"  # the processor, for as long as a gallery takes


class Queue:
    """Puts entries into lanes; `app` is procrastinate's own, for workers."""

    def __init__(self, database: Database) -> None:
        self.app = App(connector=PsycopgConnector())
        self._database = database

    async def open(self) -> None:
        """Use the database's pool."""
        await self.app.open_async(self._database.pool)

    async def defer(
        self, connection: Connection, lane: Lane, task: str, *, at: datetime | None = None, **arguments: str | int
    ) -> None:
        """Add an entry in the transaction of a connection; with `at`, not before then.

        Raises:
            ServiceUnavailable: the database broke off.
        """
        deferrer = self.app.configure_task(task, queue=lane, schedule_at=at, allow_unknown=True, connection=connection)
        try:
            await deferrer.defer_async(**arguments)
        except ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError):
                raise
            raise ServiceUnavailable("The database does not answer; try again soon.") from error

    async def drop_ended(self, silence: float) -> None:
        """Drop entries that a worker took and could not put away: what they were for ended so many seconds ago."""
        await self._database.one(_SQL["drop_ended"], {"silence": silence})
