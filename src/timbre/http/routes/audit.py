"""The audit of a team. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json, next_cursor, timestamp
from timbre.http.schemas import Answer, Time, Uuid
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Caller, Scope
from timbre.store.database import Row

router = APIRouter()
_ACTION: Final = r"^[a-z_]{1,50}\.[a-z_]{1,50}$"


class AuditEntry(Answer):
    """Something that was done to a person or a key."""

    id: Uuid
    at: Time
    action: str = Field(description="What was done.", examples=["speaker.erased"])
    subject: Uuid | None = Field(description="Id of whom or what it was done to; null if it was the whole team.")
    subject_name: str | None = Field(
        description="Its name, if it is a key, or somebody who signs in; null for people of the gallery and all else.",
        examples=["laptop"],
    )
    key_id: Uuid | None = Field(
        description="The API key it was done with; null if the server did it by itself, or a command on its machine."
    )
    key_name: str | None = Field(
        description="Name of that key, or of the person who was signed in; null if it is no longer known.",
        examples=["laptop"],
    )
    details: dict[str, str | float | bool | None] = Field(
        description="Numbers and ids, by action; never a name, never anything biometric.", examples=[{"samples": 3}]
    )


class Audit(Answer):
    """One page of the team's audit, the newest first."""

    items: list[AuditEntry]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")


def audit_entry(row: Row) -> dict[str, Any]:
    """An entry of the audit."""
    return {
        "id": str(row["id"]),
        "at": timestamp(row["at"]),
        "action": row["action"],
        "subject": None if row["subject"] is None else str(row["subject"]),
        "subjectName": row["subject_name"],
        "keyId": None if row["key_id"] is None else str(row["key_id"]),
        "keyName": row["key_name"],
        "details": row["details"],
    }


@router.get(
    "/v1/audit",
    operation_id="listAudit",
    response_model=Audit,
    responses=errors(),
    summary="List what was done to people and keys, newest first",
)
async def list_audit(
    *,
    known: Annotated[Caller, Depends(caller(Scope.ADMIN, Group.READ))],
    here: State_,
    action: Annotated[str | None, Query(pattern=_ACTION, description="Only this, as `speaker.erased`.")] = None,
    subject: Annotated[UUID | None, Query(description="Only what was done to this person or thing.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 50,
    cursor: Annotated[UUID | None, Query(description="The `nextCursor` of the page before.")] = None,
) -> Response:
    """List the entries of the team's audit. They hold ids; names are those of keys, and of who signs in."""
    rows = await audit.page(here.database, known.team, action=action, subject=subject, before=cursor, limit=limit + 1)
    return Json({"items": [audit_entry(row) for row in rows[:limit]], "nextCursor": next_cursor(rows, limit)})
