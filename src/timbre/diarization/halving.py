"""Halves: a cluster whose halves would not be merged if they met now is two.

Merging goes pair by pair and never looks back. Two people can be merged by way of pieces that are a little of both, or
while there was little of each to go by; with all that they say they would not be. Each cluster is halved by k-means
with two means (Lloyd, "Least squares quantization in PCM", 1982), from its principal direction, and the halves are
judged as any two clusters are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.evidence import Evidence
from timbre.diarization.merging import Clusters, Judge, SpeakerBounds, merge_odds
from timbre.diarization.windows import around
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST: Final = 6  # windows of a half
_ROUNDS: Final = 10


def halved(clusters: Clusters, vectors: NDArray[np.float32], judge: Judge, bounds: SpeakerBounds) -> Clusters:
    """Make two clusters of each whose halves are two speakers.

    Args:
        clusters: What was merged.
        vectors: Unit rows `[n, dimension]` of their windows, in order of time.
        judge: Says what is one voice.
        bounds: There are never more speakers than the most.
    """
    labels, count, number = clusters.labels.copy(), len(clusters.sizes), 0
    while number < count < (bounds.most or len(vectors)):
        rows = np.flatnonzero(labels == number)
        second = _half(vectors[rows])
        if second is None or _one_speaker(vectors[rows], second, clusters, judge):
            number += 1
            continue
        labels[rows[second]] = count
        count += 1
    if count == len(clusters.sizes):
        return clusters
    return Clusters.of(vectors, labels, Evidence.none(count), clusters.spread)


def _half(vectors: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return which windows `[n, dimension]` are the second half, not that of the first; None if one is too small."""
    if len(vectors) < 2 * _FEWEST:
        return None
    smooth = around(vectors)
    middle = smooth.mean(axis=0)
    direction = np.linalg.eigh((smooth - middle).T @ (smooth - middle))[1][:, -1]
    along = smooth @ direction
    second: NDArray[np.bool_] = along > np.median(along)
    for _ in range(_ROUNDS):
        if min(np.count_nonzero(second), np.count_nonzero(~second)) < _FEWEST:
            return None
        means = unit(np.stack([smooth[~second].sum(axis=0), smooth[second].sum(axis=0)]))
        nearer = smooth @ means[1] > smooth @ means[0]
        if (nearer == second).all():
            break
        second = nearer
    return ~second if second[0] else second


def _one_speaker(vectors: NDArray[np.float32], second: NDArray[np.bool_], clusters: Clusters, judge: Judge) -> bool:
    halves = Clusters.of(vectors, second.astype(np.int64), Evidence.none(2), clusters.spread)
    return bool(merge_odds(halves, judge)[0, 1] >= 0)
