"""Levels that can be checked with a pencil."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.audio import level


def test_a_full_scale_square_wave_is_the_reference():
    square = np.tile(np.array([1, -1], np.float32), 800)

    assert level.rms_dbfs(square) == pytest.approx(0)


def test_a_sine_measures_3_db_less_than_its_peak():
    sine = (0.1 * np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000)).astype(np.float32)

    assert level.rms_dbfs(sine) == pytest.approx(-23.01, abs=1e-2)


@pytest.mark.parametrize(
    "samples", [np.zeros(0, np.float32), np.zeros(100, np.float32), np.full(100, 1e-30, np.float32)]
)
def test_silence_and_nothing_measure_the_floor(samples):
    assert level.rms_dbfs(samples) == level.FLOOR_DBFS


@pytest.mark.parametrize("ratio", [0, 10, 30])
def test_the_ratio_of_speech_to_noise_is_found(ratio):
    rng = np.random.default_rng(1)
    speech = np.repeat([False, True, False, True], 100)
    noise = 0.01 * rng.standard_normal(speech.size * 320)
    signal = 0.01 * 10 ** (ratio / 20) * rng.standard_normal(noise.size) * np.repeat(speech, 320)

    measured = level.snr_db((signal + noise).astype(np.float32), speech)

    assert measured == pytest.approx(ratio, abs=1)


def test_noise_is_taken_from_the_quietest_frames_where_all_is_speech():
    rng = np.random.default_rng(1)
    loudness = np.repeat([0.001, 0.1, 0.1, 0.1], 50 * 320)
    samples = (loudness * rng.standard_normal(loudness.size)).astype(np.float32)

    assert level.snr_db(samples, np.ones(200, bool)) == pytest.approx(39, abs=1.5)


def test_without_speech_there_is_no_ratio():
    assert level.snr_db(np.ones(3200, np.float32), np.zeros(10, bool)) is None
    assert level.snr_db(np.zeros(0, np.float32), np.ones(10, bool)) is None


def test_digital_silence_around_speech_gives_the_highest_ratio():
    samples = np.concatenate([np.zeros(320 * 20), np.full(320 * 20, 0.1)]).astype(np.float32)

    assert level.snr_db(samples, np.repeat([False, True], 20)) == 60
