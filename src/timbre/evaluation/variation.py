"""Fit how the vectors of an encoder vary, from people who are known: see `timbre.models.variation`.

Three covariances are estimated from their moments: of windows around their piece, of pieces around their person, less
what the finite number of windows adds, and of people around the mean of their group, less what the pieces add (Searle,
Casella & McCulloch, "Variance components", 1992). People of different languages or sources are not compared: in one
recording there is mostly one language. The axes are those of discriminant analysis, held back from following a few
hundred people too closely (Friedman, "Regularized discriminant analysis", JASA 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.errors import TrialsError
from timbre.models.variation import Variation

FEWEST_PEOPLE: Final = 20  # of whom there are two pieces
AXES: Final = 128  # at most
HOP: Final = 0.8  # seconds from window to window of a piece
_INDEPENDENT: Final = 0.6  # share of a window of 1.6 s every 0.8 s that the others do not tell
_FEWEST_WINDOWS: Final = 3  # of a piece, from which it says how windows vary
_TYPICAL: Final = 10.0  # windows of a piece for which the axes are chosen
_HELD_BACK: Final = 0.21  # of the mean variance within people, added in every direction
_FLOOR: Final = 1e-3  # of the largest variance, below which none is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some seconds of one person in one mood."""

    person: str
    group: str  # people are compared within it: a language, a source
    vectors: NDArray[np.float32]  # [windows, dimension] centred unit rows, 0.8 s apart


def fit_variation(pieces: Sequence[Piece]) -> Variation:
    """Fit axes and variances.

    Args:
        pieces: Several of most people.

    Raises:
        TrialsError: there are fewer than 20 people with two pieces.
    """
    counts = np.array([len(piece.vectors) for piece in pieces], np.float64)
    means = np.stack([piece.vectors.mean(axis=0, dtype=np.float64) for piece in pieces]) if pieces else np.zeros((0, 1))
    people: dict[tuple[str, str], list[int]] = {}
    for number, piece in enumerate(pieces):
        people.setdefault((piece.group, piece.person), []).append(number)
    several = [rows for rows in people.values() if len(rows) > 1]
    long = [piece.vectors for piece in pieces if len(piece.vectors) >= _FEWEST_WINDOWS]
    if len(several) < FEWEST_PEOPLE or not long:
        raise TrialsError(
            f"How voices vary takes {FEWEST_PEOPLE} people with two recordings of 3.5 s of speech or more; there are"
            f" {len(several) if long else 0}: give longer recordings, of more people."
        )
    windows = _pooled(long)
    pieces_apart = _pooled([means[rows] for rows in several])
    noise = np.mean([np.mean(1 / (_INDEPENDENT * counts[rows])) for rows in several])
    moods = _positive(pieces_apart - noise * windows)
    own = {who: means[rows].mean(axis=0) for who, rows in people.items()}
    groups: dict[str, list[NDArray[np.float64]]] = {}
    for (group, _), mean in own.items():
        groups.setdefault(group, []).append(mean)
    share = np.mean([1 / len(rows) for rows in people.values()])
    between = _pooled([np.stack(of) for of in groups.values() if len(of) > 1]) - share * pieces_apart
    axes = _discriminant(between, moods + windows / _TYPICAL)
    return Variation(
        axes=axes.astype(np.float32),
        people=np.maximum(_along(axes, between), 0.01).astype(np.float32),
        moods=_along(axes, moods).astype(np.float32),
        windows=_along(axes, windows).astype(np.float32),
    )


def _pooled(groups: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return the covariance `[dimension, dimension]` of rows around the mean of their group."""
    centred = np.concatenate([rows - rows.mean(axis=0) for rows in groups]).astype(np.float64)
    return np.asarray(centred.T @ centred / max(1, len(centred) - len(groups)))


def _positive(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, _FLOOR * values.max())) @ vectors.T)


def _discriminant(between: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return axes `[dimension, d]` on which both are diagonal, `within` of about unit size, the most telling first."""
    held = within + _HELD_BACK * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(held)
    white = vectors / np.sqrt(np.maximum(values, _FLOOR * values.max()))
    values, vectors = np.linalg.eigh(white.T @ between @ white)
    return np.asarray(white @ vectors[:, np.argsort(-values)[:AXES]])


def _along(axes: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ik,kj->j", axes, covariance, axes))
