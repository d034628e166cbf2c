"""How long a recording may be, and how long hearing it may take, where many wait for the same machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.progress import Progress
from timbre.errors import HearingTooLong

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a recording may take; without any, what it takes."""

    longest: float | None = None  # seconds that a recording may last
    seconds: float | None = None  # for hearing any recording
    pace: float = 0.0  # seconds more for each second of it, on each channel that is heard by itself

    def hours(self, otherwise: float) -> float:
        """How long a recording may be."""
        return otherwise if self.longest is None else min(otherwise, self.longest / _HOUR)

    def kept(self, recordings: Sequence[Recording], progress: Progress) -> Progress:
        """Return progress that raises `HearingTooLong` when these recordings have taken longer than they may."""
        if self.seconds is None:
            return progress
        began, least = time.monotonic(), self.seconds

        def tell(stage: str, fraction: float) -> None:
            length = sum(recording.decoded for recording in recordings) / SAMPLE_RATE
            allowed = least + self.pace * length
            if time.monotonic() - began > allowed:
                raise HearingTooLong(
                    f"Hearing this recording took longer than {allowed:.0f} s, which is what {length:.0f} s of sound"
                    " may take on this server. It is overloaded, or too slow: submit the recording again later; its"
                    " operator may raise TIMBRE_HEAR_PACE or TIMBRE_HEAR_SECONDS."
                )
            progress(stage, fraction)

        return tell


UNLIMITED: Final = Limits()
