"""What many enrolled people do to names, and what voiceprints do to diarization.

Every speaker whom no encoder of ours was trained on is looked for twice in galleries of real people: as a stranger
among others, and among others and themselves. How strangers score was fitted to the same speakers, so the figures say
that the rule holds, not how it would transfer. Larger galleries hold people who do not exist, drawn from what the
voices of the real ones are like (`timbre.evaluation.population`); the smaller of these are there to be compared with
real ones.
"""

import random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from timbre import Engine, Voiceprint
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.enrolment_list import Enrolments, read_enrolments, some_of
from timbre.errors import InputError
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import evaluate_diarization
from timbre.evaluation.population import fit_population
from timbre.identification.scoring import confidences
from timbre.models.same_voice import SameVoice, Side
from training.encoder.corpus import is_unseen
from training.unseen import everybody, sides

REAL = (1, 10, 50, 200, 400)
SIMULATED = (1, 200, 1_000, 10_000)
THRESHOLD = 50
DRAWS = 40  # galleries of a size
ENROLLED = 3  # recordings of a person at most
VOICES = 1_000  # simulated strangers, and simulated people who are enrolled and heard
MOST_LIKELY = 20  # people a voice is compared with in a large gallery, as the search for them returns
SEEDS = range(4)

Odds = NDArray[np.float64]
Heard = tuple[NDArray[np.float32], float, Any]  # a vector, its seconds of speech, and how they were recorded


def gallery(console: Console, data: Path, engine: Engine) -> dict[str, Any]:
    """Count strangers who get a name, and known people who get their own, at threshold 50."""
    sources = {name: source for source, people in everybody(data).items() for name in people}
    parted = {name: sides(calls, ENROLLED) for people in everybody(data).values() for name, calls in people.items()}
    voices = Embeddings(engine, [path for pair in parted.values() for paths in pair for path in paths])
    heard: dict[str, tuple[Heard, Heard]] = {}
    for name, (enrol, test) in sorted(parted.items()):
        with suppress(InputError):
            heard[name] = voices.pooled(enrol), voices.pooled(test)
    names, unseen = list(heard), is_unseen(data)
    again = np.array([not set(parted[name][0]) & set(parted[name][1]) for name in names])
    strangers = np.array([unseen(name) for name in names])
    odds = log_odds(engine.same_voice, [test for _, test in heard.values()], [enrol for enrol, _ in heard.values()])
    own = np.diag(odds)
    others = odds[~np.eye(len(odds), dtype=bool)].reshape(len(odds), -1)
    known = strangers & again
    figures = {
        "sizes": {
            str(size): shares(engine.same_voice, others[strangers], others[known], own[known], size) for size in REAL
        },
        "simulated": simulated(engine.same_voice, heard, np.array([sources[name] for name in names]), again),
    }
    table = Table("people", "strangers named", "known people named rightly", title="Names at threshold 50, by gallery")
    for kind, sizes in figures.items():
        for size, found in sizes.items():
            people = size if kind == "sizes" else f"{size}, simulated"
            table.add_row(people, *(f"{100 * share:.1f} %" for share in found.values()))
    console.print(table)
    return {"enrolled": len(names), "strangers": int(strangers.sum()), "known": int(known.sum()), **figures}


def simulated(
    same_voice: SameVoice, heard: Mapping[str, tuple[Heard, Heard]], sources: NDArray[np.str_], again: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Do the same among people who are drawn from a population like the real ones."""
    pairs = list(heard.values())
    tests = np.stack([test[0] for _, test in pairs])
    tests[~again] = np.nan
    population = fit_population(
        np.stack([enrol[0] for enrol, _ in pairs]), tests, np.unique(sources, return_inverse=True)[1]
    )
    people = population.draw(max(SIMULATED) + VOICES, seed=0)
    enrolled = [(vector, *pairs[like][0][1:]) for vector, like in zip(people.enrolled, people.like, strict=True)]
    speaking = [(vector, *pairs[like][1][1:]) for vector, like in zip(people.heard, people.like, strict=True)]
    crowd = enrolled[VOICES:]
    strangers = log_odds(same_voice, speaking[: VOICES // 2], crowd)
    known = log_odds(same_voice, speaking[VOICES // 2 : VOICES], crowd)
    own = np.diag(log_odds(same_voice, speaking[VOICES // 2 : VOICES], enrolled[VOICES // 2 : VOICES]))
    return {str(size): shares(same_voice, strangers, known, own, size) for size in SIMULATED}


def shares(same_voice: SameVoice, unknown: Odds, known: Odds, own: Odds, size: int) -> dict[str, float]:
    """Return which share of strangers and of known people is named, in random galleries.

    Args:
        same_voice: The calibration.
        unknown: Log-odds `[strangers, people]`.
        known: Log-odds of enrolled people with others `[known, people]`.
        own: And with themselves `[known]`.
        size: People in a gallery.
    """
    chance = np.random.default_rng(size)
    named, right = [], []
    for _ in range(DRAWS * 10 if size == 1 else min(DRAWS, -(-10 * unknown.shape[1] // size))):
        chosen = chance.permutation(unknown.shape[1])[:size]
        named.append(np.mean(best(same_voice, unknown[:, chosen], size) >= THRESHOLD))
        among = np.column_stack([own, known[:, chosen[1:]]])
        first = own >= among.max(axis=1)
        right.append(np.mean(first & (best(same_voice, among, size) >= THRESHOLD)))
    return {"strangers_named": float(np.mean(named)), "known_named_rightly": float(np.mean(right))}


def best(same_voice: SameVoice, odds: Odds, people: int) -> NDArray[np.int64]:
    """Return the confidence of the likeliest person of each voice."""
    near = np.partition(odds, -min(MOST_LIKELY, people), axis=1)[:, -min(MOST_LIKELY, people) :]
    return np.asarray(confidences(near, same_voice, people).max(axis=1), np.int64)


def log_odds(same_voice: SameVoice, tests: list[Heard], enrolled: list[Heard]) -> Odds:
    """Return the log-odds of everybody who is heard with everybody who is enrolled `[tests, enrolled]`."""
    cosines = np.stack([vector for vector, *_ in tests]) @ np.stack([vector for vector, *_ in enrolled]).T
    heard, known = (
        Side.of(*zip(*((seconds, how) for _, seconds, how in some), strict=True)) for some in (tests, enrolled)
    )
    return same_voice.log_odds(cosines, known, heard.column())


def merging(console: Console, data: Path, engine: Engine) -> dict[str, Any]:
    """Score diarization of the simulated conversations with speakers merged by voiceprints, whoever is enrolled."""
    everybody = read_enrolments(data / "conversations" / "enrol.csv", data)
    corpus = tuple(recording for recording in read_corpus(data / "conversations") if recording.name in everybody)
    voices = Embeddings(engine, [path for of in everybody.values() for paths in of.values() for path in paths])
    enrolled = {
        "everybody": [everybody],
        "a random half": [some_of(everybody, 0.5, seed) for seed in SEEDS],
        "strangers only": [_strangers(everybody, seed) for seed in SEEDS],
    }
    table = Table("enrolled", "DER", "confusion", title="Simulated conversations, speakers merged by voiceprint, %")
    figures: dict[str, Any] = {}
    for who, lists in {"nobody": [{name: {} for name in everybody}], **enrolled}.items():
        rates = [_merged(engine, corpus, voices, people) for people in lists]
        table.add_row(who, *(" ".join(f"{100 * value:.1f}" for value in column) for column in zip(*rates, strict=True)))
        figures[who] = [{"der": der, "confusion": confusion} for der, confusion in rates]
    console.print(table)
    return figures


def _merged(
    engine: Engine, corpus: tuple[Recording, ...], voices: Embeddings, people: Enrolments
) -> tuple[float, float]:
    names = {recording.audio: recording.name for recording in corpus}

    def identify(path: Path) -> Any:
        known: Mapping[str, Voiceprint] = {
            name: voices.voiceprint(paths) for name, paths in people[names[path]].items()
        }
        return engine.identify(path, known).diarization

    error = evaluate_diarization(corpus, identify).error
    return error.rate, error.confusion / error.total


def _strangers(everybody: Enrolments, seed: int) -> Enrolments:
    """Enrol for each conversation as many people who are in others only."""
    chance = random.Random(seed)  # noqa: S311 - a choice, not a secret
    recordings = {name: paths for people in everybody.values() for name, paths in people.items()}
    return {
        conversation: {
            name: recordings[name] for name in chance.sample(sorted(recordings.keys() - people.keys()), len(people))
        }
        for conversation, people in everybody.items()
    }
