"""Turns: the one value that every part of Timbre speaks about.

A turn says that one speaker talks from one moment to another. Turns of different speakers may overlap;
a recording's *exclusive* view is a list of turns that never do.

    >>> Turn(start=0.5, end=2.0, speaker="Ada").duration
    1.5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stretch of speech by one speaker."""

    start: float  # seconds from the beginning of the recording
    end: float  # seconds, > start
    speaker: str  # SPEAKER_00, or the name that was matched
    confidence: Mapping[str, int] | None = None  # 0-100 for every speaker of the recording, when asked for
    text: str | None = None  # what is said, where that is known

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


def in_order(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Sort turns by start, then end, then speaker: the order every output uses."""
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker)))


def talk_time(turns: Iterable[Turn]) -> dict[str, float]:
    """Return the seconds each speaker talks, in the order of first appearance."""
    seconds: dict[str, float] = {}
    for turn in turns:
        seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + turn.duration
    return seconds
