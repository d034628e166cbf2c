"""Probabilities become stretches of speech: hysteresis, padding, gaps, and a plain oracle beside the fast code."""

from dataclasses import replace

import numpy as np
import pytest

from timbre.diarization.grid import frame_count, runs
from timbre.diarization.speech import SpeechRule, speech_frames, speech_gain

PLAIN = SpeechRule(onset=0.5, offset=0.3, padding=0.0, longest_gap=0.0, shortest=0.0)


def frames(text: str) -> np.ndarray:
    """Read a drawing: # is speech, . is not."""
    return np.array([mark == "#" for mark in text])


def drawing(speech: np.ndarray) -> str:
    return "".join("#" if talking else "." for talking in speech)


def hysteresis_step_by_step(probability: np.ndarray, rule: SpeechRule) -> np.ndarray:
    speech, talking = [], False
    for value in probability:
        talking = value >= rule.offset if talking else value >= rule.onset and value >= rule.offset
        speech.append(talking)
    return np.array(speech, bool)


def test_speech_begins_at_the_onset_and_lasts_until_the_offset() -> None:
    probability = np.array([0.1, 0.4, 0.6, 0.4, 0.35, 0.2, 0.4, 0.1], np.float32)
    assert drawing(speech_frames(probability, PLAIN)) == "..###..."


@pytest.mark.parametrize("seed", range(20))
def test_hysteresis_equals_a_machine_that_takes_one_step_at_a_time(seed: int) -> None:
    probability = np.random.default_rng(seed).random(200).astype(np.float32)
    expected = hysteresis_step_by_step(probability, PLAIN)
    assert drawing(speech_frames(probability, PLAIN)) == drawing(expected)


def test_padding_reaches_both_ways_and_not_beyond_the_recording() -> None:
    rule = replace(PLAIN, padding=0.04)
    speech = frames("#....#.....").astype(np.float32)
    assert drawing(speech_frames(speech, rule)) == "########..."


def test_short_gaps_are_filled_but_not_the_silence_at_the_ends() -> None:
    rule = replace(PLAIN, longest_gap=0.06)
    speech = frames("..##..##...##.").astype(np.float32)
    assert drawing(speech_frames(speech, rule)) == "..######...##."


def test_stretches_that_are_too_short_are_dropped() -> None:
    rule = replace(PLAIN, shortest=0.06)
    speech = frames("##..###.#").astype(np.float32)
    assert drawing(speech_frames(speech, rule)) == "....###.."


def test_more_sensitivity_never_hears_less_speech() -> None:
    probability = np.random.default_rng(3).random(500).astype(np.float32)
    heard = [speech_frames(probability, PLAIN.moved(step)).sum() for step in (-5, -2, 0, 2, 5)]
    assert heard == sorted(heard)
    assert heard[0] < heard[2] < heard[-1]
    assert PLAIN.moved(0) == PLAIN


def test_no_frames_give_no_speech() -> None:
    assert speech_frames(np.zeros(0, np.float32), PLAIN).shape == (0,)


def test_quiet_speech_is_raised_by_at_most_20_db_and_loud_speech_is_left_alone() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    assert speech_gain(noise) == 1.0
    assert speech_gain(noise * 0.035) == pytest.approx(10 ** (-23 / 20) / 0.035, rel=0.02)
    assert speech_gain(noise * 1e-4) == 10.0
    assert speech_gain(np.zeros(10, np.float32)) == 10.0


def test_runs_cover_everything_once() -> None:
    values = np.array([1, 1, 2, 2, 2, 1])
    assert list(runs(values)) == [(0, 2), (2, 5), (5, 6)]
    assert list(runs(values[:0])) == []


def test_the_last_frame_may_be_begun_only() -> None:
    assert [frame_count(samples) for samples in (0, 1, 320, 321)] == [0, 1, 1, 2]
