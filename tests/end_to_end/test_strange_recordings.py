"""Recordings that are strange and possible: laughter, two who never stop, ten minutes of one, two nearly alike."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import soxr
from scipy.signal import lfilter

from timbre import Diarization, Engine

RATE = 16_000
NAMES = ("Ada", "Ben", "Callum", "Dan")

Voice = Callable[[str], np.ndarray]


def laughter(seconds: float, seed: int) -> np.ndarray:
    """Return bursts of breath and of a falling voice, five a second, through the formants of an open vowel."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    laugh = time % 1.6  # seconds into it
    pitch = 260 * (1 - 0.3 * laugh / 1.6)
    source = 0.5 * np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE)) + rng.normal(0, 0.3, time.size)
    sound = source * np.clip(np.sin(2 * np.pi * 5 * time), 0, 1) ** 2 * (laugh < 1.2)
    for formant, width in ((800, 90), (1200, 110), (2500, 160)):
        radius = np.exp(-np.pi * width / RATE)
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], sound)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def talk(found: Diarization) -> float:
    assert all(0 <= turn.start < turn.end <= found.duration for turn in found.turns)
    return sum(turn.duration for turn in found.exclusive_turns)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.mark.parametrize("seed", range(2))
def test_laughter_is_nobody_speaking(engine: Engine, seed: int) -> None:
    """A burst may pass for a word; it is the detector that decides, and the sensitivity that a user can lower."""
    found = engine.diarize((laughter(10, seed), RATE))
    assert talk(found) < 0.5
    assert len(found.speakers) <= 1


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2))[::2])
def test_two_who_talk_all_the_time_are_two_at_most(engine: Engine, voice: Voice, one: str, other: str) -> None:
    """Without a segmenter a mixture is one voice of its own, so one is right too; what is wrong is to hear many."""
    length = min(len(voice(one)), len(voice(other)))
    found = engine.diarize((voice(one)[:length] + voice(other)[:length], RATE))
    assert 1 <= len(found.speakers) <= 2
    assert talk(found) > 18


@pytest.mark.exhaustive
def test_ten_minutes_of_one_person_are_one_speaker(engine: Engine, voice: Voice) -> None:
    """Said again and again, a little faster or slower, from nearer or farther away."""
    rng = np.random.default_rng(0)
    said = [
        np.pad(soxr.resample(voice("Ada"), RATE * pace, RATE) * 10 ** (level / 20), (0, RATE // 2))
        for pace, level in zip(rng.uniform(0.98, 1.02, 30), rng.uniform(-9, 3, 30), strict=True)
    ]
    found = engine.diarize((np.concatenate(said)[: 600 * RATE].astype(np.float32), RATE))
    assert found.speakers == ("SPEAKER_00",)
    assert talk(found) > 550


@pytest.mark.parametrize("name", ["Ada", "Dan"])
@pytest.mark.parametrize("faster", [1.03, 1.12])
def test_two_voices_that_are_nearly_one_are_two_at_most(engine: Engine, voice: Voice, name: str, faster: float) -> None:
    """They differ by less than one person does from day to day, so that nobody could ask for two."""
    one, other, part = voice(name), soxr.resample(voice(name), RATE * faster, RATE), 5 * RATE
    said = [sound[begin : begin + part] for begin in (0, part, 2 * part) for sound in (one, other)]
    found = engine.diarize((np.concatenate([np.pad(each, (0, RATE // 3)) for each in said]), RATE))
    assert 1 <= len(found.speakers) <= 2
    assert talk(found) > 25
