"""The seam for recognisers: sound in, words with times out.

Whatever recognises words is one class with one method. A recording is cut into pieces before, and put together after,
by `transcription`, so that a recogniser never sees more of it than it can take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from timbre.transcripts.spoken import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What was said in a piece of sound."""

    segments: Sequence[Segment]  # times in seconds from the beginning of the piece
    timed: bool = True  # whether the recogniser said when; else its words are spread over the piece
    language: str | None = None  # as the recogniser calls it
    faults: tuple[str, ...] = ()  # what was mended in its answer


class Transcriber(Protocol):
    """Recognises words."""

    async def recognise(self, sound: NDArray[np.int16], *, language: str | None) -> Recognised:
        """Return what is said in some sound.

        Args:
            sound: int16 `[n]`, mono at 16 kHz.
            language: What is spoken, as ISO 639-1 has it; None to let the recogniser find out.

        Raises:
            RecogniserFailed: it is away, slow, or answers what is none.
        """
        ...
