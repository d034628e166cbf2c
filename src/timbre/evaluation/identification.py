"""Who is it, if anybody we know? Open-set identification, probe by probe and in whole recordings.

Probe by probe: a *gallery* of enrolled people, and probes of which some are of nobody in it. The best score names a
probe if it passes a threshold, set so that at most 1 % of the unknown probes get a name; the *detection and
identification rate* is the share of known probes that then get their own name, and *rank 1* the share whose own score
is the best, whatever the threshold (Phillips, Grother & Micheals, Handbook of Face Recognition, 2011, chapter 21).
Both fall as galleries grow, so they are measured on galleries of several sizes, drawn at random.

In whole recordings: the seconds of speech that got the right name, a wrong one or none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timbre.evaluation.corpus import Recording
from timbre.evaluation.diarization import Diarized
from timbre.turns import Turn

GALLERY_SIZES = (1, 10, 50, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSetResult:
    """How well probes are named with galleries of one size; counts are over all draws of a gallery."""

    gallery: int  # people in it
    draws: int
    known_probes: int
    unknown_probes: int
    rank_1: float | None  # None without known probes
    detection_and_identification: float | None  # None without known or without unknown probes

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, for JSON."""
        return asdict(self)


def open_set(
    scores: ArrayLike,
    identities: ArrayLike,
    *,
    sizes: Sequence[int] = GALLERY_SIZES,
    false_alarm: float = 0.01,
    draws: int = 50,
    seed: int = 0,
) -> tuple[OpenSetResult, ...]:
    """Identify every probe in random galleries of each size that the people suffice for.

    In each draw, a probe is known if its person was drawn; the probes of all others are the unknown ones, and the
    draw has a threshold of its own.

    Args:
        scores: shape [probes, people], higher speaks for the same person.
        identities: int, shape [probes]: the column of the person who speaks, or -1 if it is none of them.
        sizes: of the galleries.
        false_alarm: share of the unknown probes that may get a name.
        draws: galleries of one size; one is enough where everybody is in it.
        seed: of the draws.
    """
    scores, identities = np.asarray(scores, dtype=np.float64), np.asarray(identities, dtype=np.int64)
    people = scores.shape[1]
    generator = np.random.default_rng(seed)
    results = []
    for size in (size for size in sizes if size <= people):
        galleries = [generator.permutation(people)[:size] for _ in range(draws if size < people else 1)]
        results.append(_result(size, [_draw(scores, identities, gallery, false_alarm) for gallery in galleries]))
    return tuple(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingError:
    """Seconds of speech and the names they got; speech of two people at once counts twice."""

    named_rightly: float  # speech of enrolled people, under their own name
    named_wrongly: float  # speech of enrolled people, under the name of another
    unnamed: float  # speech of enrolled people, not found or under no enrolled name
    falsely_named: float  # speech of others, under the name of an enrolled person
    left_unnamed: float  # speech of others, rightly under no enrolled name
    named_silence: float  # names given where nobody is left to bear them

    @property
    def known(self) -> float:
        """Seconds of speech of enrolled people."""
        return self.named_rightly + self.named_wrongly + self.unnamed

    @property
    def unknown(self) -> float:
        """Seconds of speech of all others."""
        return self.falsely_named + self.left_unnamed

    @property
    def rightly_rate(self) -> float | None:
        """Share of the speech of enrolled people that is named rightly; None without such speech."""
        return self.named_rightly / self.known if self.known else None

    @property
    def wrongly_rate(self) -> float | None:
        """Share of anybody's speech that got somebody else's name; None without speech."""
        speech = self.known + self.unknown
        return (self.named_wrongly + self.falsely_named) / speech if speech else None

    def to_dict(self) -> dict[str, Any]:
        """Return the seconds and the rates, for JSON."""
        return {**asdict(self), "rightly_rate": self.rightly_rate, "wrongly_rate": self.wrongly_rate}


_PARTS = tuple(field.name for field in fields(NamingError))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingScore:
    """How well one recording was named."""

    recording: str
    enrolled: tuple[str, ...]
    error: NamingError

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and names, for JSON."""
        return {"recording": self.recording, "enrolled": list(self.enrolled), "error": self.error.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingReport:
    """How well a corpus was named."""

    recordings: tuple[NamingScore, ...]

    @property
    def error(self) -> NamingError:
        """The seconds of all recordings together."""
        parts = [asdict(score.error) for score in self.recordings]
        return NamingError(**{name: math.fsum(part[name] for part in parts) for name in _PARTS})

    def to_dict(self) -> dict[str, Any]:
        """Return the whole and every recording, for JSON."""
        return {"error": self.error.to_dict(), "recordings": [score.to_dict() for score in self.recordings]}


def evaluate_identification(
    corpus: Sequence[Recording],
    identify: Callable[[Recording], Diarized],
    enrolled: Mapping[str, Collection[str]],
) -> NamingReport:
    """Identify the speakers of every recording and score the names.

    Args:
        corpus: recordings whose references carry the speakers' names.
        identify: gives the turns of a recording under enrolled names, or under labels that are none.
        enrolled: who `identify` knows, by the recording's name; nobody where there is no entry.

    Raises:
        InputError: from `identify`.
    """
    scores = []
    for recording in corpus:
        names = tuple(sorted(enrolled.get(recording.name, ())))
        found = identify(recording)
        error = score_naming(recording.reference, found.turns, enrolled=names, duration=found.duration)
        scores.append(NamingScore(recording=recording.name, enrolled=names, error=error))
    return NamingReport(recordings=tuple(scores))


def score_naming(
    reference: Iterable[Turn], identified: Iterable[Turn], *, enrolled: Collection[str], duration: float
) -> NamingError:
    """Compare the names in two lists of turns, exactly, from 0 to `duration` seconds.

    At any moment some people speak and some enrolled names are given. Names of people who do speak are right. Each
    other name goes to one person who is left: first to an enrolled one (named wrongly), then to one who is not
    (falsely named); names that are still left over are given to silence.
    """
    names = frozenset(enrolled)
    seconds = dict.fromkeys(_PARTS, 0.0)
    for length, speaking, given in _moments(reference, identified, duration):
        known, named = speaking & names, given & names
        right, wrong = len(known & named), len(named - speaking)
        wrongly = min(wrong, len(known) - right)
        falsely = min(wrong - wrongly, len(speaking - names))
        seconds["named_rightly"] += length * right
        seconds["named_wrongly"] += length * wrongly
        seconds["unnamed"] += length * (len(known) - right - wrongly)
        seconds["falsely_named"] += length * falsely
        seconds["left_unnamed"] += length * (len(speaking - names) - falsely)
        seconds["named_silence"] += length * (wrong - wrongly - falsely)
    return NamingError(**seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    known: int
    unknown: int
    first: int  # known probes whose own score is the best
    named: int | None  # of those, how many pass the threshold; None without unknown probes to set it by


def _draw(
    scores: NDArray[np.float64], identities: NDArray[np.int64], gallery: NDArray[np.int64], false_alarm: float
) -> _Draw:
    best = gallery[np.argmax(scores[:, gallery], axis=1)]
    top = scores[np.arange(len(scores)), best]
    known = np.isin(identities, gallery)
    first = known & (best == identities)
    strangers = np.sort(top[~known])[::-1]
    threshold = -np.inf
    allowed = int(false_alarm * len(strangers) + 1e-9)  # .29 * 100 is 28.999999999999996
    if allowed < len(strangers):
        threshold = strangers[allowed]
    return _Draw(
        known=int(known.sum()),
        unknown=len(strangers),
        first=int(first.sum()),
        named=int((first & (top > threshold)).sum()) if len(strangers) else None,
    )


def _result(size: int, draws: Sequence[_Draw]) -> OpenSetResult:
    judged = [draw for draw in draws if draw.named is not None]
    known, judged_known = (sum(draw.known for draw in some) for some in (draws, judged))
    return OpenSetResult(
        gallery=size,
        draws=len(draws),
        known_probes=known,
        unknown_probes=sum(draw.unknown for draw in draws),
        rank_1=sum(draw.first for draw in draws) / known if known else None,
        detection_and_identification=(sum(draw.named or 0 for draw in judged) / judged_known if judged_known else None),
    )


def _moments(
    reference: Iterable[Turn], identified: Iterable[Turn], duration: float
) -> Iterator[tuple[float, set[str], set[str]]]:
    """Yield the stretches in which nothing changes: seconds, who speaks, which speakers are given."""
    changes = sorted(
        (min(time, duration), step, side, turn.speaker)
        for side, turns in enumerate((reference, identified))
        for turn in turns
        for time, step in ((turn.start, 1), (turn.end, -1))
    )
    active: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    reached = 0.0
    for time, step, side, speaker in changes:
        if time > reached:
            yield time - reached, set(+active[0]), set(+active[1])
            reached = time
        active[side][speaker] += step
