"""People of the gallery. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from timbre.errors import RequestInvalid, ServiceError
from timbre.http.caller import Body, State_, parsed
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.speakers.responses import speaker_detail, speaker_item
from timbre.http.routes.speakers.samples import (
    Reader,
    SpeakerId,
    Writer,
    heard_already,
    known_id,
    submit,
    usable_voiceprints,
)
from timbre.http.routes.speakers.schemas import SpeakerDetail, SpeakerErased, SpeakerList, SpeakerMap
from timbre.http.state import State
from timbre.service.accounts.teams import Caller
from timbre.service.people.confusable import alike
from timbre.service.people.person import Changes
from timbre.service.people.requests import CreateSpeakerRequest, MergeSpeakersRequest, UpdateSpeakerRequest
from timbre.service.people.voice_map import MOST_POINTS, draw

router = APIRouter()
_PRINTED: Final = r"^[^\x00-\x1f\x7f]+$"


@router.get(
    "/v1/speakers",
    operation_id="listSpeakers",
    response_model=SpeakerList,
    responses=errors(),
    summary="List people, newest first",
)
async def list_speakers(
    *,
    known: Reader,
    here: State_,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 20,
    cursor: Annotated[UUID | None, Query(description="The `nextCursor` of the page before.")] = None,
    tag: Annotated[
        str | None, Query(max_length=50, pattern=_PRINTED, description="Only people who have this tag.")
    ] = None,
    q: Annotated[
        str | None, Query(max_length=100, pattern=_PRINTED, description="Only people in whose name this is.")
    ] = None,
) -> Response:
    """List the team's people, without their samples."""
    people, total = await here.gallery.page(known.team, limit=limit + 1, before=cursor, tag=tag, part=q)
    space = await here.gallery.space(known.team)
    return Json(
        {
            "items": [speaker_item(person, space) for person in people[:limit]],
            "nextCursor": str(people[limit - 1].id) if len(people) > limit else None,
            "total": total,
            "version": await here.gallery.version(known.team),
        }
    )


@router.post(
    "/v1/speakers",
    operation_id="createSpeaker",
    status_code=201,
    response_model=SpeakerDetail,
    responses=errors(402, 404, 409, 413),
    openapi_extra=takes(CreateSpeakerRequest),
    summary="Make room for a person",
)
async def create_speaker(known: Writer, body: Body, here: State_) -> Response:
    """Add a person to the gallery, and a sample of their voice if one is sent along.

    Where a job has to hear that sample first, and no voice can be learned from it, the person is erased again.
    """
    wanted, warning = await parsed(here, CreateSpeakerRequest, body)
    try:
        speaker, heard = await _create(here, known, wanted)
    except RequestInvalid as error:
        raise _in_sample(error) from None
    more: dict[str, Any] = {} if warning is None else {"warning": warning}
    if wanted.sample is not None and not heard:
        try:
            more["jobId"] = str((await submit(here, known, speaker, wanted.sample, first=True)).id)
        except ServiceError as error:
            await here.gallery.erase(known.team, speaker, key=known.key)  # all of the request or nothing
            raise _in_sample(error) from None
    return await _detail(here, known.team, speaker, 201, more)


@router.get(
    "/v1/speakers/map",
    operation_id="mapSpeakers",
    response_model=SpeakerMap,
    responses=errors(),
    summary="Draw a map of the voices",
)
async def map_speakers(
    known: Reader,
    here: State_,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS, description="At most so many people, the newest.")] = MOST_POINTS,
) -> Response:
    """Answer a place in the plane for everybody, such that those who sound alike are near each other.

    It shows the two directions in which the voices differ most, so that people who are far apart on it sound different,
    while people who are near may still differ in others: `pairs` tells who truly sounds alike. Only samples of the
    gallery's model count.
    """
    space = await here.gallery.space(known.team)
    points = [] if space is None else await draw(here.database, known.team, space, limit)
    pairs = [] if space is None else await alike(here.database, here.settings, known.team, space, limit)
    return Json(
        {
            "points": [
                {"speakerId": str(point.speaker), "name": point.name, "x": point.x, "y": point.y} for point in points
            ],
            "pairs": [{"speakerIds": list(map(str, pair.speakers)), "likeness": pair.likeness} for pair in pairs],
        }
    )


@router.get(
    "/v1/speakers/{speakerId}",
    operation_id="getSpeaker",
    response_model=SpeakerDetail,
    responses=errors(404),
    summary="Look at a person",
)
async def get_speaker(speaker_id: SpeakerId, known: Reader, here: State_) -> Response:
    """Answer what is known of a person."""
    return await _detail(here, known.team, known_id(speaker_id))


@router.patch(
    "/v1/speakers/{speakerId}",
    operation_id="updateSpeaker",
    response_model=SpeakerDetail,
    responses=errors(404, 409, 413),
    openapi_extra=takes(UpdateSpeakerRequest),
    summary="Change a person",
)
async def update_speaker(speaker_id: SpeakerId, known: Writer, body: Body, here: State_) -> Response:
    """Change name, tags, consent or review date. Stored results that name the person follow a new name."""
    speaker = known_id(speaker_id)
    wanted, warning = await parsed(here, UpdateSpeakerRequest, body)
    changes = Changes()
    if wanted.name is not None:
        changes["name"] = wanted.name
    if wanted.tags is not None:
        changes["tags"] = wanted.tags
    if "consent" in wanted.model_fields_set:
        changes["consent"] = None if wanted.consent is None else wanted.consent.value
    if "review_date" in wanted.model_fields_set:
        changes["review_on"] = wanted.review_date
    await here.gallery.update(known.team, speaker, key=known.key, **changes)
    return await _detail(here, known.team, speaker, 200, {} if warning is None else {"warning": warning})


@router.delete(
    "/v1/speakers/{speakerId}",
    operation_id="eraseSpeaker",
    response_model=SpeakerErased,
    responses=errors(404),
    summary="Erase a person",
)
async def erase_speaker(speaker_id: SpeakerId, known: Writer, here: State_) -> Response:
    """Erase a person with all samples and clips, and their name in stored results; it cannot be undone."""
    speaker = known_id(speaker_id)
    await here.gallery.erase(known.team, speaker, key=known.key)
    return Json({"speakerId": str(speaker), "deleted": True})


@router.post(
    "/v1/speakers/{speakerId}/merge",
    operation_id="mergeSpeakers",
    response_model=SpeakerDetail,
    responses=errors(404, 409, 413),
    openapi_extra=takes(MergeSpeakersRequest),
    summary="Make one person of several",
)
async def merge_speakers(speaker_id: SpeakerId, known: Writer, body: Body, here: State_) -> Response:
    """Give a person the samples, tags and results of others, who are gone after that.

    Name, consent and review date stay this person's where there are any; the earliest review date counts.
    """
    speaker = known_id(speaker_id)
    wanted, warning = await parsed(here, MergeSpeakersRequest, body)
    if speaker in wanted.others:
        raise RequestInvalid([(f"from.{wanted.others.index(speaker)}", "Expected somebody else than this person")])
    await here.gallery.merge(known.team, speaker, wanted.others, key=known.key)
    return await _detail(here, known.team, speaker, 200, {} if warning is None else {"warning": warning})


async def _create(here: State, known: Caller, wanted: CreateSpeakerRequest) -> tuple[UUID, bool]:
    """Add a person; tell whether with the sample, if there is one, or whether a job has to hear that first."""
    heard = None if wanted.sample is None else await heard_already(here, known, wanted.sample)
    with usable_voiceprints():
        async with here.gallery.changing(known.team) as connection:
            speaker = await here.gallery.create(
                known.team,
                name=wanted.name,
                tags=wanted.tags,
                consent=None if wanted.consent is None else wanted.consent.value,
                review_on=wanted.review_date,
                key=known.key,
                connection=connection,
            )
            if heard is not None:
                await here.gallery.add_samples(connection, known.team, speaker, *heard, key=known.key)
    return speaker, heard is not None


async def _detail(
    here: State, team: UUID, speaker: UUID, status: int = 200, more: dict[str, Any] | None = None
) -> Response:
    person = await here.gallery.get(team, speaker)
    space, alike = await here.gallery.space(team), await here.agreement.of(team, speaker)
    return Json(speaker_detail(person, space, alike) | (more or {}), status)


def _in_sample(error: ServiceError) -> ServiceError:
    """Say of a fault of a sample that it came with a person."""
    if isinstance(error, RequestInvalid):
        return RequestInvalid([(f"sample.{at}", reason) for at, reason in error.errors])
    return error
