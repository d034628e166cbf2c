"""Who spoke when, scored: the strict diarization error rate with its parts, and the count of speakers.

*Strict* means that every moment of the recording counts: no collar around the reference's boundaries, overlapping
speech is scored for every speaker in it, and the whole recording is the evaluation map. The scorer is
pyannote.metrics (Bredin, Interspeech 2017), with its optimal mapping between the speakers of both sides.
A speaker cannot overlap themselves: turns of one speaker that overlap each other are joined first.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from timbre.evaluation.corpus import Recording
from timbre.extras import needing
from timbre.turns import Turn

# Names of parts of a corpus, and the most minutes or people of each.
_LENGTHS: Final[Mapping[str, float]] = {
    "to 2 min": 2,
    "to 10 min": 10,
    "to 30 min": 30,
    "over 30 min": math.inf,
}
_PEOPLE: Final[Mapping[str, float]] = {
    "nobody or 1": 1,
    "2 people": 2,
    "3 to 5": 5,
    "6 to 12": 12,
    "over 12": math.inf,
}


class Diarized(Protocol):
    """A recording with its turns, such as the engine returns."""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Who spoke when; speakers may overlap."""

    @property
    def duration(self) -> float:
        """Length of the recording in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizationError:
    """Seconds of speech that were got wrong; speech of two speakers at once counts twice."""

    missed: float  # spoken, but no speaker was found
    false_alarm: float  # a speaker was found, but nobody spoke, or fewer than were found
    confusion: float  # the wrong speaker was found
    total: float  # of speech in the reference

    @property
    def rate(self) -> float:
        """The error rate as a share of `total`; where nobody speaks, 0 if nothing was found and else 1."""
        wrong = self.missed + self.false_alarm + self.confusion
        return wrong / self.total if self.total else float(wrong > 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts in seconds and the rate, for JSON."""
        return {**asdict(self), "rate": self.rate}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizationScore:
    """How well one recording was diarized."""

    recording: str
    duration: float  # seconds
    error: DiarizationError
    reference_speakers: int
    hypothesis_speakers: int

    @property
    def count_exact(self) -> bool:
        """Whether as many speakers were found as there are."""
        return self.reference_speakers == self.hypothesis_speakers

    @property
    def count_within_one(self) -> bool:
        """Whether at most one speaker too many or too few was found."""
        return abs(self.reference_speakers - self.hypothesis_speakers) <= 1

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and names, for JSON."""
        return {
            "recording": self.recording,
            "duration": self.duration,
            "error": self.error.to_dict(),
            "reference_speakers": self.reference_speakers,
            "hypothesis_speakers": self.hypothesis_speakers,
            "count_exact": self.count_exact,
            "count_within_one": self.count_within_one,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizationReport:
    """How well a corpus was diarized; there is at least one recording."""

    recordings: tuple[DiarizationScore, ...]

    @property
    def error(self) -> DiarizationError:
        """The seconds of all recordings together, so that long recordings count for more."""
        errors = [score.error for score in self.recordings]
        return DiarizationError(
            missed=math.fsum(error.missed for error in errors),
            false_alarm=math.fsum(error.false_alarm for error in errors),
            confusion=math.fsum(error.confusion for error in errors),
            total=math.fsum(error.total for error in errors),
        )

    @property
    def mean_rate(self) -> float:
        """The mean of the recordings' error rates, so that each counts the same."""
        return math.fsum(score.error.rate for score in self.recordings) / len(self.recordings)

    @property
    def count_exact(self) -> float:
        """Share of recordings with exactly as many speakers found as there are."""
        return sum(score.count_exact for score in self.recordings) / len(self.recordings)

    @property
    def count_within_one(self) -> float:
        """Share of recordings with at most one speaker too many or too few."""
        return sum(score.count_within_one for score in self.recordings) / len(self.recordings)

    def by_length(self) -> dict[str, DiarizationReport]:
        """Return the recordings by how long they are, the shortest first; names are for people."""
        return self._by(_LENGTHS, lambda score: score.duration / 60)

    def by_people(self) -> dict[str, DiarizationReport]:
        """Return the recordings by how many people talk, the fewest first; names are for people."""
        return self._by(_PEOPLE, lambda score: score.reference_speakers)

    def _by(
        self, bounds: Mapping[str, float], size: Callable[[DiarizationScore], float]
    ) -> dict[str, DiarizationReport]:
        parts: dict[str, list[DiarizationScore]] = {name: [] for name in bounds}
        for score in self.recordings:
            parts[next(name for name, most in bounds.items() if size(score) <= most)].append(score)
        return {name: DiarizationReport(recordings=tuple(part)) for name, part in parts.items() if part}

    def to_dict(self) -> dict[str, Any]:
        """Return the whole and every recording, for JSON."""
        parts = {"by_length": self.by_length(), "by_people": self.by_people()}
        return {
            **{
                kind: {
                    name: {"recordings": len(part.recordings), "error": part.error.to_dict()}
                    for name, part in by.items()
                }
                for kind, by in parts.items()
            },
            "error": self.error.to_dict(),
            "mean_rate": self.mean_rate,
            "count_exact": self.count_exact,
            "count_within_one": self.count_within_one,
            "recordings": [score.to_dict() for score in self.recordings],
        }


def evaluate_diarization(corpus: Sequence[Recording], diarize: Callable[[Path], Diarized]) -> DiarizationReport:
    """Diarize every recording of a corpus, which is not empty, and score the turns.

    Raises:
        ExtraMissing: pyannote.metrics is not installed.
        AudioError: from `diarize`.
    """
    _scorer()  # before the work, not after it
    scores = []
    for recording in corpus:
        found = diarize(recording.audio)
        scores.append(
            score_diarization(recording.reference, found.turns, recording=recording.name, duration=found.duration)
        )
    return DiarizationReport(recordings=tuple(scores))


def score_diarization(
    reference: Iterable[Turn], hypothesis: Iterable[Turn], *, recording: str, duration: float
) -> DiarizationScore:
    """Score the turns found against the reference, from 0 to `duration` seconds; what lies beyond does not count.

    Raises:
        ExtraMissing: pyannote.metrics is not installed.
    """
    scorer = _scorer()
    truth, guess = (_annotation(turns, duration) for turns in (reference, hypothesis))
    from pyannote.core import Segment, Timeline  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = scorer(truth, guess, uem=Timeline([Segment(0.0, duration)]), detailed=True)
    return DiarizationScore(
        recording=recording,
        duration=duration,
        error=DiarizationError(
            missed=float(parts["missed detection"]),
            false_alarm=float(parts["false alarm"]),
            confusion=float(parts["confusion"]),
            total=float(parts["total"]),
        ),
        reference_speakers=len(truth.labels()),
        hypothesis_speakers=len(guess.labels()),
    )


def _scorer() -> Any:
    with needing("evaluation"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyannote.metrics.diarization import DiarizationErrorRate  # noqa: PLC0415

    return DiarizationErrorRate(collar=0.0, skip_overlap=False)


def _annotation(turns: Iterable[Turn], duration: float) -> Any:
    """Return the turns as pyannote.core has them, inside the recording; those of one speaker that overlap are one."""
    from pyannote.core import Annotation, Segment  # noqa: PLC0415

    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start, min(turn.end, duration)), number] = turn.speaker
    return annotation.support()
