"""Diarization with a segmenter, on the real one where it is: who talks at the same time, and odd input."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from timbre import Diarization, Engine, Settings
from timbre.errors import SeveralSpeakers
from timbre.evaluation.diarization import score_diarization
from timbre.formats import read
from timbre.models.store import Store

DATA = os.environ.get("TIMBRE_DATA")
INT8 = Path(DATA or ".").parent / "models" / "segmentation-3.0.int8.onnx"
SAMPLES = Path(__file__).parents[2] / "samples"
RATE = 16_000

pytestmark = pytest.mark.skipif(
    not DATA or not INT8.is_file(), reason="TIMBRE_DATA is unset or has no int8 segmenter beside it"
)

Voice = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    settings = Settings(models_dir=tmp_path_factory.mktemp("models"))
    Store(settings).add(INT8)
    return Engine("base-segmented", settings=settings)


def checked(found: Diarization) -> Diarization:
    """Check what holds for every diarization."""
    assert all(0 <= turn.start < turn.end <= found.duration for turn in found.turns)
    assert all(early.end <= late.start for early, late in pairwise(found.exclusive_turns))
    assert {turn.speaker for turn in found.turns} == set(found.speakers)
    assert list(found.speakers) == list(dict.fromkeys(turn.speaker for turn in found.turns))
    assert bool(found.turns) != ("No speech was found" in found.warnings)
    return found


def test_the_sample_conversation_and_who_talks_at_the_same_time(engine: Engine) -> None:
    found = checked(engine.diarize(SAMPLES / "conversation.ogg", probabilities=True))
    reference = read(SAMPLES / "conversation.rttm")
    score = score_diarization(reference, found.turns, recording="conversation", duration=found.duration)
    assert len(found.speakers) == 4
    assert score.error.rate < 0.15
    assert sum(turn.duration for turn in found.turns) > sum(turn.duration for turn in found.exclusive_turns)
    assert found.probabilities is not None
    talking = np.zeros(len(found.probabilities.crosstalk.score))
    for turn in reference:
        talking[round(turn.start / 0.02) : round(turn.end / 0.02)] += 1
    crosstalk = found.probabilities.crosstalk.score
    assert crosstalk[talking > 1].mean() > 5 * crosstalk[talking == 1].mean()


@pytest.mark.parametrize("seconds", [0.05, 0.2, 1.6, 9.99, 10, 10.01, 12.5])
def test_recordings_about_as_short_as_the_windows(engine: Engine, voice: Voice, seconds: float) -> None:
    samples = voice("Ada")[RATE : RATE + round(seconds * RATE)]
    found = checked(engine.diarize((samples, RATE), probabilities=True))
    assert len(found.speakers) == (seconds > 0.1)
    assert len(found.confidence.score) == -(-len(samples) // 320)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(12 * RATE), np.full(12 * RATE, np.nan), np.random.default_rng(0).standard_normal(12 * RATE), np.ones(1)],
    ids=["silence", "NaN", "noise", "one sample"],
)
def test_what_holds_no_speech_has_no_turns(engine: Engine, samples: np.ndarray) -> None:
    assert checked(engine.diarize((samples, RATE), num_speakers=3, probabilities=True)).turns == ()


@pytest.mark.parametrize("options", [{"num_speakers": 50}, {"vad_sensitivity": 5}, {"crosstalk_sensitivity": 5}])
def test_everybody_who_is_found_has_a_turn(engine: Engine, voice: Voice, options: dict[str, float]) -> None:
    loud = np.clip(voice("Ada") * 100, -1, 1)
    checked(engine.diarize((loud, RATE), **options))


def test_channels_are_heard_each_by_itself_and_without_the_others_echo(engine: Engine, voice: Voice) -> None:
    sides = np.zeros((2, 20 * RATE), np.float32)
    sides[0, : 9 * RATE], sides[1, 8 * RATE : 18 * RATE] = voice("Ada")[: 9 * RATE], voice("Dan")[: 10 * RATE]
    found = checked(engine.diarize((sides + 0.05 * sides[::-1], RATE), channels="separate", probabilities=True))
    assert [who.channel for who in found.voices] == [0, 1]
    heard = {name: [turn for turn in found.turns if turn.speaker == name] for name in found.speakers}
    assert heard["SPEAKER_00"][-1].end == pytest.approx(9, abs=0.5)
    assert heard["SPEAKER_01"][0].start == pytest.approx(8, abs=0.5)


def test_two_people_who_talk_at_once_all_the_time_are_no_voice(engine: Engine, voice: Voice) -> None:
    ada, ben = voice("Ada"), voice("Ben")
    length = min(len(ada), len(ben))

    with pytest.raises(SeveralSpeakers):
        engine.voiceprint(((ada[:length] + ben[:length]) / 2, RATE))
    alone = engine.voiceprint((ada, RATE)).quality[0]
    assert alone.single_speaker > 80
    assert alone.overlap is not None
    assert alone.overlap < 0.05
    assert engine.voiceprint((ben, RATE)).quality[0].single_speaker > 80
