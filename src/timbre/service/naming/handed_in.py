"""Transcripts that are handed in for results that are there, and stay with them: labelled by what stands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from timbre.errors import FormatError, OutputMissing, RequestInvalid, ServiceUnavailable
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.label_requests import TranscriptRequest
from timbre.service.results.decisions import Decision, read_log, walk
from timbre.service.results.outputs import kept, names_of, note_people, settle_both, unpacked
from timbre.service.results.standing import Output, stand
from timbre.service.results.transcripts import remove_transcript, write_transcript
from timbre.store.database import Database, Row, one
from timbre.store.queries import queries

_SQL: Final = queries("outputs")
_AT_ONCE: Final = 2  # transcripts that are worked on; the largest take half a gigabyte each
_TRIES: Final = 30  # of a change, while others change the same job
_PAUSE: Final = 0.05  # seconds between two, at most, so that they fall apart


class HandedIn:
    """The transcripts of results."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs
        self._working = asyncio.Semaphore(_AT_ONCE)

    async def hand_in(self, team: UUID, job: UUID, request: TranscriptRequest) -> tuple[str, ...]:
        """Put a transcript into a result, in place of one that is there; return what is to be known of it.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or none that says who speaks.
            RequestInvalid: the transcript is malformed.
        """
        duration = (await self._jobs.get(team, job))["duration"]
        faults: tuple[str, ...] = ()

        def write(proposal: Output) -> None:
            nonlocal faults
            faults = write_transcript(proposal, request.transcript, request.format, duration=duration)

        try:
            await self._change(team, job, write)
        except FormatError as error:
            raise RequestInvalid([("transcript", str(error))]) from None
        return faults

    async def take_away(self, team: UUID, job: UUID) -> None:
        """Take the transcript out of a result, if it has one.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or none that says who speaks.
        """
        await self._change(team, job, remove_transcript)

    async def _change(self, team: UUID, job: UUID, change: Callable[[Output], None]) -> None:
        async with self._working:
            for _ in range(_TRIES):
                row = await self._jobs.get(team, job)
                async with self._database.transaction() as connection:
                    decisions = walk(await read_log(connection, job)).stands
                    found = await one(connection, _SQL["proposal"], {"job": job})
                    people = await names_of(connection, team, decisions)
                if found is None:
                    raise OutputMissing
                proposal = await asyncio.to_thread(unpacked, found["proposal"])
                if "diarization" not in proposal:
                    raise OutputMissing("This job's output does not say who speaks, so there is nothing to label by.")
                await asyncio.to_thread(change, proposal)
                output = await asyncio.to_thread(stand, proposal, decisions, people)
                if await self._write(team, row, proposal, output, decisions):
                    return
                await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - nothing secret
        raise ServiceUnavailable("Others change this job at the same time; try again soon.")

    async def _write(
        self, team: UUID, row: Row, proposal: Output, output: Output, decisions: Sequence[Decision]
    ) -> bool:
        """Write what was computed, unless the job was changed since its record was read."""
        async with self._database.transaction() as connection:
            output = await settle_both(connection, team, proposal, output, decisions)
            if await one(connection, _SQL["hold_job"], {"job": row["id"], "seen": row["updated_at"]}) is None:
                return False
            new = await asyncio.to_thread(kept, proposal, output)
            if await one(connection, _SQL["replace_output"], {"job": row["id"], **new.columns}) is None:
                raise OutputMissing  # its time was over just now
            await note_people(connection, team, row["id"], new.mentioned, new.summary)
        return True
