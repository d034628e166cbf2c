"""The audit of a team. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json, audit_entry, next_cursor
from timbre.http.schemas import Audit
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Caller, Scope

router = APIRouter()
_ACTION: Final = r"^[a-z_]{1,50}\.[a-z_]{1,50}$"


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
    """List the entries of the team's audit. They hold ids, never a name and never anything biometric."""
    rows = await audit.page(here.database, known.team, action=action, subject=subject, before=cursor, limit=limit + 1)
    return Json({"items": [audit_entry(row) for row in rows[:limit]], "nextCursor": next_cursor(rows, limit)})
