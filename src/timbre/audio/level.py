"""How loud, how clipped and how noisy samples are. All take float32 samples [n] with full scale at ±1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FLOOR_DBFS = -120.0  # what digital silence measures; 16-bit samples do not reach below -98

_STILL = 4 / 32_768  # from the lowest to the highest sample, where nothing can be heard

MOST_CLIPPED = 0.001  # fraction of samples at full scale, beyond which it is told

_FEW_FRAMES = 10  # with fewer frames without speech than this, noise is estimated from the quietest frames of all
_QUIET = 0.1  # fraction of all frames that counts as the quietest
_SNR_RANGE = (-20.0, 60.0)  # dB; beyond, the estimate says nothing


def still(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return whether nothing moves in samples [..., n]: silence that no microphone makes, with an offset or without."""
    return np.asarray(np.ptp(samples, axis=-1) <= _STILL)


def rms_dbfs(samples: npt.NDArray[np.float32]) -> float:
    """Return the root mean square in dB of full scale, where a full-scale square wave is 0 and a sine -3.01."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return _decibels(power)


def snr_db(samples: npt.NDArray[np.float32], speech: npt.NDArray[np.bool_], *, frame: int = 320) -> float | None:
    """Estimate the signal-to-noise ratio of speech in dB, from -20 to 60.

    Noise power is the median power of the frames without speech; where there are hardly any, that of the quietest
    tenth of all frames, which overestimates it a little. Speech power is the mean power of the frames with speech
    less the noise. Assumes noise that stays about the same, as every energy-based estimate does.

    Args:
        samples: float32 [n].
        speech: bool [frames], whether there is speech in each frame.
        frame: samples a frame; 320 is 20 ms.

    Returns:
        The ratio, or None without a frame of speech.
    """
    frames = min(len(speech), len(samples) // frame)
    power = np.mean(np.square(samples[: frames * frame].reshape(frames, frame), dtype=np.float64), axis=1)
    active = speech[:frames]
    if not active.any():
        return None
    quiet = power[~active]
    if len(quiet) < _FEW_FRAMES:
        quiet = power[power <= np.quantile(power, _QUIET)]
    noise = float(np.median(quiet))
    signal = float(np.mean(power[active])) - noise
    return float(np.clip(_decibels(signal) - _decibels(noise), *_SNR_RANGE))


def _decibels(power: float) -> float:
    return max(FLOOR_DBFS, 10 * float(np.log10(power))) if power > 0 else FLOOR_DBFS
