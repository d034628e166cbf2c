"""The frames that diarization counts in: 20 ms each, from the beginning of the recording.

It is the resolution at which the API reports frame-level scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RESOLUTION: Final = 0.02  # seconds a frame
FRAME: Final = round(RESOLUTION * SAMPLE_RATE)  # samples a frame


def frame_count(samples: int) -> int:
    """Return the number of frames that cover a recording; the last may reach beyond its end."""
    return -(-samples // FRAME)


def frames_in(seconds: float) -> int:
    """Return the whole number of frames nearest to a duration."""
    return round(seconds / RESOLUTION)


def runs(values: NDArray[np.generic]) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of every longest stretch of equal values; end is exclusive."""
    if not len(values):
        return
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(values)], strict=True)
