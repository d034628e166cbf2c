"""JSON of transcribers: segments with times and text, and the words in them where they are known.

    {"segments": [{"start": 0.5, "end": 2.0, "text": "Good morning.",
                   "words": [{"word": "Good", "start": 0.5, "end": 0.9}, …]}]}

This is how openai-whisper, faster-whisper and WhisperX write, and many others; a bare list of segments will do. Names
are written as WhisperX does: `"speaker": "Ada"` in segments and in words. A segment of several speakers becomes several
segments with all its other keys. Lists of words beside the segments are labelled as well: `word_segments` of WhisperX,
which repeats the words, and `words` of the OpenAI API, whose segments have none of their own. Documents of another
shape are read by `json_foreign`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from timbre.transcripts.alignment import aligned, joined
from timbre.transcripts.attribution import Part, said_by
from timbre.transcripts.edits import Edit, edited
from timbre.transcripts.json_fields import Record, extent, read_record, read_words
from timbre.transcripts.json_foreign import Foreign
from timbre.transcripts.json_text import Span, apart, document, given, items, members, place, written
from timbre.transcripts.json_times import times_of
from timbre.transcripts.spoken import Segment, Word, shown_name

_SPEAKER: Final = "speaker"
_LOOSE: Final = ("word_segments", "words")  # lists of words beside the segments
_WordAt = tuple[int, int]  # which segment, and which of its words


class Json:
    """A list of segments, and perhaps of words beside it."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            FormatError: it is not JSON, or has no such lists, or something in them is malformed; says where.
        """
        self._text = text
        top, kind = document(text)
        self._foreign = Foreign(text, top) if _is_foreign(text, top, kind) else None
        if self._foreign is not None and self._foreign.segments:
            self.mended = self._foreign.mended
            return
        self._foreign = None
        array, path, loose = _lists(text, top, kind)
        listed = enumerate(items(text, array)) if array else ()
        self._records = [read_record(text, item, f"{path}[{index}]") for index, item in listed]
        self._segments = [record.segment for record in self._records]
        self._loose: list[tuple[Span, _WordAt]] = []
        for name, words in loose.items():
            self._read_loose(words, f"$.{name}")
        self.mended = sum(record.mended for record in self._records)
        spans = [record.span for record in self._records[:2]]
        self._between = apart(text, array, spans) if array and spans else ","

    @property
    def segments(self) -> Sequence[Segment]:
        """The segments, and behind them words that belong to none."""
        return self._segments if self._foreign is None else self._foreign.segments

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str:
        """Write who speaks into segments and words, and divide the segments of several speakers."""
        if self._foreign is not None:
            return self._foreign.labelled(parts, names)
        edits: list[Edit] = []
        for index, record in enumerate(self._records):
            edits += self._edits(record, self._segments[index].words, parts[index])
        speakers = [[speaker for part in own for speaker in part.speakers] for own in parts]
        for span, (segment, word) in self._loose:
            edits += self._named(span, speakers[segment][word])
        return edited(self._text, sorted(edits))

    def texts(self, names: Collection[str]) -> list[str]:
        """What each segment says; nothing where another has said it already."""
        if self._foreign is not None:
            return self._foreign.texts(names)
        known = [record.text for record in self._records]
        known += [None] * (len(self._segments) - len(known))
        pairs = zip(known, self._segments, strict=True)
        spoken = (text or joined([word.text for word in segment.words]) for text, segment in pairs)
        return [shown_name(text) for text in spoken]

    def _read_loose(self, array: Span, path: str) -> None:
        """Find words beside the segments in the segments, or give them to segments that have none."""
        listed = read_words(self._text, array, path)
        words = [word for _, word in listed]
        own = [(i, j) for i, segment in enumerate(self._segments) for j in range(len(segment.words))]
        if words != [self._segments[i].words[j] for i, j in own]:
            own = self._adopted(words) if not own else []
        if words and not own:
            start, end = extent(words)
            own = [(len(self._segments), j) for j in range(len(words))]
            self._segments.append(Segment(start or 0.0, end or 0.0, tuple(words)))
        self._loose += [(span, at) for (span, _), at in zip(listed, own, strict=True)]

    def _adopted(self, words: Sequence[Word]) -> list[_WordAt]:
        """Give words to the segments whose text they are; none if they are not."""
        cuts = aligned([record.text or "" for record in self._records], [word.text for word in words])
        own: list[_WordAt] = []
        for index, found in enumerate(cuts or ()):
            theirs = tuple(words[len(own) : len(own) + len(found)])
            own += [(index, j) for j in range(len(theirs))]
            self._segments[index] = replace(self._segments[index], words=theirs)
        return own

    def _edits(self, record: Record, words: Sequence[Word], parts: Sequence[Part]) -> Iterator[Edit]:
        if len(parts) == 1:
            yield from self._labels(record, parts[0])
            return
        keys = members(self._text, record.span)
        divided = []
        for part, said in zip(parts, said_by(record.text, words, parts), strict=True):
            values = {"start": json.dumps(part.start), "end": json.dumps(part.end), "text": self._written(said)}
            edits = [Edit(keys[key].start, keys[key].end, value) for key, value in values.items() if key in keys]
            edits += self._labels(record, part)
            if record.words:
                edits.append(Edit(record.words[0].start, record.words[part.first].start, ""))
                edits.append(Edit(record.words[part.last - 1].end, record.words[-1].end, ""))
            divided.append(edited(self._text, sorted(edits), record.span.start, record.span.end))
        yield Edit(record.span.start, record.span.end, self._between.join(divided))

    def _labels(self, record: Record, part: Part) -> Iterator[Edit]:
        yield from self._named(record.span, part.speaker)
        for span, speaker in zip(record.words[part.first : part.last], part.speakers, strict=False):
            yield from self._named(span, speaker)

    def _named(self, span: Span, speaker: str | None) -> Iterator[Edit]:
        return given(self._text, span, _SPEAKER, None if speaker is None else self._written(speaker))

    def _written(self, value: str) -> str:
        return written(value, ascii_only=self._text.isascii())


def _is_foreign(text: str, top: Span, kind: type) -> bool:
    """Tell whether a document is none of Whisper and its relatives."""
    if kind is dict:
        found = members(text, top)
        segments = found.get("segments")
        if segments is None or not isinstance(segments.value, list):
            return "utterances" in found or not any(
                isinstance(found[name].value, list) for name in _LOOSE if name in found
            )
        top = segments.span
    elif kind is not list:
        return False
    first = next(items(text, top), None)
    if first is None or not isinstance(first.value, dict):
        return False
    return not {"start", "end", "words"} & first.value.keys() and times_of(first.value)[0] is not None


def _lists(text: str, top: Span, kind: type) -> tuple[Span | None, str, dict[str, Span]]:
    """The list of segments, the path to it, and lists of words beside it."""
    if kind is list:
        return top, "$", {}
    found = members(text, top) if kind is dict else {}
    lists = {key: member.span for key, member in found.items() if isinstance(member.value, list)}
    loose: dict[str, Span] = {name: lists[name] for name in _LOOSE if name in lists}
    if "segments" in lists or (loose and "segments" not in found):
        return lists.get("segments"), "$.segments", loose
    came = sorted(found) if kind is dict else text[top.start : top.end]
    raise place(text, top.start, "$").error('a list of segments, or an object that has one as "segments"', came)
