r"""Names in transcripts that people already have: SRT, WebVTT, JSON, CTM, STM, and plain text with times.

Who speaks is written in the way of the format; everything else stays as it is, byte for byte.

>>> from timbre.turns import Turn
>>> talk = [Turn(start=0.0, end=2.0, speaker="Ada")]
>>> print(loads("1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n").labelled(talk), end="")
1
00:00:00,500 --> 00:00:01,500
Ada: Good morning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from timbre.errors import FormatError, OptionError
from timbre.transcripts.attribution import Part, Speech, divide_all, said_by, word_times
from timbre.transcripts.encodings import Encoding, decode
from timbre.transcripts.json import Json
from timbre.transcripts.limits import MOST_BYTES, check_bytes, check_segments, check_text
from timbre.transcripts.spoken import Said, Segment, Word
from timbre.transcripts.srt import Srt
from timbre.transcripts.timed_lines import Ctm, Stm, TimedLines, line_form
from timbre.transcripts.units import UNITS, in_seconds, in_units, unit_of
from timbre.transcripts.vtt import Vtt
from timbre.turns import Turn

__all__ = ["MOST_BYTES", "Said", "Transcript", "TranscriptFormat", "loads", "looks_like", "read"]


class TranscriptFormat(StrEnum):
    """The formats by name."""

    SRT = "srt"
    VTT = "vtt"
    JSON = "json"
    CTM = "ctm"
    STM = "stm"
    TXT = "txt"


class _Document(Protocol):
    @property
    def segments(self) -> Sequence[Segment]: ...

    @property
    def mended(self) -> int: ...

    def texts(self, names: Collection[str]) -> list[str]: ...

    def labelled(self, parts: Sequence[Sequence[Part]], names: Collection[str]) -> str: ...


_LOOKED_AT: Final = 10_000  # characters, by which the form of lines is known
_AFTER: Final = 5.0  # seconds after the last speech, where the end of the recording is not known
_DOCUMENTS: Final[Mapping[TranscriptFormat, type[Srt | Vtt | Json | TimedLines]]] = {
    TranscriptFormat.SRT: Srt,
    TranscriptFormat.VTT: Vtt,
    TranscriptFormat.JSON: Json,
    TranscriptFormat.CTM: Ctm,
    TranscriptFormat.STM: Stm,
    TranscriptFormat.TXT: TimedLines,
}


class Transcript:
    """A transcript that can be labelled; `loads` and `read` make it, and refuse what is too large."""

    def __init__(self, text: str, form: TranscriptFormat, encoding: Encoding | None = None) -> None:
        self.form = form
        self.encoding = encoding or Encoding()
        self._document: _Document = _DOCUMENTS[form](text)
        # Once it is labelled: what was mended or does not fit, and who says what.
        self.warnings: tuple[str, ...] = ()
        self.said: tuple[Said, ...] = ()

    @property
    def segments(self) -> Sequence[Segment]:
        """What is said when."""
        return self._document.segments

    def labelled(self, turns: Iterable[Turn], *, names: Iterable[str] = (), duration: float | None = None) -> str:
        """Write who speaks when, as turns have it; then `said` has it, and `warnings` what was mended or does not fit.

        Args:
            turns: who speaks; best those that never overlap.
            names: names that an SRT file may have from an earlier labelling, to be replaced.
            duration: length of the recording in seconds, if it is known.

        Raises:
            FormatError: a name cannot be written in the file's encoding.
        """
        turns = tuple(turns)
        speech = Speech(turn for turn in turns if turn.speaker.strip())
        spoken = max((turn.end for turn in turns), default=0.0)
        unit = unit_of(self.segments, duration or spoken) if self.form is TranscriptFormat.JSON else 1.0
        segments = [in_seconds(segment, unit) for segment in self.segments]
        self.warnings = tuple(self._faults(segments, unit, spoken + _AFTER if duration is None else duration))
        self.encoding.check(speech.speakers)
        known = {name for name in (*speech.speakers, *names) if name.strip()}
        divided = divide_all(segments, speech)
        self.said = tuple(self._said(segments, divided, known))
        return self._document.labelled([[in_units(part, unit) for part in own] for own in divided], known)

    def _said(
        self, segments: Sequence[Segment], divided: Sequence[Sequence[Part]], names: Collection[str]
    ) -> Iterator[Said]:
        for segment, parts, text in zip(segments, divided, self._document.texts(names), strict=True):
            if not text:
                continue
            times = word_times(segment)
            texts = [text] if len(parts) == 1 else said_by(text, segment.words, parts)
            for part, said in zip(parts, texts, strict=True):
                own = range(part.first, part.last)
                yield Said(
                    start=part.start,
                    end=part.end,
                    speaker=part.speaker,
                    text=said.strip(),
                    words=tuple(Word(spoken, *times[at]) for at in own if (spoken := segment.words[at].text.strip())),
                )

    def _faults(self, segments: Sequence[Segment], unit: float, end: float) -> Iterator[str]:
        if mended := self._document.mended:
            many = f"{mended} {'ends are' if mended > 1 else 'end is'}"
            yield f"{many} missing or before the start, which was taken for it"
        if unit != 1:
            yield f"its times were taken for {UNITS[unit]}, as the recording is far shorter than so many seconds"
        moments = [
            moment
            for segment in segments
            for moment in ([word.start for word in segment.words] if segment.words else [segment.start])
            if moment is not None
        ]
        outside = sum(moment > end for moment in moments)
        if outside:
            yield (
                f"{outside} of {len(moments)} times lie behind the end of the recording, at {end:.1f} s; is this the"
                " transcript of another?"
            )


def loads(text: str, form: TranscriptFormat | str | None = None) -> Transcript:
    """Read a transcript, in the format of this name or else the one that it looks like.

    Raises:
        OptionError: there is no format of this name.
        FormatError: it is too large or malformed; says where.
    """
    return _limited(text, looks_like(text) if form is None else _named(form))


def read(path: str | Path) -> Transcript:
    """Read a file in the format of its extension, or else the one that it looks like.

    Raises:
        FormatError: it is too large, no text in UTF-8 or UTF-16, or malformed; says where.
        OSError: it cannot be read.
    """
    path = Path(path)
    by_extension = next((form for form in TranscriptFormat if path.suffix.lower() == f".{form}"), None)
    if by_extension is TranscriptFormat.TXT:
        by_extension = None  # anything is text
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        check_bytes(len(content))
        text, encoding = decode(content, eight_bits=by_extension is TranscriptFormat.SRT)
        return _limited(text, by_extension or looks_like(text), encoding)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def looks_like(text: str) -> TranscriptFormat:
    """The format that a transcript can have at most."""
    begin = text.lstrip("\ufeff \t\r\n")
    if begin.startswith("WEBVTT"):
        return TranscriptFormat.VTT
    form = line_form(begin[:_LOOKED_AT])
    if form is not None:
        return TranscriptFormat(form)
    return TranscriptFormat.JSON if begin.startswith(("{", "[")) else TranscriptFormat.SRT


def _limited(text: str, form: TranscriptFormat, encoding: Encoding | None = None) -> Transcript:
    check_text(text, json=form is TranscriptFormat.JSON)
    transcript = Transcript(text, form, encoding)
    check_segments(transcript.segments)
    return transcript


def _named(name: TranscriptFormat | str) -> TranscriptFormat:
    try:
        return TranscriptFormat(name)
    except ValueError as error:
        raise OptionError(
            f"There is no transcript format {name!r}; use one of {', '.join(TranscriptFormat)}"
        ) from error
