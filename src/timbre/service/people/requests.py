"""What can be asked about people; see `timbre.service.requests.body` for how it is read."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator, Field, field_validator, model_validator

from timbre.identification.quality import Quality
from timbre.service.people.person import Consent, quality_of
from timbre.service.requests.body import Request
from timbre.service.requests.values import (
    AudioUrl,
    Label,
    Speaker,
    Switch,
    Tags,
    VoiceprintText,
    expect,
    refuse,
    shortened,
)

MOST_MERGED: Final = 100
MOST_SAMPLES: Final = 1000  # in a line of an export: those of one person in the spaces of many models
LONGEST_BASIS: Final = 200  # characters, as the following length
LONGEST_NOTE: Final = 2000
_CONTROLS_IN_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MEASURED: Final = ("seconds", "speechSeconds", "level", "clipped", "snr", "singleSpeaker")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS: Final = (1970, 9998)  # of moments: the database and its clients know them in every time zone
_MOST_MEASURED: Final = 1e9  # either way; nothing that is measured on a recording comes near
_ONE_SAMPLE: Final = (
    "Expected one of: url, voiceprint, jobId with the speaker of a finished job, jobId with start and end"
)


def _tidied(came: object) -> object:
    """Write a name in one way, however it was typed: é as one character, single spaces."""
    return " ".join(unicodedata.normalize("NFC", came).split()) if isinstance(came, str) else came


def _day(came: object) -> date:
    if isinstance(came, date):
        return came
    if not isinstance(came, str) or not _DAY.fullmatch(came):
        expect("a day such as 2027-03-31", came)
    try:
        return date.fromisoformat(came)
    except ValueError:
        expect("a day of the calendar", came)


def _words(longest: int) -> BeforeValidator:
    def check(came: object) -> object:
        if not isinstance(came, str) or not came.strip() or len(came) > longest or _CONTROLS_IN_LINES.search(came):
            expect(f"a text of 1 to {longest} characters, lines of them but no other control characters", came)
        return came

    return BeforeValidator(check)


def _id(came: object) -> UUID:
    if isinstance(came, UUID):
        return came
    try:
        return UUID(came if isinstance(came, str) else "")
    except ValueError:
        expect("an id, such as 8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52", came)


def _ids(came: object) -> tuple[UUID, ...]:
    if not isinstance(came, list | tuple) or not 1 <= len(came) <= MOST_MERGED:
        expect(f"a list of 1 to {MOST_MERGED} ids of people", came)
    found = []
    for number, each in enumerate(came):
        try:
            found.append(UUID(each if isinstance(each, str) else ""))
        except ValueError:
            refuse(f"Expected the id of a person, got {shortened(repr(each))}", str(number))
    return tuple(found)


def _seconds(came: object) -> float:
    if isinstance(came, bool) or not isinstance(came, int | float) or not 0 <= came <= 1e6:  # noqa: PLR2004
        expect("seconds from the beginning of the recording", came)
    return float(came)


def _moment(came: object) -> datetime:
    try:
        moment = datetime.fromisoformat(came if isinstance(came, str) else "")
    except ValueError:
        expect("a moment such as 2026-10-02T08:15:31.204Z", came)
    first, last = _YEARS
    if not first <= moment.year <= last:
        expect(f"a moment in the years {first} to {last}", came)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _quality(came: object) -> Quality:
    numbers = came if isinstance(came, dict) else {}
    for name in _MEASURED:
        value = numbers.get(name)
        if value is None and name == "snr":
            continue
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.inf
        if not -_MOST_MEASURED <= number <= _MOST_MEASURED:
            expect(f"an object with the numbers {', '.join(_MEASURED)}", came)
    quality = quality_of({name: numbers.get(name) for name in _MEASURED})
    assert quality is not None  # noqa: S101 - it was given
    return quality


PersonName = Annotated[Label, BeforeValidator(_tidied)]
Day = Annotated[date, BeforeValidator(_day)]
Id = Annotated[UUID, BeforeValidator(_id)]
Seconds = Annotated[float, Field(ge=0), BeforeValidator(_seconds)]


class ConsentRequest(Request):
    """Why somebody's voice may be kept."""

    basis: Annotated[str, Field(max_length=LONGEST_BASIS), _words(LONGEST_BASIS)] = Field(
        description="In your own words.", examples=["signed form"]
    )
    given_on: Day | None = Field(None, alias="date", description="When they agreed.", examples=["2026-10-02"])
    note: Annotated[str, Field(max_length=LONGEST_NOTE), _words(LONGEST_NOTE)] | None = Field(
        None, description="Where the form is, who asked, what for.", examples=["folder 3"]
    )

    @property
    def value(self) -> Consent:
        """What is kept."""
        return Consent(basis=self.basis, given_on=self.given_on, note=self.note)


class SampleRequest(Request):
    """Where to learn a voice from: one of a recording, a voiceprint, a voice of a job, a stretch of its recording."""

    url: AudioUrl | None = Field(
        None,
        description="A recording of the person alone: a direct link to the file, or the `media://` name it was uploaded"
        " under. It is heard by a job.",
        examples=["media://team/ada.flac"],
    )
    voiceprint: VoiceprintText | None = Field(
        None, description="What the output of a voiceprint job holds. Each recording in it becomes a sample."
    )
    job_id: Id | None = Field(None, description="A finished job, together with `speaker`, or with `start` and `end`.")
    speaker: Speaker | None = Field(
        None, description="Label of one of its speakers: the voice as that job heard it.", examples=["SPEAKER_01"]
    )
    start: Seconds | None = Field(
        None, description="Beginning of a stretch of its recording in which the person speaks alone; heard by a job."
    )
    end: Seconds | None = Field(None, description="End of that stretch.")

    @model_validator(mode="after")
    def _one(self) -> SampleRequest:
        given = self.model_fields_set
        if given not in ({"url"}, {"voiceprint"}, {"job_id", "speaker"}, {"job_id", "start", "end"}):
            refuse(_ONE_SAMPLE)
        if self.start is not None and self.end is not None and self.end <= self.start:
            refuse("Expected an end after the start", "end")
        return self


class CreateSpeakerRequest(Request):
    """Make room for a person."""

    name: PersonName = Field(
        description="As results will name them: nobody else of the team has it, in whatever case; not beginning with"
        " `SPEAKER_`.",
        examples=["Ada Lovelace"],
    )
    tags: Tags = Field((), description="Words to choose people by.", examples=[["board", "london"]])
    consent: ConsentRequest | None = Field(None, description="Why their voice may be kept.")
    review_date: Day | None = Field(
        None, description="When it is to be asked whether they may stay.", examples=["2027-10-02"]
    )
    sample: SampleRequest | None = Field(None, description="What to learn their voice from; more can be added later.")


class UpdateSpeakerRequest(Request):
    """Change what is known of a person; what is left out stays as it is."""

    name: PersonName | None = Field(None, description="Another name; results that name them follow.")
    tags: Tags | None = Field(None, description="All tags, in place of those before.")
    consent: ConsentRequest | None = Field(None, description="Another record; null for none.")
    review_date: Day | None = Field(None, description="Another date; null for none.")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, came: Any) -> Any:
        if isinstance(came, dict):
            removable = {"consent", "reviewDate"}
            return {key: value for key, value in came.items() if value is not None or key in removable}
        if not isinstance(came, cls):
            expect("an object", came)
        return came


class MergeSpeakersRequest(Request):
    """Make one person of several."""

    others: Annotated[
        tuple[UUID, ...],
        Field(json_schema_extra={"minItems": 1, "maxItems": MOST_MERGED}),
        BeforeValidator(_ids),
    ] = Field(alias="from", description="The people whose samples and results become this person's.")


class UpgradeGalleryRequest(Request):
    """Bring the gallery to the encoder that the server hears with."""

    without_them: Switch = Field(
        False,
        description="Whether people of whom no clip is kept may stay behind: they keep their samples, and are not"
        " recognised until they have a new one. Without it the request is refused where there are any.",
    )


class ExportedSample(Request):
    """A sample, in a line of an export."""

    voiceprint: VoiceprintText
    quality: Annotated[Quality, BeforeValidator(_quality)] | None = None
    created_at: Annotated[datetime, BeforeValidator(_moment)] | None = None


class ExportedSpeaker(Request):
    """A person, as a line of an export has them."""

    name: PersonName
    tags: Tags = ()
    consent: ConsentRequest | None = None
    review_date: Day | None = None
    samples: tuple[ExportedSample, ...] = ()

    @field_validator("samples", mode="before")
    @classmethod
    def _listed(cls, came: object) -> object:
        if not isinstance(came, list):
            expect("a list of samples", came)
        if len(came) > MOST_SAMPLES:
            refuse(f"Expected at most {MOST_SAMPLES} samples, got {len(came)}")
        return came
