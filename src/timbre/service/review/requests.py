"""What can be said in a review."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from timbre.service.people.requests import ConsentRequest, Id, PersonName
from timbre.service.requests.body import Request
from timbre.service.requests.values import Speaker, Switch, Title, expect, refuse

MOST_VOICES: Final = 500  # of one answer
MOST_SECONDS: Final = 20.0
ENOUGH: Final = 5.0  # seconds
_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_SECONDS}
Kind = Literal["name", "reject", "nobody"]
_KINDS: Final = ("name", "reject", "nobody")


def _kind(came: object) -> object:
    if came not in _KINDS:
        expect(f"one of {', '.join(_KINDS)}", came)
    return came


def _voices(came: object) -> object:
    if not isinstance(came, list | tuple) or not 1 <= len(came) <= MOST_VOICES:
        expect(f"a list of 1 to {MOST_VOICES} voices", came)
    return came


class VoiceRequest(Request):
    """A voice of a job."""

    job_id: Id
    speaker: Speaker = Field(description="Label of the voice.", examples=["SPEAKER_00"])


def _choices(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"properties": {"kind": {"const": "name"}}, "required": ["kind", "voices", "speakerId"]},
        {"properties": {"kind": {"const": "name"}}, "required": ["kind", "voices", "name"]},
        {"properties": {"kind": {"const": "reject"}}, "required": ["kind", "voices", "speakerId"]},
        {"properties": {"kind": {"const": "nobody"}}, "required": ["kind", "voices"]},
    ]


class ReviewRequest(Request):
    """Say who some voices are, which may be of several recordings."""

    model_config = ConfigDict(json_schema_extra=_choices)

    voices: Annotated[tuple[VoiceRequest, ...], BeforeValidator(_voices)] = Field(
        description="The voices.", json_schema_extra={"minItems": 1, "maxItems": MOST_VOICES}
    )
    kind: Annotated[Kind, BeforeValidator(_kind)] = Field(
        description="`name`: all of them are that person. `reject`: none of them is. `nobody`: nobody knows them.",
        examples=["name"],
    )
    speaker_id: Id | None = Field(None, description="The person of the gallery.")
    name: PersonName | None = Field(
        None,
        description="In place of `speakerId`: the name of somebody new, who is made with it.",
        examples=["Ada Lovelace"],
    )
    consent: ConsentRequest | None = Field(None, description="Why the voice of somebody new may be kept.")
    learn: Switch | None = Field(
        None,
        description="Whether the voices become samples of the person. If unset, each does if it sounds like them and"
        " enough clean speech was heard.",
    )
    by: Title | None = Field(None, description="Who says it, for the history; the name of the API key if unset.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "name" and (self.speaker_id is None) == (self.name is None):
            refuse("Expected `speakerId`, or the `name` of somebody new, and not both", "speakerId")
        if self.kind == "reject" and self.speaker_id is None:
            refuse("Expected the person whom the voices are not", "speakerId")
        return self

    def decision(self, speaker: str, person: UUID | None, revision: int) -> dict[str, Any]:
        """Return what it says of one voice, as a decision about its result; `person` is who `name` made already."""
        known = person or self.speaker_id
        said: dict[str, Any] = {"kind": self.kind, "voice": speaker, "revision": revision, "by": self.by}
        if self.kind == "nobody":
            return said
        if known is not None:
            said["speaker_id"] = known
        else:
            said |= {"name": self.name, "consent": self.consent}
        return said if self.kind == "reject" else said | {"learn": self.learn}


def _seconds(came: object) -> object:
    if isinstance(came, bool) or not isinstance(came, int | float) or not 0 < came <= MOST_SECONDS:
        expect(f"more than 0 and at most {MOST_SECONDS:g} seconds", came)
    return came


class RenameRequest(Request):
    """Name recordings again whose people have changed."""

    seconds: Annotated[float, BeforeValidator(_seconds), WithJsonSchema(_SECONDS)] | None = Field(
        None, description=f"Answer after so many seconds, even if there is more to do; {ENOUGH:g} if unset."
    )
    speaker_id: Id | None = Field(
        None, description="Only recordings that name this person by a sample that was withdrawn since."
    )
