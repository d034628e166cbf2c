"""Names in transcripts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from timbre.http.caller import State_, body, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.routes.jobs.jobs import JobId, job_answer, job_uuid
from timbre.http.routes.jobs.schemas import Job, JobCreated
from timbre.http.routes.jobs.submit import IdempotencyKey, submit
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.label_requests import LabelRequest, TranscriptRequest
from timbre.service.requests.body import parse
from timbre.transcripts import TranscriptFormat

router = APIRouter()
_MOST_BODY: Final = 64 << 20  # bytes; quotes and line ends of a transcript are escaped in JSON
_TYPES: Final = {
    TranscriptFormat.SRT: "application/x-subrip",
    TranscriptFormat.VTT: "text/vtt",
    TranscriptFormat.JSON: "application/json",
    TranscriptFormat.CTM: "text/plain",
    TranscriptFormat.STM: "text/plain",
    TranscriptFormat.TXT: "text/plain",
}
_DIVIDE: Final = "cut the transcript in two"
Writer = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.LABEL))]
Body = Annotated[bytes, Depends(body(_MOST_BODY, _DIVIDE))]


@router.post(
    "/v1/label",
    operation_id="label",
    response_model=JobCreated,
    responses={
        **errors(402, 404, 409, 413),
        200: {"description": "With `url` the job, with `jobId` the transcript in its own format"},
    },
    openapi_extra=takes(LabelRequest),
    summary="Write names into a transcript",
)
async def label(
    known: Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.LABEL))],
    body: Body,
    here: State_,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Label an SRT, WebVTT or JSON transcript: at once by a job that has ended, or by a new job whose output has it.

    A new job needs the scope `jobs:write` too. What was mended, or does not fit the recording, is told in the header
    `X-Warning` of an answer at once, and in the `warning` of a job.
    """
    request, warning = await asyncio.to_thread(parse, LabelRequest, body, webhook_http=here.settings.webhook_http)
    if request.job_id is None:
        known.require(Scope.JOBS_WRITE)
        await here.labelling.check(request)
        return await submit(here, known, request, body, warning=warning, idempotency_key=idempotency_key)
    text, form, faults = await here.labelling.label(known.team, request.job_id, request)
    told = {"X-Warning": "; ".join(faults)} if faults else {}
    return Response(text.encode(), media_type=f"{_TYPES[form]}; charset=utf-8", headers=told)


@router.put(
    "/v1/jobs/{jobId}/transcript",
    operation_id="handInTranscript",
    response_model=Job,
    responses=errors(404, 413),
    openapi_extra=takes(TranscriptRequest),
    summary="Hand in a transcript of a result",
)
async def hand_in_transcript(job_id: JobId, known: Writer, body: Body, here: State_, request: Request) -> Response:
    """Put the words of a transcript into a result, to stay: who says them follows what stands, and exports hold them.

    What was mended, or does not fit the recording, is told in the header `X-Warning`.
    """
    job = job_uuid(job_id)
    wanted, _ = await asyncio.to_thread(parse, TranscriptRequest, body, webhook_http=False)
    faults = await here.handed_in.hand_in(known.team, job, wanted)
    answer = await job_answer(here, await here.jobs.get(known.team, job), request)
    if faults:
        answer.headers["X-Warning"] = "; ".join(faults)
    return answer


@router.delete(
    "/v1/jobs/{jobId}/transcript",
    operation_id="removeTranscript",
    response_model=Job,
    responses=errors(404),
    summary="Take the transcript out of a result",
)
async def remove_transcript(job_id: JobId, known: Writer, here: State_, request: Request) -> Response:
    """Take the words of a transcript out of a result; who speaks when stays as it is."""
    job = job_uuid(job_id)
    await here.handed_in.take_away(known.team, job)
    return await job_answer(here, await here.jobs.get(known.team, job), request)
