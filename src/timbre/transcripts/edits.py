"""Changes to a text: whatever no edit names stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """A stretch of the text, and what to write in its place."""

    start: int  # offset of its first character
    end: int  # offset behind its last; the start, to insert something
    text: str


def edited(text: str, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return a stretch of a text with edits, which lie in it, are in order and do not overlap."""
    pieces = []
    for edit in edits:
        pieces += [text[start : edit.start], edit.text]
        start = edit.end
    pieces.append(text[start:end])
    return "".join(pieces)
