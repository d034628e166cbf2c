"""Usage of a team by month. Not in the hosted service."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json, usage_report
from timbre.http.schemas import Usage
from timbre.service.accounts.teams import Caller, Scope

router = APIRouter()
_MONTH: Final = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"


@router.get(
    "/v1/usage", operation_id="getUsage", response_model=Usage, responses=errors(), summary="What the team used"
)
async def get_usage(
    known: Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))],
    here: State_,
    month: Annotated[str | None, Query(pattern=_MONTH, description="As `2026-11`; this one, by UTC, if unset.")] = None,
) -> Response:
    """Answer how many jobs succeeded in a month and how many seconds of audio they heard, by key and type."""
    first = date.fromisoformat(f"{month or datetime.now(UTC).strftime('%Y-%m')}-01")
    rows = await here.usage.report(known.team, first)
    budget, _ = await here.usage.budget(known.team)
    return Json({"month": first.strftime("%Y-%m"), **usage_report(rows, budget)})
