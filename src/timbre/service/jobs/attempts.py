"""Attempts at jobs, as workers make them.

Beginning raises the job's `attempt`, and everything that follows is fenced by it: a worker that lost its job, or whose
job was canceled, changes nothing any more. What ends a job, its output, its webhook and its usage commit together.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

from timbre.errors import Canceled
from timbre.service.accounts.usage import Usage
from timbre.service.jobs.jobs import GIVEN_UP, lane_for, unfinished_lane
from timbre.service.outside.webhooks import Webhooks
from timbre.service.results.outputs import packed
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.identifiers import worker_name
from timbre.store.queries import queries
from timbre.store.queue import HEAR_TASK, Lane, Queue

_SQL: Final = queries("jobs")
# What is written with an output, in its transaction, before the job ends; it may return another output to keep.
Within = Callable[[Connection], Awaitable[bytes | None]]
_log: Final = structlog.get_logger("timbre.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a job."""

    job: UUID
    team: UUID
    key: UUID | None = None  # it was submitted with, as long as that is known
    type: str
    model: str  # the pack
    params: dict[str, Any]  # the request, as it came over the wire
    media: UUID | None
    object: str | None  # what was fetched for this job
    number: int
    suspect: bool = False  # one before it died with its worker or its decoder, and this recording may be to blame


class _Lost(Exception):
    """The job is no longer this attempt's."""


class Attempts:
    """Begins, reports and ends attempts."""

    def __init__(
        self, database: Database, queue: Queue, *, usage: Usage, webhooks: Webhooks, settings: Settings
    ) -> None:
        self._database = database
        self._queue = queue
        self._usage = usage
        self._webhooks = webhooks
        self._settings = settings

    async def begin(self, job: UUID, stage: str) -> Attempt | None:
        """Begin; None if the job has ended, is gone, or was given up just now because it kills its workers."""
        arguments = {"id": job, "stage": stage, "worker": worker_name(os.getpid())}
        row = await self._database.one(_SQL["begin"], arguments)
        if row is None:
            return None
        attempt = Attempt(
            job=row["id"],
            team=row["team_id"],
            key=row["key_id"],
            type=row["type"],
            model=row["model"],
            params=row["params"],
            media=row["media_id"],
            object=row["object"],
            number=row["attempt"],
            suspect=row["unfinished"] > 1,
        )
        if row["unfinished"] > self._settings.job_attempts:
            await self.fail(
                attempt,
                f"{GIVEN_UP}: the worker died {self._settings.job_attempts} times while it worked on this recording;"
                " see the server's log.",
            )
            return None
        return attempt

    async def report(self, attempt: Attempt, stage: str, progress: float) -> None:
        """Say how far it is.

        Raises:
            Canceled: the job is no longer this attempt's.
        """
        await self._mine("report", attempt, stage=stage, progress=progress)

    async def keep_alive(self, attempt: Attempt) -> None:
        """Say that it goes on.

        Raises:
            Canceled: the job is no longer this attempt's.
        """
        await self._mine("keep_alive", attempt)

    async def stand_aside(self, attempt: Attempt) -> None:
        """Say that it waits, so that it is not to blame if its worker dies meanwhile; until `go_on`.

        Raises:
            Canceled: the job is no longer this attempt's.
        """
        await self._mine("blame", attempt, more=-1)

    async def go_on(self, attempt: Attempt) -> None:
        """Say that it waits no more.

        Raises:
            Canceled: the job is no longer this attempt's.
        """
        await self._mine("blame", attempt, more=1)

    async def pause(self, attempt: Attempt) -> None:
        """Give the job back unfinished, for another attempt."""
        await self._database.one(_SQL["pause"], _fence(attempt))

    async def break_off(self, attempt: Attempt, error: str) -> bool:
        """Give the job back for another attempt, unless this was the last; end it with the reason then.

        Returns:
            Whether there is another attempt.
        """
        most = self._settings.job_attempts
        if await self._database.one(_SQL["break_off"], {**_fence(attempt), "most": most}) is not None:
            _log.warning("broken off", job=str(attempt.job), type=attempt.type, error=error)
            return True
        await self.fail(attempt, f"{GIVEN_UP} after {most} attempts. {error}")
        return False

    async def hand_over(self, attempt: Attempt, name: str, size: int) -> None:
        """Note what was fetched, and send the job on to be heard, if it is still this attempt's; `knows` tells."""
        async with self._database.transaction() as connection:
            if await one(connection, _SQL["hand_over"], {**_fence(attempt), "object": name, "bytes": size}) is not None:
                lane = lane_for(attempt.type, size, self._settings)
                await self._queue.defer(connection, lane, HEAR_TASK, team=attempt.team, job=str(attempt.job))

    async def move_on(self, attempt: Attempt) -> None:
        """Send the job on to the lane for long recordings, as its own is one."""
        async with self._database.transaction() as connection:
            if await one(connection, _SQL["pause"], _fence(attempt)) is not None:
                await self._queue.defer(connection, Lane.LONG, HEAR_TASK, team=attempt.team, job=str(attempt.job))

    async def knows(self, attempt: Attempt, name: str) -> bool:
        """Whether this is the object that was fetched for the attempt's job."""
        return await self._database.one(_SQL["handed_over"], {"id": attempt.job, "object": name}) is not None

    async def succeed(
        self,
        attempt: Attempt,
        output: bytes,
        duration: float,
        *,
        warning: str | None = None,
        peaks: bytes | None = None,
        within: Within | None = None,
    ) -> bool:
        """End it well; tell whether it was still this attempt's.

        Args:
            attempt: Which.
            output: JSON.
            duration: Seconds of audio that were heard.
            warning: What is to be known of the output, beside what was told at the submission.
            peaks: The waveform, a byte each for equal parts of it.
            within: Writes what belongs to the output in the same transaction; undone if the attempt has lost its job.
        """
        body, length = await asyncio.to_thread(packed, output)
        try:
            async with self._database.transaction() as connection:
                if within is not None and (now := await within(connection)) is not None:
                    body, length = await asyncio.to_thread(packed, now)
                ended = {"status": "succeeded", "duration": duration, "error": None, "warning": warning}
                arguments = {**_fence(attempt), **ended}
                row = await one(connection, _SQL["finish"], arguments)
                if row is None:
                    raise _Lost
                kept = {"job": attempt.job, "body": body, "length": length, "peaks": peaks}
                await connection.execute(_SQL["keep_output"], kept)
                await self._usage.count(connection, row, duration)
                await self._webhooks.announce(connection, row)
        except _Lost:
            return False
        _log.info("succeeded", job=str(attempt.job), type=attempt.type, seconds_of_audio=round(duration, 1))
        return True

    async def fail(self, attempt: Attempt, error: str, *, within: Within | None = None) -> bool:
        """End it badly with a reason the client can do something with; tell whether it was still this attempt's.

        Args:
            attempt: Which.
            error: The reason.
            within: Writes what belongs to that end in the same transaction; undone if the attempt has lost its job.
        """
        try:
            await self._fail(attempt, error, within)
        except _Lost:
            return False
        _log.info("failed", job=str(attempt.job), type=attempt.type, error=error)
        return True

    async def _fail(self, attempt: Attempt, error: str, within: Within | None) -> None:
        async with self._database.transaction() as connection:
            if within is not None:
                await within(connection)
            ended = {"status": "failed", "duration": None, "error": _storable(error), "warning": None}
            arguments = {**_fence(attempt), **ended}
            row = await one(connection, _SQL["finish"], arguments)
            if row is None:
                raise _Lost
            await self._webhooks.announce(connection, row)

    async def recover(self, silence: float) -> int:
        """Put jobs back into their lanes that nobody works on and nothing waits for; return how many.

        One rule covers workers that died, entries that were lost and databases that were restarted: a job that has
        not ended, has not been heard of for `silence` seconds and is not waiting in a lane gets a new entry.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_SQL["forgotten"], {"silence": silence})
            rows = await cursor.fetchall()
            for row in rows:
                cursor = await connection.execute(_SQL["drop_entries"], {"job": str(row["id"])})
                lane, task = unfinished_lane(row, self._settings)
                for entry in await cursor.fetchall():
                    if entry["task"] == task:
                        lane = Lane(entry["lane"])  # chosen by a size that only whoever fetched it knew
                # It had its turn already, and what came after it has waited less.
                await self._queue.defer(connection, lane, task, team=row["team_id"], first=True, job=str(row["id"]))
        if rows:
            _log.warning("took up jobs that were left", jobs=[str(row["id"]) for row in rows])
        return len(rows)

    async def _mine(self, query: str, attempt: Attempt, **arguments: object) -> None:
        if await self._database.one(_SQL[query], {**_fence(attempt), **arguments}) is None:
            raise Canceled


def _fence(attempt: Attempt) -> dict[str, object]:
    return {"id": attempt.job, "attempt": attempt.number}


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
