"""The likeliest speakers of words: by when they are said, and by the sentences that they make.

Turns and the times of words are both somewhat wrong, mostly at the edges. So a word is not asked alone: a change of
speaker is likely where a sentence ends or somebody pauses, unlikely within a sentence, and the speakers are those for
which words and changes together are likeliest (Viterbi, 1967).

Words that are said at the same time cannot be one person's. They are parted into strands, each of which could be one
person's, and whoever says one strand is unlikely to say the other. An answer for which there is no turn at all, such
as a "yes" in the midst of another's sentence, goes to whoever spoke before: it is mostly they who are being talked to.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from timbre.transcripts.spoken import Word

Times = tuple[float, float]

_EDGE: Final = 0.2  # seconds by which edges of words and turns may be wrong
_BLURRED: Final = 0.1  # how much of the evidence is that of a word's surroundings
_UNHEARD: Final = 0.02  # evidence for who has no turn here
_DOUBTED: Final = 0.5  # where two words are said at once, and turns that never overlap have one of them
_BEFORE: Final = 0.03  # more of it for whoever spoke before
_AFTER: Final = 0.02  # and for whoever speaks next
_SENTENCE: Final = 0.2  # cost of a change between sentences
_PAUSE: Final = 0.9  # at a pause
_WITHIN: Final = 3.0  # within a sentence
_UNMARKED: Final = 0.8  # between words of a text that has no marks
_BREATH: Final = 0.4  # seconds; a pause
_TOGETHER: Final = 4.0  # cost of saying two things at once
_ROUNDS: Final = 3
_SHARED: Final = 0.5  # of the shorter of two words, which both last at the same time
_SHARP: Final = 0.02  # seconds by which words of one person may overlap, as recognisers round
_BLURRED_TIMES: Final = 0.25  # of words that overlap the one before: then all times are that wrong
_LINKED: Final = 5  # words after a word, one of which may be the next of the same strand
_LONG: Final = (0.5, 0.12)  # seconds, and seconds a letter, that no word lasts longer than
_END: Final = re.compile("[.?!\u2026\u3002\uff1f\uff01][\"')\\]\u00bb\u201d\u2019]*\\s*$")


class Heard(Protocol):
    """Who talks at any time."""

    def shares(self, start: float, end: float) -> dict[str, float]:
        """For how many seconds each speaker talks between two times."""
        ...

    def around(self, at: float) -> tuple[Sequence[str], Sequence[str]]:
        """Who talked before a moment, the last first, and who talks after it, the next first."""
        ...


@dataclass(slots=True)
class _Said:
    """A word in its strand."""

    evidence: dict[str, float]  # log-likelihood of each speaker in question
    floor: float  # of everybody else
    cost: float  # of a change of speaker before it
    company: Sequence[int]  # words of other strands that are said at the same time
    speaker: str | None = None


def likeliest(words: Sequence[Word], times: Sequence[Times], speech: Heard) -> list[str | None]:
    """Give every word to a speaker; None where nobody comes into question.

    Args:
        words: In any order.
        times: When each is said, in seconds.
        speech: Who talks when.
    """
    order = sorted(range(len(words)), key=lambda index: (times[index][0], index))
    marked = sum(1 for word in words if ends_sentence(word.text)) * 50 > len(words)
    strands = _strands(order, times)
    company = _company(strands, times)
    said: dict[int, _Said] = {}
    for strand in strands:
        before: int | None = None
        for index in strand:
            cost = 0.0 if before is None else _cost(words[before], times[index][0] - times[before][1], marked=marked)
            said[index] = _said(words[index], times[index], speech, company.get(index, ()), cost)
            before = index
    ordered = sorted(strands, key=lambda strand: -sum(times[index][1] - times[index][0] for index in strand))
    for _ in range(_ROUNDS if len(strands) > 1 else 1):
        for strand in ordered:
            _solve([said[index] for index in strand], said)
    return [said[index].speaker for index in range(len(words))]


def ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence."""
    return _END.search(text) is not None


def _cost(before: Word, pause: float, *, marked: bool) -> float:
    """What a change of speaker after a word costs."""
    if ends_sentence(before.text):
        return _SENTENCE
    if pause >= _BREATH:
        return _PAUSE
    return _WITHIN if marked else _UNMARKED


def _said(word: Word, times: Times, speech: Heard, company: Sequence[int], cost: float) -> _Said:
    start, end = times
    heard = _evidence(word.text, start, end, speech)
    earlier, later = speech.around((start + end) / 2)
    unheard = _DOUBTED if company else _UNHEARD
    chances = {speaker: unheard + heard.get(speaker, 0.0) for speaker in (*heard, *earlier, *later)}
    talking = max(heard, key=lambda speaker: heard[speaker], default=None)
    for speakers, more in ((earlier, _BEFORE), (later, _AFTER)):
        other = next((speaker for speaker in speakers if speaker != talking), None)
        if other is not None:
            chances[other] += more
    evidence = {speaker: math.log(chance) for speaker, chance in chances.items()}
    return _Said(evidence, math.log(unheard), cost, company)


def _evidence(text: str, start: float, end: float, speech: Heard) -> dict[str, float]:
    """How much of a word each speaker talks, from 0 to 1, with its surroundings."""
    longest = _LONG[0] + _LONG[1] * len(text.strip())
    if end - start > longest:  # stretched over a silence: it is said where it begins, or else where most of it is
        begins = speech.shares(start, start + longest)
        if sum(begins.values()) >= longest / 4:
            end = start + longest
    own, wide = _shares(speech, start, end), _shares(speech, start - _EDGE, end + _EDGE)
    return {
        speaker: (1 - _BLURRED) * own.get(speaker, 0.0) + _BLURRED * wide.get(speaker, 0.0)
        for speaker in {**own, **wide}
    }


def _shares(speech: Heard, start: float, end: float) -> Mapping[str, float]:
    seconds = speech.shares(start, end)
    if end > start:
        return {speaker: shared / (end - start) for speaker, shared in seconds.items()}
    return dict.fromkeys(seconds, 1.0 / max(1, len(seconds)))


def _strands(order: Sequence[int], times: Sequence[Times]) -> list[list[int]]:
    """Part words so that within a strand none is said while another is; all are one where the times are not sharp."""
    pairs = list(pairwise(order))
    overlaps = sum(times[after][0] < times[before][1] - _SHARP for before, after in pairs)
    if overlaps > _BLURRED_TIMES * len(order) or not any(_at_once(times[a], times[b]) for a, b in pairs):
        return [list(order)]
    # Words that follow one another most closely are linked first; each has one before it at most, and one after it.
    links = sorted(
        (abs(times[after][0] - times[before][1]), before, after)
        for place, before in enumerate(order)
        for after in order[place + 1 : place + 1 + _LINKED]
        if not _at_once(times[before], times[after])
    )
    following: dict[int, int] = {}
    followed: set[int] = set()
    for _, before, after in links:
        if before not in following and after not in followed:
            following[before] = after
            followed.add(after)
    strands = []
    for index in order:
        if index not in followed:
            strands.append([index])
            while strands[-1][-1] in following:
                strands[-1].append(following[strands[-1][-1]])
    return strands


def _at_once(first: Times, second: Times) -> bool:
    shared = min(first[1], second[1]) - max(first[0], second[0])
    return shared > _SHARED * min(first[1] - first[0], second[1] - second[0]) > 0


def _company(strands: Sequence[Sequence[int]], times: Sequence[Times]) -> dict[int, list[int]]:
    """Which words of different strands are said at the same time."""
    found: dict[int, list[int]] = {}
    for number, strand in enumerate(strands):
        for other in strands[number + 1 :]:
            starts = [times[index][0] for index in other]
            for index in strand:
                first = max(0, bisect_left(starts, times[index][0]) - 1)
                for at in other[first : bisect_right(starts, times[index][1])]:
                    if _at_once(times[index], times[at]):
                        found.setdefault(index, []).append(at)
                        found.setdefault(at, []).append(index)
    return found


def _solve(strand: Sequence[_Said], said: Mapping[int, _Said]) -> None:
    """Find the likeliest speakers of a strand, with those of the others as they are now."""
    best: dict[str, float] = {}
    rest = 0.0  # the best score of anybody
    back: list[dict[str, str | None]] = []
    leader: str | None = None
    for word in strand:
        taken = {said[other].speaker for other in word.company} - {None}
        scores: dict[str, float] = {}
        came: dict[str, str | None] = {}
        for speaker in {**dict.fromkeys(word.evidence), **dict.fromkeys(best)}:
            stays = best.get(speaker, -math.inf)
            changes = rest - word.cost
            came[speaker] = speaker if stays >= changes else leader
            scores[speaker] = max(stays, changes) + word.evidence.get(speaker, word.floor)
            scores[speaker] -= _TOGETHER if speaker in taken else 0.0
        if scores:
            leader = max(scores, key=lambda speaker: scores[speaker])
            rest = scores[leader]
            # Who is so far behind that a change costs less can be forgotten.
            best = {speaker: score for speaker, score in scores.items() if score > rest - _WITHIN - _TOGETHER}
        back.append(came)
    for word, came in zip(reversed(strand), reversed(back), strict=True):
        word.speaker = leader
        leader = came.get(leader) if leader is not None else None
