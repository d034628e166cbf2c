"""How large a transcript may be: far larger than any recording makes it, and small enough to be read in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from timbre.errors import FormatError
from timbre.transcripts.spoken import Segment

MOST_BYTES: Final = 50_000_000
MOST_LINES: Final = 1_000_000  # of SRT and WebVTT
MOST_VALUES: Final = 15_000_000  # of JSON
MOST_OBJECTS: Final = 3_000_000  # of JSON, and lists
MOST_SEGMENTS: Final = 100_000
MOST_WORDS: Final = 1_000_000


def check_bytes(count: int) -> None:
    """Refuse a text of so many bytes or characters; raises FormatError."""
    _check(count, MOST_BYTES, "bytes")


def check_text(text: str, *, json: bool) -> None:
    """Refuse a text that would take gigabytes to read; raises FormatError."""
    check_bytes(len(text))
    if json:
        _check(text.count(","), MOST_VALUES, "values")
        _check(text.count("{") + text.count("["), MOST_OBJECTS, "objects and lists")
    else:
        _check(max(text.count("\n"), text.count("\r")), MOST_LINES, "lines")


def check_segments(segments: Sequence[Segment]) -> None:
    """Refuse more than any recording holds; raises FormatError."""
    _check(len(segments), MOST_SEGMENTS, "segments")
    _check(sum(len(segment.words) for segment in segments), MOST_WORDS, "words")


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise FormatError(f"expected at most {most} {what}, got more; cut the transcript in two")
