"""Clips: some seconds of a voice to listen to, as a file that every browser plays."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import numpy as np

from timbre.audio import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEDIA_TYPE: Final = "audio/ogg"
_BITS: Final = 24_000  # a second: speech sounds as it was
_CODEC: Final = "libopus" if "libopus" in av.codecs_available else "flac"  # both fit into Ogg


def encoded(samples: NDArray[np.int16]) -> bytes:
    """Write sound into an Ogg file: Opus, or FLAC where there is no encoder for that.

    Args:
        samples: int16 `[n]`, 16 kHz, mono; not empty.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream(_CODEC, rate=SAMPLE_RATE)
        stream.layout = "mono"
        if _CODEC == "libopus":
            stream.bit_rate = _BITS
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), 0
        for part in (frame, None):
            container.mux(stream.encode(part))
    return file.getvalue()
