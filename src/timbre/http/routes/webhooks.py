"""Deliveries of webhooks: what became of them, and once more; and the secrets. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from timbre.errors import DeliveryUnknown
from timbre.http.admin_schemas import Secret, SecretList
from timbre.http.caller import Body, State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, delivery_item, next_cursor, parse_id, timestamp
from timbre.http.routes.keys import Admin
from timbre.http.schemas import DeliveryList
from timbre.service.accounts.requests import SecretRequest
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.requests.body import parse
from timbre.store.database import Row

router = APIRouter()


@router.get(
    "/v1/webhooks/deliveries",
    operation_id="listDeliveries",
    response_model=DeliveryList,
    responses=errors(),
    summary="List deliveries of webhooks, newest first",
)
async def list_deliveries(
    *,
    known: Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))],
    here: State_,
    job_id: Annotated[UUID | None, Query(alias="jobId", description="Only those of this job.")] = None,
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query(description="Only those.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 10,
    cursor: Annotated[UUID | None, Query(description="The `nextCursor` of the page before.")] = None,
) -> Response:
    """List the team's deliveries with every attempt."""
    rows = await here.webhooks.page(known.team, job=job_id, state=state, before=cursor, limit=limit + 1)
    return Json({"items": [delivery_item(row) for row in rows[:limit]], "nextCursor": next_cursor(rows, limit)})


@router.post(
    "/v1/webhooks/deliveries/{deliveryId}/replay",
    operation_id="replayDelivery",
    status_code=204,
    response_class=Response,
    responses=errors(404),
    summary="Deliver once more",
)
async def replay_delivery(
    delivery_id: Annotated[
        str, Path(alias="deliveryId", description="Id of the delivery.", json_schema_extra={"format": "uuid"})
    ],
    known: Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.READ))],
    here: State_,
) -> Response:
    """Deliver once more, with all retries, whatever became of it before."""
    delivery = parse_id(delivery_id)
    if delivery is None:
        raise DeliveryUnknown
    await here.webhooks.replay(known.team, delivery)
    return Response(status_code=204)


@router.get(
    "/v1/webhooks/secrets",
    operation_id="listSecrets",
    response_model=SecretList,
    responses=errors(),
    summary="List the secrets of webhooks",
)
async def list_secrets(known: Admin, here: State_) -> Response:
    """List the secrets that receivers may verify with, the one of `X-Signature` first."""
    return Json({"items": [_secret(row) for row in await here.webhooks.secret_rows(known.team)]})


@router.post(
    "/v1/webhooks/secrets",
    operation_id="rotateSecret",
    status_code=201,
    response_model=Secret,
    responses=errors(413),
    openapi_extra=takes(SecretRequest),
    summary="Make a new secret of webhooks",
)
async def rotate_secret(known: Admin, body: Body, here: State_) -> Response:
    """Make a new secret; those before stay valid for a while, so that receivers can follow, unless `atOnce`."""
    wanted, _ = parse(SecretRequest, body, webhook_http=False)
    await here.webhooks.rotate_secret(known.team, at_once=wanted.at_once, key=known.key)
    return Json(_secret((await here.webhooks.secret_rows(known.team))[-1]), 201)


def _secret(row: Row) -> dict[str, object]:
    return {
        "secret": row["secret"],
        "createdAt": timestamp(row["created_at"]),
        "expiresAt": timestamp(row["expires_at"]),
    }
