"""Reviews over recordings: what waits for a decision. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response

from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, timestamp
from timbre.http.routes.jobs.decision_schemas import LearningDoubt
from timbre.http.routes.jobs.decisions import told_doubt
from timbre.http.routes.jobs.schemas import Seconds
from timbre.http.routes.speakers.schemas import Candidate
from timbre.http.schemas import Answer, Score, Time, Uuid, left_out
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.review.requests import RenameRequest, ReviewRequest
from timbre.service.review.review import Said
from timbre.store.database import Row

router = APIRouter(prefix="/v1/review")
Reader = Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))]
Writer = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.SPEAKERS))]


class WaitingVoice(Answer):
    """A voice of a recording."""

    job_id: Uuid
    title: str | None = Field(description="What the recording is called.", examples=["standup.flac"])
    created_at: Time = Field(description="When the recording was submitted.")
    speaker: str = Field(description="Label of the voice.", examples=["SPEAKER_00"])
    seconds: float = Field(ge=0, description="Seconds that it talks.", examples=[61.5])
    starts_at: Seconds = Field(description="Where it talks first.", examples=[12.25])


class WaitingMatch(WaitingVoice):
    """A name that was given to a voice, and that nobody has looked at."""

    speaker_id: Uuid
    name: str = Field(examples=["Ada"])
    confidence: Score | None = Field(description="How likely it is this person; null if that is not known any more.")
    doubtful: bool = Field(description="Whether it was given by a sample of the person that was withdrawn since.")


class WaitingGroup(Answer):
    """Voices that nobody has named, and that sound like one person."""

    recordings: int = Field(ge=1, description="In how many recordings.", examples=[6])
    seconds: float = Field(ge=0, description="Seconds that they talk, in all.", examples=[412.0])
    voices: list[WaitingVoice] = Field(description="Those of the newest recordings first.")
    candidates: list[Candidate] = Field(description="People whom it sounds like, the likeliest first; at most three.")


class WaitingList(Answer):
    """What waits for a decision."""

    matches: list[WaitingMatch] = Field(description="Those in doubt first, then the surest.")
    matches_total: int = Field(ge=0, description="How many there are in all.")
    groups: list[WaitingGroup] = Field(description="Those in most recordings first.")
    groups_total: int = Field(ge=0, description="How many there are in all.")
    affected: int = Field(ge=0, description="How many recordings were named by other people than there are now.")


class SaidOfVoice(Answer):
    """What became of what was said of a voice."""

    job_id: Uuid
    speaker: str = Field(examples=["SPEAKER_00"])
    revision: Annotated[int, Field(ge=1)] | SkipJsonSchema[None] = Field(
        None,
        description="Of the result, that it made; absent where nothing came of it.",
        json_schema_extra=left_out,
    )
    learned: bool | SkipJsonSchema[None] = Field(
        None, description="Whether the voice is a sample of the person now.", json_schema_extra=left_out
    )
    doubt: LearningDoubt | SkipJsonSchema[None] = Field(None, description="Why it is not.", json_schema_extra=left_out)
    message: str | SkipJsonSchema[None] = Field(
        None, description="Why nothing came of it; absent where something did.", json_schema_extra=left_out
    )


class ReviewAnswer(Answer):
    """What became of what was said."""

    speaker_id: Uuid | None = Field(description="The person it was about; null if nobody.")
    voices: list[SaidOfVoice] = Field(description="In the order they were sent.")


class RenameAnswer(Answer):
    """What became of recordings that were named again."""

    named: int = Field(ge=0, description="How many were.")
    changed: int = Field(ge=0, description="How many of them name other people now.")
    passed_over: int = Field(ge=0, description="How many cannot be, as their voices are gone.")
    left: int = Field(ge=0, description="How many are still to be: ask again.")


@router.get(
    "",
    operation_id="getReview",
    response_model=WaitingList,
    responses=errors(),
    summary="What waits for a decision",
)
async def get_review(
    known: Reader,
    here: State_,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many matches, and so many groups.")] = 50,
    recordings: Annotated[int, Query(ge=1, le=1000, description="Only groups that are in so many recordings.")] = 1,
) -> Response:
    """Answer the names that nobody has looked at, and the voices that nobody has named, grouped over recordings.

    Groups are of the newest 4000 such voices, of those with enough clean speech to be told apart.
    """
    known.require(Scope.SPEAKERS_READ)
    waiting = await here.review.waiting(known.team, limit, recordings)
    return Json(
        {
            "matches": [
                _voice(row)
                | {
                    "speakerId": str(row["speaker_id"]),
                    "name": row["name"],
                    "confidence": row["confidence"],
                    "doubtful": row["doubtful"],
                }
                for row in waiting.matches
            ],
            "matchesTotal": waiting.matches_total,
            "groups": [
                {
                    "recordings": len({row["job_id"] for row in group.voices}),
                    "seconds": round(sum(row["seconds"] for row in group.voices), 3),
                    "voices": [_voice(row) for row in group.voices],
                    "candidates": [
                        {"speakerId": str(each.speaker), "name": each.name, "confidence": each.confidence}
                        for each in group.candidates
                    ],
                }
                for group in waiting.groups
            ],
            "groupsTotal": waiting.groups_total,
            "affected": waiting.affected,
        }
    )


@router.post(
    "/decide",
    operation_id="decideReview",
    response_model=ReviewAnswer,
    responses=errors(404, 409, 413),
    openapi_extra=takes(ReviewRequest),
    summary="Say who several voices are",
)
async def decide_review(known: Writer, body: Body, here: State_) -> Response:
    """Say the same of voices of one recording or many: a decision about each result, which can be undone there.

    What somebody else has decided meanwhile stays. Where nothing comes of it for any of the voices, the answer is the
    error of the first.
    """
    wanted, _ = await parsed(here, ReviewRequest, body)
    known.require(Scope.SPEAKERS_READ)
    if wanted.name is not None:
        known.require(Scope.SPEAKERS_WRITE)
    person, said = await here.review.decide(known, wanted)
    return Json({"speakerId": None if person is None else str(person), "voices": [_said(each) for each in said]})


@router.post(
    "/rename",
    operation_id="renameRecordings",
    response_model=RenameAnswer,
    responses=errors(413),
    openapi_extra=takes(RenameRequest, required=False),
    summary="Name recordings again",
)
async def rename_recordings(known: Writer, body: Body, here: State_) -> Response:
    """Name the recordings again whose people have changed, without hearing them; what was decided stays.

    It answers after some seconds, and says how many are left.
    """
    known.require(Scope.SPEAKERS_READ)
    wanted, _ = await parsed(here, RenameRequest, body or b"{}")
    done = await here.review.rename(known.team, wanted)
    return Json({"named": done.named, "changed": done.changed, "passedOver": done.passed_over, "left": done.left})


def _voice(row: Row) -> dict[str, Any]:
    return {
        "jobId": str(row["job_id"]),
        "title": row["title"],
        "createdAt": timestamp(row["created_at"]),
        "speaker": row["speaker"],
        "seconds": round(row["seconds"], 3),
        "startsAt": round(row["starts"], 3),
    }


def _said(said: Said) -> dict[str, Any]:
    told: dict[str, Any] = {"jobId": str(said.voice.job_id), "speaker": said.voice.speaker}
    if said.made is None:
        return told | {"message": str(said.error)}
    told["revision"] = said.made.revision
    if said.made.learned is not None:
        told["learned"] = said.made.learned
    if said.made.doubt is not None:
        told["doubt"] = told_doubt(said.made.doubt)
    return told
