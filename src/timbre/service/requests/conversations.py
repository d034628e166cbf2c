"""A recording that is heard while the client waits, with people whose voices come along as sound."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field, ValidationInfo, field_validator

from timbre.service.requests.body import Request
from timbre.service.requests.submissions import HOSTED_DIARIZERS, HOSTED_MODELS, IdentifyRequest, JobType
from timbre.service.requests.values import Label, MediaUrl

REFERENCES: Final = "known_speaker_references"  # as the form of the request calls them
MOST_REFERENCES: Final = 200


class Reference(Request):
    """Some seconds of a person whose name is known."""

    label: Label
    url: MediaUrl


class ConversationRequest(IdentifyRequest):
    """Say who speaks: people of the gallery, those of whom there are references, or nobody who is known."""

    kind: ClassVar[JobType] = "identify"
    hosted_models: ClassVar[tuple[str, ...]] = HOSTED_MODELS + HOSTED_DIARIZERS

    references: Annotated[tuple[Reference, ...], Field(max_length=MOST_REFERENCES)] = ()

    @field_validator("voiceprints", mode="before")
    @classmethod
    def _somebody(cls, came: object, _info: ValidationInfo) -> object:
        return came  # without anybody to recognise, speakers have labels
