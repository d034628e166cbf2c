"""What a transcript says and when, whatever its format: segments, and the words in them where they have times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a few that stand between two times; None where the transcript does not say when."""

    text: str
    start: float | None = None  # seconds
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What one cue, or one item of a list of segments, says."""

    start: float  # seconds
    end: float
    words: Sequence[Word] = ()  # empty where nothing is known about them


def shown_name(name: str) -> str:
    """A name on one line, as a text for people shows it."""
    return " ".join(name.split())
