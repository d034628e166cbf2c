"""Where a person is heard, and how much they talk."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from timbre.http.caller import State_
from timbre.http.openapi import errors
from timbre.http.responses import Json, next_cursor, timestamp
from timbre.http.routes.jobs.schemas import Seconds
from timbre.http.routes.speakers.samples import Reader, SpeakerId, known_id
from timbre.http.schemas import Answer, JobType, Time, Uuid
from timbre.service.accounts.teams import Scope

router = APIRouter()


class SpeakerRecording(Answer):
    """A recording in which a person is heard."""

    job_id: Uuid
    type: JobType
    title: str | None = Field(description="What it is called.", examples=["standup.flac"])
    created_at: Time
    duration: float | None = Field(ge=0, description="Seconds of the recording.", examples=[1800.0])
    seconds: float = Field(ge=0, description="Seconds that they talk.", examples=[412.5])
    turns: int = Field(ge=1, examples=[37])
    starts_at: Seconds = Field(description="Where they talk first.", examples=[12.25])
    decided: bool = Field(description="Whether somebody said that it is them.")
    doubtful: bool = Field(
        description="Whether the name was given by a sample of theirs that was withdrawn since: name it again."
    )


class SpeakerRecordingList(Answer):
    """One page of the recordings in which a person is heard, the newest first."""

    items: list[SpeakerRecording]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")
    seconds: float = Field(
        ge=0, description="Seconds that they talk in all recordings that are kept.", examples=[5120.0]
    )
    turns: int = Field(ge=0, description="In all of them.", examples=[420])
    recordings: int = Field(ge=0, description="How many there are.", examples=[12])


@router.get(
    "/v1/speakers/{speakerId}/recordings",
    operation_id="listSpeakerRecordings",
    response_model=SpeakerRecordingList,
    responses=errors(404),
    summary="Where a person is heard",
)
async def list_speaker_recordings(
    speaker_id: SpeakerId,
    known: Reader,
    here: State_,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 20,
    cursor: Annotated[UUID | None, Query(description="The `nextCursor` of the page before.")] = None,
) -> Response:
    """List the recordings in which a person is heard, and how much they talk in each."""
    known.require(Scope.JOBS_READ)
    speaker = known_id(speaker_id)
    await here.gallery.get(known.team, speaker)
    rows, talk = await here.jobs.heard(known.team, speaker, limit=limit + 1, before=cursor)
    return Json(
        {
            "items": [
                {
                    "jobId": str(row["id"]),
                    "type": row["type"],
                    "title": row["title"],
                    "createdAt": timestamp(row["created_at"]),
                    "duration": None if row["duration"] is None else round(row["duration"], 3),
                    "seconds": round(row["seconds"], 3),
                    "turns": row["turns"],
                    "startsAt": round(row["starts"], 3),
                    "decided": row["decided"],
                    "doubtful": row["doubtful"],
                }
                for row in rows[:limit]
            ],
            "nextCursor": next_cursor(rows, limit),
            "seconds": round(talk["seconds"], 3),
            "turns": talk["turns"],
            "recordings": talk["recordings"],
        }
    )
