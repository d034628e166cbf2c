"""Whether a key is good."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from timbre.http.caller import caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.schemas import TestResponse

router = APIRouter()


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
