"""Known voices help to tell speakers apart: clusters that match one voiceprint are one speaker.

Two pieces of one person's speech can differ too much to be merged for themselves, when the person turns away, laughs or
gets tired, and each still be that person for the model that decides identity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.merging import Clusters, Judge, SpeakerBounds, merge_odds
from timbre.models.same_voice import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.audio.acoustics import Acoustics

_SURE: Final = 2.0  # log-odds that both are the person; at 0, one stranger in a few recordings is merged into somebody
_UNLIKE: Final = -4.0  # log-odds of merging by themselves under which clusters stay two speakers all the same


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
