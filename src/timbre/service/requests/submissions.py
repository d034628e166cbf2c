"""What becomes a job when it is asked for; see `body` for how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from timbre.models.catalogue import catalogue
from timbre.service.requests.body import REQUIRED, Request
from timbre.service.requests.selection import Speakers
from timbre.service.requests.values import (
    MOST_VOICEPRINTS,
    AudioUrl,
    Channels,
    Count,
    Label,
    Language,
    Sensitivity,
    Switch,
    Tags,
    Threshold,
    Title,
    Tracks,
    VoiceprintText,
    WebhookUrl,
    expect,
    refuse,
    shortened,
    shown,
    some_voiceprints,
)

JobType = Literal["diarize", "identify", "voiceprint", "enrol", "label"]
HOSTED_MODELS: Final = ("precision-1", "precision-2", "precision-3")  # names that clients of the hosted service send
HOSTED_RECOGNISERS: Final = ("parakeet-tdt-0.6b-v3", "faster-whisper-large-v3-turbo")
HOSTED_DIARIZERS: Final = ("community-1",)  # those that can diarize and nothing else

LIKELY: Final = 50.0  # the threshold where people of the gallery are looked for and none is given


def _or_null(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"type": "null"}]


def _with_model_names(schema: dict[str, Any], request: type[JobRequest]) -> None:
    schema["properties"]["model"]["anyOf"][0]["enum"] = list(request.model_names())


class WorkRequest(Request):
    """What becomes a job."""

    kind: ClassVar[JobType]

    url: AudioUrl | None = None
    model: str | None = None
    webhook: WebhookUrl | None = None
    title: Title | None = None
    tags: Tags = ()


class EnrolRequest(WorkRequest):
    """Learn the voice of a person of the gallery, from a recording, or from a stretch of that of a job."""

    kind: ClassVar[JobType] = "enrol"

    speaker_id: UUID
    job_id: UUID | None = None
    start: float = 0.0  # seconds
    end: float | None = None
    first: bool = False  # the person was created with this sample, and is nobody without it


class JobRequest(WorkRequest):
    """What all jobs take that clients submit as such."""

    model_config = ConfigDict(json_schema_extra=_with_model_names)
    hosted_models: ClassVar[tuple[str, ...]] = HOSTED_MODELS

    url: AudioUrl = Field(
        description="The recording: a direct link to the file, or the `media://` name it was uploaded under.",
        examples=["media://team/standup.flac", "https://media.example.org/board.mp3"],
    )
    webhook: WebhookUrl | None = Field(None, description="Where the result is sent when the job has ended.")
    webhook_revisions: Switch = Field(
        False,
        description="Whether the webhook also tells of every change that people make to the result, as `job.revised`."
        " Timbre's own addition.",
    )
    webhook_status_only: Switch = Field(False, description="Leave the output out of what the webhook is sent.")
    model: str | None = Field(
        None, description="A pack of this server, or a model of the hosted service; the server's own choice if unset."
    )
    title: Title | None = Field(
        None, description="What to call the recording in lists, such as the name of its file. Timbre's own addition."
    )
    tags: Tags = Field(
        (),
        description="Words to find the recording by, and to keep it by. Timbre's own addition.",
        examples=[["interviews"]],
    )

    @classmethod
    def model_names(cls) -> tuple[str, ...]:
        """Return what `model` may be: names of the hosted service, then the packs of this server."""
        return (*cls.hosted_models, *catalogue().packs)

    @field_validator("model", mode="before")
    @classmethod
    def _known_model(cls, came: object) -> object:
        if came not in cls.model_names():
            expect(f"one of {', '.join(cls.model_names())}", came)
        return came


class VoiceprintRequest(JobRequest):
    """Learn the voice of the one person who speaks in a recording."""

    kind: ClassVar[JobType] = "voiceprint"


class TranscriptionConfig(Request):
    """How words are recognised."""

    model: str | None = Field(
        None,
        description="One of the models that `GET /v1/models` lists as `recognisers`. A name of the hosted service that"
        f" is not among them, {' or '.join(map('`{}`'.format, HOSTED_RECOGNISERS))}, means the server's own choice.",
        examples=list(HOSTED_RECOGNISERS),
    )
    language: Language | None = Field(
        None,
        description="What is spoken, such as `en`; found out by the recogniser if unset. Timbre's own addition.",
        examples=["en"],
    )

    @field_validator("model", mode="before")
    @classmethod
    def _named(cls, came: object) -> object:
        if not isinstance(came, str) or not came:
            expect("the name of a model", came)
        return came


class SpeakersRequest(JobRequest):
    """What diarization and identification take."""

    min_speakers: Count | None = Field(None, description="At least so many people speak.")
    max_speakers: Count | None = Field(None, description="At most so many people speak.")
    # Stands behind the bounds because it is checked against them.
    num_speakers: Count | None = Field(None, description="Exactly so many people speak; not together with the bounds.")
    exclusive: Switch = Field(False, description="Add `exclusiveDiarization`, in which nobody talks at the same time.")
    confidence: Switch = Field(False, description="Add a curve of how sure the diarization is.")
    turn_level_confidence: Switch = Field(False, description="Add to every turn how sure each speaker is.")
    speech_probability: Switch = Field(False, description="Add a curve of how likely anybody speaks.")
    crosstalk_probability: Switch = Field(False, description="Add a curve of how likely people talk at once.")
    speaker_probability: Switch = Field(False, description="Add a curve for each speaker of how likely they speak.")
    vad_sensitivity: Sensitivity = Field(0.0, description="Above 0 more is heard as speech, below 0 less.")
    crosstalk_sensitivity: Sensitivity = Field(
        0.0, description="Above 0 more is heard as people talking at once, below 0 less."
    )
    channels: Channels = Field(
        "mixed",
        description="`separate` hears every channel by itself, for recordings with each person on a channel of their"
        " own, such as phone calls. Each channel then has one speaker, unless a number of speakers is given, which"
        " counts those of all channels.",
    )
    tracks: Tracks = Field(
        "mixed",
        description="Sound tracks of the file, where it has several: `mixed` hears them as one; `separate` hears each"
        " by itself, for recorders that give each person a track, as `channels` does; a number, counted from 0, hears"
        " one.",
    )
    transcription: Switch = Field(
        False,
        description="Add what is said, word by word and turn by turn, with the speakers; for servers that have a"
        " recogniser. It adds `exclusiveDiarization` too.",
    )
    transcription_config: TranscriptionConfig | None = Field(
        None, description="How words are recognised; says nothing without `transcription`."
    )

    @field_validator("max_speakers")
    @classmethod
    def _in_order(cls, most: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("min_speakers")
        if most is not None and least is not None and most < least:
            refuse(f"Expected at least minSpeakers, which is {shown(least)}, got {shown(most)}")
        return most

    @field_validator("tracks")
    @classmethod
    def _separate_once(cls, tracks: object, info: ValidationInfo) -> object:
        if tracks == "separate" and info.data.get("channels") == "separate":
            refuse("Expected `mixed` or a number where channels is separate, got separate")
        return tracks

    @field_validator("num_speakers")
    @classmethod
    def _alone(cls, exact: int | None, info: ValidationInfo) -> int | None:
        bounds = info.data.get("min_speakers"), info.data.get("max_speakers")
        if exact is not None and bounds != (None, None):
            refuse("Expected either numSpeakers, or minSpeakers and maxSpeakers, got both; leave one of them out")
        return exact


class DiarizeRequest(SpeakersRequest):
    """Say who spoke when."""

    kind: ClassVar[JobType] = "diarize"
    hosted_models: ClassVar[tuple[str, ...]] = HOSTED_MODELS + HOSTED_DIARIZERS


class LabelledVoiceprint(Request):
    """A person to recognise."""

    label: Label = Field(
        description="The name to give; different from the others of the request, not beginning with `SPEAKER_`.",
        examples=["Ada"],
    )
    voiceprint: VoiceprintText = Field(description="What the output of a voiceprint job holds.")


class Matching(Request):
    """How names are given."""

    exclusive: Switch = Field(True, description="Give a name to at most one speaker.")
    threshold: Threshold = Field(0.0, description="Confidence from which a name is given; at 0 as many as there are.")
    merge_speakers: Switch = Field(
        True,
        description="One speaker of those that match a voiceprint, and two of one that matches two."
        " Timbre's own addition.",
    )

    def with_threshold(self, threshold: float) -> Matching:
        """Return it with this threshold, unless one was given."""
        return self if "threshold" in self.model_fields_set else self.model_copy(update={"threshold": threshold})


def distinct(voiceprints: tuple[LabelledVoiceprint, ...]) -> tuple[LabelledVoiceprint, ...]:
    """Refuse voiceprints of which two have the same label."""
    labels = [voiceprint.label for voiceprint in voiceprints]
    for index, label in enumerate(labels):
        if (first := labels.index(label)) < index:
            refuse(f"Expected another label than that of voiceprints.{first}: {shortened(label)!r}", f"{index}.label")
    return voiceprints


def _some_or_null(schema: dict[str, Any]) -> None:
    schema["anyOf"][0] |= {"minItems": 1, "maxItems": MOST_VOICEPRINTS}


class IdentifyRequest(SpeakersRequest):
    """Say who spoke when, by name."""

    kind: ClassVar[JobType] = "identify"

    speakers: Speakers | None = Field(
        None,
        description="People of the gallery to recognise: `all`, some by their ids, or those who bear any of some tags."
        " Then `voiceprints` may be left out, the threshold is 50 if unset, and the key needs the scope"
        " `speakers:read`. Timbre's own addition.",
    )
    # Stand behind `speakers` because they depend on it. The length is checked on the way in alone: afterwards, items
    # that were refused are missing from it.
    voiceprints: Annotated[tuple[LabelledVoiceprint, ...] | None, BeforeValidator(some_voiceprints)] = Field(
        None,
        description="Voiceprints of people to recognise; required unless there are `speakers`.",
        json_schema_extra=_some_or_null,
        validate_default=True,
    )
    matching: Matching = Field(
        default_factory=Matching, description="How names are given.", json_schema_extra=_or_null, validate_default=True
    )

    @field_validator("voiceprints", mode="before")
    @classmethod
    def _somebody(cls, came: object, info: ValidationInfo) -> object:
        if came is None and info.data.get("speakers", ...) is None:
            refuse(REQUIRED)
        return came

    @field_validator("voiceprints")
    @classmethod
    def _distinct(cls, voiceprints: tuple[LabelledVoiceprint, ...] | None) -> tuple[LabelledVoiceprint, ...] | None:
        return None if voiceprints is None else distinct(voiceprints)

    @field_validator("matching")
    @classmethod
    def _likely(cls, matching: Matching, info: ValidationInfo) -> Matching:
        return matching if info.data.get("speakers") is None else matching.with_threshold(LIKELY)

    def doubts(self) -> Iterator[str]:
        """Say so if the threshold looks like a share."""
        threshold = self.matching.threshold
        if 0 < threshold <= 1:
            yield f"threshold is {threshold:g} on a scale of 0 to 100; did you mean {threshold * 100:g}?"
