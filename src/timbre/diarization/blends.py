"""Blends: small clusters that are no voice of their own but several voices at once.

Windows in which two people talk, or one takes over from the other, are embedded between their voices. A short recording
has few of them, but they are enough to look like one more speaker, and in an hour like several. A blend gives itself
away: it lies between larger clusters, where a voice of its own would point out of their midst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGER: Final = 2.0  # times its size that every voice in a blend must have
_LARGEST_SHARE: Final = 0.7  # of one voice: with more, the cluster is near that voice and not between several


def find_blend(centroids: NDArray[np.float32], sizes: NDArray[np.int64], cosine: float) -> int | None:
    """Return the smallest cluster that is a blend of much larger ones, if there is any.

    Args:
        centroids: Unit rows `[k, dimension]`.
        sizes: Windows in each cluster `[k]`.
        cosine: Least cosine between a blend and the nearest mixture of other voices.
    """
    for candidate in np.argsort(sizes, kind="stable"):
        larger = np.flatnonzero(sizes >= _LARGER * sizes[candidate])
        if len(larger) > 1 and _blended(centroids[candidate], centroids[larger]) >= cosine:
            return int(candidate)
    return None


def _blended(vector: NDArray[np.float32], voices: NDArray[np.float32]) -> float:
    """Return the cosine of a unit vector to the nearest mixture of voices, 0 if one of them has nearly all of it.

    The mixture has no negative shares: Lawson & Hanson, "Solving least squares problems", 1974.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - slow to import

    shares, distance = nnls(voices.T.astype(np.float64), vector.astype(np.float64))
    if shares.max() > _LARGEST_SHARE * shares.sum():
        return 0.0
    return float(np.sqrt(max(0.0, 1.0 - distance**2)))
