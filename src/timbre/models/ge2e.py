"""The GE2E encoder: three LSTM layers over the linear mel spectrogram of 1.6 s.

Source: Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018; weights: Resemblyzer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.mel import BANDS, STEP, mel_spectrogram
from timbre.models.encoder import batch_size
from timbre.models.runtime import in_batches, session

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# The network hears linear power, so loudness changes its mind: 20 dB move a vector to a cosine of .67.
# -28 dBFS is the level at which it tells voices apart best.
_LEVEL: Final = 10 ** (-28 / 10)
_QUIETEST: Final = 1e-10  # mean square (-100 dBFS) below which a window is not raised any further


class Ge2eEncoder:
    """256 dimensions; each window is brought to one level before it is heard."""

    dimension: Final = 256
    window: Final = 25_600

    def __init__(self, path: Path, *, name: str, fingerprint: str, threads: int = 1, device: str = "cpu") -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._session = session(path, device=device)
        self._threads = threads
        self._batch = batch_size(device)

    def embed(self, samples: NDArray[np.float32], starts: ArrayLike, length: int | None = None) -> NDArray[np.float32]:
        """Embed windows of one stretch of audio; see `Encoder.embed`."""
        first = np.round(np.asarray(starts, np.int64) / STEP).astype(np.int64)
        count = max(1, round((length or self.window) / STEP))
        if not first.size:
            return np.zeros((0, self.dimension), np.float32)
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        mel = mel_spectrogram(clean)
        mel = np.pad(mel, ((0, max(0, int(first.max()) + count - len(mel))), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(mel, (count, BANDS))[:, 0]
        gains = _LEVEL / np.maximum(_QUIETEST, _mean_square(clean, first * STEP, count * STEP))

        def embed(which: NDArray[np.int64]) -> NDArray[np.float32]:
            return self.embed_mel(windows[first[which]] * gains[which, None, None].astype(np.float32))

        return in_batches(embed, np.arange(first.size), size=self._batch, threads=self._threads)

    def embed_mel(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network alone: mel power float32 `[B, T, 40]` to unit vectors float32 `[B, 256]`."""
        embedding: NDArray[np.float32] = self._session.run(None, {"mel": mel})[0]
        return embedding


def _mean_square(samples: NDArray[np.float32], starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Return the mean power of `samples[start:start + length]`, all in whole steps, as far as there are samples."""
    steps = np.pad(samples, (0, -samples.size % STEP)).reshape(-1, STEP)
    energy = np.concatenate([[0.0], np.cumsum(np.square(steps).sum(axis=1, dtype=np.float64))])
    begin, end = np.minimum(starts, samples.size), np.minimum(starts + length, samples.size)
    mean: NDArray[np.float64] = (energy[-(-end // STEP)] - energy[-(-begin // STEP)]) / np.maximum(1, end - begin)
    return mean
