"""Jobs as clients see them: submitted, looked at, listed, canceled, erased.

    created ── a worker begins it ──► running ──► succeeded | failed
       └───────────── DELETE ────────────┴──► canceled

A job's row, its entry in the queue and its idempotency key are written in one transaction.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from timbre import tracing
from timbre.errors import IdempotencyConflict, JobUnknown, MediaUnknown, OutputMissing, RequestInvalid
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Caller
from timbre.service.accounts.usage import Usage
from timbre.service.files.media import Media, Recording, media_key
from timbre.service.files.storage import Storage
from timbre.service.jobs.requests import ChangeRequest
from timbre.service.jobs.streamed import Streamed
from timbre.service.keys.master_key import MasterKeys
from timbre.service.models.packs import Packs
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.spaces import people_in, settled_space
from timbre.service.requests.recognisers import check_recogniser
from timbre.service.requests.selection import check_selection
from timbre.service.requests.submissions import IdentifyRequest, SpeakersRequest, WorkRequest
from timbre.settings import Settings
from timbre.store.database import Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries
from timbre.store.queue import FETCH_TASK, HEAR_TASK, Lane, Queue

FINAL: Final = frozenset({"succeeded", "failed", "canceled"})
CANCELED: Final = "Canceled by the caller"
FAULT: Final = "This is a fault of Timbre, not of the recording"
GIVEN_UP: Final = "Given up"
_SQL: Final = queries("jobs")
_HEARD: Final = queries("heard")
_MINUTE_BYTES: Final = 60 * 48_000 * 2 * 2  # of sound as no compression makes it: what has more is longer
_log: Final = structlog.get_logger("timbre.jobs")
Sort = Literal["newest", "oldest", "title", "longest"]
_QUICK: Final = frozenset({"voiceprint", "enrol"})  # types of jobs that hear half a minute at most


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which jobs of a list are meant."""

    status: str | None = None  # only those in this state
    speaker: UUID | None = None  # in whose output this person has a voice
    part: str | None = None  # in whose title this is, in whatever case, with accents or without
    types: list[str] | None = None
    tag: str | None = None
    since: datetime | None = None  # submitted then or later
    until: datetime | None = None  # submitted before
    unnamed: bool = False  # in which somebody speaks whom nobody has named
    unchecked: bool = False  # in which there are turns that nobody has looked at


EVERYTHING: Final = Filter()


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
        request: WorkRequest,
        *,
        warning: str | None = None,
        once: Once | None = None,
        recording: Recording | None = None,
        stream: UUID | None = None,
        streamed: Streamed | None = None,
    ) -> Submission:
        """Accept a job.

        Args:
            caller: Who asks.
            request: For what.
            warning: What the caller is told with it.
            once: What makes the request count once.
            recording: What is heard, where the request has no URL.
            stream: The live stream that was recorded; the job gets its id.
            streamed: What people said meanwhile.

        Raises:
            RequestInvalid: its model or a recogniser is not here, or a voiceprint or a person cannot be used.
            MasterKeyMissing: it is about people of the gallery, and the server has no master key.
            BudgetSpent: the team may have nothing more heard this month.
            IdempotencyConflict: the key was used for another request.
        """
        if once is not None and (earlier := await self._earlier(caller.team, once)):
            return earlier
        pack = self._packs.named(request.model)
        if isinstance(request, SpeakersRequest):
            check_recogniser(request, self._settings)
        if isinstance(request, IdentifyRequest):
            await self._check_people(caller.team, request)
        await self._usage.check_budget(caller.team)
        key = media_key(request.url or "")
        if key is not None:
            recording = await self._media.find(caller.team, key)
        job = stream or new_id()
        params = request.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"title", "tags"})
        row = {
            "id": job,
            "team": caller.team,
            "key": caller.key,
            "type": request.kind,
            "model": pack,
            "params": Jsonb(params | _not_asked(streamed)),
            "warning": warning,
            "title": request.title or None,
            "tags": list(dict.fromkeys(request.tags)),
            "source": "web" if caller.web else "api",
            "media": None if recording is None else recording.id,
        }
        lane, task = Lane.FETCH, FETCH_TASK
        if key is not None or recording is not None:
            # What was never uploaded fails at once, and waits behind nothing.
            lane, task = lane_for(request.kind, 0 if recording is None else recording.bytes, self._settings), HEAR_TASK
        if not await self._create(row, lane, task, once):
            return await self._claimed(caller.team, once)
        _log.info("submitted", job=str(job), type=request.kind, lane=lane.value)
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

    async def peaks(self, team: UUID, job: UUID) -> tuple[bytes, float]:
        """How loud a job's recording is, a byte each for equal parts of it, and its seconds.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or none that knows.
        """
        job_ = await self.get(team, job)
        row = await self._database.one(_SQL["peaks"], {"id": job})
        if row is None or row["peaks"] is None:
            raise OutputMissing(_missing(job_) if row is None else "This job's output has no waveform.")
        return row["peaks"], job_["duration"] or 0.0

    async def recording(self, team: UUID, job: UUID) -> Recording:
        """What a job heard, if it was uploaded and is still kept.

        Raises:
            JobUnknown: the team has none of this id.
            MediaUnknown: it is not kept.
        """
        await self.get(team, job)
        row = await self._database.one(_SQL["recording"], {"id": job})
        if row is None:
            raise MediaUnknown(
                "The recording of this job is not kept: its time was over, or it was never uploaded but fetched by its"
                " URL; upload it again."
            )
        return Recording(id=row["id"], object=row["object"], bytes=row["bytes"])

    async def change(self, team: UUID, job: UUID, change: ChangeRequest) -> Row:
        """Keep a job or let it go, or call it something; return its record.

        Raises:
            JobUnknown: the team has none of this id.
        """
        arguments = {
            "id": job,
            "team": team,
            "kept": change.kept,
            "tags": None if change.tags is None else list(dict.fromkeys(change.tags)),
            "titled": change.title is not None,
            "title": change.title or None,
        }
        if await self._database.one(_SQL["change"], arguments) is None:
            raise JobUnknown
        return await self.get(team, job)

    async def page(
        self,
        team: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        only: Filter = EVERYTHING,
        sort: Sort = "newest",
    ) -> list[Row]:
        """The first jobs in an order, or those behind one of them.

        Args:
            team: Whose jobs.
            limit: At most so many.
            before: Only those that come behind this one.
            only: Which.
            sort: In which order.
        """
        order, after = (SQL(_SQL[f"{part}_{sort}"].decode()) for part in ("order", "after"))
        query = SQL(_SQL["page"].decode()).format(order=order, after=after)
        arguments = {"team": team, "before": before, "limit": limit, **asdict(only)}
        async with self._database.transaction() as connection:
            return await (await connection.execute(query, arguments)).fetchall()

    async def heard(
        self, team: UUID, speaker: UUID, *, limit: int, before: UUID | None = None
    ) -> tuple[list[Row], Row]:
        """Where a person is heard, the newest first: rows of recordings, and what they talk in all of them."""
        asked = {"team": team, "speaker": speaker, "limit": limit, "before": before}
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_HEARD["recordings"], asked)).fetchall()
            talk = await one(connection, _HEARD["talk"], asked)
        return rows, talk or {}

    async def page_by_offset(self, team: UUID, *, status: str | None, take: int, skip: int) -> tuple[list[Row], int]:
        """The newest jobs after so many, and how many there are."""
        arguments: dict[str, Any] = {"team": team, "status": status, "take": take, "skip": skip}
        rows = await self._database.all(_SQL["page_by_offset"], arguments)
        total = await self._database.one(_SQL["count"], arguments)
        return rows, total["total"] if total else 0

    async def delete(self, team: UUID, job: UUID, *, canceled: bool = False, key: UUID | None = None) -> bool:
        """Cancel a job that has not ended, or erase one that has with all that is kept of it; tell if it is canceled.

        Args:
            team: Whose.
            job: Which.
            canceled: Whether one that was canceled before is erased too. Else it stays: the request may be the same one
                again, whose answer was lost.
            key: The API key that asks for it.

        Raises:
            JobUnknown: the team has none of this id.
        """
        async with self._database.transaction() as connection:
            arguments = {"id": job, "team": team, "error": CANCELED, "canceled": canceled}
            row = await one(connection, _SQL["cancel"], arguments)
            if row is not None:
                await connection.execute(_SQL["drop_waiting"], {"job": str(job)})
                await self._webhooks.announce(connection, row)
                return True
            row = await one(connection, _SQL["erase"], arguments)
            if row is None:
                if await one(connection, _SQL["was_canceled"], arguments) is None:
                    raise JobUnknown
                return True
            await audit.record(connection, team, "job.erased", subject=job, key=key)
        if row["object"]:
            await self._storage.delete(row["object"])
        return False

    async def _check_people(self, team: UUID, request: IdentifyRequest) -> None:
        """Refuse voiceprints that cannot be compared, people who are not there, and names that would mean two."""
        voiceprints = request.voiceprints or ()
        space = None
        if request.speakers is not None:
            space = await settled_space(self._database, self._packs, team)
        self._packs.check_voiceprints(request.model, voiceprints, None if space is None else people_in(space))
        if request.speakers is None:
            return
        if space is not None and (fault := self._packs.fault_of(space)):
            raise RequestInvalid([("speakers", f"What the people of the gallery are compared by {fault}.")])
        MasterKeys.load(self._settings)
        await check_selection(self._database, team, request.speakers, [labelled.label for labelled in voiceprints])

    async def _create(self, row: dict[str, Any], lane: Lane, task: str, once: Once | None) -> bool:
        """Write a job, its entry and its idempotency key, or nothing where the key was claimed meanwhile."""
        async with self._database.transaction() as connection:
            if once is not None:
                claim = {"team": row["team"], "key": once.key, "digest": once.digest, "job": row["id"]}
                if await one(connection, _SQL["claim_idempotency_key"], claim) is None:
                    return False
            await connection.execute(_SQL["create"], row)
            await self._queue.defer(connection, lane, task, team=row["team"], job=str(row["id"]))
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


def _not_asked(streamed: Streamed | None) -> dict[str, Any]:
    """What goes with a job that nobody asked for: what people said meanwhile, and the trace that it is a part of."""
    said = {} if streamed is None else {"streamed": streamed.to_json()}
    return said if (trace := tracing.current()) is None else said | {tracing.CARRIED: trace}


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


def lane_for(kind: str, size: int | None, settings: Settings) -> Lane:
    """Where a recording of so many bytes goes first, so that short jobs never wait behind long ones.

    Whatever may be short begins in the lane for short ones, where its length turns out; see `Attempts.move_on`.
    """
    short = kind in _QUICK or (size or 0) <= settings.short_job_minutes * _MINUTE_BYTES
    return Lane.SHORT if short else Lane.LONG


def unfinished_lane(row: Row, settings: Settings) -> tuple[Lane, str]:
    """Lane and task that an unfinished job goes on with."""
    # Without a URL it hears what was uploaded for another job.
    if row["url"] is not None and media_key(row["url"]) is None and row["object"] is None:
        return Lane.FETCH, FETCH_TASK
    return lane_for(row["type"], row["bytes"], settings), HEAR_TASK
