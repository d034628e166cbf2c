"""The answers about decisions, as the API reference describes them; see `timbre.http.schemas`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from timbre.http.routes.jobs.schemas import Job, Seconds
from timbre.http.routes.speakers.schemas import Candidate
from timbre.http.schemas import Answer, Score, Time, Uuid, left_out
from timbre.service.results.decisions import Kind, Step


class LearningDoubt(Answer):
    """Why a voice was not learned."""

    reason: Literal["unkept", "short", "encoder", "full", "unlike", "another"]
    message: str = Field(examples=["The voice does not sound like the person: 3 of 100."])
    final: bool = Field(description="Whether it cannot be learned, even by the decision `learn`.")
    confidence: Score | SkipJsonSchema[None] = Field(
        None, description="How likely it is the person; absent where that is not known.", json_schema_extra=left_out
    )
    likelier: Candidate | SkipJsonSchema[None] = Field(
        None, description="Whom it sounds more like; absent if nobody.", json_schema_extra=left_out
    )


class MadeDecision(Answer):
    """What became of a decision."""

    revision: int = Field(ge=1, description="Of the result, that it made.", examples=[3])
    learned: bool | SkipJsonSchema[None] = Field(
        None,
        description="Whether the voice is a sample of the person now; there for `name` and `learn`.",
        json_schema_extra=left_out,
    )
    doubt: LearningDoubt | SkipJsonSchema[None] = Field(
        None, description="Why it is not; absent if it is, or was not to be.", json_schema_extra=left_out
    )


class DecidedJob(Job):
    """A job after a decision."""

    decision: MadeDecision


class WordReading(Answer):
    """How somebody says that a word reads."""

    word: int = Field(
        ge=0, description="Its place among the words as they were recognised or handed in.", examples=[12]
    )
    text: str = Field(description="Empty where nothing is said.", examples=["Bletchley"])
    was: str | None = Field(description="What was recognised, or handed in.", examples=["Bletchly"])


class HistoryItem(Answer):
    """Something that was said about a result."""

    revision: int = Field(ge=1, description="Of the result, that it made.", examples=[3])
    kind: Kind | Step = Field(examples=["name"])
    by: str | None = Field(description="Who said it; null if that is not known any more.", examples=["web app"])
    at: Time
    state: Literal["stands", "undone", "dropped"] | SkipJsonSchema[None] = Field(
        None,
        description="What became of a decision: `undone` can be redone, `dropped` no longer.",
        json_schema_extra=left_out,
    )
    voice: str | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    into: str | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    merged: list[str] | SkipJsonSchema[None] = Field(None, alias="from", json_schema_extra=left_out)
    turns: list[str] | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    cut_at: Seconds | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    start: Seconds | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    end: Seconds | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    speaker_id: Uuid | SkipJsonSchema[None] | None = Field(
        None, description="Whom it names or rejects; null if they were erased since.", json_schema_extra=left_out
    )
    name: str | SkipJsonSchema[None] | None = Field(
        None, description="What they are called now.", json_schema_extra=left_out
    )
    learn: bool | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    checked: bool | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)
    words: list[WordReading] | SkipJsonSchema[None] = Field(None, json_schema_extra=left_out)


class DecisionList(Answer):
    """What was said about a result, the oldest first."""

    items: list[HistoryItem]
    revision: int = Field(ge=0, description="Of the result now.")
