"""Runs of speech, as probabilities come."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.diarization.speech import SpeechRule
from timbre.live.speech import FRAME_SECONDS, Level, SpeechRuns

RULE = SpeechRule(onset=0.6, offset=0.3, padding=0.0, longest_gap=0.0, shortest=0.0)


def test_run_begins_at_onset_and_ends_after_a_pause() -> None:
    runs = SpeechRuns(RULE, pause=3 * FRAME_SECONDS)
    ended = [runs.push(value) for value in (0.1, 0.5, 0.7, 0.4, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1)]
    assert ended == [False] * 9 + [True]
    assert runs.begin == pytest.approx(2 * FRAME_SECONDS)
    assert runs.end == pytest.approx(7 * FRAME_SECONDS)
    assert runs.spoken == pytest.approx(3 * FRAME_SECONDS)
    assert runs.share(runs.begin, runs.end) == pytest.approx(3 / 5)
    runs.close()
    assert runs.begin is None


def test_loud_sound_is_not_raised_for_the_silence_before() -> None:
    level = Level()
    for _ in range(50):
        quiet = level.raised(np.full(1_600, 0.001, np.float32))
    assert quiet[0] == pytest.approx(0.01)
    loud = np.full(1_600, 0.5, np.float32)
    np.testing.assert_array_equal(level.raised(loud), loud)
