"""People as the gallery knows them: who they are, how they were heard, and what would make them surer to recognise.

A person has samples. Each is what one recording told of their voice; several from different rooms, days and microphones
show how it varies. Vectors of a sample compare only inside its *space*: one encoder, centred in one way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, TypedDict
from uuid import UUID

from timbre.identification.quality import Quality
from timbre.identification.voiceprint import MOST_PROTOTYPES

Source = Literal["recording", "job", "voiceprint"]
ENOUGH_SPEECH: Final = 10.0  # seconds, of all recordings
_TELEPHONE: Final = 0.5  # from here on it is one rather than not


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Why somebody's voice may be kept."""

    basis: str  # in the words of whoever is answerable for it
    given_on: date | None = None
    note: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return it as it is kept and sent."""
        given = None if self.given_on is None else self.given_on.isoformat()
        return {"basis": self.basis, "date": given, "note": self.note}

    @classmethod
    def from_json(cls, kept: Mapping[str, str | None] | None) -> Consent | None:
        """Read what `to_json` gave."""
        if kept is None:
            return None
        given = kept["date"]
        return cls(
            basis=kept["basis"] or "", given_on=None if given is None else date.fromisoformat(given), note=kept["note"]
        )


class Changes(TypedDict, total=False):
    """What is to be another; what is absent stays as it is."""

    name: str
    tags: Sequence[str]
    consent: Consent | None
    review_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one recording told of a voice, without the voice."""

    id: UUID
    source: Source
    job: UUID | None  # whose recording it is from
    job_title: str | None = None  # what that is called
    space: str
    seconds: float  # of speech
    telephone: float | None  # 0 wideband, 1 telephone; None where it is not known
    quality: Quality | None
    has_clip: bool
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Sample:
        """Read a row of the table."""
        return cls(
            id=row["id"],
            source=row["source"],
            job=row["job_id"],
            job_title=row["job_title"],
            space=row["space"],
            seconds=row["seconds"],
            telephone=row["telephone"],
            quality=quality_of(row["quality"]),
            has_clip=row["has_clip"],
            created_at=row["created_at"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of a team's gallery."""

    id: UUID
    name: str
    tags: tuple[str, ...]
    consent: Consent | None
    review_on: date | None  # when it is to be asked whether they may stay
    created_at: datetime
    updated_at: datetime
    heard_at: datetime | None  # when a job last named them
    samples: tuple[Sample, ...]  # the oldest first

    @classmethod
    def from_row(cls, row: Mapping[str, Any], samples: Sequence[Sample]) -> Person:
        """Read a row of the table."""
        return cls(
            id=row["id"],
            name=row["name"],
            tags=tuple(row["tags"]),
            consent=Consent.from_json(row["consent"]),
            review_on=row["review_on"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            heard_at=row["heard_at"],
            samples=tuple(samples),
        )

    @property
    def speech_seconds(self) -> float:
        """Seconds of speech of all samples."""
        return sum(sample.seconds for sample in self.samples)

    def advice(self, space: str | None, today: date) -> list[str]:
        """Say what to do about a person.

        Args:
            space: What the people of the gallery are compared in; None while there is no model.
            today: The day that the review date is compared with.
        """
        current = [sample for sample in self.samples if sample.space == space]
        others = len(self.samples) - len(current)
        advice = []
        if others and not current:
            advice.append(
                "Every sample was made by another model than the gallery's: upgrade the gallery to have clips of them"
                " heard again"
                if any(sample.has_clip for sample in self.samples)
                else "Every sample was made by another model than the gallery's: add a recording to be found by it"
            )
        else:
            advice.extend(_on_samples(current))
        if others and current:
            advice.append(f"{others} of {len(self.samples)} samples were made by another model and are not searched")
        if self.review_on is not None and self.review_on <= today:
            advice.append(f"The review was due on {self.review_on}: ask whether they may stay, and set another date")
        return advice


def quality_json(quality: Quality | None) -> dict[str, Any] | None:
    """Return measurements as they are kept and sent."""
    if quality is None:
        return None
    return {
        "seconds": quality.seconds,
        "speechSeconds": quality.speech_seconds,
        "level": quality.level,
        "clipped": quality.clipped,
        "snr": quality.snr,
        "singleSpeaker": quality.single_speaker,
    }


def quality_of(kept: Mapping[str, Any] | None) -> Quality | None:
    """Read what `quality_json` gave."""
    if kept is None:
        return None
    return Quality(
        seconds=kept["seconds"],
        speech_seconds=kept["speechSeconds"],
        level=kept["level"],
        clipped=kept["clipped"],
        snr=kept["snr"],
        single_speaker=kept["singleSpeaker"],
    )


def _on_samples(samples: Sequence[Sample]) -> Iterator[str]:
    if not samples:
        yield "Add a recording of them alone: without one they cannot be recognised"
        return
    single = len({sample.job or sample.id for sample in samples}) == 1
    missing = ENOUGH_SPEECH - sum(sample.seconds for sample in samples)
    if missing > 0:
        yield f"Add {max(1, round(missing))} s of speech{' from another recording' if single else ''}"
    elif single:
        yield "All speech is from one recording: add one from another day or microphone"
    channels = [sample.telephone for sample in samples if sample.telephone is not None]
    if channels and min(channels) >= _TELEPHONE:
        yield "All speech came by telephone: add a recording from a microphone"
    if len(samples) >= MOST_PROTOTYPES:
        yield f"There are {len(samples)} samples, as many as one person can have: remove a poor one to add another"
