"""Jobs as clients see them: submitted, looked at, listed, canceled, erased.

    created ── a worker begins it ──► running ──► succeeded | failed
       └───────────── DELETE ────────────┴──► canceled

A job's row, its entry in the queue and its idempotency key are written in one transaction.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from timbre.errors import IdempotencyConflict, JobUnknown, OutputMissing
from timbre.service.identifiers import new_id
from timbre.service.media import Media, media_key
from timbre.service.packs import Packs
from timbre.service.requests import DiarizeRequest, IdentifyRequest, VoiceprintRequest
from timbre.service.storage import Storage
from timbre.service.teams import Caller
from timbre.service.usage import Usage
from timbre.service.webhooks import Webhooks
from timbre.settings import Settings
from timbre.store.database import Database, Row, one
from timbre.store.queries import queries
from timbre.store.queue import FETCH_TASK, HEAR_TASK, Lane, Queue

JobType = Literal["diarize", "identify", "voiceprint"]
FINAL: Final = frozenset({"succeeded", "failed", "canceled"})
CANCELED: Final = "Canceled by the caller"
_SQL: Final = queries("jobs")
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a client learns of a job it submitted."""

    id: UUID
    warning: str | None
    replayed: bool  # whether an Idempotency-Key found the job of an earlier request


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What makes a request count once: the client's key, and a digest of what was asked."""

    key: str
    digest: bytes


class Jobs:
    """The jobs of every team."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        media: Media,
        storage: Storage,
        packs: Packs,
        usage: Usage,
        webhooks: Webhooks,
        settings: Settings,
    ) -> None:
        self._database = database
        self._queue = queue
        self._media = media
        self._storage = storage
        self._packs = packs
        self._usage = usage
        self._webhooks = webhooks
        self._settings = settings

    async def submit(
        self,
        caller: Caller,
        request: DiarizeRequest | VoiceprintRequest | IdentifyRequest,
        *,
        warning: str | None = None,
        once: Once | None = None,
    ) -> Submission:
        """Accept a job.

        Raises:
            RequestInvalid: its model is not here, or a voiceprint cannot be used.
            BudgetSpent: the team may have nothing more heard this month.
            IdempotencyConflict: the key was used for another request.
        """
        if once is not None and (earlier := await self._earlier(caller.team, once)):
            return earlier
        pack = self._packs.named(request.model)
        if isinstance(request, IdentifyRequest):
            self._packs.check_voiceprints(request)
        await self._usage.check_budget(caller.team)
        kind = job_type(request)
        key = media_key(request.url)
        recording = None if key is None else await self._media.find(caller.team, key)
        job = new_id()
        row = {
            "id": job,
            "team": caller.team,
            "key": caller.key,
            "type": kind,
            "model": pack,
            "params": Jsonb(request.model_dump(mode="json", by_alias=True, exclude_none=True)),
            "warning": warning,
            "media": None if recording is None else recording.id,
        }
        lane, task = Lane.FETCH, FETCH_TASK
        if key is not None:
            # What was never uploaded fails at once, and waits behind nothing.
            lane, task = lane_for(kind, 0 if recording is None else recording.bytes, self._settings), HEAR_TASK
        if not await self._create(row, lane, task, once):
            return await self._claimed(caller.team, once)
        return Submission(id=job, warning=warning, replayed=False)

    async def get(self, team: UUID, job: UUID) -> Row:
        """A job's record.

        Raises:
            JobUnknown: the team has none of this id.
        """
        row = await self._database.one(_SQL["get"], {"id": job, "team": team})
        if row is None:
            raise JobUnknown
        return row

    async def output(self, job: UUID) -> tuple[bytes, int] | None:
        """A job's output as JSON compressed with gzip, and its length in bytes; None when there is none."""
        row = await self._database.one(_SQL["output"], {"id": job})
        return (row["body"], row["length"]) if row else None

    async def output_text(self, team: UUID, job: UUID) -> tuple[Row, bytes]:
        """A job and its output as JSON.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or no longer.
        """
        row = await self.get(team, job)
        found = await self.output(job)
        if found is None:
            raise OutputMissing(_missing(row))
        return row, await asyncio.to_thread(gzip.decompress, found[0])

    async def page(self, team: UUID, *, status: str | None, before: UUID | None, limit: int) -> list[Row]:
        """The newest jobs, or those before one of them."""
        return await self._database.all(
            _SQL["page"], {"team": team, "status": status, "before": before, "limit": limit}
        )

    async def page_by_offset(self, team: UUID, *, status: str | None, take: int, skip: int) -> tuple[list[Row], int]:
        """The newest jobs after so many, and how many there are."""
        arguments: dict[str, Any] = {"team": team, "status": status, "take": take, "skip": skip}
        rows = await self._database.all(_SQL["page_by_offset"], arguments)
        total = await self._database.one(_SQL["count"], arguments)
        return rows, total["total"] if total else 0

    async def delete(self, team: UUID, job: UUID) -> bool:
        """Cancel a job that has not ended, or erase one that has with all that is kept of it; tell if it was canceled.

        Raises:
            JobUnknown: the team has none of this id.
        """
        async with self._database.transaction() as connection:
            arguments = {"id": job, "team": team, "error": CANCELED}
            row = await one(connection, _SQL["cancel"], arguments)
            if row is not None:
                await connection.execute(_SQL["drop_waiting"], {"job": str(job)})
                await self._webhooks.announce(connection, row)
                return True
            row = await one(connection, _SQL["erase"], arguments)
            if row is None:
                raise JobUnknown
        if row["object"]:
            await self._storage.delete(row["object"])
        return False

    async def _create(self, row: dict[str, Any], lane: Lane, task: str, once: Once | None) -> bool:
        """Write a job, its entry and its idempotency key, or nothing where the key was claimed meanwhile."""
        async with self._database.transaction() as connection:
            if once is not None:
                claim = {"team": row["team"], "key": once.key, "digest": once.digest, "job": row["id"]}
                if await one(connection, _SQL["claim_idempotency_key"], claim) is None:
                    return False
            await connection.execute(_SQL["create"], row)
            await self._queue.defer(connection, lane, task, job=str(row["id"]))
        return True

    async def _earlier(self, team: UUID, once: Once) -> Submission | None:
        row = await self._database.one(_SQL["idempotency_key"], {"team": team, "key": once.key})
        if row is None:
            return None
        if row["digest"] != once.digest:
            raise IdempotencyConflict
        return Submission(id=row["job_id"], warning=row["warning"], replayed=True)

    async def _claimed(self, team: UUID, once: Once | None) -> Submission:
        earlier = None if once is None else await self._earlier(team, once)
        if earlier is None:
            raise IdempotencyConflict("The job of this Idempotency-Key was deleted just now; send the request again.")
        return earlier


def _missing(job: Row) -> str:
    match job["status"]:
        case "succeeded":
            return "This job's output was deleted when its time was over; submit the job again."
        case "failed":
            return f"This job has no output: it failed ({job['error']})."
        case "canceled":
            return "This job has no output: it was canceled."
        case _:
            return "This job has no output yet; wait for it with GET /v1/jobs/{jobId}?wait=60."


def job_type(request: DiarizeRequest | VoiceprintRequest | IdentifyRequest) -> JobType:
    """The type of the job that a request asks for."""
    match request:
        case VoiceprintRequest():
            return "voiceprint"
        case IdentifyRequest():
            return "identify"
        case _:
            return "diarize"


def lane_for(kind: str, size: int | None, settings: Settings) -> Lane:
    """Where a recording of so many bytes is heard, so that short jobs never wait behind long ones."""
    short = kind == "voiceprint" or (size is not None and size <= settings.short_job_mb * _MIB)
    return Lane.SHORT if short else Lane.LONG


def unfinished_lane(row: Row, settings: Settings) -> tuple[Lane, str]:
    """Lane and task that an unfinished job goes on with."""
    if media_key(row["url"] or "") is None and row["object"] is None:
        return Lane.FETCH, FETCH_TASK
    return lane_for(row["type"], row["bytes"], settings), HEAR_TASK
