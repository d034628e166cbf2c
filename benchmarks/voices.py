"""Voices of people who do not exist, as many as are wanted, spread as those of real people are.

A voice is a person's mean and what differs from recording to recording, both normal, with a variance for each of the
directions in which people differ, the widest first. The variances were measured on the encoder that ships with Timbre,
with recordings of some sixteen seconds of speech, about as many as an enrolment asks for: `python -m benchmarks.voices`
measures them again, on the labelled speech that TIMBRE_DATA points to, and prints them. A few dozen directions hold
most of what tells people apart, so that a person among a million has many who are near.
"""

import csv
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import data_folder
from timbre import Engine
from timbre.cli.measuring.embeddings import Embeddings
from timbre.errors import InputError
from timbre.models.same_voice import unit

DIMENSION = 256
# Variance by the number of the direction; between these it is interpolated, on logarithmic scales. Where people are
# no wider apart than the error of this measurement, their variance is assumed to go on falling.
BETWEEN = {1: 0.115, 2: 0.07, 3: 0.045, 5: 0.03, 9: 0.02, 17: 0.012, 33: 0.0047, 65: 0.0013, 129: 0.00012, 256: 1e-6}
WITHIN = {1: 0.0022, 5: 0.0026, 9: 0.0022, 17: 0.0019, 33: 0.0011, 65: 0.00046, 97: 0.00028, 256: 0.00026}
POOLED = 6  # utterances, of which those that it was measured on make one recording


class Voices:
    """Draws people and recordings of them; equal seeds draw equal ones."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._between, self._within = (_deviations(knots) for knots in (BETWEEN, WITHIN))

    def people(self, count: int) -> NDArray[np.float32]:
        """Return the means of people `[count, dimension]`."""
        return self._generator.standard_normal((count, DIMENSION), np.float32) * self._between

    def recordings(self, people: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how each of them sounds in a recording: unit rows."""
        drawn = people + self._generator.standard_normal(people.shape, np.float32) * self._within
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)

    def choice(self, among: int, count: int) -> NDArray[np.int64]:
        """Return the numbers of some people."""
        return self._generator.choice(among, count, replace=False)


def _deviations(knots: dict[int, float]) -> NDArray[np.float32]:
    variances = np.interp(np.log(np.arange(1, DIMENSION + 1)), np.log(list(knots)), np.log(list(knots.values())))
    return np.exp(variances / 2).astype(np.float32)


def main() -> None:
    data = data_folder()
    if data is None:
        sys.exit("Let TIMBRE_DATA point to a folder with speakers/manifest.csv.")
    between, within = measured(data)
    for number in sorted({*BETWEEN, *WITHIN}):
        sys.stdout.write(f"{number:4d}  between {between[number - 1]:9.6f}  within {within[number - 1]:9.6f}\n")


def measured(data: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variances `[dimension]` of people's means and of recordings, in the directions in which people differ.

    That of recordings is smoothed over the neighbouring eighth of the directions. Below what people differ by from the
    error of their means, the first is not positive, and means no more than "little".
    """
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [(data / row["path"], row["speaker"]) for row in csv.DictReader(file)]
    voices = Embeddings(Engine("base"), [path for path, _ in rows])
    usable: dict[str, list[NDArray[np.float32]]] = {}
    for path, speaker in rows:
        with suppress(InputError):
            usable.setdefault(speaker, []).append(voices.pooled([path])[0])
    heard, who = [], []
    for speaker, vectors in usable.items():
        for start in range(0, len(vectors) - POOLED + 1, POOLED):
            heard.append(unit(np.sum(vectors[start : start + POOLED], axis=0)))
            who.append(speaker)
    recordings = np.stack(heard).astype(np.float64)
    _, person, counts = np.unique(who, return_inverse=True, return_counts=True)
    means = np.zeros((counts.size, recordings.shape[1]))
    np.add.at(means, person, recordings)
    means /= counts[:, None]
    rest = (recordings - means[person])[counts[person] > 1]
    within = rest.T @ rest / (len(rest) - np.count_nonzero(counts > 1))
    between = np.cov(means.T) - np.mean(1 / counts) * within
    variances, directions = np.linalg.eigh(between)
    recorded = np.einsum("ik,ij,jk->k", directions, within, directions)[::-1]
    smooth = [recorded[max(0, at - at // 8) : at + at // 8 + 1].mean() for at in range(recorded.size)]
    return variances[::-1], np.array(smooth)


if __name__ == "__main__":
    main()
