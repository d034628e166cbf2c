"""A recording so long that it is clustered in several stretches still has one set of speakers."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from timbre import Diarization, Engine, Settings, Turn
from timbre.audio.decoding import open_recording
from timbre.diarization.clustering import STRETCH
from timbre.diarization.windows import STEP_SECONDS
from timbre.formats import read

pytestmark = pytest.mark.exhaustive
SAMPLES = Path(__file__).parents[2] / "samples"
CONVERSATION = SAMPLES / "conversation.ogg"
TIMES = 17  # 34 minutes: just enough for two stretches


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    with open_recording(CONVERSATION, settings=Settings()) as recording:
        return np.rint(recording.read(0, recording.samples) * 32_768).astype(np.int16)


@pytest.fixture(scope="module")
def marathon(engine: Engine, samples: np.ndarray) -> Diarization:
    """The sample conversation, over and over."""
    return engine.diarize((np.tile(samples, TIMES), 16_000))


def who_is_who(turns: list[Turn], offset: float) -> dict[str, str]:
    """Say who of the conversation that begins at `offset` has each label most of the time."""
    heard: dict[str, Counter[str]] = {}
    for turn in turns:
        for line in read(SAMPLES / "conversation.rttm"):
            both = min(turn.end, line.end + offset) - max(turn.start, line.start + offset)
            heard.setdefault(turn.speaker, Counter())[line.speaker] += max(0.0, both)
    return {label: people.most_common(1)[0][0] for label, people in heard.items()}


def test_it_is_clustered_in_several_stretches(marathon: Diarization) -> None:
    assert sum(voice.seconds for voice in marathon.voices) > STRETCH * STEP_SECONDS


def test_there_are_four_speakers_all_the_way(marathon: Diarization) -> None:
    assert len(marathon.speakers) == 4


def test_a_voice_has_the_same_label_in_every_repetition(marathon: Diarization) -> None:
    length = marathon.duration / TIMES
    for number in range(TIMES):
        begin = number * length
        turns = [turn for turn in marathon.turns if begin <= turn.start and turn.end <= begin + length]
        assert who_is_who(turns, begin) == {
            "SPEAKER_00": "Ada",
            "SPEAKER_01": "Ben",
            "SPEAKER_02": "Callum",
            "SPEAKER_03": "Dan",
        }


def test_every_time_is_in_range(marathon: Diarization, samples: np.ndarray) -> None:
    assert marathon.duration == len(samples) * TIMES / 16_000
    assert all(0 <= turn.start < turn.end <= marathon.duration for turn in marathon.turns)
    assert list(marathon.turns) == sorted(marathon.turns, key=lambda turn: (turn.start, turn.end))
    assert marathon.turns[-1].end > marathon.duration - 3
