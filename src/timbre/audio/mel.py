"""The linear mel power spectrogram that GE2E encoders hear: 25 ms Hann windows every 10 ms, 40 Slaney bands.

Frames are centred as librosa centres them: frame i looks at the 400 samples around sample 160 i, and what
lies outside the samples counts as silence.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
STEP: Final = 160  # samples from frame to frame
BANDS: Final = 40

_WINDOW: Final = 400  # samples
_FRAMES_AT_ONCE: Final = 32  # so few that BLAS does not wake its threads, which on busy cores takes ten times as long

# Slaney's scale: linear up to 1 kHz, then 27 steps to every factor of 6.4.
_LINEAR_HZ: Final = 200 / 3
_KNEE_HZ: Final = 1000.0
_KNEE_MEL: Final = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP: Final = np.log(6.4) / 27


def mel_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mel power of every 10 ms.

    Args:
        samples: float32 `[n]`, 16 kHz, in [-1, 1].

    Returns:
        float32 `[1 + n // 160, 40]`, linear power (no logarithm).
    """
    padded = np.pad(samples.astype(np.float32, copy=False), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::STEP]
    window, filters = mel_window(), mel_filters()
    mel = np.empty((len(frames), BANDS), np.float32)
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        block = slice(first, first + _FRAMES_AT_ONCE)
        spectrum = np.fft.rfft(frames[block] * window)
        mel[block] = (spectrum.real**2 + spectrum.imag**2) @ filters
    return mel


@cache
def mel_window() -> NDArray[np.float32]:
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


@cache
def mel_filters() -> NDArray[np.float32]:
    """Return triangular filters `[201, 40]` between 0 and 8 kHz, each of unit area.

    Source: Slaney, "Auditory Toolbox", Interval Research technical report 1998-010.
    """
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)[:, None]
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), BANDS + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (high - low)).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(_KNEE_MEL + np.log(hertz / _KNEE_HZ) / _LOG_STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, _KNEE_HZ * np.exp((mel - _KNEE_MEL) * _LOG_STEP))
