"""What many enrolled people do to names, and what voiceprints do to diarization.

Of the speakers whom no encoder of ours was trained on, a random half are the strangers; the other half are enrolled,
and looked for. The other speakers fill the gallery, and copies of everybody in it, at four other speeds, which change
pitch and tempo. How strangers score was fitted to the same unseen speakers, so the figures say that the rule holds,
not how it would transfer.
"""

import csv
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.signal import resample_poly

from timbre import Engine, Voiceprint
from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording
from timbre.cli.embeddings import Embeddings
from timbre.cli.enrolment_list import Enrolments, read_enrolments, some_of
from timbre.diarization.result import Voice
from timbre.errors import NoSpeech
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import evaluate_diarization
from timbre.identification.enrolment import Prototype
from timbre.identification.scoring import confidences, log_odds
from training.encoder.corpus import is_unseen

SIZES = (1, 10, 50, 200, 1000)
THRESHOLD = 50
DRAWS = 40
ENROLLED = 3  # recordings of a person at most
SPEEDS = ((4, 5), (8, 9), (9, 8), (5, 4))
SEEDS = range(4)


def gallery(console: Console, data: Path, engine: Engine) -> dict[str, Any]:
    """Count strangers who get a name, and known people who get their own, at threshold 50."""
    people = _people(data)
    names = sorted(filter(is_unseen(data), people))
    np.random.default_rng(0).shuffle(names)
    strangers, known = names[: len(names) // 2], names[len(names) // 2 :]
    probed = len(known)
    known += sorted(people.keys() - set(names))
    voices = Embeddings(engine, [path for enrol, tests in people.values() for path in (*enrol, *tests)])
    enrolled = [voices.voiceprint(people[name][0]) for name in known]
    own = [index for index, name in enumerate(known[:probed]) if people[name][1]]
    enrolled += [
        _voiceprint(engine, prototype) for name in known for prototype in _other_speeds(engine, people[name][0][0])
    ]
    tested = {name: people[name][1] or people[name][0] for name in names}
    unknown = [_voice(voices, tested[name]) for name in strangers]
    probes = [_voice(voices, tested[known[index]]) for index in own]
    odds = [log_odds(heard, enrolled, engine.same_voice) for heard in (unknown, probes)]
    table = Table("people", "strangers named", "known people named rightly", title="Names at threshold 50, by gallery")
    figures = {}
    for size in (size for size in SIZES if size <= len(enrolled)):
        shares = _shares(engine, *odds, np.array(own), size)
        table.add_row(str(size), *(f"{100 * share:.1f} %" for share in shares))
        figures[str(size)] = {"strangers_named": shares[0], "known_named_rightly": shares[1]}
    console.print(table)
    return {"enrolled": len(enrolled), "real": len(known), "strangers": len(strangers), "sizes": figures}


def _shares(engine: Engine, unknown: np.ndarray, probes: np.ndarray, own: np.ndarray, size: int) -> tuple[float, float]:
    """Return which share of strangers and of known people is named, in random galleries."""
    generator = np.random.default_rng(size)
    people = unknown.shape[1]
    named, right = [], []
    for _ in range(DRAWS if size > 1 else 10 * DRAWS):
        chosen = generator.permutation(people)[:size]
        named.append((confidences(unknown[:, chosen], engine.same_voice) >= THRESHOLD).any(axis=1).mean())
        for row in generator.permutation(len(own))[:10]:
            others = chosen[chosen != own[row]][: size - 1]
            scores = confidences(probes[row][None, [own[row], *others]], engine.same_voice)[0]
            right.append(probes[row][own[row]] >= probes[row][others].max(initial=-np.inf) and scores[0] >= THRESHOLD)
    return float(np.mean(named)), float(np.mean(right))


def _people(data: Path) -> dict[str, tuple[list[Path], list[Path]]]:
    """Return recordings of every speaker to enrol and to test, of two calls where there are several."""
    sessions: dict[str, dict[str, list[Path]]] = {}
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sessions.setdefault(row["speaker"], {}).setdefault(row["session"], []).append(data / row["path"])
    people = {}
    for speaker, calls in sessions.items():
        first, *_, last = [*calls.values(), next(reversed(calls.values()))]
        enrol, test = (first, last) if len(calls) > 1 else (first[::2], first[1::2])
        people[speaker] = (enrol[:ENROLLED], test[:ENROLLED])
    return people


def _other_speeds(engine: Engine, path: Path) -> Iterator[Prototype]:
    with open_recording(path, settings=engine.settings) as recording:
        samples = recording.read(0, recording.samples)
    for up, down in SPEEDS:
        try:
            yield engine.embed((resample_poly(samples, up, down).astype(np.float32), SAMPLE_RATE))
        except NoSpeech:
            continue


def _voiceprint(engine: Engine, prototype: Prototype) -> Voiceprint:
    return Voiceprint(
        prototypes=prototype.vector[None],
        seconds=(prototype.seconds,),
        acoustics=(prototype.acoustics,),
        space=engine.space,
    )


def _voice(voices: Embeddings, paths: list[Path]) -> Voice:
    vector, seconds, acoustics = voices.pooled(paths)
    return Voice(speaker="", embedding=vector, seconds=seconds, acoustics=acoustics)


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
