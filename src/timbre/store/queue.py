"""The queue: procrastinate, on the pool of the database.

An entry exists if and only if the transaction that made it committed. Lanes keep what is quick from waiting behind
what is slow, and in each of them teams have their turns; see `timbre.fairness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from timbre.errors import ServiceUnavailable
from timbre.store.database import BROKEN, Connection, Database
from timbre.store.queries import queries

_SQL: Final = queries("queue")
FETCH_TASK: Final = "fetch"
HEAR_TASK: Final = "hear"
DELIVER_TASK: Final = "deliver"
UPGRADE_TASK: Final = "upgrade"
_ANY_NUMBER: Final = 1 << 30


class Lane(StrEnum):
    """The queues, by what is scarce there."""

    FETCH = "fetch"  # the network: recordings on their way into the storage
    SHORT = "short"  # the processor, for seconds; where it turns out how long a recording is
    LONG = "long"  # the processor, for minutes
    WEBHOOKS = "webhooks"  # receivers that may be slow
    UPGRADES = "upgrades"  # the processor, for as long as a gallery takes


class _Turns(JobManager):
    """Takes entries in turns by team, where procrastinate itself takes the oldest."""

    def __init__(self, connector: PsycopgConnector, shares: Mapping[Lane, int]) -> None:
        super().__init__(connector)
        self._shares = shares

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take an entry; a team holds no more of this worker's places in a lane than its share."""
        for lane in map(Lane, queues or Lane):
            row = await self.connector.execute_query_one_async(
                query=_SQL["take"].decode(),
                lane=lane,
                worker=worker_id,
                most=self._shares.get(lane, _ANY_NUMBER),
            )
            if row["id"] is not None:
                return Job.from_row(row)
        return None

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put an entry back for as long as this machine's clock says, by the clock of the database, which wakes it."""
        waits = max(0.0, (retry_at - datetime.now(UTC)).total_seconds())
        row = await self.connector.execute_query_one_async(query=_SQL["after"].decode(), seconds=waits)
        await super().retry_job_by_id_async(job_id, row["at"], priority, queue, lock)


class Queue:
    """Puts entries into lanes; `app` is procrastinate's own, for workers."""

    def __init__(self, database: Database, shares: Mapping[Lane, int] | None = None) -> None:
        """Prepare it.

        Args:
            database: Where it lies.
            shares: How many places of a worker a team may hold in each lane; any number if left out.
        """
        connector = PsycopgConnector()
        self.app = App(connector=connector)
        self.app.job_manager = _Turns(connector, shares or {})
        self._database = database

    async def open(self) -> None:
        """Use the database's pool."""
        await self.app.open_async(self._database.pool)

    async def defer(
        self,
        connection: Connection,
        lane: Lane,
        task: str,
        *,
        team: UUID,
        at: datetime | None = None,
        first: bool = False,
        **arguments: str | int,
    ) -> None:
        """Add an entry of a team in the transaction of a connection; with `at`, not before then.

        What comes `first` is before all that the team has waiting in the lane.

        Raises:
            ServiceUnavailable: the database broke off.
        """
        deferrer = self.app.configure_task(
            task, queue=lane, schedule_at=at, priority=int(first), allow_unknown=True, connection=connection
        )
        try:
            await deferrer.defer_async(team=str(team), **arguments)
        except ConnectorException as error:
            if not isinstance(error.__cause__, BROKEN):
                raise
            raise ServiceUnavailable("The database does not answer; try again soon.") from error

    async def hurry(self, silence: float, *, longest: float) -> None:
        """Let entries wait no more that would for longer than any is put off: the database's clock was set back.

        Args:
            silence: Seconds beyond that.
            longest: Seconds that a webhook is put off at most.
        """
        await self._database.one(_SQL["hurry"], {"silence": silence, "longest": float(longest)})

    async def drop_ended(self, silence: float) -> None:
        """Drop entries that a worker took and could not put away: what they were for ended so many seconds ago."""
        await self._database.one(_SQL["drop_ended"], {"silence": silence})
