"""TextGrid, the annotation of Praat (Boersma & Weenink; manual page "TextGrid file formats").

One interval tier a speaker, named after them; speech is an interval that reads what is said, or `speech` where that is
not known, and empty intervals fill
the rest, as Praat wants tiers without gaps. Tiers are independent, so speakers may overlap; within a tier
intervals may not, so a speaker's turns that overlap each other are written as one. Quotes are doubled.

Reading follows Praat's own rule: only free-standing numbers, quoted strings and flags count, everything else is
decoration. So the long and the short text format are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from timbre.formats.fields import Place, by_speaker, lasting, one_line
from timbre.turns import Turn

_SPEECH = "speech"
_FILE_TYPES = ("ooTextFile", "ooTextFile short")
_OBJECT_CLASS = ("TextGrid",)
_TOKEN = re.compile(
    r"""(?P<comment>!.*)
    | "(?P<string>(?:[^"]|"")*)"
    | (?P<flag><[^\s<>]*>)
    | (?<!\S)(?P<number>[+-]?[0-9][^\s"]*)(?!\S)
    | (?P<open>")
    | [^\s"<!]+ | [<]""",
    re.VERBOSE,
)


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - TextGrids have no name
    """Write a tier a speaker, from 0 to `duration` seconds or to the last end if that is later."""
    tiers = by_speaker(turns)
    end = max([round(duration, 3), *(turn.end for tier in tiers.values() for turn in tier)])
    # Praat opens no TextGrid without tiers: where nobody speaks, one tier of silence stands.
    written = list(tiers.items()) or [("", [])]
    return (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0.000\nxmax = {end:.3f}\ntiers? <exists>\nsize = {len(written)}\nitem []:\n"
        + "".join(_tier(number, name, tier, end) for number, (name, tier) in enumerate(written, start=1))
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from every interval that has a text, spoken by the name of its tier; point tiers are passed over.

    Raises:
        FormatError: this is not a TextGrid in text format, or something in it is missing or malformed.
    """
    tokens = _Tokens(text)
    tokens.string('the file type "ooTextFile"', only=_FILE_TYPES)
    tokens.string('the object class "TextGrid"', only=_OBJECT_CLASS)
    tokens.number("the start of the recording")
    tokens.number("the end of the recording")
    if tokens.flag() == "<absent>":
        return ()
    return lasting(turn for _ in range(tokens.count("the number of tiers")) for turn in _read_tier(tokens))


def _tier(number: int, name: str, turns: list[Turn], end: float) -> str:
    intervals = list(_intervals(turns, end))
    return (
        f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{_doubled(name)}"\n'
        f"        xmin = 0.000\n        xmax = {end:.3f}\n        intervals: size = {len(intervals)}\n"
        + "".join(
            f"        intervals [{i}]:\n            xmin = {start:.3f}\n            xmax = {stop:.3f}\n"
            f'            text = "{text}"\n'
            for i, (start, stop, text) in enumerate(intervals, start=1)
        )
    )


def _intervals(turns: list[Turn], end: float) -> Iterator[tuple[float, float, str]]:
    """Yield start, end and text of the turns and of the gaps around them."""
    reached = 0.0
    for turn in turns:
        if turn.start > reached:
            yield reached, turn.start, ""
        yield turn.start, turn.end, _doubled(one_line(turn.text)) or _SPEECH
        reached = turn.end
    if end > reached or not turns:
        yield reached, end, ""


def _doubled(name: str) -> str:
    return name.replace('"', '""')


def _read_tier(tokens: _Tokens) -> list[Turn]:
    kind = tokens.string('"IntervalTier" or "TextTier"', only=("IntervalTier", "TextTier"))
    speaker = tokens.string("the name of the tier")
    tokens.number("the start of the tier")
    tokens.number("the end of the tier")
    count = tokens.count("the number of intervals")
    if kind == "IntervalTier":
        return [turn for _ in range(count) for turn in _read_interval(tokens, speaker)]
    for _ in range(count):
        tokens.number("the time of a point")
        tokens.string("the mark of a point")
    return []


def _read_interval(tokens: _Tokens, speaker: str) -> list[Turn]:
    start = tokens.number("the start of an interval")
    end = tokens.number("the end of an interval")
    place = tokens.place
    text = tokens.string("the text of an interval")
    return [place.turn(start, end, speaker)] if text.strip() else []


class _Tokens:
    """The strings, numbers and flags of a TextGrid, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._matches = _TOKEN.finditer(text)
        self._line = 1
        self._counted = 0  # characters whose line ends are in `_line`

    @property
    def place(self) -> Place:
        """Where the last token begins."""
        return Place(f"TextGrid, line {self._line}")

    def string(self, expected: str, *, only: tuple[str, ...] = ()) -> str:
        """Take a string, which must be one of `only` if any are given."""
        kind, text = self._next(expected)
        value = text.replace('""', '"')
        if kind != "string" or (only and value not in only):
            raise self.place.error(expected, text)
        return value

    def number(self, expected: str) -> float:
        """Take a number."""
        kind, text = self._next(expected)
        if kind != "number":
            raise self.place.error(expected, text)
        return self.place.number(text, expected)

    def count(self, expected: str) -> int:
        """Take a whole number that is not negative."""
        number = self.number(expected)
        if number < 0 or number != int(number):
            raise self.place.error(expected, number)
        return int(number)

    def flag(self) -> str:
        """Take a flag."""
        kind, text = self._next("<exists> or <absent>")
        if kind != "flag":
            raise self.place.error("<exists> or <absent>", text)
        return text

    def _next(self, expected: str) -> tuple[str, str]:
        for match in self._matches:
            kind = match.lastgroup
            if kind is None or kind == "comment":
                continue
            self._line += self._text.count("\n", self._counted, match.start())
            self._counted = match.start()
            if kind == "open":
                raise self.place.error(f"{expected}, with a closing quote", match.string[match.start() :])
            return kind, match[kind]
        raise self.place.error(expected, "the end of the file")
