"""Segments and words as JSON has them, read and checked; errors say the line and the path."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from timbre.transcripts.json_text import Item, Span, items, members, place
from timbre.transcripts.spoken import Segment, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A segment and where it stands."""

    span: Span
    segment: Segment
    mended: bool  # it has no end, or one before its start, which counts for both
    text: str | None
    words: tuple[Span, ...]  # where those words of the segment stand that are listed in it


def read_record(text: str, item: Item, path: str) -> Record:
    """Read a segment.

    Raises:
        FormatError: it is no object, its start is missing, a time is no number, or a word in it is malformed.
    """
    if not isinstance(item.value, dict):
        raise place(text, item.start, path).error('an object with "start", "end" and "text"', item.value)
    spoken = item.value.get("text")
    listed = []
    if (came := item.value.get("words")) is not None:
        array = members(text, item)["words"]
        if not isinstance(came, list):
            raise place(text, array.start, f"{path}.words").error("a list of words", came)
        listed = read_words(text, array, f"{path}.words")
    words = tuple(word for _, word in listed)
    start, end = _times(text, item, words, path)
    mended = end is None or end < start
    return Record(
        span=item.span,
        segment=Segment(start, start if end is None else max(start, end), words),
        mended=mended,
        text=spoken if isinstance(spoken, str) else None,
        words=tuple(span for span, _ in listed),
    )


def read_words(text: str, array: Span, path: str) -> list[tuple[Span, Word]]:
    """Read a list of words; raises FormatError where something in it is none."""
    return [(item.span, _word(text, item, f"{path}[{index}]")) for index, item in enumerate(items(text, array))]


def extent(words: Sequence[Word]) -> tuple[float | None, float | None]:
    """When the first of some words begins and the last ends, as far as they say."""
    said = [moment for word in words for moment in (word.start, word.end) if moment is not None]
    return min(said, default=None), max(said, default=None)


def _word(text: str, item: Item, path: str) -> Word:
    record = item.value
    said = record.get("word", record.get("text")) if isinstance(record, dict) else None
    if not isinstance(said, str):
        raise place(text, item.start, path).error('an object with "word", "start" and "end"', record)
    return Word(said, _moment(text, item, "start", path), _moment(text, item, "end", path))


def _times(text: str, item: Item, words: Sequence[Word], path: str) -> tuple[float, float | None]:
    first, last = extent(words)
    start, end = _moment(text, item, "start", path), _moment(text, item, "end", path)
    start, end = (first if start is None else start), (last if end is None else end)
    if start is None:
        raise place(text, item.start, path).error('"start" and "end" in seconds', sorted(item.value))
    return start, end


def _moment(text: str, item: Item, key: str, path: str) -> float | None:
    """Seconds; None where they are not known, which some write as null or as not a number."""
    record: Mapping[str, Any] = item.value
    value = record.get(key)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, float) or not math.isfinite(value):
        raise place(text, item.start, f"{path}.{key}").error("a number of seconds", value)
    return value
