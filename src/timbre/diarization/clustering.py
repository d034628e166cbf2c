"""From pure windows to speakers: split too finely on purpose, then merge with the model that decides identity.

A fixed distance threshold does not scale: what it should be depends on how much speech lies on both sides. So
agglomerative clustering only makes small clusters that are surely one voice, and pairs of clusters are merged, the
surest first, for as long as `SameVoice` says that they are more likely one voice than two.

A recording is clustered in stretches of twenty minutes, whose speakers are then merged by the same rule; no step grows
with the square of the recording's length.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.blends import find_blend
from timbre.models.same_voice import SHORTEST, SameVoice, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRETCH: Final = 3_000  # pure windows that are clustered at once: up to twenty minutes of speech
_REFERENCE: Final = 10.0  # seconds of speech at which the rule is stated
_WINDOW: Final = 1.6  # seconds that one window holds
_REFINEMENTS: Final = 4


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
    their length, which `growth` does.
    """

    sure: float  # log-odds for two windows at which over-splitting stops to join them
    smallest: int  # windows; smaller clusters are given to their nearest neighbours
    prior: float  # log-odds that two clusters of 10 s each must reach to be merged
    growth: float  # more log-odds to reach for every factor of e that either side's speech grows
    longest: float  # seconds; more speech on one side asks for no more
    apart: float  # weight of the segmenter's evidence that two clusters talk in different voices
    blend: float  # log-odds from which a cluster is a blend of two larger ones and no voice of its own


@dataclass(slots=True)
class Clusters:
    """Clusters of windows, mergeable."""

    labels: NDArray[np.int64]  # [n] cluster of each window
    sums: NDArray[np.float64]  # [k, dimension] sum of each cluster's vectors
    sizes: NDArray[np.int64]  # [k] windows in each
    apart: NDArray[np.float64]  # [k, k] windows in which the segmenter hears two clusters as different speakers

    @property
    def centroids(self) -> NDArray[np.float32]:
        """Unit vectors, float32 `[k, dimension]`."""
        return unit(self.sums.astype(np.float32))

    def absorb(self, keep: int, gone: int) -> None:
        """Put the sums of the second cluster into the first; `joined` says later where the windows belong."""
        self.sums[keep] += self.sums[gone]
        self.sizes[keep] += self.sizes[gone]
        self.apart[keep] += self.apart[gone]
        self.apart[:, keep] += self.apart[:, gone]

    def joined(self, into: NDArray[np.int64]) -> Clusters:
        """Return the clusters that are left when each has gone into another one, or has stayed, `[k]`."""
        left, labels = np.unique(into, return_inverse=True)
        return Clusters(
            labels=labels[self.labels],
            sums=self.sums[left],
            sizes=self.sizes[left],
            apart=self.apart[np.ix_(left, left)],
        )

    def dissolve(self, gone: int, vectors: NDArray[np.float32]) -> None:
        """Give every window of a cluster to the nearest other one; clusters behind it move up by one."""
        rows = np.flatnonzero(self.labels == gone)
        self.sums, self.sizes = np.delete(self.sums, gone, 0), np.delete(self.sizes, gone)
        self.apart = np.delete(np.delete(self.apart, gone, 0), gone, 1)
        self.labels[self.labels > gone] -= 1
        nearest = (vectors[rows] @ self.centroids.T).argmax(axis=1)
        self.labels[rows] = nearest
        np.add.at(self.sums, nearest, vectors[rows])
        self.sizes = self.sizes + np.bincount(nearest, minlength=len(self.sizes))


def over_split(vectors: NDArray[np.float32], *, cosine: float, smallest: int, least: int = 1) -> NDArray[np.int64]:
    """Cluster by average linkage on cosine distance, so finely that no cluster holds two voices.

    Args:
        vectors: Unit rows `[n, dimension]`, n ≥ 1.
        cosine: Clusters are joined while their mean cosine is above this.
        smallest: Clusters with fewer windows are dissolved, unless all are smaller.
        least: Clusters to make at least, if there are that many vectors.

    Returns:
        int64 `[n]`: labels from 0 on.
    """
    labels = average_linkage(vectors, cosine)
    sizes = np.bincount(labels)
    kept = np.flatnonzero(sizes >= min(smallest, sizes.max()))
    if len(kept) < least:
        labels = average_linkage(vectors, cosine, least=least)
        kept = np.unique(labels)
    return _refined(vectors, labels, kept)


def average_linkage(vectors: NDArray[np.float32], cosine: float, *, least: int = 1) -> NDArray[np.int64]:
    """Join clusters while their mean cosine is at least this and more than `least` are left; int64 labels `[n]`.

    Source: Sokal & Michener, "A statistical method for evaluating systematic relationships", 1958.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415 - slow to import

    if len(vectors) == 1:
        return np.zeros(1, np.int64)
    tree = linkage(vectors, "average", metric="cosine")
    labels = fcluster(tree, 1 - cosine, "distance")
    if labels.max() < least:
        labels = fcluster(tree, min(least, len(vectors)), "maxclust")
    return labels.astype(np.int64) - 1


def merge(
    clusters: Clusters, rule: MergeRule, same_voice: SameVoice, seconds: float, bounds: SpeakerBounds
) -> Clusters:
    """Merge pairs of clusters, the surest first, for as long as they are one voice rather than two.

    Each cluster remembers its surest partner, so that a merger costs a pass over the clusters and not over all pairs
    (Anderberg, "Cluster analysis for applications", 1973). Of equally sure pairs the first is merged.

    Args:
        clusters: No longer to be used afterwards.
        rule: See `MergeRule`.
        same_voice: The model of identity.
        seconds: Speech that one window stands for.
        bounds: Below `least` nothing is merged; above `most` the surest pair is, however unsure.

    Returns:
        What is left of them.
    """
    odds = merge_odds(clusters, rule, same_voice, seconds)
    np.fill_diagonal(odds, -np.inf)
    centroids, into = clusters.centroids, np.arange(len(odds))
    partner = odds.argmax(axis=1)
    sureness = odds[into, partner]
    left = len(odds)
    while left > max(1, bounds.least):
        surest = int(sureness.argmax())
        keep, gone = sorted((surest, int(partner[surest])))
        too_many = bounds.most is not None and left > bounds.most
        if sureness[keep] <= 0 and not too_many:
            break
        clusters.absorb(keep, gone)
        centroids[keep] = unit(clusters.sums[keep].astype(np.float32))
        into[into == gone] = keep
        left -= 1
        # Only what concerns the merged cluster has changed.
        new = _odds(clusters, centroids, rule, same_voice, seconds, rows=slice(keep, keep + 1))[0]
        new[(into != np.arange(len(into))) | (np.arange(len(into)) == keep)] = -np.inf
        odds[gone] = odds[:, gone] = sureness[gone] = -np.inf
        odds[keep] = odds[:, keep] = new
        surer = (new > sureness) | ((new == sureness) & (keep < partner))
        lost = ((partner == gone) & ~surer) | ((partner == keep) & (new < sureness))
        lost[keep] = True
        partner[surer], sureness[surer] = keep, new[surer]
        partner[lost] = odds[lost].argmax(axis=1)
        sureness[lost] = odds[lost, partner[lost]]
    return clusters.joined(into)


def merge_odds(clusters: Clusters, rule: MergeRule, same_voice: SameVoice, seconds: float) -> NDArray[np.float64]:
    """Return the log-odds that clusters are one speaker, of all pairs: `[k, k]`."""
    return _odds(clusters, clusters.centroids, rule, same_voice, seconds)


def _odds(
    clusters: Clusters,
    centroids: NDArray[np.float32],
    rule: MergeRule,
    same_voice: SameVoice,
    seconds: float,
    *,
    rows: slice = slice(None),
) -> NDArray[np.float64]:
    """Return the log-odds that some of the clusters and all of them are one speaker: `[rows, k]`."""
    speech = np.log(np.clip(clusters.sizes * seconds, SHORTEST, rule.longest) / _REFERENCE)
    needed = rule.prior + rule.growth * (speech[rows, None] + speech[None, :])
    odds = same_voice.log_odds(centroids[rows] @ centroids.T, _REFERENCE, _REFERENCE)
    odds -= needed + rule.apart * np.log1p(clusters.apart[rows])
    return odds


def cluster(
    vectors: NDArray[np.float32],
    rule: MergeRule,
    same_voice: SameVoice,
    *,
    seconds: float,
    bounds: SpeakerBounds,
    evidence: list[tuple[NDArray[np.int64], NDArray[np.float32]]] | None = None,
) -> Clusters:
    """Cluster the pure windows of a recording into speakers.

    Args:
        vectors: Centred unit rows `[n, dimension]` in order of time, n ≥ 1.
        rule: When to split and merge.
        same_voice: The model of identity.
        seconds: Speech that one window stands for.
        bounds: Allowed number of speakers; kept if there are enough windows.
        evidence: From the segmenter, for each of its windows in order of time: the rows inside it `[m]` and for how
            many frames its local speakers talk in each `[m, 3]`.

    Returns:
        Clusters with the label of every row.
    """
    parts: list[Clusters] = []
    cosine = same_voice.cosine_at(rule.sure, _WINDOW, _WINDOW)
    stretches = np.array_split(np.arange(len(vectors)), -(-len(vectors) // STRETCH))
    for rows in stretches:
        least = bounds.least if len(stretches) == 1 else 1
        labels = over_split(vectors[rows], cosine=cosine, smallest=rule.smallest, least=least)
        part = _clusters(vectors[rows], labels, _within(evidence or [], rows))
        parts.append(merge(part, rule, same_voice, seconds, SpeakerBounds()) if len(stretches) > 1 else part)
    found = merge(_side_by_side(parts), rule, same_voice, seconds, bounds)
    return _without_blends(found, vectors, same_voice.cosine_at(rule.blend, _REFERENCE, _REFERENCE), bounds)


def _without_blends(clusters: Clusters, vectors: NDArray[np.float32], cosine: float, bounds: SpeakerBounds) -> Clusters:
    """Give the windows of blends to the voices they are nearest to, down to the least number of speakers."""
    while len(clusters.sizes) > bounds.least:
        blend = find_blend(clusters.centroids, clusters.sizes, cosine)
        if blend is None:
            break
        clusters.dissolve(blend, vectors)
    return clusters


def _refined(vectors: NDArray[np.float32], labels: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every vector to the nearest of the kept clusters, as spherical k-means does, a few times over."""
    centroids = unit(np.stack([vectors[labels == label].mean(axis=0) for label in kept]))
    for _ in range(_REFINEMENTS):
        nearest = (vectors @ centroids.T).argmax(axis=1)
        centroids = unit(
            np.stack(
                [
                    vectors[nearest == label].mean(axis=0) if (nearest == label).any() else centroids[label]
                    for label in range(len(centroids))
                ]
            )
        )
    nearest = (vectors @ centroids.T).argmax(axis=1)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)


def _clusters(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    evidence: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
) -> Clusters:
    count = int(labels.max()) + 1
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    apart = np.zeros((count, count))
    for rows, talk in evidence:
        here, which = np.unique(labels[rows], return_inverse=True)
        apart[np.ix_(here, here)] += _heard_apart(which, talk)
    return Clusters(labels=labels, sums=sums, sizes=np.bincount(labels, minlength=count), apart=apart)


def _heard_apart(labels: NDArray[np.int64], talk: NDArray[np.float32]) -> NDArray[np.float64]:
    """Count in one of the segmenter's windows how much more often two clusters are different speakers than one.

    The evidence is one-sided: local speakers of a short window are often split, so that two clusters share one
    proves little, and only what speaks for two voices counts.
    """
    heard = np.zeros((talk.shape[1], int(labels.max()) + 1))
    np.add.at(heard, (talk.argmax(axis=1), labels), 1)
    together = np.minimum(heard[:, :, None], heard[:, None, :]).sum(axis=0)
    any_two = np.minimum(heard[:, None, :, None], heard[None, :, None, :]).sum(axis=(0, 1))
    return np.asarray(np.maximum(0.0, any_two - 2 * together), np.float64)


def _within(
    evidence: list[tuple[NDArray[np.int64], NDArray[np.float32]]], rows: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Keep the evidence, which is in order of time, about consecutive rows, counted from the first of them."""
    begin = bisect_left(evidence, rows[0], key=lambda window: window[0][-1])
    end = bisect_right(evidence, rows[-1], key=lambda window: window[0][0])
    kept = []
    for inside, talk in evidence[begin:end]:
        here = (inside >= rows[0]) & (inside <= rows[-1])
        if here.any():
            kept.append((inside[here] - rows[0], talk[here]))
    return kept


def _side_by_side(parts: list[Clusters]) -> Clusters:
    """Put the clusters of consecutive stretches into one set; across stretches nothing is known to be apart."""
    offsets = np.cumsum([0] + [len(part.sizes) for part in parts])
    apart = np.zeros((offsets[-1], offsets[-1]))
    for part, begin in zip(parts, offsets, strict=False):
        apart[begin : begin + len(part.sizes), begin : begin + len(part.sizes)] = part.apart
    return Clusters(
        labels=np.concatenate([part.labels + begin for part, begin in zip(parts, offsets, strict=False)]),
        sums=np.concatenate([part.sums for part in parts]),
        sizes=np.concatenate([part.sizes for part in parts]),
        apart=apart,
    )
