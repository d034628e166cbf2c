"""What a transcript says and when, whatever its format: segments, and the words in them where they have times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from timbre.formats.escaping import unescape_markup


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one speaker says in a segment."""

    start: float  # seconds
    end: float
    speaker: str | None  # None: nobody of those who speak
    text: str
    words: tuple[Word, ...]  # empty where they have no times


_TAG: Final = re.compile(r"<[^<>]*>")


def plain(text: str) -> str:
    """What a cue says, on one line and without markup."""
    return " ".join(unescape_markup(_TAG.sub("", text)).split())


def shown_name(name: str) -> str:
    """A name on one line, as a text for people shows it."""
    return " ".join(name.split())
