"""The log mel spectrogram that ReDimNet2 hears: 72 bands between 20 and 7600 Hz every 10 ms, mean taken off.

Source: Yakovlev & Okhotnikov, "ReDimNet2", Interspeech 2026, as released with its weights. The samples are brought
to mean 0 and deviation 1 and pre-emphasised; frames of 400 samples, Hamming window, begin 80 samples before the first.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDS: Final = 72
STEP: Final = 160  # samples from frame to frame

_SAMPLE_RATE: Final = 16_000
_WINDOW: Final = 400
_MARGIN: Final = 80  # samples of silence before and after
_FFT: Final = 512
_BINS: Final = _FFT // 2  # the bin at 8 kHz is left out
_LOWEST: Final = 20.0  # Hz
_HIGHEST: Final = 7_600.0  # Hz
_EMPHASIS: Final = np.float32(0.97)
_FRAMES_AT_ONCE: Final = 14  # so few that BLAS does not wake its threads, which on busy cores takes ten times as long
_TINY: Final = np.float32(1e-8)


def log_mel_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the normalised log mel energies of one window.

    Args:
        samples: float32 `[n]`, 16 kHz, n of at least 400; any level.

    Returns:
        float32 `[72, 1 + (n - 240) // 160]`, every band with mean 0.
    """
    level = (samples - samples.mean()) / (samples.std() + _TINY)
    emphasised = level - _EMPHASIS * np.concatenate([level[1:2], level[:-1]])
    padded = np.pad(emphasised, _MARGIN)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::STEP]
    spectrum = np.fft.rfft(frames * _window(), _FFT)[:, :_BINS]
    power = np.clip(spectrum.real**2 + spectrum.imag**2, _TINY, 1 / _TINY).astype(np.float32, copy=False)
    energies = np.log(np.clip(_in_bands(power), _TINY, 1 / _TINY) + _TINY).T
    centred: NDArray[np.float32] = energies - energies.mean(axis=1, keepdims=True)
    return centred


def _in_bands(power: NDArray[np.float32]) -> NDArray[np.float32]:
    blocks = [power[first : first + _FRAMES_AT_ONCE] @ _filters() for first in range(0, len(power), _FRAMES_AT_ONCE)]
    return np.concatenate(blocks)


@cache
def _window() -> NDArray[np.float32]:
    return np.hamming(_WINDOW).astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    """Return triangles on the mel scale `[256, 72]`.

    Training took 256 frequencies evenly from 0 to 8 kHz inclusive for bins that lie at multiples of 31.25 Hz,
    and gave the first one no weight; the weights expect it so.
    """
    mel = _mel(np.linspace(0, _SAMPLE_RATE / 2, _BINS))[:, None]
    edges = np.linspace(_mel(np.array(_LOWEST)), _mel(np.array(_HIGHEST)), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((mel - low) / (centre - low), (high - mel) / (high - centre)))
    triangles[0] = 0
    return triangles.astype(np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2595 * np.log10(1 + hertz / 700)
