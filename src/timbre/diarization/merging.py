"""Merging clusters into speakers: which pairs may be merged, and which pair is merged first.

The two questions are kept apart. A pair may be merged when what speaks for one voice outweighs what speaks for two: how
alike the means are, to the model that decides identity; how the pieces lie (`spread`), which counts the more the longer
the recording is; and what the segmenter says (`evidence`). First comes the pair that costs the least, as small pieces
do: so what is decided about much speech is decided last, and by centroids that have much speech in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from timbre.diarization.evidence import Evidence
from timbre.diarization.spread import Spread
from timbre.models.same_voice import SHORTEST, SameVoice, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.variation import Variation

_FEW: Final = 3  # speakers, of whom two are hardly ever alike by chance
_REFERENCE: Final = 10.0  # seconds of speech at which likeness is stated
_ONE_PERSON: Final = 10.0  # what speaks for one voice in recordings that are as likely of one person as of two
_FORBIDDEN: Final = 1e6  # added to the cost of what is no one voice


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerBounds:
    """How many speakers there may be."""

    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """When clusters of one recording are one speaker, by the likeness of their means and by how their pieces lie."""

    sure: float  # log-odds of `SameVoice` for two windows at which over-splitting stops to join them
    smallest: int  # windows; smaller clusters are given to their nearest neighbours
    prior: float  # log-odds of `SameVoice` that two clusters of 10 s each need
    growth: float  # more log-odds needed for every factor of e that either side's speech grows
    longest: float  # seconds; more speech on one side asks for no more
    minutes: float  # of speech in a recording, in which a unit of what pieces say is worth one of log-odds
    strangers: float  # how much people vary who share a room and a language, beside those of the fit
    windows: float  # how much windows vary which share samples with each other, beside those of the fit
    pieces: float  # how much pieces of one mood vary, beside the moods of the fit
    least: float  # how much pieces must speak for one voice to count for it, as a logarithm
    moods: float  # how much moods of one person vary, beside those of the fit
    second: float  # as `least`, for moods
    crowd: float  # more that must speak for one voice, for every factor of e of speakers beyond a few
    single: float  # log-odds for what speaks for one person in a recording of which one is expected
    order: float  # how strongly smaller clusters come first: 0 the nearest, 1 those of least variance (Ward, 1963)
    apart: float  # log-odds against one voice for every time the segmenter hears two
    together: float  # log-odds for one voice for every time it hears one
    doubt: float  # of each of these times about the ones before, so that they do not add up for ever
    heeded: float  # of the segmenter's evidence, in which pair comes first
    blend: float  # log-odds of `SameVoice` from which a cluster is a blend of two larger ones and no voice of its own

    def among(self, speakers: int) -> MergeRule:
        """Return the rule for a recording of about so many speakers: of many, two are more often alike."""
        more = self.crowd * float(np.log(max(1.0, speakers / _FEW)))
        return replace(self, least=self.least + more, second=self.second + more)

    def for_moods(self) -> MergeRule:
        """Return the rule for clusters that are moods."""
        return replace(self, least=self.second)

    def within_mood(self, variation: Variation, minutes: float) -> Spread:
        """Return how pieces of one person in one mood vary in so many minutes of speech."""
        return self._spread(variation, minutes, self.pieces)

    def between_moods(self, variation: Variation, minutes: float) -> Spread:
        """Return how moods of one person vary in so many minutes of speech."""
        return self._spread(variation, minutes, self.moods)

    def _spread(self, variation: Variation, minutes: float, moods: float) -> Spread:
        trust = minutes / self.minutes
        return Spread.of(variation, strangers=self.strangers, moods=moods, windows=self.windows, trust=trust)


@dataclass(slots=True, kw_only=True)
class Clusters:
    """Clusters of windows, mergeable."""

    labels: NDArray[np.int64]  # [n] cluster of each window
    sums: NDArray[np.float64]  # [k, dimension] sum of each cluster's vectors
    sizes: NDArray[np.int64]  # [k] windows in each
    evidence: Evidence
    spread: Spread
    precision: NDArray[np.float32]  # [k, d] see `Spread.pieces`, summed over the pieces of each cluster
    weighted: NDArray[np.float32]  # [k, d]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], labels: NDArray[np.int64], evidence: Evidence, spread: Spread) -> Self:
        """Begin with clusters that are a piece each.

        Args:
            vectors: Unit rows `[n, dimension]`.
            labels: Cluster of each, from 0 on, none empty.
            evidence: Of these clusters.
            spread: How far pieces lie apart.
        """
        sums, sizes = sums_of(vectors, labels), np.bincount(labels)
        precision, weighted = spread.pieces(sums, sizes)
        return cls(
            labels=labels,
            sums=sums,
            sizes=sizes,
            evidence=evidence,
            spread=spread,
            precision=precision,
            weighted=weighted,
        )

    @property
    def centroids(self) -> NDArray[np.float32]:
        """Unit vectors, float32 `[k, dimension]`."""
        return unit(self.sums.astype(np.float32))

    def absorb(self, keep: int, gone: int) -> None:
        """Put the second cluster into the first; `joined` says later where the windows belong."""
        for sums in (self.sums, self.sizes, self.precision, self.weighted):
            sums[keep] += sums[gone]
        self.evidence.absorb(keep, gone)

    def joined(self, into: NDArray[np.int64]) -> Clusters:
        """Return the clusters that are left when each has gone into another one, or has stayed, `[k]`."""
        left, labels = np.unique(into, return_inverse=True)
        return replace(
            self,
            labels=labels[self.labels],
            sums=self.sums[left],
            sizes=self.sizes[left],
            evidence=self.evidence.only(left),
            precision=self.precision[left],
            weighted=self.weighted[left],
        )

    def without(self, gone: int, vectors: NDArray[np.float32]) -> Clusters:
        """Return the clusters with every window of one of them given to the nearest other one."""
        others = np.delete(np.arange(len(self.sizes)), gone)
        rows = self.labels == gone
        labels = np.searchsorted(others, self.labels)
        labels[rows] = (vectors[rows] @ self.centroids[others].T).argmax(axis=1)
        shares = np.eye(len(others))[labels[rows]]  # [windows of the cluster, others]
        return replace(
            self,
            labels=labels,
            sums=self.sums[others] + shares.T @ vectors[rows],
            sizes=self.sizes[others] + shares.sum(axis=0).astype(np.int64),
            evidence=self.evidence.only(others),
            precision=self.precision[others],
            weighted=self.weighted[others],
        )


def merge(clusters: Clusters, judge: Judge, bounds: SpeakerBounds) -> Clusters:
    """Merge pairs of clusters that are one voice rather than two, those that cost the least first.

    Each cluster remembers its cheapest partner, so that a merger costs a pass over the clusters and not over all pairs
    (Anderberg, "Cluster analysis for applications", 1973). Of equally cheap pairs the first is merged.

    Args:
        clusters: No longer to be used afterwards.
        judge: Says what is one voice, and what merging costs.
        bounds: Below `least` nothing is merged; above `most` the cheapest pair is, whether it is one voice or not.

    Returns:
        What is left of them.
    """
    costs = merge_costs(clusters, judge)
    np.fill_diagonal(costs, np.inf)
    support, centroids = _support(clusters), clusters.centroids
    into = np.arange(len(costs))
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
        support[keep] = clusters.spread.support(clusters.precision[keep], clusters.weighted[keep])
        into[into == gone] = keep
        left -= 1
        # Only what concerns the merged cluster has changed.
        new = judge.costs(clusters, keep, support, centroids)
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


def merge_odds(clusters: Clusters, judge: Judge) -> NDArray[np.float64]:
    """Return the log-odds that clusters are one speaker, of all pairs: `[k, k]`; above 0 they may be merged."""
    support, centroids = _support(clusters), clusters.centroids
    return np.stack([judge.odds(clusters, row, support, centroids) for row in range(len(support))])


def merge_costs(clusters: Clusters, judge: Judge) -> NDArray[np.float64]:
    """Return what it costs to merge clusters, of all pairs, `[k, k]`; forbidden pairs cost more than all others."""
    support, centroids = _support(clusters), clusters.centroids
    return np.stack([judge.costs(clusters, row, support, centroids) for row in range(len(support))])


def one_person_odds(clusters: Clusters, judge: Judge) -> float:
    """Return the log-odds that the first and the last cluster are one person, where one person is expected to speak."""
    said = float(judge.said(clusters, 0, _support(clusters))[-1]) + judge.rule.least
    return judge.rule.single * (said - _ONE_PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Compares one of some clusters, a row, with all of them."""

    rule: MergeRule
    same_voice: SameVoice
    seconds: float  # of speech that one window stands for

    def costs(
        self, clusters: Clusters, row: int, support: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the costs of merging, `[k]`.

        In logarithms: the distance of the centroids, times a power of how much the variance within clusters would grow
        with it, which is as the sizes' harmonic mean (Ward, "Hierarchical grouping to optimize an objective function",
        1963).
        """
        odds = self.odds(clusters, row, support, centroids)
        distance = 1.0 - (centroids @ centroids[row]).astype(np.float64)
        one, other = clusters.sizes[row], clusters.sizes
        costs = np.log(np.maximum(distance, 1e-6)) + self.rule.order * np.log(one * other / (one + other))
        costs -= self.rule.heeded * self.heard(clusters, row)
        return np.asarray(costs + np.where(odds > 0, 0.0, _FORBIDDEN), np.float64)

    def odds(
        self, clusters: Clusters, row: int, support: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the log-odds of one speaker, `[k]`."""
        rule = self.rule
        speech = np.log(np.clip(clusters.sizes * self.seconds, SHORTEST, rule.longest) / _REFERENCE)
        needed = rule.prior + rule.growth * (speech[row] + speech)
        odds = self.same_voice.log_odds(centroids @ centroids[row], _REFERENCE, _REFERENCE) - needed
        said = clusters.spread.trust * self.said(clusters, row, support)
        return np.asarray(odds + said + self.heard(clusters, row), np.float64)

    def said(self, clusters: Clusters, row: int, support: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the pieces say for one voice beyond what counts for it, `[k]`, as a logarithm."""
        precision, weighted = clusters.precision, clusters.weighted
        together = clusters.spread.support(precision + precision[row], weighted + weighted[row])
        return np.asarray((together - support - support[row]).astype(np.float64) - self.rule.least)

    def heard(self, clusters: Clusters, row: int) -> NDArray[np.float64]:
        """Return what the segmenter says for one voice, `[k]`, in log-odds."""
        rule, apart, together = self.rule, clusters.evidence.apart[row], clusters.evidence.together[row]
        heard = (rule.together * together - rule.apart * apart) / (1 + rule.doubt * (apart + together))
        return np.asarray(heard, np.float64)


def _support(clusters: Clusters) -> NDArray[np.float32]:
    return clusters.spread.support(clusters.precision, clusters.weighted)


def sums_of(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of each cluster's vectors, float64 `[k, dimension]`; none may be empty."""
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], np.arange(int(labels.max()) + 1))
    return np.asarray(np.add.reduceat(vectors[order].astype(np.float64), begins))
