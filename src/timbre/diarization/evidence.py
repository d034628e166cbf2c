"""What speaks for one voice or for two, beside how alike two clusters are.

The segmenter hears at most three people in ten seconds and tells them apart by more than their voices: by who answers
whom. It is asked for every two clusters that it sees together: in how many of its windows does it hear them as one
speaker, and in how many as two? What it says is weighed as a rate, so that a long recording, in which any two clusters
are sometimes heard apart, does not add up small errors until everybody is several people.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from timbre.diarization.segmentation import HOP, WINDOW, LocalTalk

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INDEPENDENT: Final = HOP / WINDOW  # share of a segmenter's window that no other one sees


def within(local: Sequence[LocalTalk], rows: NDArray[np.int64]) -> list[LocalTalk]:
    """Keep what concerns consecutive rows, counted from the first of them."""
    begin = bisect_left(local, rows[0], key=lambda window: window[0][-1])
    end = bisect_right(local, rows[-1], key=lambda window: window[0][0])
    kept = []
    for inside, talk in local[begin:end]:
        here = (inside >= rows[0]) & (inside <= rows[-1])
        if here.any():
            kept.append((inside[here] - rows[0], talk[here]))
    return kept


@dataclass(slots=True, kw_only=True)
class Evidence:
    """About every pair of clusters, float64 `[k, k]`."""

    apart: NDArray[np.float64]  # windows of the segmenter, as if none overlapped, in which they are two speakers
    together: NDArray[np.float64]  # in which they are one

    @classmethod
    def none(cls, clusters: int) -> Self:
        """Return that nothing is known."""
        return cls(**{field.name: np.zeros((clusters, clusters)) for field in fields(cls)})

    @classmethod
    def of(cls, labels: NDArray[np.int64], local: Sequence[LocalTalk]) -> Self:
        """Ask about clusters that windows have been given to, `[n]` from 0 on."""
        evidence = cls.none(int(labels.max()) + 1)
        for rows, talk in local:
            here, which = np.unique(labels[rows], return_inverse=True)
            apart, together = _votes(which, talk, len(here))
            evidence.apart[np.ix_(here, here)] += apart
            evidence.together[np.ix_(here, here)] += together
        return evidence

    @classmethod
    def side_by_side(cls, parts: Sequence[Evidence]) -> Self:
        """Put the clusters of consecutive stretches into one set; across stretches nothing is known."""
        ends = np.cumsum([len(part.apart) for part in parts])
        whole = cls.none(int(ends[-1]))
        for part, end in zip(parts, ends, strict=True):
            place = slice(end - len(part.apart), end)
            for field in fields(cls):
                getattr(whole, field.name)[place, place] = getattr(part, field.name)
        return whole

    def copy(self) -> Evidence:
        """Return the same, to be changed apart."""
        return self.only(np.arange(len(self.apart)))

    def absorb(self, keep: int, gone: int) -> None:
        """Add what is known of the second cluster to the first."""
        for field in fields(self):
            pairs = getattr(self, field.name)
            pairs[keep] += pairs[gone]
            pairs[:, keep] += pairs[:, gone]

    def only(self, left: NDArray[np.int64]) -> Evidence:
        """Return what is known of some of the clusters."""
        return Evidence(**{field.name: getattr(self, field.name)[np.ix_(left, left)] for field in fields(self)})


def _votes(
    labels: NDArray[np.int64], talk: NDArray[np.float32], clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Say of one of the segmenter's windows how far clusters are two speakers in it, and one: `[k, k]` each."""
    heard = np.zeros((talk.shape[1], clusters))
    np.add.at(heard, (talk.argmax(axis=1), labels), 1)
    together = np.minimum(heard[:, :, None], heard[:, None, :]).sum(axis=0)
    any_two = np.minimum(heard[:, None, :, None], heard[None, :, None, :]).sum(axis=(0, 1))
    share = np.asarray(1 - together / np.maximum(any_two, 1), np.float64)
    return _INDEPENDENT * share, _INDEPENDENT * (1 - share)
