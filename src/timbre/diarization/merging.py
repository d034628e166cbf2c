"""Merging clusters into speakers with the model that decides identity.

Two questions are kept apart: whether a pair may be merged, and which pair is merged first. A pair may be when the
log-odds that it is one voice, as `SameVoice` sees its centroids and with what the segmenter says, reach what
its speech asks for. First comes the pair that costs the least, as small pieces do: so what is decided about much speech
is decided last, and by centroids that have much speech in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.evidence import Evidence
from timbre.models.same_voice import SHORTEST, SameVoice, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REFERENCE: Final = 10.0  # seconds of speech at which the rule is stated
_FORBIDDEN: Final = 1e6  # added to the cost of what is no one voice
_HEEDED: Final = 0.4  # of the evidence, in the cost


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerBounds:
    """How many speakers there may be."""

    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """When clusters of one recording are one speaker, in log-odds of the model that decides identity.

    Within a recording voices share a room, a channel and a day. So strangers are nearer to each other than in trials
    across recordings, which `prior` makes up for, and what remains between two pieces of one voice shrinks faster with
    their length, which `growth` does: up to a length from which moods, and no longer chance, keep them apart.
    """

    sure: float  # log-odds for two windows at which over-splitting stops to join them
    smallest: int  # windows; smaller clusters are given to their nearest neighbours
    prior: float  # log-odds that two clusters of 10 s each must reach to be merged
    growth: float  # more log-odds to reach for every factor of e that either side's speech grows
    longest: float  # seconds; more speech on one side asks for no more
    order: float  # how strongly smaller clusters come first: 0 the nearest, 1 those of least variance (Ward, 1963)
    apart: float  # log-odds against one voice for every time the segmenter hears two
    together: float  # log-odds for one voice for every time it hears one
    doubt: float  # of each of these times about the ones before, so that they do not add up for ever
    blend: float  # log-odds from which a cluster is a blend of two larger ones and no voice of its own


@dataclass(slots=True, kw_only=True)
class Clusters:
    """Clusters of windows, mergeable."""

    labels: NDArray[np.int64]  # [n] cluster of each window
    sums: NDArray[np.float64]  # [k, dimension] sum of each cluster's vectors
    sizes: NDArray[np.int64]  # [k] windows in each
    evidence: Evidence

    @property
    def centroids(self) -> NDArray[np.float32]:
        """Unit vectors, float32 `[k, dimension]`."""
        return unit(self.sums.astype(np.float32))

    def absorb(self, keep: int, gone: int) -> None:
        """Put the sums of the second cluster into the first; `joined` says later where the windows belong."""
        self.sums[keep] += self.sums[gone]
        self.sizes[keep] += self.sizes[gone]
        self.evidence.absorb(keep, gone)

    def joined(self, into: NDArray[np.int64]) -> Clusters:
        """Return the clusters that are left when each has gone into another one, or has stayed, `[k]`."""
        left, labels = np.unique(into, return_inverse=True)
        return Clusters(
            labels=labels[self.labels],
            sums=self.sums[left],
            sizes=self.sizes[left],
            evidence=self.evidence.only(left),
        )

    def dissolve(self, gone: int, vectors: NDArray[np.float32]) -> None:
        """Give every window of a cluster to the nearest other one; clusters behind it move up by one."""
        rows = np.flatnonzero(self.labels == gone)
        self.sums, self.sizes = np.delete(self.sums, gone, 0), np.delete(self.sizes, gone)
        self.evidence = self.evidence.only(np.delete(np.arange(len(self.sizes) + 1), gone))
        self.labels[self.labels > gone] -= 1
        nearest = (vectors[rows] @ self.centroids.T).argmax(axis=1)
        self.labels[rows] = nearest
        np.add.at(self.sums, nearest, vectors[rows])
        self.sizes = self.sizes + np.bincount(nearest, minlength=len(self.sizes))


def merge(
    clusters: Clusters, rule: MergeRule, same_voice: SameVoice, seconds: float, bounds: SpeakerBounds
) -> Clusters:
    """Merge pairs of clusters that are one voice rather than two, those that cost the least first.

    Each cluster remembers its cheapest partner, so that a merger costs a pass over the clusters and not over all pairs
    (Anderberg, "Cluster analysis for applications", 1973). Of equally cheap pairs the first is merged.

    Args:
        clusters: No longer to be used afterwards.
        rule: See `MergeRule`.
        same_voice: The model of identity.
        seconds: Speech that one window stands for.
        bounds: Below `least` nothing is merged; above `most` the cheapest pair is, whether it is one voice or not.

    Returns:
        What is left of them.
    """
    costs = merge_costs(clusters, rule, same_voice, seconds)
    np.fill_diagonal(costs, np.inf)
    centroids, into = clusters.centroids, np.arange(len(costs))
    partner = costs.argmin(axis=1)
    cheapest = costs[into, partner]
    left = len(costs)
    while left > max(1, bounds.least):
        first = int(cheapest.argmin())
        keep, gone = sorted((first, int(partner[first])))
        too_many = bounds.most is not None and left > bounds.most
        if cheapest[keep] >= _FORBIDDEN / 2 and not too_many:
            break
        clusters.absorb(keep, gone)
        centroids[keep] = unit(clusters.sums[keep].astype(np.float32))
        into[into == gone] = keep
        left -= 1
        # Only what concerns the merged cluster has changed.
        new = _costs(clusters, centroids, rule, same_voice, seconds, rows=slice(keep, keep + 1))[0]
        new[(into != np.arange(len(into))) | (np.arange(len(into)) == keep)] = np.inf
        costs[gone] = costs[:, gone] = cheapest[gone] = np.inf
        costs[keep] = costs[:, keep] = new
        cheaper = (new < cheapest) | ((new == cheapest) & (keep < partner))
        lost = ((partner == gone) & ~cheaper) | ((partner == keep) & (new > cheapest))
        lost[keep] = True
        partner[cheaper], cheapest[cheaper] = keep, new[cheaper]
        partner[lost] = costs[lost].argmin(axis=1)
        cheapest[lost] = costs[lost, partner[lost]]
    return clusters.joined(into)


def merge_odds(clusters: Clusters, rule: MergeRule, same_voice: SameVoice, seconds: float) -> NDArray[np.float64]:
    """Return the log-odds that clusters are one speaker, of all pairs: `[k, k]`."""
    every = slice(None)
    return _odds(clusters, clusters.centroids, rule, same_voice, seconds, rows=every) + _heard(clusters, rule, every)


def merge_costs(clusters: Clusters, rule: MergeRule, same_voice: SameVoice, seconds: float) -> NDArray[np.float64]:
    """Return what it costs to merge clusters, of all pairs, `[k, k]`; forbidden pairs cost more than all others."""
    return _costs(clusters, clusters.centroids, rule, same_voice, seconds, rows=slice(None))


def _costs(
    clusters: Clusters,
    centroids: NDArray[np.float32],
    rule: MergeRule,
    same_voice: SameVoice,
    seconds: float,
    *,
    rows: slice,
) -> NDArray[np.float64]:
    """Return the costs of some of the clusters with all of them, `[rows, k]`.

    In logarithms: the distance of the centroids, times a power of how much the variance within clusters would grow with
    it, which is as the sizes' harmonic mean (Ward, "Hierarchical grouping to optimize an objective function", 1963).
    """
    heard = _heard(clusters, rule, rows)
    odds = _odds(clusters, centroids, rule, same_voice, seconds, rows=rows) + heard
    distance = 1.0 - (centroids[rows] @ centroids.T).astype(np.float64)
    one, other = clusters.sizes[rows, None], clusters.sizes[None, :]
    costs = np.log(np.maximum(distance, 1e-6)) + rule.order * np.log(one * other / (one + other))
    costs -= _HEEDED * heard
    return np.asarray(costs + np.where(odds > 0, 0.0, _FORBIDDEN), np.float64)


def _odds(
    clusters: Clusters,
    centroids: NDArray[np.float32],
    rule: MergeRule,
    same_voice: SameVoice,
    seconds: float,
    *,
    rows: slice,
) -> NDArray[np.float64]:
    """Return the log-odds that some of the clusters and all of them are one speaker, by their sound: `[rows, k]`."""
    speech = np.log(np.clip(clusters.sizes * seconds, SHORTEST, rule.longest) / _REFERENCE)
    needed = rule.prior + rule.growth * (speech[rows, None] + speech[None, :])
    odds = same_voice.log_odds(centroids[rows] @ centroids.T, _REFERENCE, _REFERENCE)
    return np.asarray(odds - needed, np.float64)


def _heard(clusters: Clusters, rule: MergeRule, rows: slice) -> NDArray[np.float64]:
    """Return what the segmenter says for one voice, in log-odds: `[rows, k]`."""
    apart, together = clusters.evidence.apart[rows], clusters.evidence.together[rows]
    heard = (rule.together * together - rule.apart * apart) / (1 + rule.doubt * (apart + together))
    return np.asarray(heard, np.float64)
