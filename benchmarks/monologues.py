"""Recordings in which one person talks, put together from single utterances of the labelled speech."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from timbre import Settings
from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording

SPEAKERS_A_SET = 20
LEAST_SECONDS = 15.0
MOST_SECONDS = 60.0


def monologues(data: Path) -> Iterator[tuple[str, tuple[np.ndarray, int]]]:
    """Yield a name and the sound of up to 20 speakers of each set: their utterances with pauses of half a second."""
    rng = np.random.default_rng(0)
    for (collection, speaker), paths in _chosen(data, rng):
        pieces = []
        for path in paths:
            with open_recording(data / path, settings=Settings()) as recording:
                pieces += [recording.read(0, recording.samples), np.zeros(SAMPLE_RATE // 2, np.float32)]
        samples = np.concatenate(pieces)[: int(MOST_SECONDS * SAMPLE_RATE)]
        noise = rng.normal(0, 1e-3, samples.size).astype(np.float32)
        yield f"{collection}/{speaker}", (samples + noise, SAMPLE_RATE)


def _chosen(data: Path, rng: np.random.Generator) -> Iterator[tuple[tuple[str, str], list[str]]]:
    utterances: dict[tuple[str, str], list[tuple[str, float]]] = {}
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            item = (row["path"], float(row["seconds"]))
            # Calls of one person from different handsets are different recordings; one call is one.
            utterances.setdefault((row["set"], row["speaker"] + row["session"]), []).append(item)
    for collection in sorted({key[0] for key in utterances}):
        long = [
            key
            for key, items in utterances.items()
            if key[0] == collection and sum(s for _, s in items) >= LEAST_SECONDS
        ]
        for index in sorted(rng.permutation(len(long))[:SPEAKERS_A_SET].tolist()):
            yield long[index], [path for path, _ in utterances[long[index]]]
