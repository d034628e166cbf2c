"""The team's API keys: whether one is good, and making, listing and revoking them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from timbre.errors import KeyUnknown
from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, parse_id, timestamp
from timbre.http.schemas import Answer, Hint, Time, Uuid
from timbre.service.accounts.requests import KeyRequest, ScopeName
from timbre.service.accounts.teams import Caller, Scope
from timbre.store.database import Row

router = APIRouter()
Admin = Annotated[Caller, Depends(caller(Scope.ADMIN, Group.READ))]


class Key(Answer):
    """An API key, without what it is."""

    id: Uuid
    name: str = Field(examples=["laptop"])
    hint: Hint
    scopes: list[ScopeName]
    created_at: Time
    revoked_at: Time | None = Field(description="When it was made worthless; null while it is valid.")
    person: bool = Field(
        description="Whether it is a person's who signs in by name: nobody has it, and revoking it signs them out."
    )
    current: bool = Field(description="Whether it is the one that asks.")


class KeyList(Answer):
    """All keys of the team, the newest first."""

    items: list[Key]


class NewKey(Answer):
    """An API key that was just made."""

    id: Uuid
    name: str = Field(examples=["laptop"])
    hint: Hint
    scopes: list[ScopeName]
    key: str = Field(description="The key itself; nobody can see it again.", examples=["sk_4b7Yq…"])


class KeyRevoked(Answer):
    """The key is worthless from now on."""

    id: Uuid
    revoked_at: Time


class TestResponse(Answer):
    """The API key is good."""

    __test__ = False  # no test, whatever pytest makes of its name

    status: str = Field(examples=["OK"])
    message: str = Field(examples=["Test connection successful"])


@router.get(
    "/v1/test",
    operation_id="testKey",
    response_model=TestResponse,
    responses=errors(),
    dependencies=[Depends(caller(None, Group.READ))],
    summary="Test an API key",
)
async def test_key() -> Response:
    """Answer 200 to a good key and 401 to any other."""
    return Json({"status": "OK", "message": "Test connection successful"})


@router.get("/v1/keys", operation_id="listKeys", response_model=KeyList, responses=errors(), summary="List API keys")
async def list_keys(known: Admin, here: State_) -> Response:
    """List the team's keys, the newest first, revoked ones too; never what they are. Not in the hosted service."""
    rows = await here.teams.keys_of(known.team)
    return Json({"items": [{**_item(row), "current": row["id"] == known.key} for row in rows]})


@router.post(
    "/v1/keys",
    operation_id="createKey",
    status_code=201,
    response_model=NewKey,
    responses=errors(413),
    openapi_extra=takes(KeyRequest),
    summary="Make an API key",
)
async def create_key(known: Admin, body: Body, here: State_) -> Response:
    """Make a key of the team and answer it, this once: nobody can see it again. Not in the hosted service."""
    wanted, _ = await parsed(here, KeyRequest, body)
    scopes = sorted(set(wanted.scopes or Scope))
    new = await here.teams.add_key(known, wanted.name, scopes)
    return Json({"id": str(new.id), "name": wanted.name, "hint": new.hint, "scopes": scopes, "key": new.key}, 201)


@router.delete(
    "/v1/keys/{keyId}",
    operation_id="revokeKey",
    response_model=KeyRevoked,
    responses=errors(404, 409),
    summary="Revoke an API key",
)
async def revoke_key(
    key_id: Annotated[str, Path(alias="keyId", description="Id of the key.", json_schema_extra={"format": "uuid"})],
    known: Admin,
    here: State_,
) -> Response:
    """Make a key of the team worthless at once; never the one that asks. Not in the hosted service."""
    key = parse_id(key_id)
    if key is None:
        raise KeyUnknown
    row = await here.teams.revoke_of(known, key)
    return Json({"id": str(row["id"]), "revokedAt": timestamp(row["revoked_at"])})


def _item(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "hint": row["hint"],
        "scopes": row["scopes"],
        "createdAt": timestamp(row["created_at"]),
        "revokedAt": timestamp(row["revoked_at"]),
        "person": row["issuer"] is not None,
    }
