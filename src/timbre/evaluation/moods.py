"""One person in other moods: what calm, excited, loud and tired speech of the same mouth differ in.

Recordings of one person in several moods are rare, and without them nothing can be learned of how far moods carry a
voice. Pitch and rate move together and wander, vowels stay nearly where they are, effort moves energy towards high
frequencies and raises the first resonance a little, and loudness comes and goes. The sizes follow what is reported of
acted and loud speech: pitch up to a third higher or a fifth lower (Banse and Scherer, "Acoustic profiles in vocal
emotion expression", JPSP 1996), and a flatter spectrum with more effort (Traunmüller and Eriksson, "Acoustic effects of
variation in vocal effort", JASA 2000).

Speech is read faster or slower, which moves pitch and resonances alike; a filter that changes with time then puts the
resonances back where this mouth has them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE

FASTEST: Final = 1.35  # of the rate at which speech is read
_SLOWEST: Final = 0.78
_FRAME, _HOP = 512, 128
_LIFTER: Final = 26  # quefrencies below 1.6 ms are the mouth, those above are the pitch
_LARGEST: Final = float(np.log(10 ** (24 / 20)))  # by which the filter changes an amplitude
_POINTS: Final = 5  # of the curves that wander over what is said

Rows = NDArray[np.float32]


def moody(speech: Rows, length: int, generator: np.random.Generator, arousal: Rows | None = None) -> Rows:
    """Say rows again in a mood.

    Args:
        speech: float32 `[B, n]`, 16 kHz, n at least `FASTEST` times `length`; the end is what is heard.
        length: Samples to return.
        generator: Draws the moods.
        arousal: float32 `[B, 1]`, -1 tired, 1 beside oneself; of chance where it is not given.

    Returns:
        float32 `[B, length]`.
    """
    rows = len(speech)
    drawn = np.asarray(_normal(generator, rows, 1).clip(-2, 2) / 2, np.float32)
    arousal = drawn if arousal is None else arousal
    wander = np.float32(0.06) * _curves(rows, length, generator)
    rate = np.exp(0.02 + 0.16 * arousal + wander).clip(_SLOWEST, FASTEST)
    place = speech.shape[1] - 1 - rate[:, ::-1].cumsum(axis=1, dtype=np.float64)[:, ::-1]
    before = np.floor(place).astype(np.int64).clip(0, speech.shape[1] - 2)
    share = (place - before).astype(np.float32)
    read = _at(speech, before) * (1 - share) + _at(speech, before + 1) * share
    effort = 1.5 * arousal + 1.5 * _normal(generator, rows, 1)  # dB an octave
    mouth = 1 + 0.02 * arousal + 0.01 * _normal(generator, rows, 1)
    loudness = 10 ** (3 * _curves(rows, length, generator) / 20)
    return np.asarray(_filtered(read, rate, mouth, effort) * loudness, np.float32)


def _filtered(speech: Rows, rate: Rows, mouth: Rows, effort: Rows) -> Rows:
    """Put resonances that stand at `rate` times their place to `mouth` times it, and tilt by `effort` dB an octave."""
    from scipy.signal import istft, stft  # noqa: PLC0415 - slow to import

    shape: dict[str, Any] = {"window": "hann", "nperseg": _FRAME, "noverlap": _FRAME - _HOP}
    spectrum: NDArray[Any] = stft(speech, **shape, boundary="even")[2]  # [B, F, T]
    level = np.log(np.abs(spectrum) * (_FRAME / 2) + 1e-5).transpose(0, 2, 1)  # [B, T, F]
    cepstrum = np.fft.irfft(level, _FRAME)
    cepstrum[..., _LIFTER : _FRAME - _LIFTER + 1] = 0
    envelope = np.fft.rfft(cepstrum).real
    bins = np.arange(level.shape[2])
    middles = np.linspace(0, rate.shape[1] - 1, level.shape[1]).astype(np.int64)
    source = ((rate[:, middles] / mouth)[..., None] * bins).clip(max=len(bins) - 1.001)
    low = np.floor(source).astype(np.int64)
    share = source - low
    wanted = _at(envelope, low) * (1 - share) + _at(envelope, low + 1) * share
    octaves = np.log2(np.maximum(bins, 2) * SAMPLE_RATE / _FRAME / 500).clip(-1, 3)
    change = wanted - envelope + np.log(10) / 20 * effort[:, :, None] * octaves
    gain = np.exp(change.clip(-_LARGEST, _LARGEST)).transpose(0, 2, 1)
    heard: NDArray[Any] = istft(spectrum * gain, **shape, boundary=True)[1]
    return np.asarray(heard[:, : speech.shape[1]], np.float32)


def _at(rows: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    return np.take_along_axis(rows, places, axis=-1)


def _curves(rows: int, length: int, generator: np.random.Generator) -> Rows:
    """Return smooth curves around 0 of unit variance, `[rows, length]`."""
    points = _normal(generator, rows, _POINTS)
    place = np.linspace(0, _POINTS - 1, length, dtype=np.float32)
    low = np.minimum(place.astype(np.int64), _POINTS - 2)
    return np.asarray(points[:, low] + (place - low) * (points[:, low + 1] - points[:, low]), np.float32)


def _normal(generator: np.random.Generator, rows: int, columns: int) -> Rows:
    return generator.standard_normal((rows, columns), np.float32)
