"""What a job heard: the recording as it was uploaded, and how loud it is from beginning to end."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response, StreamingResponse

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.ranges import parse_range
from timbre.http.responses import Json
from timbre.http.routes.jobs.jobs import JobId, Reader, job_uuid
from timbre.http.routes.jobs.schemas import Peaks
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.files.media_types import HEAD, media_type
from timbre.service.results.outline import outline

router = APIRouter()
Listener = Annotated[Caller, Depends(caller(Scope.MEDIA_READ, Group.READ))]
_SOUND: Final[dict[str, Any]] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/v1/jobs/{jobId}/audio",
    operation_id="getJobAudio",
    response_class=Response,
    responses={
        **errors(404, 416),
        200: {"content": _SOUND, "description": "The recording"},
        206: {"content": _SOUND, "description": "The part that `Range` asked for"},
    },
    summary="Listen to the recording",
)
async def get_job_audio(
    job_id: JobId,
    known: Listener,
    here: State_,
    range: Annotated[  # noqa: A002 - the header's name
        str | None, Header(description="The part that is wanted, as `bytes=0-1023`.")
    ] = None,
) -> Response:
    """Answer the recording as it was uploaded, as long as it is kept."""
    recording = await here.jobs.recording(known.team, job_uuid(job_id))
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": "inline"}
    part = parse_range(range, recording.bytes)
    if not recording.bytes:
        return Response(b"", headers=headers)
    head = b"".join([piece async for piece in here.storage.chunks(recording.object, (0, min(HEAD, recording.bytes)))])
    start, stop = part or (0, recording.bytes)
    headers["Content-Length"] = str(stop - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{recording.bytes}"
    return StreamingResponse(
        here.storage.chunks(recording.object, (start, stop)),
        status_code=206 if part else 200,
        media_type=media_type(head),
        headers=headers,
    )


@router.get(
    "/v1/jobs/{jobId}/peaks",
    operation_id="getJobPeaks",
    response_model=Peaks,
    responses=errors(404),
    summary="See how loud the recording is",
)
async def get_job_peaks(
    job_id: JobId,
    known: Reader,
    here: State_,
    start: Annotated[float, Query(ge=0, allow_inf_nan=False, description="Seconds from which on it is wanted.")] = 0.0,
    end: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="Seconds until which; the end if unset.")
    ] = None,
) -> Response:
    """Answer the loudest moment of each of up to 2000 equal parts of the recording, or a stretch, for a drawing of it.

    The shorter the stretch, the finer its parts, down to 10 ms.
    """
    kept, duration = await here.jobs.peaks(known.team, job_uuid(job_id))
    found = outline(kept, duration, start, end)
    return Json(
        {"peaks": list(found.peaks), "start": found.start, "end": found.end, "duration": round(found.duration, 3)}
    )
