"""Grouping unknown voices: how long it takes, and whether groups are people.

People are speakers whom no encoder of ours was trained on. Their recordings are put together to voices of about so
many seconds, and four of different people make a recording. Time is of drawn vectors: in the worst case every voice is
somebody else.
"""

import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.material import data_folder
from timbre import Engine
from timbre.audio.acoustics import Acoustics
from timbre.cli.measuring.embeddings import Embeddings
from timbre.diarization.diarization import Voice
from timbre.errors import InputError
from timbre.service.review.grouping import MOST_VOICES, Unknown, grouped
from training.unseen import unseen_people

SECONDS = 12.0  # of speech of a voice, about
MOST = 4  # voices of one person
PEOPLE = 24  # of a source; all of them with `full`
TOGETHER = 4  # voices of a recording
SIZES = (500, 2000, MOST_VOICES)


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    engine = Engine()
    figures: dict[str, Any] = {"seconds": {str(size): _time(engine, size) for size in SIZES}}
    table = Table("voices, all different", "seconds", title="Grouping")
    for size, seconds in figures["seconds"].items():
        table.add_row(size, f"{seconds}")
    console.print(table)
    data = data_folder()
    if data is None:
        console.print("Without TIMBRE_DATA there is nobody to group.")
        return figures
    figures["people"] = _people(engine, data, None if full else PEOPLE)
    table = Table(
        *(
            "source",
            "voices",
            "people",
            "groups",
            "pairs together, %",
            "wrong pairs, %",
            "mixed groups",
        ),
        title="Voices of people who are known to be the same",
    )
    for name, found in figures["people"].items():
        table.add_row(name, *(str(found[key]) for key in ("voices", "people", "groups", "together", "wrong", "mixed")))
    console.print(table)
    return figures


def _time(engine: Engine, size: int) -> float:
    drawn = np.random.default_rng(0).normal(size=(size, engine.same_voice.centre.size))
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    voices = [
        _unknown(number, vector, 20.0, Acoustics(telephone=0.0, snr=20.0)) for number, vector in enumerate(vectors)
    ]
    began = time.perf_counter()
    grouped(voices, engine.same_voice)
    return round(time.perf_counter() - began, 2)


def _people(engine: Engine, data: Path, most: int | None) -> dict[str, dict[str, Any]]:
    found = {}
    for source, people in unseen_people(data).items():
        said = {
            name: [path for paths in people[name].values() for path in paths][: 6 * MOST]
            for name in sorted(people)[:most]
        }
        embeddings = Embeddings(engine, [path for paths in said.values() for path in paths])
        voices = [(name, heard) for name, paths in said.items() for heard in _voices(embeddings, paths)]
        found[source] = _grouped(engine, voices)
    return found


def _voices(embeddings: Embeddings, paths: list[Path]) -> list[tuple[Any, float, Acoustics]]:
    """Recordings of a person, one after the other, pooled until there is so much speech."""
    voices, some = list[tuple[Any, float, Acoustics]](), list[Path]()
    for path in paths:
        with suppress(InputError):
            heard = embeddings.pooled([*some, path])
            some.append(path)
            if heard[1] >= SECONDS:
                voices.append(heard)
                some = []
    return voices[:MOST]


def _grouped(engine: Engine, voices: list[tuple[str, tuple[Any, float, Acoustics]]]) -> dict[str, Any]:
    order = list(range(len(voices)))
    random.Random(0).shuffle(order)  # noqa: S311 - a choice, not a secret
    unknown, whose, jobs = list[Unknown](), dict[tuple[UUID, str], str](), list[set[str]]()
    for number in order:
        name, (vector, seconds, acoustics) = voices[number]
        job = next((at for at, there in enumerate(jobs) if len(there) < TOGETHER and name not in there), len(jobs))
        if job == len(jobs):
            jobs.append(set())
        voice = _unknown(job * TOGETHER + len(jobs[job]), vector, seconds, acoustics)
        jobs[job].add(name)
        unknown.append(voice)
        whose[voice.job, voice.voice.speaker] = name
    groups = grouped(unknown, engine.same_voice)
    inside = [Counter(whose[each.job, each.voice.speaker] for each in group.voices) for group in groups]
    pairs = sum(_pairs(sum(names.values())) for names in inside)
    right = sum(_pairs(number) for names in inside for number in names.values())
    all_ = sum(_pairs(number) for number in Counter(whose.values()).values())
    return {
        "voices": len(unknown),
        "people": len(set(whose.values())),
        "groups": len(groups),
        "together": round(100 * right / max(all_, 1), 1),
        "wrong": round(100 * (pairs - right) / max(pairs, 1), 2),
        "mixed": sum(len(names) > 1 for names in inside),
    }


def _unknown(number: int, vector: Any, seconds: float, acoustics: Acoustics) -> Unknown:
    speaker = f"SPEAKER_{number % TOGETHER:02}"
    voice = Voice(speaker=speaker, embedding=vector, seconds=seconds, acoustics=acoustics)
    return Unknown(job=UUID(int=number // TOGETHER), voice=voice)


def _pairs(number: int) -> int:
    return number * (number - 1) // 2
