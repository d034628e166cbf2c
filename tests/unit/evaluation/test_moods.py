"""The same person in another mood, on sounds whose pitch and colour are known."""

import numpy as np
import pytest

from timbre.evaluation.moods import FASTEST, moody

RATE = 16_000
LENGTH = 2 * RATE


def buzz(pitch: float) -> np.ndarray:
    """Return a voice-like sound: harmonics of one pitch, falling by 6 dB an octave."""
    time = np.arange(int(FASTEST * LENGTH) + 1) / RATE
    harmonics = np.arange(1, int(4_000 / pitch))
    return (
        (0.1 * np.sin(2 * np.pi * pitch * time[:, None] * harmonics) / harmonics).sum(axis=1)[None].astype(np.float32)
    )


def again(speech: np.ndarray, arousal: float, seed: int = 0) -> np.ndarray:
    return moody(speech, LENGTH, np.random.default_rng(seed), np.array([[arousal]], np.float32))


def pitch_of(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1])))
    low = slice(int(80 * LENGTH / RATE), int(350 * LENGTH / RATE))
    return float((spectrum[low].argmax() + low.start) * RATE / LENGTH)


def tilt_of(sound: np.ndarray) -> float:
    """Return how much stronger 1.5 to 4 kHz is than what lies below 500 Hz, in dB."""
    power = np.abs(np.fft.rfft(sound[0])) ** 2
    bins = LENGTH / RATE
    return float(10 * np.log10(power[int(1500 * bins) : int(4000 * bins)].sum() / power[: int(500 * bins)].sum()))


def test_excitement_raises_pitch_and_effort() -> None:
    speech = buzz(180.0)
    tired, excited = ([again(speech, arousal, seed) for seed in range(4)] for arousal in (-1.2, 1.2))
    assert np.mean([pitch_of(one) for one in tired]) < 165
    assert np.mean([pitch_of(one) for one in excited]) > 195
    assert np.mean([tilt_of(one) for one in tired]) + 3 < np.mean([tilt_of(one) for one in excited])


def test_a_calm_voice_stays_about_as_it_is() -> None:
    assert pitch_of(again(buzz(180.0), 0.0)) == pytest.approx(180, rel=0.1)


def test_the_same_mood_for_the_same_generator() -> None:
    one, other = (moody(buzz(150.0), LENGTH, np.random.default_rng(5)) for _ in range(2))
    assert one.shape == (1, LENGTH)
    assert one.dtype == np.float32
    assert (one == other).all()
    assert np.isfinite(one).all()


def test_silence_stays_silent() -> None:
    silent = again(np.zeros((2, int(FASTEST * LENGTH) + 1), np.float32), 1.0)
    assert np.abs(silent).max() < 1e-3
