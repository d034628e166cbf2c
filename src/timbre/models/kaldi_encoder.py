"""Encoders that hear Kaldi filter banks: WeSpeaker's ResNet and CAM++ families.

Sources: Wang et al., "WeSpeaker: a research and production oriented speaker embedding learning toolkit", ICASSP 2023;
Wang et al., "CAM++: a fast and efficient network for speaker verification", Interspeech 2023.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.fbank import BANDS, STEP, WINDOW, fbank
from timbre.models.encoder import batch_size
from timbre.models.runtime import in_batches, session
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class KaldiEncoder:
    """Each window's filter banks have their mean taken off, which also takes off its level."""

    window: Final = 25_600

    def __init__(self, path: Path, *, name: str, fingerprint: str, threads: int = 1, device: str = "cpu") -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._session = session(path, device=device)
        self._threads = threads
        self._batch = batch_size(device)
        self._input = self._session.get_inputs()[0].name
        self.dimension = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, samples: NDArray[np.float32], starts: ArrayLike, length: int | None = None) -> NDArray[np.float32]:
        """Embed windows of one stretch of audio; see `Encoder.embed`. Windows are at least 25 ms long."""
        first = np.round(np.asarray(starts, np.int64) / STEP).astype(np.int64)
        count = max(1, 1 + ((length or self.window) - WINDOW) // STEP)
        if not first.size:
            return np.zeros((0, self.dimension), np.float32)
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        end = int(first.max() + count - 1) * STEP + WINDOW
        features = fbank(np.pad(clean, (0, max(0, end - clean.size))))
        windows = np.lib.stride_tricks.sliding_window_view(features, (count, BANDS))[:, 0]
        return in_batches(
            lambda batch: self._embed_features(windows[batch]), first, size=self._batch, threads=self._threads
        )

    def _embed_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network: log filter banks float32 `[B, T, 80]` to unit vectors `[B, dimension]`."""
        centred = features - features.mean(axis=1, keepdims=True)
        return unit(self._session.run(None, {self._input: centred})[0])
