"""From pure windows to speakers: split too finely on purpose, merge, and have second thoughts.

A fixed distance threshold does not scale: what it should be depends on how much speech lies on both sides. So
agglomerative clustering only makes small clusters that are surely one voice, which are then merged into speakers (see
`merging`). What was merged early was merged knowing little; so every window then goes to the speaker it is nearest to,
and what is alike after that is merged again.

A recording is clustered in stretches of twenty minutes, whose speakers are then merged by the same rule; no step grows
with the square of the recording's length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.blends import find_blend
from timbre.diarization.evidence import Evidence, within
from timbre.diarization.merging import Clusters, Judge, MergeRule, SpeakerBounds, merge, sums_of
from timbre.diarization.segmentation import LocalTalk
from timbre.models.same_voice import SameVoice, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.spread import Spread
    from timbre.models.variation import Variation

STRETCH: Final = 3_000  # pure windows that are clustered at once: up to twenty minutes of speech
_REFERENCE: Final = 10.0  # seconds on both sides for which a blend's likeness is stated
_WINDOW: Final = 1.6  # seconds that one window holds
_REFINEMENTS: Final = 4
_SECOND_THOUGHTS: Final = 3  # rounds of giving windows to the nearest speaker


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


def cluster(
    vectors: NDArray[np.float32],
    rule: MergeRule,
    same_voice: SameVoice,
    variation: Variation,
    *,
    seconds: float,
    bounds: SpeakerBounds,
    local: Sequence[LocalTalk] = (),
) -> Clusters:
    """Cluster the pure windows of a recording into speakers.

    Args:
        vectors: Centred unit rows `[n, dimension]` in order of time, n ≥ 1.
        rule: When to split and merge.
        same_voice: The model of identity.
        variation: How voices vary.
        seconds: Speech that one window stands for.
        bounds: Allowed number of speakers; kept if there are enough windows.
        local: What the segmenter heard of these windows, in order of time, if there is one.

    Returns:
        Clusters with the label of every row.
    """
    cosine = same_voice.cosine_at(rule.sure, _WINDOW, _WINDOW)
    least = bounds.least if len(vectors) <= STRETCH else 1
    stretches = []
    for rows in np.array_split(np.arange(len(vectors)), -(-len(vectors) // STRETCH)):
        labels = over_split(vectors[rows], cosine=cosine, smallest=rule.smallest, least=least)
        stretches.append((vectors[rows], labels, Evidence.of(labels, within(local, rows))))
    minutes = len(vectors) * seconds / 60
    within_mood = rule.within_mood(variation, minutes)
    judge = Judge(rule=rule, same_voice=same_voice, seconds=seconds)
    found = _merged(stretches, judge, within_mood, bounds)
    crowded = replace(judge, rule=rule.among(len(found.sizes)))
    if crowded != judge:
        found = _merged(stretches, crowded, within_mood, bounds)
    labels = _nearest(vectors, found.labels)
    if labels.max() + 1 >= bounds.least:
        moods = Clusters.of(vectors, labels, Evidence.of(labels, local), rule.between_moods(variation, minutes))
        found = merge(moods, replace(crowded, rule=crowded.rule.for_moods()), bounds)
    return _without_blends(found, vectors, same_voice.cosine_at(rule.blend, _REFERENCE, _REFERENCE), bounds)


def _merged(
    stretches: Sequence[tuple[NDArray[np.float32], NDArray[np.int64], Evidence]],
    judge: Judge,
    spread: Spread,
    bounds: SpeakerBounds,
) -> Clusters:
    """Merge small clusters within each stretch of a recording, then across."""
    parts = [Clusters.of(vectors, labels, known.copy(), spread) for vectors, labels, known in stretches]
    if len(parts) > 1:
        parts = [merge(part, judge, SpeakerBounds()) for part in parts]
    return merge(_side_by_side(parts), judge, bounds)


def _without_blends(clusters: Clusters, vectors: NDArray[np.float32], cosine: float, bounds: SpeakerBounds) -> Clusters:
    """Give the windows of blends to the voices they are nearest to, down to the least number of speakers."""
    while len(clusters.sizes) > bounds.least:
        blend = find_blend(clusters.centroids, clusters.sizes, cosine)
        if blend is None:
            break
        clusters = clusters.without(blend, vectors)
    return clusters


def _nearest(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every vector to the nearest centroid, as spherical k-means does, a few times over; labels from 0 on.

    Source: Dhillon & Modha, "Concept decompositions for large sparse text data using clustering", 2001.
    """
    for _ in range(_SECOND_THOUGHTS):
        centroids = unit(sums_of(vectors, labels).astype(np.float32))
        labels = np.unique((vectors @ centroids.T).argmax(axis=1), return_inverse=True)[1].astype(np.int64)
    return labels


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


def _side_by_side(parts: list[Clusters]) -> Clusters:
    """Put the clusters of consecutive stretches into one set."""
    begins = np.cumsum([0] + [len(part.sizes) for part in parts])
    return Clusters(
        labels=np.concatenate([part.labels + begin for part, begin in zip(parts, begins, strict=False)]),
        sums=np.concatenate([part.sums for part in parts]),
        sizes=np.concatenate([part.sizes for part in parts]),
        evidence=Evidence.side_by_side([part.evidence for part in parts]),
        spread=parts[0].spread,
        precision=np.concatenate([part.precision for part in parts]),
        weighted=np.concatenate([part.weighted for part in parts]),
    )
