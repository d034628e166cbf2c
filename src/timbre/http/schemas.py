"""The answers of the server, as its API reference describes them.

Most are sent as they come from the database or the engine, without passing through these types: they are there for
whoever reads `/openapi.json`, or makes a client of it. What is said to be absent is left out, never null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

JOB_ID = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"

JobStatus = Literal["pending", "created", "running", "succeeded", "failed", "canceled"]
JobType = Literal["diarize", "identify", "voiceprint", "enrol", "label"]


def left_out(schema: dict[str, Any]) -> None:
    """Say of a field that it is absent rather than null."""
    del schema["default"]


Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[JOB_ID])]
Time = Annotated[
    str,
    Field(
        description="UTC, with milliseconds.",
        json_schema_extra={"format": "date-time"},
        examples=["2026-10-02T08:15:31.204Z"],
    ),
]
Score = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Bytes = Annotated[int, Field(ge=0)]
Hint = Annotated[str, Field(description="Its last characters, by which keys are told apart.", examples=["x7Gq2M"])]


class Answer(BaseModel):
    """What all answers, and the objects in them, have in common."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, protected_namespaces=()
    )


class FieldError(Answer):
    """What is wrong with one field of a request."""

    field: str = Field(description="Path to the field, or `body`.", examples=["voiceprints.0.label"])
    message: str = Field(
        description="What was expected, and what came.", examples=["Expected a whole number from 1 on, got 2.5"]
    )


class ValidationErrorResponse(Answer):
    """The request is at fault."""

    message: str = Field(examples=["Invalid request"])
    errors: list[FieldError] = Field(description="Every field that is at fault.")


class ApiError(Answer):
    """The request cannot be granted."""

    request_id: Uuid = Field(description="Names this request in the log of the server.")
    message: str = Field(description="What is wrong, and what to do.", examples=["Too many requests"])
