"""The answers of the server, as its API reference describes them.

Most are sent as they come from the database or the engine, without passing through these types: they are there for
whoever reads `/openapi.json`, or makes a client of it. What is said to be absent is left out, never null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

JOB_ID = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"

JobStatus = Literal["pending", "created", "running", "succeeded", "failed", "canceled"]
JobType = Literal["diarize", "identify", "voiceprint", "enrol", "label"]
RetryReason = Literal[
    "http_timeout", "too_many_redirects", "connection_failed", "ssl_error", "http_error", "unknown_error"
]


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


class Answer(BaseModel):
    """What all answers, and the objects in them, have in common."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, protected_namespaces=()
    )


class TestResponse(Answer):
    """The API key is good."""

    __test__ = False  # no test, whatever pytest makes of its name

    status: str = Field(examples=["OK"])
    message: str = Field(examples=["Test connection successful"])


class MediaUrl(Answer):
    """A link to send a recording to with PUT, or to get it from; it needs no API key and expires."""

    url: str = Field(examples=["https://timbre.example.org/media/9f3c?expires=1790928931&signature=5a1e"])


class JobCreated(Answer):
    """The job is kept and will be done."""

    job_id: Uuid
    status: JobStatus = Field(examples=["created"])
    warning: str | SkipJsonSchema[None] = Field(
        None,
        description="What was probably not meant, such as keys that are ignored; absent if there is nothing to say.",
        examples=["Ignored unknown keys: speakers"],
        json_schema_extra=left_out,
    )


class UsageOfKey(Answer):
    """What one API key was used for in a month."""

    key_id: Uuid
    name: str | None = Field(description="Name of the key; null if the key is no longer known.", examples=["laptop"])
    type: JobType
    jobs: int = Field(ge=0, description="Jobs that succeeded.", examples=[41])
    seconds: float = Field(ge=0, description="Seconds of their recordings.", examples=[5120.4])


class Usage(Answer):
    """What the team used in a month."""

    month: str = Field(description="Year and month.", pattern=r"^\d{4}-\d{2}$", examples=["2026-10"])
    jobs: int = Field(ge=0, description="Jobs that succeeded.", examples=[41])
    seconds: float = Field(ge=0, description="Seconds of their recordings.", examples=[5120.4])
    budget_seconds: float | None = Field(
        None, ge=0, description="Seconds the team may use in a month; null for any number.", examples=[360000]
    )
    keys: list[UsageOfKey] = Field(description="The same, by key and type of job.")


class Attempt(Answer):
    """One attempt to deliver a webhook."""

    at: Time
    status: int | None = Field(None, description="HTTP status of the answer; null if there was none.", examples=[500])
    reason: RetryReason | None = Field(None, description="Why it did not count as delivered; null if it did.")
    error: str | None = Field(None, description="The same in words.")
    seconds: float = Field(ge=0, description="How long it took.", examples=[0.112])


class Delivery(Answer):
    """A webhook that was sent, or is to be sent."""

    id: Uuid
    job_id: Uuid
    url: str = Field(description="Where it goes.", examples=["https://hooks.example.org/speakers"])
    state: Literal["pending", "delivered", "failed"]
    created_at: Time
    next_at: Time | None = Field(None, description="When the next attempt is due; null if there is none.")
    delivered_at: Time | None = Field(None, description="When it was delivered last.")
    attempts: list[Attempt] = Field(description="In order of time.")


class DeliveryList(Answer):
    """One page of the team's deliveries, the newest first."""

    items: list[Delivery]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")


class AuditEntry(Answer):
    """Something that was done to a person or a key."""

    id: Uuid
    at: Time
    action: str = Field(description="What was done.", examples=["speaker.erased"])
    subject: Uuid | None = Field(description="Id of whom or what it was done to; null if it was the whole team.")
    key_id: Uuid | None = Field(
        description="The API key it was done with; null if the server did it by itself, or a command on its machine."
    )
    key_name: str | None = Field(description="Name of that key; null if it is no longer known.", examples=["laptop"])
    details: dict[str, str | float | bool | None] = Field(
        description="Numbers and ids, by action; never a name, never anything biometric.", examples=[{"samples": 3}]
    )


class Audit(Answer):
    """One page of the team's audit, the newest first."""

    items: list[AuditEntry]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")


class Session(Answer):
    """Who asks."""

    team: str = Field(description="Name of the team.", examples=["default"])
    scopes: list[str] = Field(description="What they may do.", examples=[["jobs:read", "jobs:write"]])
    expires_at: Time | None = Field(description="When the browser is signed out; null for an API key.")


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
