"""The ReDimNet2 encoders.

Source: Yakovlev & Okhotnikov, "ReDimNet2: scaling speaker verification via time-pooled dimension reshaping",
Interspeech 2026. Their ONNX files come in two kinds: some hear log mel spectrograms, some have the front end inside
and hear samples. Which one a file is, its input says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.log_mel import BANDS, log_mel_spectrogram
from timbre.errors import ModelCorrupt
from timbre.models.encoder import batch_size
from timbre.models.runtime import in_batches, session
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SHORTEST: Final = 16_000  # samples; shorter windows are repeated
_LONGEST: Final = 480_000  # samples; of longer windows the middle is heard
_ALIGNMENT: Final = 4  # frames; the network halves time twice

# Shapes of the input between the batch and time.
_MEL_SHAPES: Final = ((1, BANDS), (BANDS,))
_WAVEFORM_SHAPES: Final = ((), (1,))


class ReDimNetEncoder:
    """192 dimensions; the front end brings each window to one level."""

    window: Final = 25_600

    def __init__(self, path: Path, *, name: str, fingerprint: str, threads: int = 1, device: str = "cpu") -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._session = session(path, device=device)
        self._threads = threads
        wanted = self._session.get_inputs()[0]
        self._input = wanted.name
        self._inner_shape = tuple(wanted.shape[1:-1])
        if self._inner_shape not in _MEL_SHAPES + _WAVEFORM_SHAPES:
            raise ModelCorrupt(f"{path.name} wants input of shape {wanted.shape}: it is no ReDimNet2.")
        self._batch = wanted.shape[0] if isinstance(wanted.shape[0], int) else batch_size(device)
        self.dimension = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, samples: NDArray[np.float32], starts: ArrayLike, length: int | None = None) -> NDArray[np.float32]:
        """Embed windows of one stretch of audio; see `Encoder.embed`. Starts are taken to the sample.

        The network hears one second to thirty: shorter windows are repeated, of longer ones the middle is heard.
        """
        first = np.asarray(starts, np.int64)
        if not first.size:
            return np.zeros((0, self.dimension), np.float32)
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)

        def embed(batch: NDArray[np.int64]) -> NDArray[np.float32]:
            return self._run([_window(clean, int(start), length or self.window) for start in batch])

        return in_batches(embed, first, size=self._batch, threads=self._threads)

    def _run(self, windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        hears_mel = self._inner_shape in _MEL_SHAPES
        heard = np.stack([_aligned_mel(window) for window in windows] if hears_mel else windows)
        shaped = heard.reshape(len(windows), *self._inner_shape, -1)
        return unit(self._session.run(None, {self._input: shaped})[0])


def _window(samples: NDArray[np.float32], start: int, length: int) -> NDArray[np.float32]:
    surplus = max(0, length - _LONGEST)
    begin, end = start + surplus // 2, start + length - (surplus - surplus // 2)
    window = samples[begin:end]
    window = np.pad(window, (0, end - begin - window.size))
    return np.resize(window, max(window.size, _SHORTEST))


def _aligned_mel(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log mel spectrogram `[72, T]` with as many frames as the network takes."""
    mel = log_mel_spectrogram(window)
    return mel[:, : mel.shape[1] // _ALIGNMENT * _ALIGNMENT]
