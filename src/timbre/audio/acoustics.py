"""What lies between a voice and its recording: the channel, and the noise.

A telephone carries 300 to 3400 Hz, and above 4 kHz nothing of the voice arrives, whatever the sample rate of the file
says. So the channel is read from the sound: how much stronger the band above 4 kHz is while somebody speaks than while
nobody does, beside the speech in the telephone's own band. Loudness cancels out of the ratio, and a steady hiss out of
the difference. Where noise hides what it is about, the channel is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from timbre.audio import SAMPLE_RATE
from timbre.audio.level import snr_db
from timbre.audio.recording import Recording

FRAME: Final = 320  # samples: 20 ms, with a resolution of 50 Hz

_TELEPHONE: Final = (300.0, 3400.0)  # Hz
_ABOVE: Final = (4300.0, 7000.0)  # Hz; the gap leaves room for the slopes of resamplers and codecs
_WIDEBAND: Final = -34.0  # dB of the upper band beside the lower one: from here on it is surely no telephone
_NARROW: Final = -42.0  # and up to here it surely is one; real calls lie below -45, 95 % of wideband speech above -32
_MOST_FRAMES: Final = 3_000  # of speech, and as many of pauses: a minute tells
_FEW_FRAMES: Final = 10
_PIECE: Final = 100  # frames of a recording that are read at once: 2 s
_MOST_PIECES: Final = 60
_QUIET: Final = 0.1  # fraction of frames taken for pauses where there are hardly any
_DOUBT: Final = 2.0  # standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Acoustics:
    """How speech was recorded, as far as it is known."""

    telephone: float | None = None  # 0 is wideband, 1 a telephone; between them where the band fades out slowly
    snr: float | None = None  # dB from the background up to the speech


UNKNOWN: Final = Acoustics()


def acoustics(samples: npt.NDArray[np.float32], speech: npt.NDArray[np.bool_]) -> Acoustics:
    """Measure channel and noise.

    Args:
        samples: float32 `[n]`, 16 kHz, without an offset; frames may be left out, as each is heard by itself.
        speech: bool `[frames]`, whether there is speech in each frame of 320 samples.
    """
    count = min(len(speech), len(samples) // FRAME)
    frames, active = samples[: count * FRAME].reshape(count, FRAME), speech[:count]
    if not active.any():
        return UNKNOWN
    spoken, pauses = _thinned(frames[active]), _thinned(frames[~active])
    if len(pauses) < _FEW_FRAMES:
        power = np.mean(np.square(frames, dtype=np.float64), axis=1)
        pauses = _thinned(frames[power <= np.quantile(power, _QUIET)])
    return Acoustics(telephone=_telephone(spoken, pauses), snr=snr_db(samples, speech, frame=FRAME))


def recording_acoustics(recording: Recording, speech: npt.NDArray[np.bool_]) -> Acoustics:
    """Measure a recording, decoded to its end, on at most two minutes that are spread evenly over it.

    Args:
        recording: Read in pieces.
        speech: bool `[frames]`.
    """
    pieces = np.linspace(0, max(0, len(speech) - _PIECE), min(_MOST_PIECES, -(-len(speech) // _PIECE)), dtype=np.int64)
    heard = [recording.read(begin * FRAME, (begin + _PIECE) * FRAME) for begin in pieces.tolist()]
    whole = [samples[: len(samples) // FRAME * FRAME] for samples in heard]
    active = [
        speech[begin : begin + len(samples) // FRAME] for begin, samples in zip(pieces.tolist(), whole, strict=True)
    ]
    if not whole:
        return UNKNOWN
    samples = np.concatenate(whole)
    return acoustics(samples - np.median(samples) if samples.size else samples, np.concatenate(active))


def mean_acoustics(parts: Sequence[Acoustics]) -> Acoustics:
    """Return how several recordings are on average, as far as it is known of them."""
    telephone = [part.telephone for part in parts if part.telephone is not None]
    snr = [part.snr for part in parts if part.snr is not None]
    return Acoustics(
        telephone=float(np.mean(telephone)) if telephone else None, snr=float(np.mean(snr)) if snr else None
    )


def _telephone(spoken: npt.NDArray[np.float32], pauses: npt.NDArray[np.float32]) -> float | None:
    (voice, _), (above, doubt) = (_excess(spoken, pauses, band) for band in (_TELEPHONE, _ABOVE))
    if voice <= 0:
        return None
    heard = above > doubt
    ratio = 10 * np.log10(max(above if heard else max(above, 0.0) + doubt, 1e-12 * voice) / voice)
    share = float(np.clip((_WIDEBAND - ratio) / (_WIDEBAND - _NARROW), 0.0, 1.0))
    return share if heard or share > 0 else None


def _excess(
    spoken: npt.NDArray[np.float32], pauses: npt.NDArray[np.float32], band: tuple[float, float]
) -> tuple[float, float]:
    """Return by how much the power of a band is higher in speech than in pauses, and how uncertain noise makes that."""
    loud, quiet = _power(spoken, band), _power(pauses, band)
    spread = float(quiet.std())
    doubt = _DOUBT * spread * float(np.sqrt(1 / len(loud) + 1 / len(quiet)))
    return float(loud.mean() - quiet.mean()), doubt


def _power(frames: npt.NDArray[np.float32], band: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return the power of each frame in a band of frequencies, `[frames]`."""
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)) ** 2
    low, high = (round(edge * FRAME / SAMPLE_RATE) for edge in band)
    power: npt.NDArray[np.float64] = spectrum[:, low : high + 1].sum(axis=1)
    return power


def _thinned(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Keep at most as many frames as are needed, spread evenly."""
    return frames[:: -(-len(frames) // _MOST_FRAMES)] if len(frames) else frames
