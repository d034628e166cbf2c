"""What is said about a person: what would make them surer to recognise, and what is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from timbre.identification.quality import Quality
from timbre.service.people.person import Consent, Person, Sample, quality_json, quality_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TODAY = NOW.date()
GOOD = Sample(
    id=UUID(int=1), source="recording", job=None, job_title=None, space="aa", seconds=12.0, telephone=0.0, quality=None,
    has_clip=True, created_at=NOW,
)  # fmt: skip
ANOTHER = replace(GOOD, id=UUID(int=2))


def person(*samples: Sample, review_on: date | None = None) -> Person:
    return Person(
        id=UUID(int=9), name="Ada", tags=(), consent=None, review_on=review_on, created_at=NOW, updated_at=NOW,
        heard_at=None, samples=samples,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ((GOOD, ANOTHER), []),
        ((), ["Add a recording"]),
        ((GOOD,), ["All speech is from one recording"]),
        ((replace(GOOD, seconds=3.6),), ["Add 6 s of speech from another recording"]),
        ((replace(GOOD, seconds=4.0), replace(ANOTHER, seconds=5.9)), ["Add 1 s of speech"]),
        ((replace(GOOD, telephone=0.9), replace(ANOTHER, telephone=None)), ["All speech came by telephone"]),
        ((replace(GOOD, telephone=None), replace(ANOTHER, telephone=None)), []),
        ((replace(GOOD, telephone=0.9), ANOTHER), []),
        ((replace(GOOD, job=UUID(int=5)), replace(ANOTHER, job=UUID(int=5))), ["All speech is from one recording"]),
        ((replace(GOOD, space="bb"),), ["Every sample was made by another model"]),
        ((GOOD, ANOTHER, replace(GOOD, space="bb")), ["1 of 3 samples were made by another model"]),
        (tuple(replace(GOOD, id=UUID(int=number)) for number in range(24)), ["There are 24 samples"]),
    ],
)
def test_advice_on_samples(samples, said):
    advice = person(*samples).advice("aa", TODAY)
    assert len(advice) == len(said)
    assert all(sentence.startswith(beginning) for sentence, beginning in zip(advice, said, strict=True))


def test_a_review_is_due_on_its_day():
    assert person(GOOD, ANOTHER, review_on=date(2026, 11, 2)).advice("aa", TODAY) == []
    (due,) = person(GOOD, ANOTHER, review_on=TODAY).advice("aa", TODAY)
    assert "2026-11-01" in due


def test_without_a_model_nobody_is_found():
    assert "another model" in person(GOOD).advice(None, TODAY)[0]


def test_what_is_kept_is_read_again():
    consent = Consent(basis="form", given_on=date(2026, 2, 3), note=None)
    assert Consent.from_json(consent.to_json()) == consent
    assert Consent.from_json(None) is None
    quality = Quality(seconds=20.5, speech_seconds=6.0, level=-50.0, clipped=0.0, snr=None, single_speaker=97)
    assert quality_of(quality_json(quality)) == quality
    assert quality_of(None) is quality_json(None) is None
