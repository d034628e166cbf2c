"""Samples of people: learned from voiceprints, recordings and jobs; listened to; removed. Not in the hosted service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from timbre.errors import RequestInvalid, SampleUnknown, SpeakerUnknown, VoiceprintError
from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, parse_id
from timbre.http.routes.speakers.responses import sample_item, speaker_detail
from timbre.http.routes.speakers.schemas import EnrolmentCreated, SpeakerDetail, SpeakerSample
from timbre.http.state import State
from timbre.identification.voiceprint import Voiceprint
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.jobs import Submission
from timbre.service.naming.enrolment import Stretch
from timbre.service.people.requests import SampleRequest
from timbre.service.people.samples import Origin

router = APIRouter()
SpeakerId = Annotated[
    str, Path(alias="speakerId", description="Id of the person.", json_schema_extra={"format": "uuid"})
]
SampleId = Annotated[str, Path(alias="sampleId", description="Id of the sample.", json_schema_extra={"format": "uuid"})]
Reader = Annotated[Caller, Depends(caller(Scope.SPEAKERS_READ, Group.READ))]
Writer = Annotated[Caller, Depends(caller(Scope.SPEAKERS_WRITE, Group.SPEAKERS))]
_NO_PEOPLE: Final = frozenset(
    {"export", "import", "map", "retention", "search", "upgrade"}
)  # what stands beside ids in paths
_METHOD_NOT_ALLOWED: Final = 405
_OTHER: Final = (
    "The sample is of another encoder than the gallery, and finds nobody until the gallery is of that;"
    " GET /v1/speakers/upgrade tells more"
)
_CLIP: Final[dict[str, Any]] = {"audio/ogg": {"schema": {"type": "string", "format": "binary"}}}


@router.post(
    "/v1/speakers/{speakerId}/samples",
    operation_id="addSample",
    status_code=201,
    response_model=SpeakerSample,
    responses={**errors(402, 404, 409, 413), 202: {"model": EnrolmentCreated, "description": "A job will hear it"}},
    openapi_extra=takes(SampleRequest),
    summary="Add a sample of a person's voice",
)
async def add_sample(speaker_id: SpeakerId, known: Writer, body: Body, here: State_) -> Response:
    """Learn the voice from a voiceprint or from what a job heard at once, from a recording by a job of type `enrol`.

    Of a voiceprint made from several recordings each becomes a sample; the answer is the first. What the person has
    already is not added again. From a job only a key learns that may read jobs too (`jobs:read`).
    """
    speaker = known_id(speaker_id)
    sample, warning = await parsed(here, SampleRequest, body)
    await here.gallery.get(known.team, speaker)
    heard = await heard_already(here, known, sample)
    if heard is None:
        submitted = await submit(here, known, speaker, sample, warning)
        return Json(_with_warning({"jobId": str(submitted.id), "status": "created"}, warning), 202)
    with usable_voiceprints():
        async with here.gallery.changing(known.team) as connection:
            id_, _ = await here.gallery.add_samples(connection, known.team, speaker, *heard, key=known.key)
            person = await here.gallery.get(known.team, speaker, connection)
    made, space = next(each for each in person.samples if each.id == id_), await here.gallery.space(known.team)
    if made.space != space:
        warning = "; ".join(filter(None, (warning, _OTHER)))
    return Json(_with_warning(sample_item(made, space), warning), 201)


@router.delete(
    "/v1/speakers/{speakerId}/samples/{sampleId}",
    operation_id="removeSample",
    response_model=SpeakerDetail,
    responses=errors(404),
    summary="Erase a sample",
)
async def remove_sample(speaker_id: SpeakerId, sample_id: SampleId, known: Writer, here: State_) -> Response:
    """Erase a sample, and let the person be recognised by the others alone."""
    speaker = known_id(speaker_id)
    await here.gallery.remove_sample(known.team, speaker, _sample_id(sample_id), key=known.key)
    person = await here.gallery.get(known.team, speaker)
    space, alike = await here.gallery.space(known.team), await here.agreement.of(known.team, speaker)
    return Json(speaker_detail(person, space, alike))


@router.get(
    "/v1/speakers/{speakerId}/samples/{sampleId}/audio",
    operation_id="listenToSample",
    response_class=Response,
    responses={**errors(404), 200: {"content": _CLIP, "description": "Some seconds of the sample"}},
    summary="Listen to a sample",
)
async def listen_to_sample(speaker_id: SpeakerId, sample_id: SampleId, known: Reader, here: State_) -> Response:
    """Answer some seconds of the recording behind a sample, as Ogg."""
    clip = await here.gallery.clip(known.team, known_id(speaker_id), _sample_id(sample_id))
    return Response(clip, media_type="audio/ogg", headers={"Cache-Control": "no-store"})


def known_id(text: str) -> UUID:
    """The id of a person in a path.

    Raises:
        SpeakerUnknown: it is none.
        HTTPException: a path of its own stands there, which does not know the method.
    """
    if text in _NO_PEOPLE:
        raise HTTPException(_METHOD_NOT_ALLOWED, "Method Not Allowed")
    speaker = parse_id(text)
    if speaker is None:
        raise SpeakerUnknown
    return speaker


@contextmanager
def usable_voiceprints() -> Iterator[None]:
    """While the block runs, a voiceprint that cannot be used is a fault of the request.

    Raises:
        RequestInvalid: there is one.
    """
    try:
        yield
    except VoiceprintError as error:
        raise RequestInvalid([("voiceprint", str(error))]) from None


async def heard_already(here: State, known: Caller, sample: SampleRequest) -> tuple[Voiceprint, Origin] | None:
    """What a sample tells of a voice; None where a job has to hear it first.

    Raises:
        ScopeMissing: it is from a job, and the key may not read jobs.
        RequestInvalid: the voiceprint cannot be used.
        JobUnknown, VoicesMissing: the voice of the job is not here.
    """
    if sample.voiceprint is not None:
        with usable_voiceprints():
            return Voiceprint.from_text(sample.voiceprint), Origin(source="voiceprint")
    if sample.job_id is not None:
        known.require(Scope.JOBS_READ)
    if sample.job_id is None or sample.speaker is None:
        return None
    voice = await here.enrolment.voice_of_job(known.team, sample.job_id, sample.speaker)
    return voice.voiceprint, Origin(source="job", job=sample.job_id, clip=voice.clip)


async def submit(
    here: State,
    known: Caller,
    speaker: UUID,
    sample: SampleRequest,
    warning: str | None = None,
    *,
    first: bool = False,
) -> Submission:
    """Let a job hear a sample of a person, who was created with it if it is the first.

    Raises:
        SpeakerUnknown, JobUnknown, MediaUnknown: something is not here.
        RequestInvalid: the stretch cannot be used.
        BudgetSpent: the team may have nothing more heard this month.
    """
    stretch = None
    if sample.job_id is not None and sample.start is not None and sample.end is not None:
        stretch = Stretch(job=sample.job_id, start=sample.start, end=sample.end)
    return await here.enrolment.submit_enrol(
        known, speaker, url=sample.url, stretch=stretch, first=first, warning=warning
    )


def _sample_id(text: str) -> UUID:
    sample = parse_id(text)
    if sample is None:
        raise SampleUnknown
    return sample


def _with_warning(answer: dict[str, Any], warning: str | None) -> dict[str, Any]:
    return answer if warning is None else answer | {"warning": warning}
