"""People who do not exist: voices drawn from a model of real ones, for galleries larger than any collection of speech.

A voice is of a type (somewhere among women, men and children, with an accent, over a telephone), differs from the mean
of its type as people do, and each of its recordings differs from it as recordings of one person do:

    vector = unit(type + person + recording)

with normal distributions of persons and recordings. The types keep what one normal distribution would lose: that few
people sound very much alike, and more of them than chance alone would make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.errors import TrialsError
from timbre.models.same_voice import unit

_PEOPLE_PER_TYPE: Final = 5
_FEWEST: Final = 16
_ROUNDS: Final = 20  # of the search for types


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """People who were drawn, each with one recording to be enrolled and one to be heard."""

    enrolled: NDArray[np.float32]  # [people, dimension] unit rows
    heard: NDArray[np.float32]  # [people, dimension] unit rows
    like: NDArray[np.int64]  # [people] the real person of the same type whose circumstances each has


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """How the voices of one source of speech are spread."""

    types: NDArray[np.float64]  # [types, dimension] mean vectors
    members: tuple[NDArray[np.int64], ...]  # the real people of each type
    between: NDArray[np.float64]  # [dimension, dimension] a root of the covariance of people around their type
    within: NDArray[np.float64]  # [dimension, dimension] likewise of recordings around their person

    def draw(self, people: int, chance: np.random.Generator) -> Drawn:
        """Draw so many people, types as frequent as they are among the real ones."""
        counts = np.array([len(members) for members in self.members])
        kinds = chance.choice(len(counts), people, p=counts / counts.sum())
        like = [self.members[kind][chance.integers(counts[kind])] for kind in kinds.tolist()]

        def around(centres: NDArray[np.float64], root: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(centres + chance.standard_normal(centres.shape) @ root.T, np.float64)

        persons = around(self.types[kinds], self.between)
        enrolled, heard = (unit(around(persons, self.within).astype(np.float32)) for _ in range(2))
        return Drawn(enrolled=enrolled, heard=heard, like=np.array(like, np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """People of several sources, as many of each as there are among the real ones."""

    sources: tuple[Voices, ...]

    def draw(self, people: int, *, seed: int) -> Drawn:
        """Draw so many people, in random order."""
        chance = np.random.default_rng(seed)
        counts = np.array([sum(map(len, voices.members)) for voices in self.sources])
        shares = np.bincount(chance.choice(len(counts), people, p=counts / counts.sum()), minlength=len(counts))
        parts = [voices.draw(share, chance) for voices, share in zip(self.sources, shares.tolist(), strict=True)]
        order = chance.permutation(people)
        return Drawn(
            enrolled=np.concatenate([part.enrolled for part in parts])[order],
            heard=np.concatenate([part.heard for part in parts])[order],
            like=np.concatenate([part.like for part in parts])[order],
        )


def fit_population(
    enrolled: NDArray[np.float32], heard: NDArray[np.float32], sources: NDArray[np.int64], *, seed: int = 0
) -> Population:
    """Fit a population to real people.

    Args:
        enrolled: Unit rows `[people, dimension]`.
        heard: Of other recordings of the same people; NaN where somebody has none. A source in which few have some
            gets the covariance of recordings of all sources.
        sources: `[people]` where each comes from, counted from 0.
        seed: Of the search for types.

    Raises:
        TrialsError: a source has fewer than 16 people, or there are fewer than 16 with other recordings.
    """
    both: NDArray[np.bool_] = np.asarray(np.isfinite(heard).all(axis=1))
    fewest = min(int(both.sum()), *np.bincount(sources).tolist())
    if fewest < _FEWEST:
        raise TrialsError(f"A population is fitted to {_FEWEST} people or more of every source; there are {fewest}.")
    vectors = enrolled.astype(np.float64)
    fitted = []
    for source in range(int(sources.max()) + 1):
        own = np.flatnonzero(sources == source)
        again = both & (sources == source) if both[own].sum() >= _FEWEST else both
        fitted.append(_voices(vectors[own], (vectors - heard)[again], own, seed))
    return Population(sources=tuple(fitted))


def _voices(vectors: NDArray[np.float64], change: NDArray[np.float64], who: NDArray[np.int64], seed: int) -> Voices:
    """Fit one source to its people `[n, dimension]`, who are `who`, and to differences between recordings."""
    from scipy.cluster.vq import kmeans2  # noqa: PLC0415 - slow to import

    count = len(vectors) // _PEOPLE_PER_TYPE
    _, kinds = kmeans2(vectors, count, iter=_ROUNDS, minit="++", rng=np.random.default_rng(seed))
    members = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    types = np.stack([vectors[some].mean(axis=0) for some in members])
    apart = np.concatenate([vectors[some] - mean for some, mean in zip(members, types, strict=True)])
    recordings = change.T @ change / (2 * len(change))
    people = apart.T @ apart / (len(apart) - len(types)) - recordings
    return Voices(
        types=types, members=tuple(who[some] for some in members), between=_root(people), within=_root(recordings)
    )


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a matrix whose product with its transpose is the covariance, its negative parts left out."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), np.float64)
