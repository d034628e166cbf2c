r"""Transcripts with a line for each word or sentence: CTM and STM of NIST's tools, and plain text with times.

    talk 1 0.50 0.40 Good 0.9                      CTM: file, channel, start, length, word, confidence
    talk 1 Ada 0.50 2.00 <o,f0,male> Good morning  STM: file, channel, speaker, start, end, label, text
    [00:00:00.500 --> 00:00:02.000]  Good morning.
    00:01 Good morning.

CTM gets the speaker as its eighth field, after confidence and type; STM in its third; plain text before the words, as
in SRT. Comments (`;;`) and lines without times stay as they are. A plain line without an end ends where the next
begins.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from timbre.errors import FormatError
from timbre.formats.escaping import WHITE_SPACE, percent_encode
from timbre.transcripts.attribution import Part
from timbre.transcripts.cues import lines
from timbre.transcripts.edits import Edit, edited
from timbre.transcripts.json_times import moment
from timbre.transcripts.spoken import Segment, Word, shown_name

_SECONDS: Final = r"\d+(?:\.\d+)?"
_CLOCK: Final = r"(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d(?:[.,]\d{1,3})?"
_CTM: Final = re.compile(
    rf"(?!;;)\S+[ \t]+\S+[ \t]+(?P<start>{_SECONDS})[ \t]+(?P<length>{_SECONDS})[ \t]+(?P<text>\S+)"
    r"(?P<confidence>[ \t]+(?:-?[\d.]+|NA))?(?P<type>[ \t]+\S+)?(?P<speaker>[ \t]+\S+)?[ \t]*"
)
_STM: Final = re.compile(
    rf"(?!;;)\S+[ \t]+\S+[ \t]+(?P<speaker>\S+)[ \t]+(?P<start>{_SECONDS})[ \t]+(?P<end>{_SECONDS})(?P<text>[ \t].*)?"
)
_PLAIN: Final = re.compile(
    rf"(?!{_CLOCK}[ \t]*-->)\ufeff?[ \t]*[\[(]?(?P<start>{_CLOCK})(?:[ \t]*(?:-->|-|\u2013)[ \t]*(?P<end>{_CLOCK}))?"
    r"[\])]?:?[ \t]+(?P<text>\S.*)"
)
FORMS: Final = {"ctm": _CTM, "stm": _STM, "txt": _PLAIN}


def line_form(text: str) -> str | None:
    """Return which of these forms a text has, by its first line that has one and is no comment."""
    for line in lines(text):
        if line.text.strip("\ufeff \t") and not line.text.startswith(";;"):
            return next((form for form in ("stm", "ctm", "txt") if FORMS[form].fullmatch(line.text)), None)
    return None


class TimedLines:
    """A file of lines with times."""

    form = "txt"

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            FormatError: no line has times.
        """
        self._text = text
        found = ((line.start, FORMS[self.form].fullmatch(line.text)) for line in lines(text))
        self._lines = [(at, match) for at, match in found if match is not None]
        if not self._lines:
            raise FormatError(f"{self.form.upper()}: expected lines with times, got none")
        self.mended = 0  # ends before their starts
        self.segments: list[Segment] = list(self._read())

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str:
        """Write who speaks into each line."""
        speakers = [speaker for own in parts for part in own for speaker in part.speakers or (part.speaker,)]
        pairs = zip(self._lines, speakers, strict=True)
        edits = (edit for (at, match), speaker in pairs for edit in self._edits(at, match, speaker, names))
        return edited(self._text, edits)

    def texts(self, names: Collection[str]) -> list[str]:
        """What each segment says, without `names` that stand before it."""
        ends = (self._named_until(at, match, names) for at, match in self._lines)
        pairs = zip(ends, self._lines, strict=True)
        return [shown_name(self._text[end : at + match.end("text")]) for end, (at, match) in pairs]

    def _read(self) -> Iterator[Segment]:
        starts = [moment(match["start"]) or 0.0 for _, match in self._lines]
        for (_, match), start, following in zip(self._lines, starts, [*starts[1:], None], strict=True):
            end = moment(match["end"]) if match["end"] else following
            self.mended += end is not None and end < start
            yield Segment(start, max(start, end or start))

    def _edits(self, at: int, match: re.Match[str], speaker: str | None, names: Collection[str]) -> Iterator[Edit]:
        start, after = at + match.start("text"), self._named_until(at, match, names)
        if speaker is not None or after > start:
            yield Edit(start, after, "" if speaker is None else f"{shown_name(speaker)}: ")

    def _named_until(self, at: int, match: re.Match[str], names: Collection[str]) -> int:
        """Where the text begins behind the names that stand before it."""
        known = "|".join(sorted(map(re.escape, (*map(shown_name, names), "SPEAKER_")), key=len, reverse=True))
        start = at + match.start("text")
        found = re.compile(rf"(?:(?:{known})\d*:[ \t]+)+").match(self._text, start, at + match.end("text"))
        return found.end() if found else start


class Ctm(TimedLines):
    """A file of words."""

    form = "ctm"

    def texts(self, names: Collection[str]) -> list[str]:  # noqa: ARG002 - a field tells
        """What is said: all of it is one segment."""
        return [" ".join(match["text"] for _, match in self._lines)]

    def _read(self) -> Iterator[Segment]:
        words = []
        for _, match in self._lines:
            start = float(match["start"])
            words.append(Word(match["text"], start, round(start + float(match["length"]), 3)))
        ends = [word.end or 0.0 for word in words]
        yield Segment(min(word.start or 0.0 for word in words), max(ends), tuple(words))

    def _edits(
        self,
        at: int,
        match: re.Match[str],
        speaker: str | None,
        names: Collection[str],  # noqa: ARG002 - a field tells
    ) -> Iterator[Edit]:
        name = "unknown" if speaker is None else percent_encode(speaker, WHITE_SPACE)
        if match["speaker"] is not None:
            yield Edit(at + match.end("speaker") - len(match["speaker"].strip()), at + match.end("speaker"), name)
        elif speaker is not None:
            last = next(key for key in ("type", "confidence", "text") if match[key] is not None)
            missing = {"type": "", "confidence": " lex", "text": " NA lex"}[last]
            yield Edit(at + match.end(last), at + match.end(last), f"{missing} {name}")


class Stm(TimedLines):
    """A file of sentences that have a field for the speaker."""

    form = "stm"

    def texts(self, names: Collection[str]) -> list[str]:  # noqa: ARG002 - a field tells
        """What each line says."""
        return [shown_name(match["text"] or "") for _, match in self._lines]

    def _edits(
        self,
        at: int,
        match: re.Match[str],
        speaker: str | None,
        names: Collection[str],  # noqa: ARG002 - a field tells
    ) -> Iterator[Edit]:
        name = "unknown" if speaker is None else percent_encode(speaker, WHITE_SPACE)
        yield Edit(at + match.start("speaker"), at + match.end("speaker"), name)
