"""What can be asked of the search; see `timbre.service.requests.body` for how it is read."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, model_validator

from timbre.service.people.requests import Id
from timbre.service.requests.body import Request
from timbre.service.requests.selection import Selection, Speakers
from timbre.service.requests.submissions import JobRequest
from timbre.service.requests.values import Speaker, VoiceprintText, expect, refuse

MOST_FOUND: Final = 50
_FEW: Final = 5
_ONE_VOICE: Final = "Expected one of: voiceprint, jobId with the speaker of a finished job"


def _limit(came: object) -> object:
    if isinstance(came, bool) or not isinstance(came, int) or not 1 <= came <= MOST_FOUND:
        expect(f"a whole number from 1 to {MOST_FOUND}", came)
    return came


def _model(came: object) -> object:
    names = JobRequest.model_names()
    if came not in names:
        expect(f"one of {', '.join(names)}", came)
    return came


def _names(schema: dict[str, Any]) -> None:
    schema["anyOf"][0]["enum"] = list(JobRequest.model_names())


class SearchRequest(Request):
    """Look for the people who sound most like a voice: that of a voiceprint, or of a speaker in a job."""

    voiceprint: VoiceprintText | None = Field(None, description="What the output of a voiceprint job holds.")
    job_id: Id | None = Field(None, description="A finished job, together with `speaker`.")
    speaker: Speaker | None = Field(
        None, description="Label of one of its speakers: the voice as that job heard it.", examples=["SPEAKER_01"]
    )
    speakers: Speakers = Field(
        default_factory=Selection,
        description="Among whom: `all`, some by their ids, or those who bear any of some tags.",
    )
    limit: Annotated[int, Field(ge=1, le=MOST_FOUND), BeforeValidator(_limit)] = Field(
        _FEW, description="At most so many people."
    )
    model: Annotated[str, BeforeValidator(_model)] | None = Field(
        None,
        description="The pack that made the voiceprint, or a model of the hosted service; the server's own choice if"
        " unset. A voice of a job is compared with the model that heard it.",
        json_schema_extra=_names,
    )

    @model_validator(mode="after")
    def _one(self) -> SearchRequest:
        given = {name for name in ("voiceprint", "job_id", "speaker") if getattr(self, name) is not None}
        if given not in ({"voiceprint"}, {"job_id", "speaker"}):
            refuse(_ONE_VOICE)
        if self.job_id is not None and self.model is not None:
            refuse("Expected no model beside jobId: the voice is compared with the model that heard it", "model")
        return self
