"""JSON of other transcribers: whatever lists have items with times and a text.

whisper.cpp, transformers, NeMo, Deepgram, AssemblyAI, AWS, Google, Azure, Speechmatics, Rev and others each have their
own shape. What they share is read: a list whose items say when, in one of the ways of `json_times`, and what. Lists in
such items are their words. Every item gets the name of who speaks, under the key that its format keeps it by; nothing
else is changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timbre.transcripts.alignment import joined
from timbre.transcripts.attribution import Part
from timbre.transcripts.edits import Edit, edited
from timbre.transcripts.json_text import Item, Span, given, items, members, written
from timbre.transcripts.json_times import times_of
from timbre.transcripts.spoken import Segment, Word

_TEXTS: Final = ("word", "text", "punctuated_word", "transcript", "content", "value", "display", "segment", "lexical")
_ALTERNATIVES: Final = ("alternatives", "nBest", "NBest")
_SPEAKERS: Final = ("speaker", "speaker_label", "speakerLabel", "speakerTag", "speaker_id")
_KEPT_BY: Final = {
    "start_time": "speaker_label",
    "startOffset": "speakerLabel",
    "startTime": "speakerLabel",
}  # as texts
_LONGEST_WORD: Final = 2  # spaces in the longest item of a list of words, as of numbers
_LETTER: Final = re.compile(r"\w")
_MOST_DEEP: Final = 20  # lists in lists


@dataclass(frozen=True, slots=True)
class _Listed:
    """An item of a list."""

    span: Span
    start: float | None
    end: float | None
    text: str
    key: str | None  # of the speaker


class Foreign:
    """The lists of a document of another shape."""

    def __init__(self, text: str, top: Span) -> None:
        """Find them; there may be none."""
        self._text = text
        self._found: list[tuple[Span, ...]] = []  # places of the items that each segment stands for
        self._keys: list[str] = []  # of the speakers of each
        self.segments: list[Segment] = []
        self._texts: list[list[str]] = []  # of the segments of each list
        self.mended = 0  # ends that are missing, or lie before their starts
        for listed in _lists(text, top, 0):
            self._take(listed)

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str:  # noqa: ARG002 - keys tell
        """Write who speaks into every item."""
        edits: list[Edit] = []
        for spans, key, own in zip(self._found, self._keys, parts, strict=True):
            speakers = [speaker for part in own for speaker in part.speakers] or [own[0].speaker]
            for span, speaker in zip(spans, speakers, strict=True):
                name = None if speaker is None else written(speaker, ascii_only=self._text.isascii())
                edits += given(self._text, span, key, name)
        return edited(self._text, sorted(edits))

    def texts(self, names: Collection[str]) -> list[str]:  # noqa: ARG002 - keys tell
        """What each segment says; nothing where a list before has said it: many formats have words in several."""
        heard: list[str] = []
        found: list[str] = []
        for texts in self._texts:
            spelled = "".join(_LETTER.findall(" ".join(texts).lower()))
            repeated = any(spelled in before for before in heard)
            found += ["" if repeated else " ".join(text.split()) for text in texts]
            if not repeated:
                heard.append(spelled)
        return found

    def _take(self, listed: Sequence[_Listed]) -> None:
        key = next((item.key for item in listed if item.key), "speaker")
        if max(item.text.strip().count(" ") for item in listed) > _LONGEST_WORD:
            self._texts.append([])
            for item, following in zip(listed, [*listed[1:], None], strict=True):
                start = item.start if item.start is not None else item.end
                if start is not None:
                    later = None if following is None else following.start
                    end = item.end if item.end is not None else later if later is not None else start
                    self.mended += item.end is None or item.end < start
                    self._add([item], key, Segment(start, max(start, end)))
                    self._texts[-1].append(item.text)
            return
        said = [moment for item in listed for moment in (item.start, item.end) if moment is not None]
        words = tuple(Word(item.text, item.start, item.end) for item in listed)
        self._add(listed, key, Segment(min(said), max(said), words))
        self._texts.append([joined([item.text for item in listed])])

    def _add(self, listed: Sequence[_Listed], key: str, segment: Segment) -> None:
        self.segments.append(segment)
        self._found.append(tuple(item.span for item in listed))
        self._keys.append(key)


def _lists(text: str, place: Span, depth: int) -> Iterator[list[_Listed]]:
    """Yield the lists in a value whose items have times, those within them too."""
    if depth > _MOST_DEEP or text[place.start] not in "{[":
        return
    if text[place.start] == "{":
        for member in members(text, place).values():
            if isinstance(member.value, dict | list):
                yield from _lists(text, member.span, depth + 1)
        return
    listed = []
    timed = False
    within = []
    for item in items(text, place):
        if not isinstance(item.value, dict | list):
            return
        if isinstance(item.value, dict) and (found := _item(item)) is not None:
            listed.append(found)
            timed |= found.start is not None or found.end is not None
        within.append(item.span)
    if timed:
        yield listed
    for span in within:
        yield from _lists(text, span, depth + 1)


def _item(item: Item) -> _Listed | None:
    record: Mapping[str, Any] = item.value
    said = _said(record)
    if said is None:
        return None
    start, end = times_of(record)
    key = next((key for key in _SPEAKERS if key in record), None)
    key = key or next((kept for time, kept in _KEPT_BY.items() if isinstance(record.get(time), str)), None)
    return _Listed(item.span, start, end, said, key)


def _said(record: Mapping[str, Any]) -> str | None:
    for key in _TEXTS:
        if isinstance(said := record.get(key), str):
            return said
    for key in _ALTERNATIVES:
        if isinstance(several := record.get(key), list) and several and isinstance(several[0], dict):
            return _said(several[0])
    return None
