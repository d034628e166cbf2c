"""The outline of a recording at any scale: a stretch of it in at most 2000 equal parts, as maps are cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

MOST_PARTS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """How loud a stretch of a recording is."""

    peaks: tuple[int, ...]  # the loudest moment of each part, 255 for full scale
    start: float  # seconds: where the first part begins
    end: float  # where the last one ends
    duration: float  # of the whole recording


def outline(kept: bytes, duration: float, start: float = 0.0, end: float | None = None) -> Outline:
    """Return the parts that a stretch touches, several of them as one where they are more than are told.

    Args:
        kept: A byte for each of many equal parts of the whole recording.
        duration: Of the recording, in seconds.
        start: Seconds.
        end: Seconds; the end of the recording if unset.
    """
    parts = len(kept)
    if not parts or duration <= 0:
        return Outline(peaks=(), start=0.0, end=0.0, duration=duration)
    first = min(parts - 1, int(min(start / duration, 1.0) * parts))
    last = parts if end is None else max(first + 1, int(np.ceil(min(end / duration, 1.0) * parts)))
    heights = np.frombuffer(kept, np.uint8)[first:last]
    told = min(MOST_PARTS, len(heights))
    edges = np.arange(told) * len(heights) // told
    return Outline(
        peaks=tuple(np.maximum.reduceat(heights, edges).tolist()),
        start=round(first / parts * duration, 3),
        end=round(last / parts * duration, 3),
        duration=duration,
    )
