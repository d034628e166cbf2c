r"""SRT (SubRip): the speaker stands before the text, as subtitles have it.

    1
    00:00:00,500 --> 00:00:02,000
    Ada: Good morning.

Nothing in SRT tells a name from text, so what is replaced are names that are known: those of this labelling, those the
caller knows from before, and labels such as SPEAKER_00. Any other word with a colon is text. Words have no times, so
a cue belongs to one speaker. Marks such as `{\an8}` stay in front. SRT has no written rules: blank lines within a text,
points in times and numbers that are missing are taken as they come.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from timbre.formats.escaping import escape_markup
from timbre.formats.fields import Place
from timbre.transcripts.attribution import Part
from timbre.transcripts.cues import ARROW, TIMING, Line, Timing, lines, read_timing
from timbre.transcripts.edits import Edit, edited
from timbre.transcripts.spoken import Segment, plain, shown_name

_FORM: Final = "SRT"
_NUMBER: Final = re.compile(r"\ufeff?[ \t]*\d+[ \t]*", re.ASCII)
_MARKS: Final = re.compile(r"(?:[ \t]*\{\\[^{}\r\n]*\})*")
_BRACED: Final = re.compile(r"\{\\[^{}\r\n]*\}")
_ANONYMOUS: Final = r"SPEAKER_\d+"


@dataclass(frozen=True, slots=True)
class _Cue:
    timing: Timing
    start: int  # offset of its text
    end: int  # offset behind it; the start where there is none


class Srt:
    """A file of cues."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            FormatError: a cue has no valid times, or something else stands before the first; says where.
        """
        self._text = text
        self._cues = tuple(_cues(text))
        self.mended = sum(cue.timing.mended for cue in self._cues)
        self.segments = tuple(Segment(cue.timing.start, cue.timing.end) for cue in self._cues)

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str:
        """Write who speaks before each cue, in place of `names` that stand there."""
        label = _label(names)
        pairs = zip(self._cues, parts, strict=True)
        return edited(self._text, (edit for cue, (part,) in pairs for edit in self._edits(cue, part, label)))

    def texts(self, names: Collection[str]) -> list[str]:
        """What each cue says, without `names` that stand before it, and without markup."""
        label = _label(names)
        found = []
        for cue in self._cues:
            start = self._after_marks(cue)
            named = label.match(self._text, start, cue.end)
            text = self._text[named.end() if named else start : cue.end]
            found.append(plain(_BRACED.sub("", text)))
        return found

    def _after_marks(self, cue: _Cue) -> int:
        marks = _MARKS.match(self._text, cue.start, cue.end)
        return marks.end() if marks else cue.start

    def _edits(self, cue: _Cue, part: Part, label: re.Pattern[str]) -> Iterator[Edit]:
        start = self._after_marks(cue)
        if start == cue.end:
            return
        found = label.match(self._text, start, cue.end)
        after = found.end() if found else start
        if part.speaker is not None:
            apart = found["apart"] if found else " "
            yield Edit(start, after, f"{escape_markup(shown_name(part.speaker))}:{apart}")
        elif found:
            yield Edit(start, after, "")


def _label(names: Collection[str]) -> re.Pattern[str]:
    known = sorted((re.escape(escape_markup(shown_name(name))) for name in names), key=len, reverse=True)
    return re.compile(rf"(?:[ \t]*(?:{'|'.join([*known, _ANONYMOUS])}):(?P<apart>[ \t]|\r\n|\r|\n|\Z))+", re.IGNORECASE)


def _cues(text: str) -> Iterator[_Cue]:
    timing: Timing | None = None
    spoken: list[Line] = []  # what may be the text of the last cue
    for line in lines(text):
        if not (TIMING.fullmatch(line.text) or (ARROW in line.text and _begins(spoken))):
            spoken.append(line)
            continue
        if spoken and _NUMBER.fullmatch(spoken[-1].text):
            spoken.pop()
        yield from _cue(timing, spoken)
        timing, spoken = read_timing(_FORM, line), []
    yield from _cue(timing, spoken)


def _begins(before: Sequence[Line]) -> bool:
    """Whether what stands after these lines begins a cue: at the top, or after a blank line, and perhaps a number."""
    count = len(before)
    if count and _NUMBER.fullmatch(before[-1].text):
        count -= 1
    return not count or not before[count - 1].text.strip()


def _cue(timing: Timing | None, spoken: Sequence[Line]) -> Iterator[_Cue]:
    full = [line for line in spoken if line.text.strip("\ufeff \t")]
    if timing is not None:
        at = timing.line.end
        yield _Cue(timing, full[0].start, full[-1].end) if full else _Cue(timing, at, at)
    elif full:
        raise Place(f"{_FORM}, line {full[0].number}").error(
            f"times as in 00:00:01,000 {ARROW} 00:00:02,000", full[0].text
        )
