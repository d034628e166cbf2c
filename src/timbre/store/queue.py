"""The queue: procrastinate, on the pool of the database.

An entry exists if and only if the transaction that made it committed. Lanes keep what is quick from waiting behind
what is slow.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from procrastinate import App, PsycopgConnector

from timbre.store.database import Connection, Database

FETCH_TASK: Final = "fetch"
HEAR_TASK: Final = "hear"
DELIVER_TASK: Final = "deliver"


class Lane(StrEnum):
    """The queues, by what is scarce there."""

    FETCH = "fetch"  # the network: recordings on their way into the storage
    SHORT = "short"  # the processor, for seconds
    LONG = "long"  # the processor, for minutes
    WEBHOOKS = "webhooks"  # receivers that may be slow


class Queue:
    """Puts entries into lanes; `app` is procrastinate's own, for workers."""

    def __init__(self, database: Database) -> None:
        self.app = App(connector=PsycopgConnector())
        self._pool = database.pool

    async def open(self) -> None:
        """Use the database's pool."""
        await self.app.open_async(self._pool)

    async def defer(
        self, connection: Connection, lane: Lane, task: str, *, at: datetime | None = None, **arguments: str | int
    ) -> None:
        """Add an entry in the transaction of a connection; with `at`, not before then."""
        deferrer = self.app.configure_task(task, queue=lane, schedule_at=at, allow_unknown=True, connection=connection)
        await deferrer.defer_async(**arguments)
