"""Submitting jobs: diarize, voiceprint, identify."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response

from timbre.errors import RequestInvalid
from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.jobs.schemas import JobCreated
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.jobs import Once
from timbre.service.requests.submissions import DiarizeRequest, IdentifyRequest, JobRequest, VoiceprintRequest

router = APIRouter()
_LONGEST_KEY: Final = 255  # characters
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Any text of up to 255 characters. The same request with the same key within a day is answered"
        " with the job of the first one."
    ),
]
_ERRORS: Final = errors(402, 409, 413)


@router.post(
    "/v1/diarize",
    operation_id="diarize",
    response_model=JobCreated,
    responses=_ERRORS,
    openapi_extra=takes(DiarizeRequest),
    summary="Say who spoke when",
)
async def diarize(
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.DIARIZE))],
    body: Body,
    here: State_,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a diarization job."""
    return await _submit(here, known, DiarizeRequest, body, idempotency_key)


@router.post(
    "/v1/voiceprint",
    operation_id="voiceprint",
    response_model=JobCreated,
    responses=_ERRORS,
    openapi_extra=takes(VoiceprintRequest),
    summary="Learn a voice",
)
async def voiceprint(
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.VOICEPRINT))],
    body: Body,
    here: State_,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a voiceprint job: at most 30 s of one person alone."""
    return await _submit(here, known, VoiceprintRequest, body, idempotency_key)


@router.post(
    "/v1/identify",
    operation_id="identify",
    response_model=JobCreated,
    responses=_ERRORS,
    openapi_extra=takes(IdentifyRequest),
    summary="Say who spoke when, by name",
)
async def identify(
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.IDENTIFY))],
    body: Body,
    here: State_,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit an identification job."""
    return await _submit(here, known, IdentifyRequest, body, idempotency_key)


async def _submit(
    here: State,
    known: Caller,
    model: type[DiarizeRequest | VoiceprintRequest | IdentifyRequest],
    body: bytes,
    idempotency_key: str | None,
) -> Response:
    request, warning = await parsed(here, model, body, webhook_http=here.settings.webhook_http)
    return await submit(here, known, request, body, warning=warning, idempotency_key=idempotency_key)


async def submit(
    here: State, known: Caller, request: JobRequest, body: bytes, *, warning: str | None, idempotency_key: str | None
) -> Response:
    """Make a job of a request and answer its id."""
    if isinstance(request, IdentifyRequest) and request.speakers is not None:
        known.require(Scope.SPEAKERS_READ)
    once = counted_once(idempotency_key, type(request).__name__, body)
    submitted = await here.jobs.submit(known, request, warning=warning, once=once)
    answer = {"jobId": str(submitted.id), "status": "created"}
    if submitted.warning:
        answer["warning"] = submitted.warning
    return Json(answer, headers={"Idempotency-Replayed": "true"} if submitted.replayed else None)


def counted_once(idempotency_key: str | None, asked: str, body: bytes) -> Once | None:
    """What makes a request count once, if it has an Idempotency-Key.

    Raises:
        RequestInvalid: the key is too long.
    """
    if idempotency_key is None:
        return None
    if not 1 <= len(idempotency_key) <= _LONGEST_KEY:
        raise RequestInvalid([("Idempotency-Key", f"Expected 1 to {_LONGEST_KEY} characters")])
    return Once(key=idempotency_key, digest=hashlib.sha256(asked.encode() + b"\0" + body).digest())
