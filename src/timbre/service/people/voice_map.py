"""A map of the voices: people near each other sound alike, so that mix-ups can be seen.

Principal components of the unit means, which for unit vectors is the classical scaling of their cosines (Gower, "Some
distance properties of latent root and vector methods used in multivariate analysis", Biometrika, 1966). It is drawn
from the turned vectors, as a rotation changes no distance: no voiceprint is decrypted for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from timbre.store.database import Database
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS: Final = 1000
_SQL: Final = queries("speakers")
_FLAT: Final = 1e-6  # a spread that is none, of vectors in halves of floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a person is on the map."""

    speaker: UUID
    name: str
    x: float
    y: float


async def draw(database: Database, team: UUID, space: str, limit: int) -> list[Point]:
    """Draw the newest people who have samples in a space; the same people are always drawn the same."""
    rows = await database.all(_SQL["vectors"], {"team": team, "space": space, "limit": limit})
    if not rows:
        return []
    places = await asyncio.to_thread(_placed, [row["vector"] for row in rows])
    return [
        Point(speaker=row["id"], name=row["name"], x=round(x, 4), y=round(y, 4))
        for row, (x, y) in zip(rows, places.tolist(), strict=True)
    ]


def _placed(texts: list[str]) -> NDArray[np.float64]:
    return project(np.array([[float(number) for number in text[1:-1].split(",")] for text in texts]))


def project(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project rows `[n, dimension]` to the plane in which they differ most: `[n, 2]`.

    An axis has two directions; the one is taken in which the outermost point lies on the positive side.
    """
    deviations = vectors - vectors.mean(axis=0)
    places = np.zeros((len(vectors), 2))
    _, axes = np.linalg.eigh(deviations.T @ deviations)
    for number, axis in enumerate(axes.T[:-3:-1]):
        along = deviations @ axis
        outermost = along[np.argmax(np.abs(along).round(6))]
        if abs(outermost) > _FLAT:
            places[:, number] = along * np.sign(outermost)
    return places + 0.0  # no negative zero
