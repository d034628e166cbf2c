"""The voices of a job: listening to them, joining them, and naming them again."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.jobs.jobs import JobId, Reader, job_answer, job_uuid
from timbre.http.routes.jobs.recordings import Listener
from timbre.http.routes.jobs.schemas import Job, VoiceList
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.decisions.requests import DecisionRequest
from timbre.service.files.clips import MEDIA_TYPE
from timbre.service.jobs.requests import MergeVoicesRequest, RematchRequest
from timbre.service.requests.values import SPEAKER_PATTERN

router = APIRouter()
Writer = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.SPEAKERS))]
SpeakerLabel = Annotated[
    str, Path(description="Label of the speaker, as SPEAKER_00.", json_schema_extra={"pattern": SPEAKER_PATTERN})
]
_CLIP: Final[dict[str, Any]] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/v1/jobs/{jobId}/voices",
    operation_id="getJobVoices",
    response_model=VoiceList,
    responses=errors(404),
    summary="List the voices of a job",
)
async def get_job_voices(job_id: JobId, known: Reader, here: State_) -> Response:
    """List the speakers whose voices were kept with the output, and who they may be."""
    return Json({"items": await here.rematch.voices(known.team, job_uuid(job_id))})


@router.get(
    "/v1/jobs/{jobId}/voices/{speaker}/audio",
    operation_id="getJobVoiceAudio",
    response_class=Response,
    responses={**errors(404), 200: {"content": _CLIP, "description": "Ogg"}},
    summary="Listen to a voice",
)
async def get_job_voice_audio(job_id: JobId, speaker: SpeakerLabel, known: Listener, here: State_) -> Response:
    """Answer some seconds in which this speaker is heard alone."""
    clip = await here.rematch.clip(known.team, job_uuid(job_id), speaker)
    return Response(clip, media_type=MEDIA_TYPE, headers={"Content-Disposition": "inline"})


@router.post(
    "/v1/jobs/{jobId}/voices/merge",
    operation_id="mergeJobVoices",
    response_model=Job,
    responses=errors(404, 413),
    openapi_extra=takes(MergeVoicesRequest),
    summary="Make one voice of several",
)
async def merge_job_voices(job_id: JobId, known: Writer, body: Body, here: State_, request: Request) -> Response:
    """Join voices of one person, as the decision `join` does. Labels stay as they are."""
    job = job_uuid(job_id)
    wanted, _ = await parsed(here, MergeVoicesRequest, body)
    decision = DecisionRequest(kind="join", into=wanted.into, merged=wanted.merged)
    await here.decisions.decide(known, job, decision)
    return await job_answer(here, await here.jobs.get(known.team, job), request)


@router.post(
    "/v1/jobs/{jobId}/rematch",
    operation_id="rematchJob",
    response_model=Job,
    responses=errors(404, 413),
    openapi_extra=takes(RematchRequest),
    summary="Name the speakers again",
)
async def rematch_job(job_id: JobId, known: Writer, body: Body, here: State_, request: Request) -> Response:
    """Name the speakers of a diarization or identification by the people there are now, without hearing it again."""
    known.require(Scope.SPEAKERS_READ)
    job = job_uuid(job_id)
    wanted, _ = await parsed(here, RematchRequest, body or b"{}")
    await here.rematch.rematch(known.team, job, wanted)
    return await job_answer(here, await here.jobs.get(known.team, job), request)
