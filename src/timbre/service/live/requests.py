"""What a stream is asked for; a body without anything is the hosted service's own stream."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from timbre.live.opening import MOST_SPEAKERS
from timbre.service.requests.body import Request
from timbre.service.requests.selection import Speakers
from timbre.service.requests.submissions import LIKELY, LabelledVoiceprint, distinct
from timbre.service.requests.values import (
    MOST_VOICEPRINTS,
    Switch,
    Tags,
    Threshold,
    Title,
    expect,
    refuse,
    some_voiceprints,
)

_LIMIT: Final = 32
_Rate = Literal[8_000, 16_000, 24_000, 32_000, 44_100, 48_000]
_Encoding = Literal["pcm_f32le", "pcm_s16le", "opus"]
_Speakers = Annotated[int, Field(ge=1, le=_LIMIT)]
RATES: Final[tuple[int, ...]] = get_args(_Rate)
ENCODINGS: Final[tuple[str, ...]] = get_args(_Encoding)
OPUS: Final = "opus"


def _rate(came: object) -> object:
    if isinstance(came, bool) or came not in RATES:
        expect(f"one of {', '.join(map(str, RATES))}", came)
    return came


def _encoding(came: object) -> object:
    if came not in ENCODINGS:
        expect(f"one of {', '.join(ENCODINGS)}", came)
    return came


def _speakers(came: object) -> object:
    if isinstance(came, bool) or not isinstance(came, int) or not 1 <= came <= _LIMIT:
        expect(f"a whole number from 1 to {_LIMIT}", came)
    return came


def _few(schema: dict[str, Any]) -> None:
    schema["anyOf"][0] |= {"minItems": 1, "maxItems": MOST_VOICEPRINTS}


class StreamRequest(Request):
    """Hear a live stream. All fields are Timbre's own additions; without them it is the hosted service's stream."""

    voiceprints: Annotated[tuple[LabelledVoiceprint, ...] | None, BeforeValidator(some_voiceprints)] = Field(
        None, description="Voiceprints of people to recognise while they speak.", json_schema_extra=_few
    )
    speakers: Speakers | None = Field(
        None,
        description="People of the gallery to recognise: `all`, some by their ids, or those who bear any of some tags."
        " The key needs the scope `speakers:read`.",
    )
    threshold: Threshold = Field(LIKELY, description="Confidence from which a name is one.")
    partial: Switch = Field(False, description="Tell every second who speaks now, as `diarization_partial`.")
    revisions: Switch = Field(
        False, description="Tell which turns turned out to be somebody else's, as `diarization_revision`."
    )
    max_speakers: Annotated[int, BeforeValidator(_speakers, json_schema_input_type=_Speakers | None)] = Field(
        MOST_SPEAKERS, description=f"At most so many voices at a time, up to {_LIMIT}."
    )
    sample_rate: Annotated[int, BeforeValidator(_rate, json_schema_input_type=_Rate | None)] = Field(
        16_000, description="Of the sound that is sent; a frame is 100 ms of it."
    )
    encoding: Annotated[_Encoding, BeforeValidator(_encoding, json_schema_input_type=_Encoding | None)] = Field(
        "pcm_f32le",
        description="Of the sound that is sent. `opus` is what browsers record: WebM or Ogg with Opus, in pieces of any"
        " size; `sampleRate` says nothing then.",
    )
    resume: Switch = Field(
        False,
        description="Whether the same URL opens the stream again for 10 s after its connection was lost; not with"
        " `opus`, in which nothing may be missing.",
    )
    keep: Switch = Field(
        False,
        description="Keep the sound, and hear it again as a recording when the stream has ended: as a job with the id"
        " of the stream, in which the names that people gave meanwhile stand. The key needs the scope `jobs:write`.",
    )
    title: Title | None = Field(None, description="What to call the recording that is kept.")
    tags: Tags = Field((), description="Words to find the recording that is kept by, and to keep it by.")

    @field_validator("resume")
    @classmethod
    def _whole(cls, resume: bool, info: ValidationInfo) -> bool:
        if resume and info.data.get("encoding") == OPUS:
            refuse("Expected false where encoding is opus, got true")
        return resume

    @field_validator("voiceprints")
    @classmethod
    def _distinct(
        cls, voiceprints: tuple[LabelledVoiceprint, ...] | None, _info: ValidationInfo
    ) -> tuple[LabelledVoiceprint, ...] | None:
        return None if voiceprints is None else distinct(voiceprints)

    @property
    def names(self) -> bool:
        """Whether names are told of."""
        return bool(self.voiceprints) or self.speakers is not None

    @property
    def frame(self) -> int:
        """Bytes of 100 ms of sound."""
        return self.sample_rate // 10 * (4 if self.encoding == "pcm_f32le" else 2)

    def shown(self) -> dict[str, Any]:
        """What was asked for and is not the default, with names for voiceprints."""
        asked: dict[str, Any] = self.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude={"voiceprints"}
        )
        if self.voiceprints:
            asked["voiceprints"] = [voiceprint.label for voiceprint in self.voiceprints]
        return asked
