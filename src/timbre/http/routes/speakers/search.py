"""Looking for the people who sound like a voice. Not in the hosted service."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from timbre.http.caller import Body, State_, parsed
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.speakers.samples import Reader
from timbre.http.routes.speakers.schemas import SearchResult
from timbre.service.accounts.teams import Scope
from timbre.service.people.search_requests import SearchRequest

router = APIRouter()


@router.post(
    "/v1/speakers/search",
    operation_id="searchSpeakers",
    response_model=SearchResult,
    responses=errors(404, 413),
    openapi_extra=takes(SearchRequest),
    summary="Look for the people who sound like a voice",
)
async def search_speakers(known: Reader, body: Body, here: State_) -> Response:
    """Answer at once who sounds most like a voiceprint, or like a speaker of a job, the likeliest first.

    For a recording, submit a voiceprint job first. Nobody is told to be the one: that is for you to decide, by the
    confidence, which is that of names in results. For a speaker of a job the key has to have `jobs:read` too.
    """
    request, warning = await parsed(here, SearchRequest, body)
    if request.job_id is not None:
        known.require(Scope.JOBS_READ)
    candidates, pool = await here.recognition.recognise(known.team, request)
    items = [
        {
            "speakerId": str(item.speaker),
            "name": item.name,
            "confidence": item.confidence,
            "cosine": round(item.cosine, 4),
        }
        for item in candidates
    ]
    answer = {"items": items, "people": pool.people, "version": pool.version}
    return Json(answer if warning is None else {**answer, "warning": warning})
