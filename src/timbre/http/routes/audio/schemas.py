"""The answers of these endpoints, as the API reference describes them; their keys are those of OpenAI's."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class OpenAIErrorDetail(BaseModel):
    """What is wrong."""

    message: str = Field(description="What is wrong, and what to do.", examples=["Expected one recording"])
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(None, description="The field at fault; null if it is none.", examples=["file"])
    code: str | None = Field(
        None, description="A word for programs; null if there is none.", examples=["invalid_api_key"]
    )


class OpenAIError(BaseModel):
    """The request cannot be granted, in the shape of OpenAI's errors."""

    error: OpenAIErrorDetail


class SpokenSegment(BaseModel):
    """A stretch of speech by one speaker."""

    start: float = Field(examples=[0.84])
    end: float = Field(examples=[7.34])
    speaker: str = Field(description="A name, or a label such as `SPEAKER_00`.", examples=["Ada"])


class DiarizedSegments(BaseModel):
    """Who speaks when."""

    duration: float = Field(description="Seconds of the recording.", examples=[27.4])
    segments: list[SpokenSegment]


class TranscribedSegment(SpokenSegment):
    """What somebody says in one go."""

    type: Literal["transcript.text.segment"]
    id: str = Field(examples=["seg_001"])
    speaker: str = Field(description="A name; strangers are A, B, … in order of appearance.", examples=["Ada"])
    text: str = Field(examples=["Good morning."])


class AudioUsage(BaseModel):
    """How much was heard."""

    type: Literal["duration"]
    seconds: int = Field(examples=[28])


class TimedWord(BaseModel):
    """A word."""

    word: str = Field(examples=["morning"])
    start: float
    end: float
    speaker: str = Field(examples=["Ada"])


class TranscriptSegment(SpokenSegment):
    """A sentence, or a part of one."""

    id: int
    text: str = Field(examples=["Good morning."])


class VerboseJson(BaseModel):
    """A transcript as `verbose_json` has it."""

    task: Literal["transcribe"]
    language: str = Field(description="As the recogniser calls it, or `unknown`.", examples=["english"])
    duration: float = Field(description="Seconds of the recording.", examples=[27.4])
    text: str = Field(examples=["Good morning. Hello."])
    segments: list[TranscriptSegment]
    words: list[TimedWord] = Field([], description="There if `timestamp_granularities[]` has `word`.")
    usage: AudioUsage


class TranscriptJson(BaseModel):
    """A transcript as `json` has it."""

    text: str = Field(examples=["Ada: Good morning.\nA: Hello."])
    usage: AudioUsage


class DiarizedJson(BaseModel):
    """A transcript as `diarized_json` has it."""

    task: Literal["transcribe"]
    duration: float = Field(description="Seconds of the recording.", examples=[27.4])
    text: str = Field(description="All of it, a line a turn.", examples=["Ada: Good morning.\nA: Hello."])
    segments: list[TranscribedSegment]
    usage: AudioUsage
