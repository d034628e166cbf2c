"""Known voices help to tell speakers apart: those who match one voiceprint are one, and one who matches two is two.

Two pieces of one person's speech can differ too much to be merged for themselves, when the person turns away, laughs or
gets tired, and each still be that person for the model that decides identity. And two people can be too alike to be
told apart by what they say in one recording, and each still be somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.evidence import Evidence
from timbre.diarization.merging import Clusters, Judge, SpeakerBounds, merge_odds
from timbre.diarization.windows import around
from timbre.models.same_voice import Side, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.audio.acoustics import Acoustics

_SURE: Final = 2.0  # log-odds that both are the person; at 0, one stranger in a few recordings is merged into somebody
_UNLIKE: Final = -4.0  # log-odds of merging by themselves under which clusters stay two speakers all the same
_FEWEST: Final = 6  # windows of a part of a cluster
_LIKELIEST: Final = 4  # people of a cluster, of whom each two may be its parts
_NEAREST: Final = 20  # people to whom the windows of a cluster are compared
_THEIRS: Final = 0.0  # log-odds that each part is the person it is taken for
_NOT_THE_OTHER: Final = 2.0  # log-odds by which each part must rather be its own person than the other one


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVoices:
    """Those who may speak."""

    embeddings: NDArray[np.float32]  # [k, dimension] unit rows, centred
    side: Side  # what is known of each `[k]`
    people: int  # of how many these are the likeliest: k where everybody is here


# Finds those who may speak by unit rows `[clusters, dimension]` of how it sounds; None for nobody.
LookUp = Callable[["NDArray[np.float32]"], KnownVoices | None]


def unite(
    clusters: Clusters,
    look_up: LookUp,
    judge: Judge,
    *,
    acoustics: Acoustics,
    bounds: SpeakerBounds,
) -> Clusters:
    """Merge clusters that are surely one known person, the surest pair first.

    Args:
        clusters: No longer to be used afterwards.
        look_up: Finds the people; how many there are in all counts, as for names.
        judge: Says what is one voice without them.
        acoustics: How the recording sounds.
        bounds: Below the least number of speakers nothing is merged.

    Returns:
        What is left of them.
    """
    fewest = max(1, bounds.least)
    known = look_up(clusters.centroids) if len(clusters.sizes) > fewest else None
    while known is not None and len(clusters.sizes) > fewest:
        heard = Side.of((clusters.sizes * judge.seconds).tolist(), [acoustics] * len(clusters.sizes))
        odds = judge.same_voice.log_odds(clusters.centroids @ known.embeddings.T, known.side, heard.column())
        worth = judge.same_voice.among(odds, known.people)
        who, sure = worth.argmax(axis=1), worth.max(axis=1)
        alike = merge_odds(clusters, judge) > _UNLIKE
        pairs = np.where((who[:, None] == who[None, :]) & alike, np.minimum(sure[:, None], sure[None, :]), -np.inf)
        np.fill_diagonal(pairs, -np.inf)
        keep, gone = sorted(int(index) for index in np.unravel_index(int(pairs.argmax()), pairs.shape))
        if pairs[keep, gone] <= _SURE:
            break
        clusters.absorb(keep, gone)
        into = np.arange(len(clusters.sizes))
        into[gone] = keep
        clusters = clusters.joined(into)
    return clusters


def part(
    clusters: Clusters,
    vectors: NDArray[np.float32],
    look_up: LookUp,
    judge: Judge,
    *,
    acoustics: Acoustics,
    bounds: SpeakerBounds,
) -> Clusters:
    """Make two clusters of one whose windows are partly surely of one known person and partly of another.

    Args:
        clusters: What was merged.
        vectors: Unit rows `[n, dimension]` of their windows, in order of time.
        look_up: Finds the people.
        judge: Says what is one voice.
        acoustics: How the recording sounds.
        bounds: There are never more speakers than the most.
    """
    known = look_up(clusters.centroids)
    if known is None:
        return clusters
    labels, count, number = clusters.labels.copy(), len(clusters.sizes), 0
    while number < count < (bounds.most or len(vectors)):
        rows = np.flatnonzero(labels == number)
        second = _second_person(vectors[rows], known, judge, acoustics)
        if second is None:
            number += 1
            continue
        labels[rows[second]] = count
        count += 1
    if count == len(clusters.sizes):
        return clusters
    return Clusters.of(vectors, labels, Evidence.none(count), clusters.spread)


def _second_person(
    vectors: NDArray[np.float32], known: KnownVoices, judge: Judge, acoustics: Acoustics
) -> NDArray[np.bool_] | None:
    """Return which windows of a cluster, `[n, dimension]`, are of a second person; None if there is no such person."""
    if len(vectors) < 2 * _FEWEST or len(known.embeddings) < 2:  # noqa: PLR2004
        return None
    nearest = np.argsort(-(known.embeddings @ vectors.sum(axis=0)), kind="stable")[:_NEAREST]
    cosine = around(vectors) @ known.embeddings[nearest].T
    likeliest = np.argsort(-np.bincount(cosine.argmax(axis=1), minlength=len(nearest)), kind="stable")[:_LIKELIEST]
    best, parted = _THEIRS, None
    for one, other in combinations(likeliest.tolist(), 2):
        second = cosine[:, other] > cosine[:, one]
        sizes = np.array([np.count_nonzero(~second), np.count_nonzero(second)])
        if sizes.min() < _FEWEST:
            continue
        centroids = unit(np.stack([vectors[~second].sum(axis=0), vectors[second].sum(axis=0)]))
        heard = Side.of((sizes * judge.seconds).tolist(), [acoustics] * 2)
        odds = judge.same_voice.log_odds(centroids @ known.embeddings.T, known.side, heard.column())
        worth = judge.same_voice.among(odds, known.people)
        own, foreign = nearest[[one, other]], nearest[[other, one]]
        if (odds.argmax(axis=1) != own).any():
            continue
        rather = (odds[[0, 1], own] - odds[[0, 1], foreign]).min()
        sure = float(worth[[0, 1], own].min())
        if rather >= _NOT_THE_OTHER and sure >= best:
            best, parted = sure, second
    return parted
