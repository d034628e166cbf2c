"""Recordings cut for recognisers, and words put together again."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from timbre import Settings
from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording
from timbre.errors import RecogniserFailed
from timbre.recognition.joining import repeated, seam
from timbre.recognition.pieces import OVERLAP, cut, cut_at_turns
from timbre.recognition.transcriber import Recognised
from timbre.recognition.transcription import Transcription, transcribe
from timbre.transcripts.spoken import Segment, Word
from timbre.turns import Turn

SECONDS = 100


def recorded(pauses: list[tuple[float, float]] = ()):  # type: ignore[assignment]
    """A hundred seconds of noise, but for some pauses."""
    sound = np.random.default_rng(5).normal(0, 0.1, SECONDS * SAMPLE_RATE).astype(np.float32)
    for start, end in pauses:
        sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] *= 1e-3
    return open_recording((sound, SAMPLE_RATE), settings=Settings())


def test_cuts_lie_in_the_longest_pause():
    with recorded([(20.0, 20.3), (24.0, 25.0), (44.0, 44.5), (73, 74)]) as recording:
        pieces = list(cut(recording, 30.0))
    assert [round(piece.until, 1) for piece in pieces] == [24.5, 44.2, 73.5, 100.0]
    assert all((piece.start, piece.end, piece.shared) == (piece.begin, piece.until, 0.0) for piece in pieces)


def test_without_a_pause_pieces_overlap():
    with recorded() as recording:
        pieces = list(cut(recording, 30.0))
    assert pieces[0].start == 0.0
    assert pieces[-1].end == SECONDS
    for before, after in pairwise(pieces):
        assert before.until == after.begin
        assert after.start == pytest.approx(before.end - OVERLAP)
        assert after.shared == OVERLAP
        assert after.end - after.start <= 30


def test_turns_are_cut_where_the_speaker_changes():
    turns = [
        Turn(start=1.0, end=4.0, speaker="Ada"),
        Turn(start=4.5, end=9.0, speaker="Ada"),
        Turn(start=9.1, end=20.0, speaker="Ben"),
        Turn(start=30.0, end=31.0, speaker="Ben"),
    ]
    with recorded() as recording:
        pieces = list(cut_at_turns(recording, turns, 30.0))
    assert [(piece.begin, piece.until) for piece in pieces] == [(1.0, 9.0), (9.1, 20.0), (30.0, 31.0)]
    assert [(round(piece.start, 3), round(piece.end, 3)) for piece in pieces] == [
        (0.8, 9.05),
        (9.05, 20.2),
        (29.8, 31.2),
    ]


def words(text: str, start: float = 0.0, each: float = 0.5) -> list[Word]:
    return [Word(word, start + n * each, start + (n + 1) * each) for n, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (words("one two three four five six"), words("four five six seven", 1.5)),
        (words("one two three four five si"), words("or five, six seven", 1.5)),  # both cut a word
        (words("one two three"), words("four five six seven", 1.5)),  # heard by one alone
        (words("one two three four five six"), words("seven", 3.0)),
        (words("one two three four five six"), words("Four Five. six seven", 1.7)),  # late, and written otherwise
    ],
)
def test_words_that_two_pieces_heard_are_there_once(before, after):
    keep, skip = seam(before, after, 2.0, 2.0)
    said = [word.text.strip(".,").lower() for word in [*before[:keep], *after[skip:]]]
    assert said == ["one", "two", "three", "four", "five", "six", "seven"]


def test_words_without_times_that_two_pieces_heard():
    assert repeated(words("so it is very"), words("is very good")) == 2
    assert repeated(words("so it is"), words("very good")) == 0


class Known:
    """A recogniser that hears a word a second, each called by the second in which it begins."""

    def __init__(self, *, timed: bool = True, gone: range = range(0)) -> None:
        self.timed, self.gone = timed, gone
        self.asked = 0

    async def recognise(self, sound, *, language) -> Recognised:  # noqa: ARG002 - the seam's
        self.asked += 1
        if self.asked in self.gone:
            raise RecogniserFailed("gone")
        said = tuple(Word(f"{self.asked}.{n}", float(n), n + 1.0) for n in range(len(sound) // SAMPLE_RATE))
        return Recognised(segments=[Segment(0.0, len(sound) / SAMPLE_RATE, said)], timed=self.timed, language="en")


def heard(transcriber, pauses=((25.0, 26.0), (50.0, 51.0), (75.0, 76.0)), turns=(), at_once=1) -> Transcription:
    async def known_turns():
        return turns

    told: list[Word] = []

    async def tell(more) -> None:
        told.extend(more)

    async def listen() -> Transcription:
        return await transcribe(transcriber, recording, known_turns, longest=30.0, at_once=at_once, told=tell)

    with recorded([*pauses]) as recording:
        found = asyncio.run(listen())
    assert tuple(told) == found.words  # each once, and none of them changed
    return found


def test_a_whole_recording():
    found = heard(Known())
    assert found.language == "en"
    assert not found.faults
    assert [word.text.split(".")[0] for word in found.words[::24]] == ["1", "1", "2", "3", "4"]
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)


class OutOfOrder(Known):
    """Answers the second piece after the third."""

    def __init__(self) -> None:
        super().__init__()
        self.third = asyncio.Event()

    async def recognise(self, sound, *, language) -> Recognised:
        found = await super().recognise(sound, language=language)
        if found.segments[0].words[0].text == "2.0":
            await self.third.wait()
        elif found.segments[0].words[0].text == "3.0":
            self.third.set()
        return found


@pytest.mark.parametrize("pauses", [[(25.0, 26.0), (50.0, 51.0), (75.0, 76.0)], []])
def test_pieces_that_come_out_of_order_are_told_in_order(pauses):
    found = heard(OutOfOrder(), pauses, at_once=2)
    assert found == heard(Known(), pauses)
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)


def test_pieces_that_fail_are_told():
    found = heard(Known(gone=range(2, 3)))
    assert found.faults == ("The words from 26 to 50 s are missing: gone",)
    assert {word.text[0] for word in found.words} == {"1", "3", "4"}
    several = heard(Known(gone=range(2, 9)))
    assert len(several.faults) == 3
    assert several.faults[2].endswith("no more was asked for after that")


def test_a_recogniser_that_is_gone_is_told_at_once():
    gone = Known(gone=range(1, 9))
    with pytest.raises(RecogniserFailed):
        heard(gone)
    assert gone.asked == 1


def test_words_without_times_stay_with_their_turns():
    turns = [Turn(start=10.0, end=14.0, speaker="Ada"), Turn(start=14.0, end=20.0, speaker="Ben")]
    found = heard(Known(timed=False), turns=turns)
    assert [(word.text, word.start, word.end) for word in found.words[:2]] == [("2.0", 10.0, 11.0), ("2.1", 11.0, 12.0)]
    assert [word.end for word in found.words if word.text.startswith("2")][-1] == 14.0
    assert found.words[-1].end == 20.0
