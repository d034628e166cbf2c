"""Timed cues with their places in a text: what SRT and WebVTT have in common.

Unlike the cues of `formats`, these keep where everything stands, so that only names are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from timbre.formats.fields import Place

ARROW: Final = "-->"
_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
TIMING: Final = re.compile(r"\ufeff?[ \t]*([\d:.,]+)[ \t]*-->[ \t]*([\d:.,]+)(?:[ \t].*)?", re.ASCII)
CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?", re.ASCII)


class Line(NamedTuple):
    """A line of a text."""

    number: int  # from 1
    start: int  # offset of its first character
    end: int  # offset behind its last, before the line end
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The line of a cue that says when."""

    line: Line
    start: float  # seconds
    end: float
    mended: bool  # the end that is written lies before the start, which counts for both
    end_at: tuple[int, int]  # where in the text the end stands
    start_text: str  # the start as it is written
    end_text: str


def lines(text: str) -> Iterator[Line]:
    """Yield the lines, which end at LF, CR or CRLF and nowhere else."""
    at, number = 0, 1
    while at <= len(text):
        match = _LINE.match(text, at)
        assert match is not None  # noqa: S101 - it matches an empty line too
        yield Line(number, at, match.end(1), match[1])
        if match.end() == match.end(1):
            return
        at, number = match.end(), number + 1


def line_end(text: str) -> str:
    """How the lines of a text end: as its first does."""
    match = re.search(r"\r\n|\r|\n", text)
    return match[0] if match else "\n"


def read_timing(form: str, line: Line) -> Timing:
    """Read `00:00:01.000 --> 00:00:02.000` and whatever follows.

    Raises:
        FormatError: it is malformed.
    """
    place = Place(f"{form}, line {line.number}")
    match = TIMING.fullmatch(line.text)
    if match is None:
        raise place.error(f"times as in 00:00:01.000 {ARROW} 00:00:02.000", line.text)
    start, end = (seconds(place, moment) for moment in match.groups())
    return Timing(
        line=line,
        start=start,
        end=max(start, end),
        mended=end < start,
        end_at=(line.start + match.start(2), line.start + match.end(2)),
        start_text=match[1],
        end_text=match[2],
    )


def seconds(place: Place, text: str) -> float:
    """Read a time such as 00:01:02.500, hours and decimals left out or not; raises FormatError."""
    match = CLOCK.fullmatch(text)
    if match is None:
        raise place.error("a time as in 00:00:01.000", text)
    hours, minutes, whole = (int(digits or 0) for digits in match.groups()[:3])
    return round(hours * 3600 + minutes * 60 + whole + float(f"0.{match[4] or 0}"), 3)
