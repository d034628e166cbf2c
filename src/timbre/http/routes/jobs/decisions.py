"""What people say about a result: decisions, undone and redone, and the history of it all."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.jobs.decision_schemas import DecidedJob, DecisionList
from timbre.http.routes.jobs.jobs import JobId, Reader, job_answer, job_uuid
from timbre.http.routes.jobs.submit import IdempotencyKey, counted_once
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.decisions.decisions import Made
from timbre.service.decisions.doubts import Doubt
from timbre.service.decisions.requests import DecisionRequest, StepRequest

router = APIRouter()
Writer = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.SPEAKERS))]
_ABOUT_PEOPLE = frozenset({"name", "reject", "learn"})


@router.get(
    "/v1/jobs/{jobId}/decisions",
    operation_id="getDecisions",
    response_model=DecisionList,
    responses=errors(404),
    summary="List the decisions that stand",
)
async def get_decisions(job_id: JobId, known: Reader, here: State_) -> Response:
    """List what people have said about a result and what stands of it, in the order it was said."""
    items = await here.decisions.history(known.team, job_uuid(job_id))
    revision = items[-1]["revision"] if items else 0
    return Json({"items": [item for item in items if item.get("state") == "stands"], "revision": revision})


@router.post(
    "/v1/jobs/{jobId}/decisions",
    operation_id="decide",
    response_model=DecidedJob,
    responses=errors(404, 409, 413),
    openapi_extra=takes(DecisionRequest),
    summary="Say who speaks, and when",
)
async def decide(  # noqa: PLR0917 - as FastAPI passes them
    job_id: JobId,
    known: Writer,
    body: Body,
    here: State_,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Decide something about a result: it stands from now on, whatever the machine finds later.

    Naming somebody needs the scope `speakers:read` too, and `speakers:write` where their voice is learned.
    """
    job = job_uuid(job_id)
    wanted, _ = await parsed(here, DecisionRequest, body)
    if wanted.kind in _ABOUT_PEOPLE:
        known.require(Scope.SPEAKERS_READ)
    if wanted.name is not None:
        known.require(Scope.SPEAKERS_WRITE)
    made = await here.decisions.decide(known, job, wanted, counted_once(idempotency_key, "decide", body))
    return await _answer(here, known, job_id, made, request)


@router.post(
    "/v1/jobs/{jobId}/decisions/undo",
    operation_id="undoDecision",
    response_model=DecidedJob,
    responses=errors(404, 409, 413),
    openapi_extra=takes(StepRequest, required=False),
    summary="Undo the last decision",
)
async def undo(  # noqa: PLR0917 - as FastAPI passes them
    job_id: JobId, known: Writer, body: Body, here: State_, request: Request, idempotency_key: IdempotencyKey = None
) -> Response:
    """Take back the last decision that stands, with what was learned from it."""
    wanted, _ = await parsed(here, StepRequest, body or b"{}")
    made = await here.decisions.step(
        known, job_uuid(job_id), "undo", wanted, counted_once(idempotency_key, "undo", body)
    )
    return await _answer(here, known, job_id, made, request)


@router.post(
    "/v1/jobs/{jobId}/decisions/redo",
    operation_id="redoDecision",
    response_model=DecidedJob,
    responses=errors(404, 409, 413),
    openapi_extra=takes(StepRequest, required=False),
    summary="Redo a decision",
)
async def redo(  # noqa: PLR0917 - as FastAPI passes them
    job_id: JobId, known: Writer, body: Body, here: State_, request: Request, idempotency_key: IdempotencyKey = None
) -> Response:
    """Give back the decision that was undone last."""
    wanted, _ = await parsed(here, StepRequest, body or b"{}")
    made = await here.decisions.step(
        known, job_uuid(job_id), "redo", wanted, counted_once(idempotency_key, "redo", body)
    )
    return await _answer(here, known, job_id, made, request)


@router.get(
    "/v1/jobs/{jobId}/history",
    operation_id="getHistory",
    response_model=DecisionList,
    responses=errors(404),
    summary="Read the history of a result",
)
async def get_history(job_id: JobId, known: Reader, here: State_) -> Response:
    """List all that was decided, undone and redone, by whom and when, the oldest first."""
    items = await here.decisions.history(known.team, job_uuid(job_id))
    return Json({"items": items, "revision": items[-1]["revision"] if items else 0})


async def _answer(here: State, known: Caller, job_id: str, made: Made, request: Request) -> Response:
    made_here: dict[str, Any] = {"revision": made.revision}
    if made.learned is not None:
        made_here["learned"] = made.learned
    if made.doubt is not None:
        made_here["doubt"] = told_doubt(made.doubt)
    row = await here.jobs.get(known.team, job_uuid(job_id))
    answer = await job_answer(here, row, request, {"decision": made_here})
    if made.replayed:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


def told_doubt(doubt: Doubt) -> dict[str, Any]:
    """Why a voice was not learned."""
    told: dict[str, Any] = {"reason": doubt.reason, "message": f"{doubt.words}.", "final": doubt.final}
    if doubt.confidence is not None:
        told["confidence"] = doubt.confidence
    if doubt.likelier is not None:
        person, name, confidence = doubt.likelier
        told["likelier"] = {"speakerId": str(person), "name": name, "confidence": confidence}
    return told
