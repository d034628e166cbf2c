"""Usage of a team by month. Not in the hosted service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.schemas import Answer, JobType, Uuid
from timbre.service.accounts.teams import Caller, Scope
from timbre.store.database import Row

router = APIRouter()
_MONTH: Final = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"


class UsageOfKey(Answer):
    """What one API key was used for in a month."""

    key_id: Uuid
    name: str | None = Field(description="Name of the key; null if the key is no longer known.", examples=["laptop"])
    type: JobType
    jobs: int = Field(ge=0, description="Jobs that succeeded.", examples=[41])
    seconds: float = Field(ge=0, description="Seconds of their recordings.", examples=[5120.4])


class Usage(Answer):
    """What the team used in a month."""

    month: str = Field(description="Year and month.", pattern=r"^\d{4}-\d{2}$", examples=["2026-10"])
    jobs: int = Field(ge=0, description="Jobs that succeeded.", examples=[41])
    seconds: float = Field(ge=0, description="Seconds of their recordings.", examples=[5120.4])
    budget_seconds: float | None = Field(
        None, ge=0, description="Seconds the team may use in a month; null for any number.", examples=[360000]
    )
    keys: list[UsageOfKey] = Field(description="The same, by key and type of job.")


def usage_report(rows: Sequence[Row], budget: float | None) -> dict[str, Any]:
    """What a team used in a month, in all and by key and type of job; the budget is in seconds of audio a month."""
    return {
        "jobs": sum(row["jobs"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "budgetSeconds": budget,
        "keys": [
            {
                "keyId": str(row["key_id"]),
                "name": row["name"],
                "type": row["type"],
                "jobs": row["jobs"],
                "seconds": round(row["seconds"], 3),
            }
            for row in rows
        ],
    }


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
