"""Matching: which speaker gets which name.

A pair is eligible from the threshold on, and where there is one, only if no other voiceprint is much likelier for the
speaker: somebody heard as two speakers does not lend the second of them to whoever comes next. In the exclusive way
every voiceprint names at most one speaker, and the assignment is the likeliest one among those that name the most
speakers; else every speaker takes the best name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECOND_CHOICE: Final = 1.0  # log-odds under those of the likeliest voiceprint, to which another may take its place


def match(
    odds: NDArray[np.float64], scores: NDArray[np.int64], *, threshold: float, exclusive: bool
) -> list[int | None]:
    """Choose a voiceprint for every speaker.

    Args:
        odds: Log-odds `[speakers, voiceprints]`.
        scores: Confidence of each pair, 0-100.
        threshold: Confidence, 0-100, from which a pair is eligible.
        exclusive: Use every voiceprint at most once.

    Returns:
        The column of each speaker's voiceprint, or None.

    Source of the assignment: Kuhn, "The Hungarian method for the assignment problem", 1955.
    """
    eligible = scores >= threshold
    chosen: list[int | None] = [None] * len(odds)
    if not odds.size:
        return chosen
    if threshold > 0:
        eligible &= odds >= odds.max(axis=1, keepdims=True) - _SECOND_CHOICE
    if not exclusive:
        best = np.where(eligible, odds, -np.inf).argmax(axis=1)
        return [int(column) if eligible[row, column] else None for row, column in enumerate(best)]
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to import

    # Naming one more speaker outweighs any sum of log-odds, as every eligible pair counts.
    worth = 1.0 + 2.0 * float(np.abs(odds).max()) * (min(odds.shape) + 1)
    rows, columns = linear_sum_assignment(np.where(eligible, odds + worth, 0.0), maximize=True)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if eligible[row, column]:
            chosen[row] = column
    return chosen
