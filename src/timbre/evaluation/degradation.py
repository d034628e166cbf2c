"""Degraded copies of recordings, for what the recordings at hand do not show: other channels, and noise.

A calibration that has seen one kind of recording only cannot tell what a telephone or noise does to scores. Real
recordings of both are rare, and where there are some, the people and the place differ too. Copies differ in nothing
else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE

KINDS: Final = ("telephone", "noise")
# Which copies stand on the enrolled and on the tested side of copied trials; None is the recording itself.
PAIRS: Final = (
    *(("telephone", "telephone"), (None, "telephone"), ("telephone", None)),
    *((None, "noise"), ("noise", "noise")),
)

_BAND: Final = (300.0, 3400.0)  # Hz, of a telephone
_MU: Final = 255.0
_LEVELS: Final = 127.0  # of the mu-law code, on either side of 0
_LOUDEST: Final = 0.3  # full scale = 1, of the copy before it is coded
_SNR: Final = (0.0, 25.0)  # dB
_SLOPE: Final = (0.0, 1.2)  # exponent by which the amplitude of noise falls with frequency: white to brown
_CARRIED: Final = 1e-5  # power beside the strongest frequency, from which a channel counts as carrying a frequency


def degraded(samples: NDArray[np.float32], *, telephone: bool, seed: int) -> Mapping[str, NDArray[np.float32]]:
    """Return degraded copies of a recording by their kind.

    Args:
        samples: float32 `[n]`, 16 kHz.
        telephone: it comes from a telephone already, and needs no copy that does.
        seed: of the noise.
    """
    generator = np.random.default_rng(seed)
    copies = {"noise": with_noise(samples, generator)}
    return copies if telephone else {"telephone": over_telephone(samples), **copies}


def over_telephone(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a telephone makes of samples: the band from 300 to 3400 Hz at 8 kHz, in mu-law (ITU-T G.711)."""
    from scipy.signal import butter, resample_poly, sosfilt  # noqa: PLC0415 - slow to import

    band = sosfilt(butter(4, _BAND, btype="band", fs=SAMPLE_RATE, output="sos"), samples)
    narrow = resample_poly(band, 1, 2)
    narrow = narrow * (_LOUDEST / max(float(np.abs(narrow).max(initial=0.0)), 1e-6))
    code = np.rint(np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU) * _LEVELS) / _LEVELS
    decoded = np.sign(code) * np.expm1(np.abs(code) * np.log1p(_MU)) / _MU
    return np.asarray(resample_poly(decoded, 2, 1)[: len(samples)], np.float32)


def with_noise(samples: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return samples with steady noise, 0 to 25 dB under them, of random colour and in the recording's own band."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), 60.0)
    spectrum *= frequency ** -generator.uniform(*_SLOPE) * np.sqrt(_carried(samples, len(spectrum)))
    noise = np.fft.irfft(spectrum, len(samples))
    noise *= np.sqrt(power / 10 ** (generator.uniform(*_SNR) / 10) / max(float(np.mean(noise**2)), 1e-30))
    noisy = samples + noise
    return np.asarray(noisy / max(1.0, float(np.abs(noisy).max(initial=0.0))), np.float32)


def _carried(samples: NDArray[np.float32], bins: int) -> NDArray[np.float64]:
    """Return 1 for each of so many frequencies that the recording's channel carries, else 0."""
    length = 512
    padded = np.pad(samples, (0, -len(samples) % length))
    mean = np.mean(np.abs(np.fft.rfft(padded.reshape(-1, length) * np.hanning(length), axis=1)) ** 2, axis=0)
    heard = (mean >= _CARRIED * mean.max()).astype(np.float64)
    return np.asarray(np.interp(np.linspace(0, 1, bins), np.linspace(0, 1, len(heard)), heard), np.float64)
