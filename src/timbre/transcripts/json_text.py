"""JSON as it is written: values together with their places in the text, so that a few can be written anew.

The standard library's decoder reads every value; what is done here is to walk along the lists and objects that are to
be changed. So numbers keep their digits, keys their order, and lines their indents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timbre.errors import FormatError
from timbre.formats.fields import Place
from timbre.transcripts.edits import Edit

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# As floats, numbers of ten thousand digits are infinite and refused, rather than an error of their own.
_DECODER: Final = json.JSONDecoder(parse_int=float)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands."""

    start: int  # offset of its first character
    end: int  # offset behind its last


@dataclass(frozen=True, slots=True)
class Item(Span):
    """A value where it stands."""

    value: Any

    @property
    def span(self) -> Span:
        """The place alone, which takes less memory."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Member(Item):
    """A value of an object."""

    key: int  # offset of its key


def document(text: str) -> tuple[Span, type]:
    """Read a whole text; return where its value stands, and of which type it is.

    Raises:
        FormatError: it is not JSON; says where.
    """
    item = _item(text, _space(text, 1 if text.startswith("\ufeff") else 0))
    rest = _space(text, item.end)
    if rest != len(text):
        raise place(text, rest).error("the end of the file", text[rest])
    return item.span, type(item.value)


def items(text: str, array: Span) -> Iterator[Item]:
    """Yield what stands in a list."""
    at = _space(text, array.start + 1)
    while text[at] != "]":
        item = _item(text, at)
        yield item
        at = _next(text, item.end)


def members(text: str, record: Span) -> dict[str, Member]:
    """What stands in an object, by key; of a key that comes twice the last, as readers have it."""
    found: dict[str, Member] = {}
    at = _space(text, record.start + 1)
    while text[at] != "}":
        key = _item(text, at)
        value = _item(text, _space(text, _space(text, key.end) + 1))
        found[key.value] = Member(value.start, value.end, value.value, at)
        at = _next(text, value.end)
    return found


def given(text: str, record: Span, key: str, value: str | None) -> Iterator[Edit]:
    """Yield what gives a key of an object a value, written as JSON, or takes the key away; a new key stands last."""
    if key in _item(text, record.start).value:
        member = members(text, record)[key]
        yield _without(text, member) if value is None else Edit(member.start, member.end, value)
    elif value is not None:
        yield _with(text, record, key, value)


def place(text: str, at: int, path: str = "") -> Place:
    """The place of an offset, for the errors that may arise there."""
    line = text.count("\n", 0, at) + 1
    return Place(f"JSON, line {line}{', ' if path else ''}{path}")


def written(value: str, *, ascii_only: bool) -> str:
    """Return a text as JSON; halves of characters, which JSON can hold and UTF-8 cannot, are always escaped."""
    halves = any("\ud800" <= character <= "\udfff" for character in value)
    return json.dumps(value, ensure_ascii=ascii_only or halves)


def apart(text: str, array: Span, listed: Sequence[Span]) -> str:
    """What stands between two objects of a list: after one alone, what stands before it."""
    if len(listed) > 1:
        return text[listed[0].end : listed[1].start]
    first = listed[0].start
    return "," + (text[array.start + 1 : first] or (" " if _colon(text, listed[0]).endswith(" ") else ""))


def _with(text: str, record: Span, key: str, value: str) -> Edit:
    """Add a member with the spaces that the object has around its first."""
    first = _space(text, record.start + 1)
    colon = _colon(text, record)
    if not colon:
        return Edit(first, first, f'"{key}": {value}')
    between = text[record.start + 1 : first] or (" " if colon.endswith(" ") else "")
    end = _back(text, record.end - 1)
    return Edit(end, end, f',{between}"{key}"{colon}{value}')


def _colon(text: str, record: Span) -> str:
    """The first colon of an object with the spaces around it; empty where the object is."""
    first = _space(text, record.start + 1)
    if text[first] == "}":
        return ""
    end = _item(text, first).end
    return text[end : _space(text, _space(text, end) + 1)]


def _without(text: str, member: Member) -> Edit:
    after = _space(text, member.end)
    if text[after] == ",":
        return Edit(member.key, _space(text, after + 1), "")
    before = _back(text, member.key)
    return Edit(before - 1 if text[before - 1] == "," else before, member.end, "")


def _next(text: str, end: int) -> int:
    at = _space(text, end)
    return _space(text, at + 1) if text[at] == "," else at


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _back(text: str, at: int) -> int:
    while text[at - 1] in " \t\r\n":
        at -= 1
    return at


def _item(text: str, at: int) -> Item:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise FormatError(f"JSON, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise FormatError("JSON: expected segments, got lists in lists without end") from error
    return Item(at, end, value)
