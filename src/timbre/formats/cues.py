"""Cues, the building blocks of SRT and WebVTT: blocks of lines, one of which says when.

00:00:00.500 --> 00:00:02.000
text
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from timbre.formats.fields import Place, numbered_lines

ARROW = "-->"
_TIMING = re.compile(r"\s*(\S+)[ \t]+-->[ \t]+(\S+)(?:[ \t].*)?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]\d):([0-5]\d)[.,](\d{3})", re.ASCII)
_LINES_BEFORE_TEXT = 2  # a number or a name, and the timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What is shown from one moment to another."""

    place: Place  # of its text, or of the timing when there is none
    start: float  # seconds
    end: float
    lines: tuple[str, ...]  # its text


def clock(seconds: float, *, point: str) -> str:
    """Write seconds as hours:minutes:seconds and three decimals after `point`."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{point}{thousandths:03d}"


def blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield the runs of numbered lines between blank lines."""
    for blank, run in groupby(numbered_lines(text), key=lambda line: not line[1].strip()):
        if not blank:
            yield list(run)


def read_cue(form: str, block: list[tuple[int, str]]) -> Cue:
    """Read a block: an optional number or name, the timing, the text.

    Raises:
        FormatError: there is no timing, or it is malformed.
    """
    timing = next((i for i, (_, line) in enumerate(block[:_LINES_BEFORE_TEXT]) if ARROW in line), None)
    if timing is None:
        number, line = block[min(1, len(block) - 1)]
        raise Place(f"{form}, line {number}").error(f"times as in 00:00:01.000 {ARROW} 00:00:02.000", line)
    number, line = block[timing]
    place = Place(f"{form}, line {number}")
    match = _TIMING.fullmatch(line)
    if match is None:
        raise place.error(f"times as in 00:00:01.000 {ARROW} 00:00:02.000", line)
    start, end = (_seconds(place, moment) for moment in match.groups())
    text = block[timing + 1 :]
    return Cue(
        place=Place(f"{form}, line {text[0][0]}") if text else place,
        start=start,
        end=end,
        lines=tuple(line for _, line in text),
    )


def _seconds(place: Place, text: str) -> float:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise place.error("a time as in 00:00:01.000", text)
    hours, minutes, seconds, thousandths = (int(digits or 0) for digits in match.groups())
    return round(hours * 3600 + minutes * 60 + seconds + thousandths / 1000, 3)
