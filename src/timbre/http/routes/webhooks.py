"""Deliveries of webhooks: what became of them, and once more; and the secrets. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from timbre.errors import DeliveryUnknown
from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, next_cursor, parse_id, timestamp
from timbre.http.routes.keys import Admin
from timbre.http.schemas import Answer, Time, Uuid
from timbre.service.accounts.requests import SecretRequest
from timbre.service.accounts.teams import Caller, Scope
from timbre.store.database import Row

router = APIRouter()
RetryReason = Literal[
    "http_timeout", "too_many_redirects", "connection_failed", "ssl_error", "http_error", "unknown_error"
]


class Secret(Answer):
    """A secret that webhooks are signed with."""

    secret: str = Field(examples=["whsec_c2VjcmV0"])
    created_at: Time
    expires_at: Time | None = Field(description="When it is no longer used; null for the newest.")


class SecretList(Answer):
    """The secrets that receivers may verify with, the one of `X-Signature` first."""

    items: list[Secret]


class Attempt(Answer):
    """One attempt to deliver a webhook."""

    at: Time
    status: int | None = Field(None, description="HTTP status of the answer; null if there was none.", examples=[500])
    reason: RetryReason | None = Field(None, description="Why it did not count as delivered; null if it did.")
    error: str | None = Field(None, description="The same in words.")
    seconds: float = Field(ge=0, description="How long it took.", examples=[0.112])


class Delivery(Answer):
    """A webhook that was sent, or is to be sent."""

    id: Uuid
    job_id: Uuid
    url: str = Field(description="Where it goes.", examples=["https://hooks.example.org/speakers"])
    state: Literal["pending", "delivered", "failed"]
    created_at: Time
    next_at: Time | None = Field(None, description="When the next attempt is due; null if there is none.")
    delivered_at: Time | None = Field(None, description="When it was delivered last.")
    attempts: list[Attempt] = Field(description="In order of time.")


class DeliveryList(Answer):
    """One page of the team's deliveries, the newest first."""

    items: list[Delivery]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")


def delivery_item(row: Row) -> dict[str, Any]:
    """A delivery of a webhook, with its attempts."""
    return {
        "id": str(row["id"]),
        "jobId": str(row["job_id"]),
        "url": row["url"],
        "state": row["state"],
        "createdAt": timestamp(row["created_at"]),
        "nextAt": timestamp(row["next_at"]),
        "deliveredAt": timestamp(row["delivered_at"]),
        "attempts": row["attempts"],
    }


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
    wanted, _ = await parsed(here, SecretRequest, body)
    await here.webhooks.rotate_secret(known.team, at_once=wanted.at_once, key=known.key)
    return Json(_secret((await here.webhooks.secret_rows(known.team))[-1]), 201)


def _secret(row: Row) -> dict[str, object]:
    return {
        "secret": row["secret"],
        "createdAt": timestamp(row["created_at"]),
        "expiresAt": timestamp(row["expires_at"]),
    }
