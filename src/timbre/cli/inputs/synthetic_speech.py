"""Babble: made-up syllables that sound enough like speech for every network to have work."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATE: Final = 16_000
_SYLLABLE: Final = 0.18  # seconds of its vowel
_HISS: Final = 0.04  # seconds of noise before it
# Formants of a, i, u, e, o in Hz, by Peterson & Barney, "Control methods used in a study of the vowels", 1952.
_VOWELS: Final = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
_PITCHES: Final = (130, 124, 118, 112, 106, 100)  # Hz, falling as in a sentence
_HIGHEST: Final = 4_000  # Hz


def babble(syllables: int = 18) -> bytes:
    """Return a WAV file of one voice at 16 kHz, .22 s a syllable; the same bytes each time."""
    noise = np.random.default_rng(0)
    sound = np.concatenate(
        [
            part
            for number in range(syllables)
            for part in (
                _hiss(noise),
                _vowel(_PITCHES[number % len(_PITCHES)], _VOWELS[number % len(_VOWELS)]),
            )
        ]
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, _RATE, 0, "NONE", ""))
        output.writeframes((0.3 * 32767 * sound / np.abs(sound).max()).astype("<i2").tobytes())
    return file.getvalue()


def _vowel(pitch: int, formants: tuple[int, ...]) -> NDArray[np.float64]:
    time = np.arange(round(_SYLLABLE * _RATE)) / _RATE
    sound = np.zeros_like(time)
    for harmonic in range(1, _HIGHEST // pitch):
        frequency = harmonic * pitch
        loudness = sum(
            1 / (1 + ((frequency - formant) / (80 + 0.04 * formant)) ** 2) / (1 + formant / 1000)
            for formant in formants
        )
        sound += loudness * np.sin(2 * np.pi * harmonic * (pitch * time - 30 * time**2) + harmonic)
    return np.asarray(sound * np.sqrt(np.sin(np.pi * time / time[-1])))


def _hiss(noise: np.random.Generator) -> NDArray[np.float64]:
    length = round(_HISS * _RATE)
    return np.asarray(noise.normal(size=length) * np.hanning(length) * 0.5)
