"""Search the numbers of `MergeRule` on simulated and real talk.

    python -m training.simulation tuning build/talk/tuning
    python -m training.merging base build/talk/tuning --minutes 20
    python -m training.merging base-segmented build/talk/tuning --minutes 20

Every recording is heard, then settings are tried, each a few steps from the best so far. A setting costs the share of
windows of one voice that it gives to the wrong speaker, and six thousandths for every speaker too many or too few,
averaged within a kind of talk and then over the kinds. TIMBRE_DATA points to the labelled speech, whose conversations
are kinds of their own and weigh more.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from timbre import Engine
from timbre.audio.decoding import open_recording
from timbre.audio.recording import SAMPLE_RATE
from timbre.diarization.clustering import cluster
from timbre.diarization.merging import MergeRule, SpeakerBounds
from timbre.diarization.progress import silent
from timbre.diarization.recipe import WITH_SEGMENTER, WITHOUT_SEGMENTER, Recipe, Sensitivity
from timbre.diarization.segmentation import LocalTalk
from timbre.diarization.windows import STEP_SECONDS, local_talk, pure_windows
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.models.same_voice import SameVoice
from timbre.models.variation import Variation

RANGES = {
    "sure": (2.5, 5.5),
    "prior": (0.0, 6.0),
    "growth": (0.5, 3.0),
    "longest": (6.0, 40.0),
    "minutes": (5.0, 150.0),
    "strangers": (0.3, 2.0),
    "windows": (0.8, 5.0),
    "pieces": (2.0, 16.0),
    "least": (-10.0, 30.0),
    "moods": (2.0, 16.0),
    "second": (-10.0, 30.0),
    "crowd": (0.0, 12.0),
    "order": (0.0, 1.0),
    "apart": (0.0, 6.0),
    "together": (0.0, 2.0),
    "doubt": (0.05, 0.6),
    "heeded": (0.0, 0.4),
    "blend": (1.5, 5.0),
}
WEIGHTS = {"sim": 3.5, "ami": 1.3, "learners": 1.5, "calm": 1.2, "lively": 1.2, "alone": 0.8, "librimix": 0.4}
COUNT = 0.006  # for a speaker too many or too few
MOST_COUNTED = 8
_PURE = 0.7  # of a window's speech that is one person's, from which it is known whose it is


@dataclass(frozen=True, slots=True)
class Talk:
    """A recording, ready to be clustered."""

    kind: str
    people: int
    pure: NDArray[np.float32]  # [n, dimension] vectors of pure windows
    local: Sequence[LocalTalk]
    every: NDArray[np.float32]  # [k, dimension] vectors of all windows
    whose: NDArray[np.int64]  # [k] who speaks in each of them, -1 where that is several


def main() -> None:
    """Print every setting that is better than those before."""
    parser = argparse.ArgumentParser(prog="python -m training.merging", description=__doc__.split("\n")[0])
    parser.add_argument("pack")
    parser.add_argument("folder", type=Path, help="of simulated talk")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    engine = Engine(arguments.pack)
    recipe = WITHOUT_SEGMENTER if engine._pack.segmenter is None else WITH_SEGMENTER
    real = Path(os.environ["TIMBRE_DATA"]) / "conversations"
    talks = [
        talk for one in (*read_corpus(arguments.folder), *read_corpus(real)) for talk in _talks(engine, recipe, one)
    ]
    search(
        talks, recipe.merging, engine.same_voice, engine.variation, seconds=60 * arguments.minutes, seed=arguments.seed
    )


def search(
    talks: Sequence[Talk], rule: MergeRule, same_voice: SameVoice, variation: Variation, *, seconds: float, seed: int
) -> MergeRule:
    """Try settings near the best for so long; print and return what is best."""
    rng = np.random.default_rng(seed)
    end = time.monotonic() + seconds
    best, found = value(by_kind(talks, rule, same_voice, variation)), rule
    number = 0
    while time.monotonic() < end:
        number += 1
        tried = _near(found, rng, wide=number % 4 == 0)
        errors = by_kind(talks, tried, same_voice, variation)
        if value(errors) < best:
            best, found = value(errors), tried
            numbers = {name: round(getattr(tried, name), 3) for name in RANGES}
            kinds = {kind: f"{100 * error:.1f} % {count:.1f}" for kind, (error, count) in errors.items()}
            print(number, f"{best:.4f}", json.dumps(numbers), json.dumps(kinds), flush=True)
    return found


def by_kind(
    talks: Sequence[Talk], rule: MergeRule, same_voice: SameVoice, variation: Variation
) -> dict[str, tuple[float, float]]:
    """Return the mean share of windows given to the wrong speaker, and by how many speakers the count is wrong."""
    found: dict[str, list[tuple[float, float]]] = {}
    for talk in talks:
        clusters = cluster(
            talk.pure, rule, same_voice, variation, seconds=STEP_SECONDS, bounds=SpeakerBounds(), local=talk.local
        )
        given = (talk.every @ clusters.centroids.T).argmax(axis=1)
        known = talk.whose >= 0
        together = np.zeros((talk.people, len(clusters.sizes)))
        np.add.at(together, (talk.whose[known], given[known]), 1)
        right = together[linear_sum_assignment(-together)].sum()
        wrong = 1 - float(right) / max(1, int(known.sum()))
        found.setdefault(talk.kind, []).append((wrong, abs(len(clusters.sizes) - talk.people)))
    return {
        kind: (float(np.mean([w for w, _ in of])), float(np.mean([c for _, c in of]))) for kind, of in found.items()
    }


def value(errors: Mapping[str, tuple[float, float]]) -> float:
    """Return one number for all kinds; less is better."""
    weights = [WEIGHTS.get(kind, 1.0) for kind in errors]
    costs = [error + COUNT * min(count, MOST_COUNTED) for error, count in errors.values()]
    return float(np.average(costs, weights=weights))


def _near(rule: MergeRule, rng: np.random.Generator, *, wide: bool) -> MergeRule:
    changes = {}
    for name in rng.choice(list(RANGES), rng.integers(1, 4), replace=False):
        low, high = RANGES[name]
        step = rng.normal(0, 0.25 if wide else 0.1) * (high - low)
        changes[str(name)] = float(np.clip(getattr(rule, name) + step, low, high))
    return replace(rule, **changes)


def _talks(engine: Engine, recipe: Recipe, recording: Recording) -> Iterator[Talk]:
    """Hear a recording; one in which hardly anybody is heard is none to cluster."""
    with open_recording(recording.audio, settings=engine.settings) as opened:
        heard = engine._diarizer.hear(opened, Sensitivity(), silent)
    pure = pure_windows(
        heard.windows,
        least_speech=recipe.least_speech,
        dropped=recipe.dropped,
        local=heard.local,
        least_dominance=recipe.least_dominance,
    )
    if len(pure) > 1:
        names = sorted({turn.speaker for turn in recording.reference})
        yield Talk(
            kind=_kind(recording.name),
            people=len(names),
            pure=heard.windows.embeddings[pure],
            local=() if heard.local is None else local_talk(heard.windows, heard.local, pure),
            every=heard.windows.embeddings,
            whose=_whose(recording, names, heard.windows.starts, heard.windows.length),
        )


def _kind(name: str) -> str:
    """Return `lively` of `06-lively-3`, and `ami` of `ami_dev00`."""
    return name.split("-")[1] if "-" in name else name.split("_", maxsplit=1)[0]


def _whose(recording: Recording, names: Sequence[str], starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    spoken = np.zeros((len(names), len(starts)))
    for turn in recording.reference:
        begin, end = turn.start * SAMPLE_RATE, turn.end * SAMPLE_RATE
        spoken[names.index(turn.speaker)] += np.clip(
            np.minimum(starts + length, end) - np.maximum(starts, begin), 0, None
        )
    alone = spoken.max(axis=0) >= _PURE * np.maximum(spoken.sum(axis=0), 1)
    return np.where(alone & (spoken.max(axis=0) > 0), spoken.argmax(axis=0), -1)


if __name__ == "__main__":
    main()
