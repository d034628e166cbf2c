"""The words of a whole recording, by any recogniser: cut, asked for piece by piece, put together.

A recogniser that says when words are said is asked while the speakers are still being found. One that does not is
asked for every turn by itself, once they are. Words that no further piece changes are told as soon as all before them
are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE
from timbre.audio.recording import Recording
from timbre.errors import RecogniserFailed
from timbre.recognition.joining import repeated, seam, sure
from timbre.recognition.pieces import Piece, cut, cut_at_turns
from timbre.recognition.transcriber import Recognised, Transcriber
from timbre.transcripts.attribution import word_times
from timbre.transcripts.spoken import Segment, Word
from timbre.turns import Turn

_FAILURES: Final = 2  # pieces in a row without an answer, after which no more are asked for
_SHORT: Final = 10.0  # seconds; words without times that are spread over so little are near where they belong
_MOST_TOLD: Final = 3  # of one kind of fault

Turns = Callable[[], Awaitable[Sequence[Turn]]]
Told = Callable[[Sequence[Word]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What is said in a recording."""

    words: tuple[Word, ...]  # in order of time, each with times
    language: str | None = None
    faults: tuple[str, ...] = ()  # what is missing of it, and what was mended


@dataclass(slots=True)
class _Heard:
    """What has come of the pieces so far."""

    told: Told | None
    pieces: list[Piece] = field(default_factory=list)
    answers: dict[int, Recognised] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)
    in_a_row: int = 0
    words: list[Word] = field(default_factory=list)  # of pieces that are put together
    joined: int = 0  # pieces
    settled: int = 0  # words that were told
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def tell(self, *, whole: bool = False) -> None:
        """Put together what has come, up to a piece that is still awaited, and tell what nothing changes any more."""
        async with self.telling:
            while self.joined in self.answers or self.joined in self.missing:
                self._join(self.joined)
                self.joined += 1
            if self.told is None:
                return
            settled = len(self.words) if whole else max(self.settled, self._sure())
            if settled > self.settled:
                await self.told(self.words[self.settled : settled])
                self.settled = settled

    def _join(self, number: int) -> None:
        if number not in self.answers:
            return
        answer, piece = self.answers[number], self.pieces[number]
        own = list(_words(answer, piece))
        keep, skip = len(self.words), 0
        if piece.shared and number - 1 in self.answers:
            if answer.timed:
                keep, skip = seam(self.words, own, piece.begin, piece.shared)
            else:
                skip = repeated(self.words, own)
        self.words[keep:] = own[skip:]

    def _sure(self) -> int:
        if not self.joined:
            return 0
        last = self.pieces[self.joined - 1]
        return sure(self.words, last.until, 2 * (last.end - last.until)) if last.end > last.until else len(self.words)


async def transcribe(
    transcriber: Transcriber,
    recording: Recording,
    turns: Turns,
    *,
    language: str | None = None,
    longest: float,
    at_once: int,
    told: Told | None = None,
) -> Transcription:
    """Have the words of a recording recognised.

    Args:
        transcriber: Which recognises them.
        recording: In which they are said.
        turns: Gives who speaks, without overlaps, once it is known.
        language: What is spoken, if it is known.
        longest: Seconds of the longest piece that is sent.
        at_once: How many pieces the recogniser works on at a time.
        told: Given words in their order as they come, each once; together they are those that are returned, unless
            the recording cannot be read to its end.

    Raises:
        RecogniserFailed: nothing of it could be recognised.
        AudioError: the recording cannot be read.
    """
    pieces = cut(recording, longest)
    first = await asyncio.to_thread(next, pieces, None)
    if first is None:
        return Transcription(words=())
    heard = _Heard(told)
    # Alone, because it tells whether the recogniser is there, and whether it says when.
    answer = await transcriber.recognise(await _sound(recording, first), language=language)
    if answer.timed or first.end - first.start <= _SHORT:
        heard.pieces.append(first)
        heard.answers[0] = answer
        await heard.tell()
    else:
        pieces = cut_at_turns(recording, await turns(), longest)
    await _ask(transcriber, recording, pieces, heard, language=language, at_once=at_once)
    if not heard.answers and heard.missing:
        raise RecogniserFailed(next(iter(heard.missing.values())))
    await heard.tell(whole=True)
    return Transcription(words=tuple(heard.words), language=language or answer.language, faults=tuple(_faults(heard)))


async def _ask(
    transcriber: Transcriber,
    recording: Recording,
    pieces: Iterator[Piece],
    heard: _Heard,
    *,
    language: str | None,
    at_once: int,
) -> None:
    """Ask for every piece, some at a time; give up where several in a row come to nothing."""
    lock = asyncio.Lock()

    async def work() -> None:
        while True:
            async with lock:
                piece = await asyncio.to_thread(next, pieces, None)
                if piece is None:
                    return
                number = len(heard.pieces)
                heard.pieces.append(piece)
                given_up = heard.in_a_row >= _FAILURES
            if given_up:
                heard.missing[number] = "no more was asked for after that"
                continue
            try:
                sound = await _sound(recording, piece)
                heard.answers[number] = await transcriber.recognise(sound, language=language)
                heard.in_a_row = 0
            except RecogniserFailed as error:
                heard.missing[number] = str(error)
                heard.in_a_row += 1
            await heard.tell()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


async def _sound(recording: Recording, piece: Piece) -> NDArray[np.int16]:
    return await asyncio.to_thread(recording.pcm, round(piece.start * SAMPLE_RATE), round(piece.end * SAMPLE_RATE))


def _words(answer: Recognised, piece: Piece) -> Iterator[Word]:
    """The words of a piece in order, with times in the recording."""
    segments, offset = answer.segments, piece.start
    if not answer.timed:  # around what the piece answers for is silence, or somebody else
        words = [Word(word.text) for segment in segments for word in segment.words]
        segments, offset = [Segment(piece.begin, piece.until, words)], 0.0
    for segment in segments:
        for word, (start, end) in zip(segment.words, word_times(segment), strict=True):
            begin = min(max(start + offset, piece.start), piece.end)
            yield Word(word.text, begin, min(max(end + offset, begin), piece.end))


def _faults(heard: _Heard) -> Iterator[str]:
    for number, reason in sorted(heard.missing.items())[:_MOST_TOLD]:
        piece = heard.pieces[number]
        yield f"The words from {piece.begin:.0f} to {piece.until:.0f} s are missing: {reason}"
    if (more := len(heard.missing) - _MOST_TOLD) > 0:
        last = heard.pieces[max(heard.missing)]
        yield f"So are those of {more} more pieces, up to {last.until:.0f} s"
    yield from list(dict.fromkeys(fault for _, answer in sorted(heard.answers.items()) for fault in answer.faults))[
        :_MOST_TOLD
    ]
