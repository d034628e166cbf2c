"""Unknown voices are put together as a slow and plain reckoning does it, and never two of one recording."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.identification.scoring import expit
from timbre.models.same_voice import SameVoice, Side, load_same_voice, unit
from timbre.service.review.grouping import SURE, Unknown, grouped

DIMENSION = 256
SAME_VOICE = load_same_voice("timbre-voice-1", DIMENSION)


def unknown(job: int, number: int, vector: np.ndarray, seconds: float) -> Unknown:
    voice = Voice(
        speaker=f"SPEAKER_{number:02}",
        embedding=unit(vector.astype(np.float32)),
        seconds=seconds,
        acoustics=Acoustics(telephone=0.0, snr=20.0),
    )
    return Unknown(job=UUID(int=job), voice=voice)


def drawn(seed: int, voices: int, people: int, spread: float) -> list[Unknown]:
    """Voices of so many people, two a recording, at random distances from how each of them sounds."""
    rng = np.random.default_rng(seed)
    faces = unit(rng.normal(size=(people, DIMENSION)).astype(np.float32))
    return [
        unknown(
            at // 2,
            at % 2,
            faces[rng.integers(people)] + rng.normal(size=DIMENSION) * spread / DIMENSION**0.5,
            float(rng.uniform(3, 60)),
        )
        for at in range(voices)
    ]


def labels(groups: list[list[Unknown]]) -> set[frozenset[tuple[UUID, str]]]:
    return {frozenset((each.job, each.voice.speaker) for each in group) for group in groups}


def plainly(voices: list[Unknown], same_voice: SameVoice) -> list[list[Unknown]]:
    """The same, comparing every voice with every group in earnest."""
    groups: list[list[Unknown]] = []
    for each in sorted(voices, key=lambda one: (-one.voice.seconds, one.job, one.voice.speaker)):
        odds = [-np.inf] * len(groups)
        for at, group in enumerate(groups):
            if each.job in {other.job for other in group}:
                continue
            pooled = unit(np.sum([other.voice.seconds * other.voice.embedding for other in group], axis=0))
            side = Side(seconds=sum(other.voice.seconds for other in group), telephone=0.0, snr=20.0)
            own = Side(seconds=each.voice.seconds, telephone=0.0, snr=20.0)
            odds[at] = float(same_voice.log_odds(pooled @ each.voice.embedding, side, own))
        likely = np.array([value for value in odds if np.isfinite(value)])
        if likely.size and likely.max() >= 0 and expit(same_voice.among(likely, len(groups)).max()) >= SURE:
            groups[int(np.argmax(odds))].append(each)
        else:
            groups.append([each])
    return groups


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 12), spread=st.floats(0.2, 1.5))
def test_it_is_what_a_plain_reckoning_gives(seed, people, spread):
    voices = drawn(seed, 24, people, spread)
    groups = grouped(voices, SAME_VOICE)
    assert labels([list(group.voices) for group in groups]) == labels(plainly(voices, SAME_VOICE))
    for group in groups:
        assert len({each.job for each in group.voices}) == len(group.voices)
        assert group.seconds == pytest.approx(sum(each.voice.seconds for each in group.voices))
    sizes = [(-len(group.voices), -group.seconds) for group in groups]
    assert sizes == sorted(sizes)
    assert labels([list(group.voices) for group in grouped(voices[::-1], SAME_VOICE)]) == labels(
        [list(group.voices) for group in groups]
    )


def test_people_are_found_among_many_voices():
    voices = drawn(7, 150, 40, 0.4)
    assert len(grouped(voices, SAME_VOICE)) < 60
    assert labels([list(group.voices) for group in grouped(voices, SAME_VOICE)]) == labels(plainly(voices, SAME_VOICE))


def test_nobody_is_no_group():
    assert grouped([], SAME_VOICE) == []
