"""Looking at jobs, waiting for them, following them, and getting rid of them."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response, StreamingResponse

from timbre.errors import JobUnknown, ServiceUnavailable
from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.negotiation import weight
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, dumps, next_cursor, parse_id
from timbre.http.routes.jobs.responses import job_detail, job_item, job_item_old
from timbre.http.routes.jobs.schemas import Deleted, Job, JobList, JobListOld
from timbre.http.schemas import JobStatus, JobType
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.jobs import FINAL, Filter, Sort
from timbre.service.jobs.requests import ChangeRequest
from timbre.service.requests.values import LONGEST_TAG, LONGEST_TITLE, expect
from timbre.store.database import Row

router = APIRouter()
_LONGEST_WAIT: Final = 60.0  # seconds
_LOOK_ANYWAY: Final = 5.0  # seconds; a notification can be lost with its connection
_DATABASE_AWAY: Final = 1.0  # seconds before it is asked again
_KEEP_ALIVE: Final = 15.0  # seconds between two signs of life in a stream of events
_PIECE: Final = 1 << 16  # bytes
_STREAMED: Final = 1 << 20  # bytes of output from which it is not held in memory as a whole
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_GZIP: Final = 31  # zlib's word for the gzip format
Reader = Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))]
JobId = Annotated[str, Path(alias="jobId", description="Id of the job.", json_schema_extra={"format": "uuid"})]


def _no_number(came: object) -> object:
    if isinstance(came, str) and not _DAY.match(came):  # which would be seconds since 1970
        expect("a day or a moment, as 2026-11-30T08:15:00Z", came)
    return came


Moment = Annotated[datetime, BeforeValidator(_no_number)]
Status = Annotated[JobStatus | None, Query(description="Only jobs in this state.")]


@router.get(
    "/v1/jobs/{jobId}",
    operation_id="getJobById",
    response_model=Job,
    responses=errors(404),
    summary="Look at a job",
)
async def get_job(
    job_id: JobId,
    known: Reader,
    here: State_,
    request: Request,
    wait: Annotated[
        float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for the job to end before answering.")
    ] = 0.0,
) -> Response:
    """Answer the job's state, and its output once it has succeeded."""
    job = job_uuid(job_id)
    row = await here.jobs.get(known.team, job)
    if wait and row["status"] not in FINAL:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                async for row in changes(here, known.team, job):  # noqa: B007 - the last one counts
                    pass
    return await job_answer(here, row, request)


@router.patch(
    "/v1/jobs/{jobId}",
    operation_id="changeJob",
    response_model=Job,
    responses=errors(404, 413),
    openapi_extra=takes(ChangeRequest),
    summary="Keep a job, tag it, or call it something",
)
async def change_job(
    job_id: JobId,
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.READ))],
    body: Body,
    here: State_,
    request: Request,
) -> Response:
    """Change whether a job is kept beyond its time, with its output and its recording, its tags, or its title."""
    job = job_uuid(job_id)
    change, _ = await parsed(here, ChangeRequest, body)
    return await job_answer(here, await here.jobs.change(known.team, job, change), request)


@router.delete(
    "/v1/jobs/{jobId}",
    operation_id="deleteJob",
    response_model=Deleted,
    responses=errors(404),
    summary="Cancel a job, or erase it",
)
async def delete_job(
    job_id: JobId,
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.READ))],
    here: State_,
    canceled: Annotated[bool, Query(description="Erase the job too if it was canceled.")] = False,
) -> Response:
    """Cancel a job that has not ended; erase one that has, with its output. Not in the hosted service.

    Of a job that was canceled the record stays, so that the same request may be sent again, unless `canceled` is true.
    """
    job = job_uuid(job_id)
    if await here.jobs.delete(known.team, job, canceled=canceled, key=known.key):
        return Json({"jobId": str(job), "status": "canceled", "deleted": False})
    return Json({"jobId": str(job), "deleted": True})


@router.get(
    "/v1/jobs/{jobId}/events",
    operation_id="followJob",
    response_class=StreamingResponse,
    responses={
        **errors(404),
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events"},
    },
    summary="Follow a job",
)
async def follow_job(
    job_id: JobId,
    known: Reader,
    here: State_,
    revisions: Annotated[
        bool, Query(description="Go on when it has ended, and tell of every change of its result.")
    ] = False,
    words: Annotated[
        bool,
        Query(
            description="Send what is said, too, while it is being recognised, as `words` events: `words` has lines of"
            " `wordLevelTranscription`, and `first` the place of the first of them among all words; what was told from"
            " there on is replaced. They are provisional: without speakers until those are known, then by their labels."
        ),
    ] = False,
) -> Response:
    """Send the job as a `job` event whenever its state or progress changes, until it has ended; never its output."""
    job = job_uuid(job_id)
    await here.jobs.get(known.team, job)
    events = _events(here, known.team, job, on=revisions, words=words)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get(
    "/v2/jobs",
    operation_id="getJobsByTeamV2",
    response_model=JobList,
    responses=errors(),
    summary="List jobs",
)
async def list_jobs(
    *,
    known: Reader,
    here: State_,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 10,
    sort: Annotated[Sort, Query(description="In which order.")] = "newest",
    cursor: Annotated[UUID | None, Query(description="The `nextCursor` of the page before.")] = None,
    status: Status = None,
    speaker: Annotated[
        UUID | None, Query(description="Only jobs in whose result this person of the gallery is named.")
    ] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=LONGEST_TITLE,
            description="Only jobs in whose title this is, in whatever case, with accents or without.",
        ),
    ] = None,
    tag: Annotated[str | None, Query(max_length=LONGEST_TAG, description="Only jobs that bear this tag.")] = None,
    since: Annotated[Moment | None, Query(description="Only jobs that were submitted then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Only jobs that were submitted before.")] = None,
    unnamed: Annotated[
        bool, Query(description="Only jobs in whose result somebody speaks whom nobody has named.")
    ] = False,
    unchecked: Annotated[
        bool, Query(description="Only jobs in whose result there are turns that nobody has looked at.")
    ] = False,
    types: Annotated[
        list[JobType] | None, Query(alias="type", description="Only jobs of this type; several times for more.")
    ] = None,
) -> Response:
    """List the team's jobs without their outputs."""
    if "\0" in f"{q or ''}{tag or ''}":  # nothing is called so, and the database would not even take it
        return Json({"items": [], "nextCursor": None})
    only = Filter(
        status=status,
        speaker=speaker,
        part=q,
        types=None if types is None else list(types),
        tag=tag,
        since=_utc(since),
        until=_utc(until),
        unnamed=unnamed,
        unchecked=unchecked,
    )
    rows = await here.jobs.page(known.team, limit=limit + 1, before=cursor, only=only, sort=sort)
    items = [job_item(row, here.settings) for row in rows[:limit]]
    return Json({"items": items, "nextCursor": next_cursor(rows, limit)})


@router.get(
    "/v1/jobs",
    operation_id="getJobsByTeam",
    response_model=JobListOld,
    responses=errors(),
    summary="List jobs, the old way",
    deprecated=True,
)
async def list_jobs_old(
    *,
    known: Reader,
    here: State_,
    take: Annotated[int | None, Query(ge=1, le=100, description="At most so many; 10 if unset.")] = None,
    skip: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Leave out so many.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=100, description="Another name of `take`.")] = None,
    offset: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Another name of `skip`.")] = None,
    status: Status = None,
) -> Response:
    """List the team's jobs by number."""
    rows, total = await here.jobs.page_by_offset(
        known.team, status=status, take=take or limit or 10, skip=skip or offset or 0
    )
    return Json({"items": [job_item_old(row) for row in rows], "total": total})


async def job_answer(here: State, row: Row, request: Request, more: Mapping[str, Any] | None = None) -> Response:
    """A job as the API answers it: its state, what else there is to tell, and its output once it has succeeded."""
    detail = {**job_detail(row, here.settings), **(more or {})}
    found = await here.jobs.output(row["id"]) if row["status"] == "succeeded" else None
    if found is None:
        return Json(detail)
    body, length = found
    head, tail = dumps(detail)[:-1] + b',"output":', b"}"
    if length <= _STREAMED:
        return Response(head + gzip.decompress(body) + tail, media_type="application/json")
    pieces, headers = _joined(head, body, tail), {"Vary": "Accept-Encoding"}
    if weight(request.headers.get("accept-encoding", ""), "gzip", "*"):
        pieces, headers = _packed(pieces), headers | {"Content-Encoding": "gzip"}
    return StreamingResponse(pieces, media_type="application/json", headers=headers)


async def changes(here: State, team: UUID, job: UUID, *, on: bool = False) -> AsyncIterator[Row]:
    """The job's record now and whenever it may have changed, the last time when it has ended; or else on and on."""
    async with here.events.news(job) as news:
        while True:
            news.clear()
            try:
                row = await here.jobs.get(team, job)
            except ServiceUnavailable:
                if here.events.over:
                    return
                await asyncio.sleep(_DATABASE_AWAY)  # who waits anyway can wait for the database, too
                continue
            yield row
            if (row["status"] in FINAL and not on) or here.events.over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_ANYWAY):
                    await news.wait()


async def _events(here: State, team: UUID, job: UUID, *, on: bool, words: bool) -> AsyncIterator[bytes]:
    before = b""
    quiet = 0.0
    told = 0
    try:
        async for row in changes(here, team, job, on=on):
            now = dumps(job_detail(row, here.settings))
            if now != before:
                yield b"event: job\ndata: " + now + b"\n\n"
                before, quiet = now, 0.0
            elif (quiet := quiet + _LOOK_ANYWAY) >= _KEEP_ALIVE:
                yield b": still here\n\n"
                quiet = 0.0
            with suppress(ServiceUnavailable):  # what is not told now comes with the next
                while words and (came := await here.words.after(team, job, told)):
                    for number, first, lines in came:
                        yield f'event: words\ndata: {{"first":{first},"words":{lines}}}\n\n'.encode()
                        told = number
    except JobUnknown:
        yield b'event: gone\ndata: {"message":"The job was erased."}\n\n'


def _joined(head: bytes, body: bytes, tail: bytes) -> Iterator[bytes]:
    yield head
    unpacker = zlib.decompressobj(_GZIP)
    while body:
        yield unpacker.decompress(body, _PIECE)
        body = unpacker.unconsumed_tail
    yield unpacker.flush() + tail


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def job_uuid(text: str) -> UUID:
    """The id of a job in a path.

    Raises:
        JobUnknown: it is none.
    """
    job = parse_id(text)
    if job is None:
        raise JobUnknown
    return job
