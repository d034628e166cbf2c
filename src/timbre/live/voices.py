"""How the voices of a stream sound: windows remembered, however long it runs in bounded memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.windows import STEP_SECONDS
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW_SECONDS: Final = 1.6  # that a window holds
MOST_WINDOWS: Final = 600  # remembered, four minutes of speech in full; then those of who talks most are thinned
_YOUNG: Final = 8  # windows under which clustering does not give a speaker up
_MOST_NEW: Final = 75  # windows after which all are clustered again, however many there are
_FEW: Final = 2  # windows under which a voice is judged by its first words too


class Voices:
    """The windows of a stream, each given to a speaker; speakers are numbered from 0 on, for good."""

    def __init__(self) -> None:
        self._vectors: list[NDArray[np.float32]] = []
        self._starts: list[int] = []
        self._labels: list[int] = []
        self._weights: list[int] = []  # windows that each stands for
        self._first: dict[int, tuple[NDArray[np.float32], float]] = {}  # first words of voices, and their seconds
        self._into: dict[int, int] = {}  # speakers that turned out to be others
        self._clustered = 0  # windows that the last clustering was of
        self._added = 0
        self.speakers = 0  # numbers given so far

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def known(self) -> list[int]:
        """Those who have a voice."""
        return sorted(set(self._labels) | self._first.keys())

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Unit rows `[windows, dimension]` in order of time."""
        return np.stack(self._vectors)

    @property
    def starts(self) -> NDArray[np.int64]:
        """First sample of each window, `[windows]`."""
        return np.array(self._starts, np.int64)

    def who(self, begin: float, end: float) -> int | None:
        """Return who has most of the windows whose middle is between two samples; None if there is none."""
        inside = [label for start, label in zip(self._starts, self._labels, strict=True) if begin <= start < end]
        return max(set(inside), key=lambda label: (inside.count(label), -label)) if inside else None

    def begin(self, vector: NDArray[np.float32], seconds: float) -> int:
        """Number a speaker who was not heard before, by their first words."""
        number = self.speakers
        self.speakers += 1
        self._first[number] = (vector, seconds)
        return number

    def first_words(self, speaker: int, vector: NDArray[np.float32], seconds: float) -> None:
        """Take more of somebody's first words for less of them."""
        if speaker in self._first and seconds > self._first[speaker][1]:
            self._first[speaker] = (vector, seconds)

    def add(self, vector: NDArray[np.float32], start: int, speaker: int) -> None:
        """Remember a whole window."""
        self._vectors.append(vector)
        self._starts.append(start)
        self._labels.append(speaker)
        self._weights.append(1)
        self._added += 1
        if self._labels.count(speaker) >= _FEW:
            self._first.pop(speaker, None)
        if len(self) > MOST_WINDOWS:
            self._thin()

    def centroids(self) -> tuple[list[int], NDArray[np.float32], NDArray[np.float64]]:
        """Return who is known, how they sound `[k, dimension]`, and the seconds that is known from `[k]`."""
        known = self.known
        labels, weights = np.array(self._labels, np.int64), np.array(self._weights, np.float64)
        rows = self.vectors if len(self) else None
        sums, seconds = [], []
        for speaker in known:
            own = labels == speaker
            total, spoken = np.zeros(()), 0.0
            if rows is not None and own.any():
                total, spoken = np.asarray(weights[own] @ rows[own]), float(weights[own].sum()) * STEP_SECONDS
            if speaker in self._first:
                vector, first = self._first[speaker]
                total, spoken = np.asarray(total + vector), max(spoken, first)
            sums.append(total)
            seconds.append(spoken)
        return known, unit(np.array(sums, np.float32)), np.array(seconds)

    def sums(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of everybody's windows `[k, dimension]`, and how many those are `[k]`, as `known` has them.

        First words are a part of a window.
        """
        labels, weights = np.array(self._labels, np.int64), np.array(self._weights, np.float64)
        rows = self.vectors if len(self) else None
        sums, sizes = [], []
        for speaker in self.known:
            own = labels == speaker
            total, size = np.zeros(()), 0.0
            if rows is not None and own.any():
                total, size = np.asarray(weights[own] @ rows[own]), float(weights[own].sum())
            if speaker in self._first:
                vector, seconds = self._first[speaker]
                part = min(1.0, seconds / WINDOW_SECONDS)
                total, size = np.asarray(total + part * vector), size + part
            sums.append(total)
            sizes.append(size)
        return np.array(sums), np.array(sizes)

    def due(self, more: float, fewest: int) -> bool:
        """Whether so much was added that all is worth looking at again: this share of what there was, or so many."""
        return self._added >= min(max(more * self._clustered, fewest), _MOST_NEW)

    def relabel(self, clusters: NDArray[np.int64], windows: int, own: Collection[int] = ()) -> bool:
        """Take what clustering says about the first so many windows; say whether anybody's voice changed.

        A speaker keeps the number under which most of the windows were known, so far as two do not claim one. Who has
        said little so far is not given up for what clustering, which knows no more of them, makes of it.

        Args:
            clusters: Of these windows, from 0 on.
            windows: How many.
            own: Speakers who are somebody of their own, whatever clustering says.

        Source of the assignment: Kuhn, "The Hungarian method for the assignment problem", 1955.
        """
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to import

        self._clustered, self._added = windows, len(self) - windows
        old = np.array(self._labels[:windows], np.int64)
        clusters = self._spared(clusters, old, own)
        votes = np.zeros((int(clusters.max()) + 1, self.speakers))
        np.add.at(votes, (clusters, old), np.array(self._weights[:windows], np.float64))
        # Of equal claims the older number wins.
        rows, columns = linear_sum_assignment(votes - 1e-6 * np.arange(self.speakers), maximize=True)
        claims = {int(row): int(column) for row, column in zip(rows, columns, strict=True) if votes[row, column]}
        for cluster in range(len(votes)):
            if cluster not in claims:
                claims[cluster] = self.speakers
                self.speakers += 1
        new = [claims[int(cluster)] for cluster in clusters]
        changed = new != self._labels[:windows]
        self._labels[:windows] = new
        for speaker in set(old.tolist()) - set(self._labels):
            self._into[speaker] = claims[int(votes[:, speaker].argmax())]
            self._first.pop(speaker, None)
        return changed

    def _spared(self, clusters: NDArray[np.int64], old: NDArray[np.int64], own: Collection[int]) -> NDArray[np.int64]:
        """Give clusters of their own to those who are spared, and whom others would outvote."""
        clusters = clusters.copy()
        sizes = np.bincount(old, minlength=self.speakers)
        for speaker in np.flatnonzero(sizes):
            if sizes[speaker] >= _YOUNG and speaker not in own:
                continue
            rows = np.flatnonzero(old == speaker)
            into = np.bincount(clusters[rows]).argmax()
            if np.bincount(old[clusters == into]).argmax() != speaker:
                clusters[rows] = clusters.max() + 1
        return np.unique(clusters, return_inverse=True)[1].astype(np.int64)

    def now(self, speaker: int) -> int:
        """Return whom the voice of a speaker is now given to."""
        while speaker in self._into and speaker not in self._labels and speaker not in self._first:
            speaker = self._into[speaker]
        return speaker

    def _thin(self) -> None:
        """Of who has most windows, let every second one of the older half stand for its neighbour."""
        labels = np.array(self._labels)
        most = int(np.bincount(labels).argmax())
        rows = np.flatnonzero(labels == most)
        older = rows[: len(rows) // 2]
        for keep, gone in zip(older[::2], older[1::2], strict=False):
            self._weights[keep] += self._weights[gone]
        left = np.setdiff1d(np.arange(len(self)), older[1::2]).tolist()
        for values in (self._vectors, self._starts, self._labels, self._weights):
            values[:] = [values[row] for row in left]
        self._clustered = min(self._clustered, len(self))
