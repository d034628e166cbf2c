"""Clusters that are parted once more, with made-up vectors."""

import numpy as np
import pytest

from timbre.diarization.evidence import Evidence
from timbre.diarization.halving import halved
from timbre.diarization.merging import Clusters, SpeakerBounds
from timbre.models.same_voice import unit
from toy_voices import ADA, BEN, JUDGE, LAUGHING, SPREAD, TURNED_AWAY


def halves(*stretches: tuple[np.ndarray, int], labels: list[int] | None = None, most: int | None = None) -> list[int]:
    """Cluster of each stretch of windows of a direction, with some scatter; without labels all were one."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([np.tile(direction, (count, 1)) for direction, count in stretches])
    vectors = unit((rows + rng.normal(0, 0.05, rows.shape)).astype(np.float32))
    own = np.repeat(labels or [0] * len(stretches), [count for _, count in stretches])
    found = halved(
        Clusters.of(vectors, own, Evidence.none(max(own) + 1), SPREAD), vectors, JUDGE, SpeakerBounds(most=most)
    )
    assert len(found.sizes) == len(set(found.labels.tolist()))
    begins = np.cumsum([0, *(count for _, count in stretches)])[:-1]
    return [int(found.labels[begin + count // 2]) for begin, (_, count) in zip(begins, stretches, strict=True)]


def test_two_people_who_were_merged_are_two() -> None:
    assert halves((ADA, 40), (BEN, 10), (ADA, 20), (BEN, 12)) == [0, 1, 0, 1]


def test_three_people_who_were_merged_are_three() -> None:
    carla = np.array([0, 0, 1, 0], np.float32)
    assert sorted(halves((ADA, 40), (BEN, 40), (carla, 40))) == [0, 1, 2]


@pytest.mark.parametrize("other", [ADA, TURNED_AWAY])
def test_one_person_stays_one(other: np.ndarray) -> None:
    assert halves((ADA, 40), (other, 40)) == [0, 0]


def test_others_keep_their_places() -> None:
    assert halves((LAUGHING, 30), (ADA, 30), (BEN, 30), labels=[0, 1, 1]) == [0, 1, 2]


def test_a_few_windows_say_too_little() -> None:
    assert halves((ADA, 40), (BEN, 3)) == [0, 0]


@pytest.mark.parametrize(("most", "left"), [(1, [0, 0]), (2, [0, 1])])
def test_there_are_never_more_than_the_most(most: int, left: list[int]) -> None:
    assert halves((ADA, 40), (BEN, 40), most=most) == left
