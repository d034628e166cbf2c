"""The sound of a stream as its client sends it: frames of 100 ms, to samples at 16 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from timbre.audio.recording import SAMPLE_RATE
from timbre.errors import FrameRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.service.live.requests import StreamRequest

_FULL_SCALE = 32_768.0


class Frames:
    """Reads the frames of one stream; the last may be shorter."""

    def __init__(self, request: StreamRequest) -> None:
        self.size = request.frame  # bytes of a whole one
        self._dtype = np.dtype("<f4" if request.encoding == "pcm_f32le" else "<i2")
        self._short = False
        self._resample: Any = None
        if request.sample_rate != SAMPLE_RATE:
            self._resample = soxr.ResampleStream(request.sample_rate, SAMPLE_RATE, 1, dtype="float32")

    def read(self, frame: bytes) -> NDArray[np.float32]:
        """Return the samples of a frame.

        Raises:
            FrameRefused: it is no frame, or comes after the last one.
        """
        if self._short or not frame or len(frame) > self.size or len(frame) % self._dtype.itemsize:
            raise FrameRefused(
                f"Invalid chunk size: expected {self.size} bytes of 100 ms, of which only the last before end_of_stream"
                f" may be shorter, got {len(frame)}{' after a shorter one' if self._short else ''}"
            )
        self._short = len(frame) < self.size
        samples = np.frombuffer(frame, self._dtype).astype(np.float32)
        if self._dtype.kind == "i":
            samples /= np.float32(_FULL_SCALE)
        return self._resampled(samples, last=False)

    def end(self) -> NDArray[np.float32]:
        """Return what is left between two rates."""
        return self._resampled(np.zeros(0, np.float32), last=True)

    def _resampled(self, samples: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        if self._resample is None:
            return samples
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(self._resample.resample_chunk(clean, last=last), np.float32).reshape(-1)
