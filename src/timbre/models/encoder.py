"""What every speaker encoder can do: turn windows of speech into unit vectors whose cosine tells voices apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BATCH: Final = {"cpu": 16, "cuda": 128}  # windows a call; more is no faster and asks for gigabytes when thousands come


def batch_size(device: str) -> int:
    """Return how many windows to give to a network at once."""
    return _BATCH[device]


class Encoder(Protocol):
    """A loaded speaker encoder."""

    @property
    def name(self) -> str:
        """Name of its file in the catalogue."""
        ...

    @property
    def fingerprint(self) -> str:
        """The first 8 bytes of the sha256 of the weights as published, in hex: vectors compare if it is equal."""
        ...

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        ...

    @property
    def window(self) -> int:
        """Samples of the window that it hears best."""
        ...

    def embed(self, samples: NDArray[np.float32], starts: ArrayLike, length: int | None = None) -> NDArray[np.float32]:
        """Embed windows of one stretch of audio.

        Args:
            samples: float32 `[n]`, 16 kHz, in [-1, 1]; what is not finite counts as silence.
            starts: `[k]` first sample of each window; encoders round it to their frames of 10 ms.
            length: samples of each window, `window` if left out. What reaches beyond the end counts as silence.

        Returns:
            float32 `[k, dimension]`, rows of length 1. Silence has a vector too: ask only about speech.
        """
        ...
