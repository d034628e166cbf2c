"""Who is to be erased, as no recording names them. Not in the hosted service."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from timbre.http.caller import State_
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.routes.speakers.responses import retention_report
from timbre.http.routes.speakers.samples import Reader
from timbre.http.routes.speakers.schemas import SpeakerRetentionReport

router = APIRouter()


@router.get(
    "/v1/speakers/retention",
    operation_id="getSpeakerRetention",
    response_model=SpeakerRetentionReport,
    responses=errors(),
    summary="Who is to be erased, and whose review is due",
)
async def get_speaker_retention(known: Reader, here: State_) -> Response:
    """Answer whom no recording has named for as long as the server's setting says, or will not have within 30 days.

    They are erased seven days after the server first noted that they are due, unless a recording names them before. The
    first thousand of each list.
    """
    return Json(retention_report(await here.speaker_retention.report(known.team)))
