"""The outline of a recording: how far it swings in each of many equal parts, enough to draw it from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.audio.recording import Recording

LEAST_PARTS: Final = 2_000  # however short the recording is
MOST_PARTS: Final = 8_640_000  # of a day
PART: Final = 160  # samples of a part between these: 10 ms
_BLOCK: Final = 1 << 22  # samples read at once


def peaks(recording: Recording) -> NDArray[np.uint8]:
    """Return the largest magnitude in each part, 255 for full scale.

    Args:
        recording: Decoded to its end; it is read in blocks.

    Returns:
        uint8 `[parts]`: one for every 10 ms, at least 2000, of equal length to the sample; never more than samples.
    """
    samples = recording.samples
    parts = min(MOST_PARTS, samples, max(LEAST_PARTS, samples // PART))
    at_once = max(1, parts * _BLOCK // max(samples, 1))
    heights = [
        _heights(recording, np.arange(first, min(parts, first + at_once) + 1) * samples // parts)
        for first in range(0, parts, at_once)
    ]
    return np.concatenate(heights) if heights else np.zeros(0, np.uint8)


def _heights(recording: Recording, edges: NDArray[np.int64]) -> NDArray[np.uint8]:
    samples = recording.pcm(int(edges[0]), int(edges[-1]))
    begins = edges[:-1] - edges[0]
    # Widened before the sign is taken: the lowest int16 has no positive counterpart.
    most, least = (extreme.reduceat(samples, begins).astype(np.int32) for extreme in (np.maximum, np.minimum))
    heights: NDArray[np.int32] = (np.maximum(most, -least) + 64) // 128
    return np.minimum(heights, 255).astype(np.uint8)
