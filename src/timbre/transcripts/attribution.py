"""Whose word it is: words are given to speakers by the time they share with turns.

- Words belong to those who are likeliest to say them all, as `likeliest` has it.
- A word more than `LONGEST_GAP` away from every turn is nobody's, unless it stands within a speaker's sentence.
- A word without times lies between the words around it that have some.
- What has no words, such as a cue of subtitles, belongs to who talks longest during it. Where two talk equally long,
  because their turns overlap, it is whose turn began first; in silence, whose is nearest.

A segment is divided where its words change from one speaker to another. Words of nobody divide nothing: they stay with
those before them. A segment without words belongs as a whole to who talks longest during it.

    >>> talk = Speech([Turn(start=0.0, end=1.0, speaker="Ada"), Turn(start=1.0, end=2.0, speaker="Ben")])
    >>> talk.at(0.2, 1.1)
    'Ada'
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from timbre.transcripts.alignment import aligned, joined, pieces
from timbre.transcripts.likeliest import ends_sentence, likeliest
from timbre.transcripts.spoken import Segment, Word
from timbre.turns import Turn, in_order

LONGEST_GAP: Final = 0.5  # seconds between a word and the turn it is given to
_AROUND: Final = 4  # stretches of talk that are looked at before and after a moment
_EQUAL: Final = 1e-3  # seconds; times are no more precise


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Consecutive words of a segment, all of one speaker or of nobody."""

    first: int  # index of its first word in the segment
    last: int  # index behind its last word
    start: float  # seconds
    end: float
    speaker: str | None
    speakers: tuple[str | None, ...]  # of each word: those of nobody lie among them


class Speech:
    """Who talks at any time, as turns have it; they may overlap."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        ordered = in_order(turn for turn in turns if turn.end > turn.start)
        self.speakers: Final = frozenset(turn.speaker for turn in ordered)
        # Stretches in which the same people talk, in order of time; whose turn began first stands first.
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._talking: list[tuple[str, ...]] = []
        self._sweep(ordered)

    def at(self, start: float, end: float, before: str | None = None) -> str | None:
        """Who says what is said between two times, in seconds; `before` is who said the last word."""
        seconds = self.shares(start, end)
        if not seconds:
            return self._nearest(start, end)
        most = max(seconds.values())
        tied = [speaker for speaker, shared in seconds.items() if shared > most - _EQUAL]
        return before if before in tied else tied[0]

    def shares(self, start: float, end: float) -> dict[str, float]:
        """For how many seconds each speaker talks between two times; for a moment, who talks then."""
        seconds: dict[str, float] = {}
        index = bisect_right(self._ends, start)
        while index < len(self._starts) and (self._starts[index] < end or self._starts[index] == start):
            shared = min(end, self._ends[index]) - max(start, self._starts[index])
            for speaker in self._talking[index]:
                seconds[speaker] = seconds.get(speaker, 0.0) + shared
            index += 1
        return seconds

    def around(self, at: float) -> tuple[Sequence[str], Sequence[str]]:
        """Who talked before a moment, the last first, and who talks after it, the next first; some of each."""
        index = bisect_right(self._starts, at)
        before = [self._talking[n][0] for n in range(index - 1, max(-1, index - 1 - _AROUND), -1)]
        after = [self._talking[n][0] for n in range(index, min(len(self._talking), index + _AROUND))]
        return tuple(dict.fromkeys(before)), tuple(dict.fromkeys(after))

    def _nearest(self, start: float, end: float) -> str | None:
        after = bisect_left(self._starts, end)
        candidates = [
            (gap, side, self._talking[index][0])
            for side, index, gap in (
                (0, after - 1, start - self._ends[after - 1] if after else LONGEST_GAP + 1),
                (1, after, self._starts[after] - end if after < len(self._starts) else LONGEST_GAP + 1),
            )
            if gap <= LONGEST_GAP
        ]
        return min(candidates)[2] if candidates else None

    def _sweep(self, turns: Sequence[Turn]) -> None:
        moments = sorted({moment for turn in turns for moment in (turn.start, turn.end)})
        talking: list[Turn] = []
        following = 0
        for start, end in pairwise(moments):
            talking = [turn for turn in talking if turn.end > start]
            while following < len(turns) and turns[following].start <= start:
                talking.append(turns[following])
                following += 1
            if talking:
                self._starts.append(start)
                self._ends.append(end)
                self._talking.append(tuple(dict.fromkeys(turn.speaker for turn in talking)))


def divide_all(segments: Sequence[Segment], speech: Speech) -> list[tuple[Part, ...]]:
    """Give the words of segments to speakers, all of them together, and divide each where they change."""
    times = [word_times(segment) for segment in segments]
    words = [word for segment in segments for word in segment.words]
    speakers = iter(attribute(words, [span for spans in times for span in spans], speech))
    return [divide(segment, speech, tuple(islice(speakers, len(segment.words)))) for segment in segments]


def divide(segment: Segment, speech: Speech, speakers: Sequence[str | None] | None = None) -> tuple[Part, ...]:
    """Give the words of a segment to speakers, and divide it where they change; in order, at least one part.

    Args:
        segment: What is said.
        speech: Who talks when.
        speakers: Whose its words are, where that is known.
    """
    if not segment.words:
        speaker = speech.at(segment.start, segment.end)
        return (Part(first=0, last=0, start=segment.start, end=segment.end, speaker=speaker, speakers=()),)
    times = word_times(segment)
    speakers = attribute(segment.words, times, speech) if speakers is None else speakers
    cuts = [0, *_changes(speakers), len(speakers)]
    parts = []
    for first, last in pairwise(cuts):
        own = speakers[first:last]
        start = segment.start if first == 0 else min(begin for begin, _ in times[first:last])
        end = segment.end if last == len(speakers) else max(until for _, until in times[first:last])
        parts.append(
            Part(
                first=first,
                last=last,
                start=start,
                end=max(start, end),
                speaker=next((speaker for speaker in own if speaker is not None), None),
                speakers=tuple(own),
            )
        )
    return tuple(parts)


def said_by(text: str | None, words: Sequence[Word], parts: Sequence[Part]) -> list[str]:
    """What each part of a segment says: cut from its text where the words can be found in that."""
    spoken = [word.text for word in words]
    cuts = aligned([text or ""], spoken)
    if text is not None and cuts:
        return list(pieces(text, [cuts[0][part.first] for part in parts]))
    return [joined(spoken[part.first : part.last]).strip() for part in parts]


def attribute(words: Sequence[Word], times: Sequence[tuple[float, float]], speech: Speech) -> list[str | None]:
    """Give words, with their times in seconds, to speakers."""
    given = likeliest(words, times, speech)
    speakers = [
        speaker if word.text.strip() and speech.at(start, end) is not None else None
        for word, (start, end), speaker in zip(words, times, given, strict=True)
    ]
    for index in range(1, len(speakers) - 1):
        amid = speakers[index - 1] is not None and speakers[index - 1] == speakers[index + 1]
        if amid and speakers[index] is None and not any(ends_sentence(words[at].text) for at in (index - 1, index)):
            speakers[index] = speakers[index - 1]
    return speakers


def word_times(segment: Segment) -> list[tuple[float, float]]:
    """When each word is said, in seconds: as it says itself, or else between the words around it."""
    words = segment.words
    times: list[tuple[float, float]] = []
    reached = segment.start
    index = 0
    while index < len(words):
        stop = index
        while stop < len(words) and words[stop].start is None and words[stop].end is None:
            stop += 1
        if stop > index:
            until = max(_begin(words[stop]) if stop < len(words) else segment.end, reached)
            marks = [round(reached + (until - reached) * n / (stop - index), 3) for n in range(stop - index + 1)]
            marks[0], marks[-1] = reached, until
            times += pairwise(marks)
            reached, index = until, stop
            continue
        word = words[index]
        start = reached if word.start is None else word.start
        end = start if word.end is None else max(word.end, start)
        if word.start is None:
            start = min(start, end)
        times.append((start, end))
        reached, index = max(reached, end), index + 1
    return times


def _begin(word: Word) -> float:
    begin = word.start if word.start is not None else word.end
    assert begin is not None  # noqa: S101 - it stops at words with times alone
    return begin


def _changes(speakers: Sequence[str | None]) -> list[int]:
    """Where words of another speaker begin."""
    changes = []
    current: str | None = None
    for index, speaker in enumerate(speakers):
        if speaker is not None:
            if current not in {None, speaker}:
                changes.append(index)
            current = speaker
    return changes
