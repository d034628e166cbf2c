"""WebVTT: the speaker stands in a voice tag (W3C, WebVTT, 2019).

    00:00:00.500 --> 00:00:02.000
    <v Ada>Good morning.

Voice tags that are there already get the new name and keep their classes. What stands between two timestamps within a
cue (`Good <00:00:01.000>morning`) counts as a word: where such words change speakers, the cue becomes several, each
with the settings of the first; tags that are open there are closed and opened again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from timbre.formats.escaping import escape_markup
from timbre.formats.fields import Place
from timbre.transcripts.attribution import Part
from timbre.transcripts.cues import ARROW, CLOCK, Line, Timing, line_end, lines, read_timing, seconds
from timbre.transcripts.edits import Edit, edited
from timbre.transcripts.spoken import Segment, Word, plain, shown_name

_FORM: Final = "WebVTT"
_HEADER: Final = re.compile(r"\ufeff?WEBVTT(?:[ \t].*)?")
_NOT_CUES: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_TAG: Final = re.compile(r"<(/?)([^<>\s./]*+)((?:\.[^<>\s]*+)?+)([^<>]*+)>")
_VOICE: Final = "v"
_BEFORE_TEXT: Final = 2  # lines of a cue: its name, and the timing


@dataclass(frozen=True, slots=True)
class _Cue:
    timing: Timing
    start: int  # offset of its text
    end: int
    marks: tuple[tuple[int, int, str], ...]  # timestamps within it: where they stand, and as they are written
    words: tuple[Word, ...]


class Vtt:
    """A file of cues among notes and styles."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            FormatError: the header is missing, or a cue has no valid times; says where.
        """
        self._text = text
        self._cues = tuple(_cue(text, block) for block in _cue_blocks(text))
        self.mended = sum(cue.timing.mended for cue in self._cues)
        self.segments = tuple(Segment(cue.timing.start, cue.timing.end, cue.words) for cue in self._cues)

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str:  # noqa: ARG002 - tags tell
        """Write who speaks into each cue, and divide those of several speakers."""
        pairs = zip(self._cues, parts, strict=True)
        return edited(self._text, (edit for cue, own in pairs for edit in self._edits(cue, own)))

    def texts(self, names: Collection[str]) -> list[str]:  # noqa: ARG002 - tags tell
        """What each cue says, without markup."""
        return [plain(self._text[cue.start : cue.end]) for cue in self._cues]

    def _edits(self, cue: _Cue, parts: Sequence[Part]) -> Iterator[Edit]:
        if len(parts) == 1:
            yield from _voiced(self._text, cue.start, cue.end, parts[0].speaker)
            return
        yield Edit(*cue.timing.end_at, cue.marks[parts[0].last - 1][2])
        yield Edit(cue.start, cue.end, "".join(self._divided(cue, parts)))

    def _divided(self, cue: _Cue, parts: Sequence[Part]) -> Iterator[str]:
        """Yield the text of the first part, then the other parts as whole cues."""
        new_line = line_end(self._text)
        timing = cue.timing
        after = self._text[timing.end_at[1] : timing.line.end]
        open_tags: list[str] = []
        for part in parts:
            start = cue.marks[part.first - 1][1] if part.first else cue.start
            end, written = cue.end, timing.end_text
            if part.last <= len(cue.marks):
                end, _, written = cue.marks[part.last - 1]
            if part.first:
                begun = cue.marks[part.first - 1][2]
                yield f"{new_line * 2}{begun} {ARROW} {written}{after}{new_line}"
            own = "".join(open_tags) + self._text[start:end].strip()
            open_tags = _open_tags(own)
            own += "".join(f"</{_name(tag)}>" for tag in reversed(open_tags))
            yield edited(own, _voiced(own, 0, len(own), part.speaker))


def _cue_blocks(text: str) -> Iterator[list[Line]]:
    block: list[Line] = []
    header = True
    for line in chain(lines(text), (None,)):
        if line is not None and line.text:
            block.append(line)
            continue
        if header:
            _check_header(block)
            header = False
        elif block and not _NOT_CUES.fullmatch(block[0].text):
            yield block
        block = []


def _check_header(block: Sequence[Line]) -> None:
    first = block[0].text if block else ""
    if not _HEADER.fullmatch(first):
        raise Place(f"{_FORM}, line 1").error("WEBVTT", first)
    for line in block[1:]:
        if ARROW in line.text:
            raise Place(f"{_FORM}, line {line.number}").error("a blank line between header and cues", line.text)


def _cue(text: str, block: Sequence[Line]) -> _Cue:
    at = next((i for i, line in enumerate(block[:_BEFORE_TEXT]) if ARROW in line.text), None)
    if at is None:
        line = block[min(1, len(block) - 1)]
        raise Place(f"{_FORM}, line {line.number}").error(f"times as in 00:00:01.000 {ARROW} 00:00:02.000", line.text)
    timing = read_timing(_FORM, block[at])
    spoken = block[at + 1 :]
    for line in spoken:
        if ARROW in line.text:
            raise Place(f"{_FORM}, line {line.number}").error("a blank line between cues", line.text)
    start, end = (spoken[0].start, spoken[-1].end) if spoken else (timing.line.end, timing.line.end)
    marks = tuple(_marks(text, start, end, timing))
    return _Cue(timing, start, end, marks, _words(text, start, end, timing, marks))


def _marks(text: str, start: int, end: int, timing: Timing) -> Iterator[tuple[int, int, str]]:
    """Yield the timestamps in a cue's text that rise from its start to its end, as they have to; others are text."""
    place = Place(f"{_FORM}, line {timing.line.number}")
    reached = timing.start
    for tag in _TAG.finditer(text, start, end):
        written = tag[0][1:-1]
        if CLOCK.fullmatch(written) and reached < (moment := seconds(place, written)) < timing.end:
            yield tag.start(), tag.end(), written
            reached = moment


def _words(text: str, start: int, end: int, timing: Timing, marks: Sequence[tuple[int, int, str]]) -> tuple[Word, ...]:
    if not marks:  # all that is said is between two times
        said = _TAG.sub("", text[start:end])
        return (Word(said, timing.start, timing.end),) if said.strip() else ()
    place = Place(f"{_FORM}, line {timing.line.number}")
    moments = [timing.start, *(seconds(place, written) for _, _, written in marks), timing.end]
    starts = [start, *(after for _, after, _ in marks)]
    ends = [*(before for before, _, _ in marks), end]
    spans = zip(starts, ends, moments, moments[1:], strict=False)
    return tuple(Word(_TAG.sub("", text[a:b]), begun, ended) for a, b, begun, ended in spans)


def _voiced(text: str, start: int, end: int, speaker: str | None) -> Iterator[Edit]:
    """Yield what puts a speaker's name into the text of a cue, or takes away the names in it for nobody."""
    if not text[start:end].strip():
        return
    tags = [tag for tag in _TAG.finditer(text, start, end) if tag[2] == _VOICE]
    opening = next((tag for tag in tags if not tag[1]), None)
    closing = next((tag for tag in reversed(tags) if tag[1]), None) if speaker is not None and opening else None
    name = "" if speaker is None else escape_markup(shown_name(speaker))
    if speaker is not None and opening is None:
        at = end - len(text[start:end].lstrip())
        yield Edit(at, at, f"<v {name}>")
    for tag in tags:
        if tag is opening and speaker is not None:
            yield Edit(tag.start(), tag.end(), f"<v{tag[3]} {name}>")
        elif tag is not closing:
            yield Edit(tag.start(), tag.end(), "")


def _open_tags(text: str) -> list[str]:
    """The tags that are open at the end of a text, as they are written, but for voices."""
    opened: list[re.Match[str]] = []
    for tag in _TAG.finditer(text):
        if not tag[2] or tag[2] == _VOICE or CLOCK.fullmatch(tag[0][1:-1]):
            continue
        if not tag[1]:
            opened.append(tag)
        elif opened and opened[-1][2] == tag[2]:
            opened.pop()
    return [tag[0] for tag in opened]


def _name(tag: str) -> str:
    match = _TAG.fullmatch(tag)
    return match[2] if match else ""
