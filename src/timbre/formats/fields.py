"""Lines, numbers and turns: what every format needs to read a text and to say where it is at fault.

All formats write times with three decimals. A turn that has no length at that precision says nothing about
anybody, so it is left out when writing; foreign files hold some too, and they are passed over when reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from timbre.errors import FormatError
from timbre.turns import Turn, in_order

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")
_SHOWN = 60  # characters of the faulty input an error repeats


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text we are reading, for the errors that may arise there."""

    name: str  # "RTTM, line 3"

    def error(self, expected: str, came: object) -> FormatError:
        """Return the error that says where it is, what was expected and what came."""
        shown = repr(came)
        return FormatError(
            f"{self.name}: expected {expected}, got {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
        )

    def number(self, text: str, expected: str) -> float:
        """Read a finite decimal number; raises FormatError naming what was `expected`."""
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise self.error(expected, text)
        return value

    def turn(self, start: float, end: float, speaker: str) -> Turn:
        """Make a turn of times in seconds; raises FormatError if it starts before 0 or ends before it starts."""
        if start < 0:
            raise self.error("a start at or after 0", start)
        if end < start:
            raise self.error(f"an end at or after the start at {start:g}", end)
        return Turn(start=start, end=end, speaker=speaker)


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Split at LF, CR or CRLF and nowhere else; lines count from 1."""
    return list(enumerate(_LINE_END.split(text), start=1))


def by_speaker(turns: Iterable[Turn]) -> dict[str, list[Turn]]:
    """The turns of each speaker, in milliseconds and in order of time; those that overlap each other are one."""
    tiers: dict[str, list[Turn]] = {}
    for turn in in_milliseconds(turns):
        tier = tiers.setdefault(turn.speaker, [])
        if tier and turn.start < (last := tier[-1]).end:
            text = " ".join(filter(None, (last.text, turn.text))) or None
            tier[-1] = replace(last, end=max(last.end, turn.end), text=text)
        else:
            tier.append(turn)
    return tiers


def one_line(text: str | None) -> str:
    """What is said, on one line; nothing where it is not known."""
    return "" if text is None else " ".join(text.split())


def paragraphs(said: Iterable[Turn]) -> Iterator[tuple[float, str, str]]:
    """What is said, as people write it: for each change of the speaker when it begins, the name, and the words."""
    for name, together in groupby(said, key=lambda turn: turn.speaker):
        turns = list(together)
        yield turns[0].start, one_line(name), " ".join(one_line(turn.text) for turn in turns)


def clock(seconds: float) -> str:
    """A time as people write it: `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def in_milliseconds(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Round times to three decimals, leave out what then has no length, and sort."""
    return lasting(replace(turn, start=round(turn.start, 3), end=round(turn.end, 3)) for turn in turns)


def lasting(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Leave out turns of no length, and sort."""
    return in_order(turn for turn in turns if turn.end > turn.start)
