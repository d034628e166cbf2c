"""Names in transcripts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from timbre.http.caller import State_, body, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.routes.jobs.schemas import JobCreated
from timbre.http.routes.jobs.submit import IdempotencyKey, submit
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.label_requests import LabelRequest
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
Body = Annotated[bytes, Depends(body(_MOST_BODY, "cut the transcript in two"))]


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
