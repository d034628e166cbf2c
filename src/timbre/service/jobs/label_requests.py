"""What can be asked about a transcript: to be labelled by a job that is there, or by a new one that listens."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from timbre.service.people.requests import Id
from timbre.service.requests.body import Request
from timbre.service.requests.submissions import IdentifyRequest, JobType
from timbre.service.requests.values import AudioUrl, expect, refuse
from timbre.transcripts import MOST_BYTES, TranscriptFormat

_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def _transcript(came: object) -> str:
    if not isinstance(came, str) or not came:
        expect("a transcript: the text of its file", came)
    if len(came) > MOST_BYTES or len(came.encode("utf-8", "replace")) > MOST_BYTES:
        refuse(f"Expected at most {MOST_BYTES // 1_000_000} MB, got more; cut the transcript in two")
    if found := _UNSTORABLE.search(came):
        refuse(f"Expected a text, got U+{ord(found[0]):04X} as character {found.start() + 1}")
    return came


def _format(came: object) -> object:
    if came not in tuple(TranscriptFormat):
        expect(f"one of {', '.join(TranscriptFormat)}", came)
    return came


def _job_or_url(schema: dict[str, Any], request: type[LabelRequest]) -> None:
    schema["properties"]["model"]["anyOf"][0]["enum"] = list(request.model_names())
    schema["anyOf"] = [{"required": ["jobId"]}, {"required": ["url"]}]


_Transcript = Annotated[str, Field(min_length=1), BeforeValidator(_transcript)]
_Format = Annotated[
    TranscriptFormat | None,
    BeforeValidator(_format, json_schema_input_type=Literal["srt", "vtt", "json", "ctm", "stm", "txt"] | None),
]
_TRANSCRIPT: Final = Field(
    description="The text of an SRT, WebVTT or JSON file, at most 50 MB. JSON is that of Whisper, WhisperX and"
    " others like them, or a list of segments.",
    examples=["1\n00:00:00,500 --> 00:00:02,000\nGood morning.\n"],
)
_FORMAT: Final = Field(None, description="Format of the transcript; what it looks like if unset.")


class TranscriptRequest(Request):
    """A transcript of a recording that was heard."""

    transcript: _Transcript = _TRANSCRIPT
    format: _Format = _FORMAT


class LabelRequest(IdentifyRequest):
    """Write into a transcript who speaks: by a job that has ended, or by a new one that hears the recording."""

    model_config = ConfigDict(json_schema_extra=_job_or_url)
    kind: ClassVar[JobType] = "label"

    transcript: _Transcript = _TRANSCRIPT
    format: _Format = _FORMAT
    job_id: Id | None = Field(
        None,
        description="The job whose output says who speaks; then the answer is the transcript, at once. Not together"
        " with `url`, `speakers` or `voiceprints`.",
    )
    url: AudioUrl | None = Field(  # type: ignore[assignment]  # a job may stand in its place
        None,
        description="The recording, for a new job: a direct link to the file, or the `media://` name it was uploaded"
        " under.",
        examples=["media://team/standup.flac"],
    )

    @field_validator("voiceprints", mode="before")
    @classmethod
    def _somebody(cls, came: object, _info: ValidationInfo) -> object:
        return came  # without anybody to recognise, speakers have labels

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.job_id is None:
            if self.url is None:
                refuse("Expected a recording as `url`, or a job as `jobId`, got neither", "url")
            return self
        for field in ("url", "speakers", "voiceprints"):
            if getattr(self, field) is not None:
                refuse("Expected none, as names are those of the job `jobId`; rematch it for others", field)
        return self

    @property
    def named(self) -> bool:
        """Whether there is anybody to recognise."""
        return self.speakers is not None or self.voiceprints is not None
