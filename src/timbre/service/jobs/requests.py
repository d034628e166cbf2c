"""What can be asked of a job that is there: to be kept, to be called something, to be named again."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from timbre.formats import Format
from timbre.service.requests.body import Request
from timbre.service.requests.selection import Selection, Speakers
from timbre.service.requests.submissions import LIKELY, LabelledVoiceprint, Matching, distinct
from timbre.service.requests.values import (
    MOST_VOICEPRINTS,
    Speaker,
    Switch,
    Tags,
    Title,
    expect,
    refuse,
    shortened,
    some_voiceprints,
)

MOST_VOICES = 100  # of a job, that are joined at once
MOST_JOBS = 500  # of one request
_FORMATS: Final = {"type": "array", "items": {"type": "string", "enum": list(Format)}, "minItems": 1}


def _ids(came: object) -> tuple[UUID, ...]:
    if not isinstance(came, list | tuple) or not 1 <= len(came) <= MOST_JOBS:
        expect(f"a list of 1 to {MOST_JOBS} ids of jobs", came)
    found = []
    for number, each in enumerate(came):
        try:
            found.append(UUID(each if isinstance(each, str) else ""))
        except ValueError:
            expect("the id of a job", each, str(number))
    return tuple(dict.fromkeys(found))


def _formats(came: object) -> tuple[Format, ...]:
    if not isinstance(came, list | tuple) or not came:
        expect(f"a list of some of {', '.join(Format)}", came)
    for number, each in enumerate(came):
        if each not in tuple(Format):
            expect(f"one of {', '.join(Format)}", each, str(number))
    return tuple(dict.fromkeys(Format(each) for each in came))


def _few(schema: dict[str, Any]) -> None:
    schema["anyOf"][0] |= {"minItems": 1, "maxItems": MOST_VOICEPRINTS}


class ChangeRequest(Request):
    """Keep a job, or call it something; what is left out stays as it is."""

    kept: Switch | None = Field(
        None, description="Whether its record, its output and its recording stay until the job is erased."
    )
    title: Title | None = Field(None, description="What to call the recording in lists; an empty text takes it away.")
    tags: Tags | None = Field(None, description="All tags, in place of those before.")


class JobsRequest(Request):
    """Some jobs."""

    jobs: Annotated[tuple[UUID, ...], BeforeValidator(_ids)] = Field(
        description="Ids of jobs.", json_schema_extra={"minItems": 1, "maxItems": MOST_JOBS}
    )


class ChangeJobsRequest(JobsRequest):
    """Keep several jobs, or let them go, or tag them; what is left out stays as it is."""

    kept: Switch | None = Field(None, description="Whether they stay until they are erased.")
    add_tags: Tags = Field((), description="Tags that all of them get.")
    remove_tags: Tags = Field((), description="Tags that none of them has any longer.")


class ExportJobsRequest(JobsRequest):
    """Take the outputs of several jobs as files."""

    formats: Annotated[tuple[Format, ...], BeforeValidator(_formats), WithJsonSchema(_FORMATS)] = Field(
        (Format.JSON,), description="Formats of the files: each recording has one in each."
    )
    recordings: Switch = Field(
        False, description="Whether the recordings themselves are in it, as long as they are kept; needs `media:read`."
    )


class RematchRequest(Request):
    """Name the voices of a job again, by what is known of people now."""

    speakers: Speakers = Field(
        default_factory=Selection,
        description="People of the gallery to recognise: `all`, some by their ids, or those who bear any of some tags.",
    )
    voiceprints: Annotated[tuple[LabelledVoiceprint, ...] | None, BeforeValidator(some_voiceprints)] = Field(
        None,
        description="Voiceprints of further people to recognise; those that were sent with the job if left out.",
        json_schema_extra=_few,
    )
    matching: Matching = Field(
        default_factory=Matching,
        description="How names are given. The threshold is 50 if unset; speakers are not merged.",
        validate_default=True,
    )

    @field_validator("voiceprints")
    @classmethod
    def _distinct(cls, voiceprints: tuple[LabelledVoiceprint, ...] | None) -> tuple[LabelledVoiceprint, ...] | None:
        return None if voiceprints is None else distinct(voiceprints)

    @field_validator("matching")
    @classmethod
    def _likely(cls, matching: Matching) -> Matching:
        return matching.with_threshold(LIKELY)


def _some_speakers(came: object) -> object:
    if not isinstance(came, list | tuple):
        expect(f"a list of 1 to {MOST_VOICES} labels of speakers", came)
    if not 1 <= len(came) <= MOST_VOICES:
        refuse(f"Expected 1 to {MOST_VOICES} labels of speakers, got {len(came)}")
    return came


class MergeVoicesRequest(Request):
    """Make one voice of several of a job that are one person's."""

    into: Speaker = Field(description="The label that stays.", examples=["SPEAKER_00"])
    # Stands behind `into` because it is checked against it.
    merged: Annotated[tuple[Speaker, ...], BeforeValidator(_some_speakers)] = Field(
        alias="from",
        description="The labels that become it.",
        examples=[["SPEAKER_02"]],
        json_schema_extra={"minItems": 1, "maxItems": MOST_VOICES},
    )

    @field_validator("merged")
    @classmethod
    def _others(cls, merged: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for at, speaker in enumerate(merged):
            if speaker == info.data.get("into"):
                refuse(f"Expected another speaker than `into`, got {shortened(speaker)!r}", str(at))
        return tuple(dict.fromkeys(merged))
