"""How far apart pieces of one voice, and of different voices, are expected to lie in one recording.

A cluster is a sum of pieces, each known the better the more windows it has, but never better than moods allow: however
long somebody has been heard calm, that says only so much of how they laugh. What speaks for one voice in two clusters
is the ratio of two likelihoods, that all their pieces scatter around one person's mean, and that they do around two
(Brümmer & de Villiers, "The speaker partitioning problem", Odyssey 2010). Along the axes of `Variation` it is a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.variation import Variation


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Variances of one recording, along each axis."""

    axes: NDArray[np.float32]  # [dimension, d]
    people: NDArray[np.float32]  # [d] between people who talk in it
    moods: NDArray[np.float32]  # [d] between pieces of one person
    windows: NDArray[np.float32]  # [d] between the windows of a piece, as if no sample were in two of them
    trust: float  # log-odds for a unit of log-likelihood: pieces depend on each other, and few say little of moods

    @classmethod
    def of(cls, variation: Variation, *, strangers: float, moods: float, windows: float, trust: float) -> Self:
        """Return how voices vary in a recording, as multiples of how they do in what the encoder was fitted to."""
        return cls(
            axes=variation.axes,
            people=np.float32(strangers) * variation.people,
            moods=np.float32(moods) * variation.moods,
            windows=np.float32(windows) * variation.windows,
            trust=trust,
        )

    def pieces(
        self, sums: NDArray[np.float64], sizes: NDArray[np.int64] | NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how precisely each piece says whose voice it is, and its place times that precision, `[k, d]` each.

        Args:
            sums: Of each piece's window vectors, `[k, dimension]`.
            sizes: Windows in each; what is shorter than one is a part of it.
        """
        windows = sizes.astype(np.float32)[:, None]
        precision = np.asarray(1 / (self.moods + self.windows / windows), np.float32)
        return precision, np.asarray(precision * (sums.astype(np.float32) @ self.axes / windows), np.float32)

    def one_person(
        self,
        sums: NDArray[np.float64],
        sizes: NDArray[np.float64],
        vector: NDArray[np.float32],
        size: float,
    ) -> NDArray[np.float32]:
        """Return the log-likelihood ratio of one person to two for each of some pieces and a window, `[k]`.

        Args:
            sums: Of each piece's window vectors, `[k, dimension]`.
            sizes: Windows in each.
            vector: Of the window, `[dimension]`.
            size: How much of a window it is, over 0.
        """
        known, places = self.pieces(sums, sizes)
        precision, place = self.pieces(size * vector[None].astype(np.float64), np.array([size]))
        together = self.support(known + precision, places + place)
        return np.asarray(together - self.support(known, places) - self.support(precision, place), np.float32)

    def support(self, precision: NDArray[np.float32], weighted: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log-likelihood ratio of one person's mean to none, for sums over pieces, `[..., d]` to `[...]`."""
        growth = 1 + self.people * precision
        return np.asarray(0.5 * (self.people * weighted**2 / growth - np.log(growth)).sum(axis=-1), np.float32)
