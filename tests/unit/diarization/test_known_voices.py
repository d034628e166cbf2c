"""Merging by voiceprints, with made-up vectors."""

import numpy as np
import pytest

from timbre.audio.acoustics import UNKNOWN
from timbre.diarization.evidence import Evidence
from timbre.diarization.known_voices import KnownVoices, part, unite
from timbre.diarization.merging import Clusters, SpeakerBounds
from timbre.models.same_voice import Side, unit
from toy_voices import ADA, BEN, JUDGE, LAUGHING, SPREAD, TURNED_AWAY


def clusters(*rows: np.ndarray) -> Clusters:
    count = len(rows)
    labels = np.repeat(np.arange(count), 25)
    return Clusters.of(np.stack(rows)[labels], labels, Evidence.none(count), SPREAD)


def united(found: Clusters, *people: np.ndarray, least: int = 1, among: int | None = None) -> list[int]:
    known = KnownVoices(
        embeddings=np.stack(people), side=Side(seconds=np.full(len(people), 20.0)), people=among or len(people)
    )
    bounds = SpeakerBounds(least=least)
    left = unite(found, lambda _: known, JUDGE, acoustics=UNKNOWN, bounds=bounds)
    return left.labels[::25].tolist()


def test_two_clusters_of_one_known_person_become_one_speaker() -> None:
    found = clusters(TURNED_AWAY, BEN, LAUGHING)
    assert united(found, ADA) == [0, 1, 0]


def test_the_voiceprint_of_somebody_else_merges_nobody() -> None:
    assert united(clusters(TURNED_AWAY, LAUGHING), BEN) == [0, 1]


def test_each_goes_to_the_person_it_matches_best() -> None:
    assert united(clusters(TURNED_AWAY, LAUGHING), TURNED_AWAY, LAUGHING) == [0, 1]


def test_among_many_people_more_is_asked_for() -> None:
    alike = unit(np.ones(4, np.float32))  # log-odds 4.1 that either is this person, and 4.9 that she is Ada
    assert united(clusters(TURNED_AWAY, LAUGHING), ADA, *[BEN] * 20) == [0, 0]
    assert united(clusters(TURNED_AWAY, LAUGHING), ADA, *[alike] * 20) == [0, 1]


def test_people_who_were_looked_for_count_though_they_are_not_near() -> None:
    assert united(clusters(TURNED_AWAY, LAUGHING), ADA, among=201) == [0, 1]


def test_nobody_is_looked_up_where_nothing_can_be_merged() -> None:
    alone = clusters(ADA)
    assert unite(alone, None, JUDGE, acoustics=UNKNOWN, bounds=SpeakerBounds()) is alone


def test_the_least_number_of_speakers_is_kept() -> None:
    assert united(clusters(TURNED_AWAY, LAUGHING), ADA, least=2) == [0, 1]


@pytest.mark.parametrize(("windows", "speakers"), [(0, 1), (40, 2)])
def test_whom_the_segmenter_hears_apart_stay_apart(windows: int, speakers: int) -> None:
    found = clusters(TURNED_AWAY, LAUGHING)
    found.evidence.apart[:] = windows
    assert len(set(united(found, ADA))) == speakers


def parted(windows: list[np.ndarray], *people: np.ndarray, most: int | None = None) -> list[int]:
    """Part the one cluster that these windows were merged into."""
    vectors, one = np.stack(windows), np.zeros(len(windows), np.int64)
    known = KnownVoices(embeddings=np.stack(people), side=Side(seconds=np.full(len(people), 20.0)), people=len(people))
    found = Clusters.of(vectors, one, Evidence.none(1), SPREAD)
    bounds = SpeakerBounds(most=most)
    left = part(found, vectors, lambda _: known, JUDGE, acoustics=UNKNOWN, bounds=bounds)
    assert np.array_equal(left.sizes, np.bincount(left.labels))
    return left.labels.tolist()


def test_a_cluster_of_two_known_people_becomes_two_speakers() -> None:
    windows = [ADA] * 20 + [BEN] * 12 + [ADA] * 8
    assert parted(windows, ADA, BEN, LAUGHING) == [0] * 20 + [1] * 12 + [0] * 8
    three = unit(np.array([0, 1, 0, 0], np.float32))
    assert len(set(parted([*windows, *[three] * 15], ADA, BEN, three))) == 3


def test_a_cluster_is_one_speaker_where_nothing_says_that_it_is_two() -> None:
    alone = [0] * 40
    assert parted([ADA] * 40, ADA, BEN) == alone
    assert parted([ADA] * 20 + [BEN] * 20, ADA, LAUGHING) == alone  # Ben is not known
    assert parted([TURNED_AWAY] * 20 + [LAUGHING] * 20, ADA, BEN) == alone  # one person in two moods
    assert parted([ADA] * 36 + [BEN] * 4, ADA, BEN) == alone  # too little of Ben
    assert parted([ADA] * 20 + [BEN] * 20, ADA, BEN, most=1) == alone  # whoever asked knows better
    nearly = unit(ADA + np.float32(0.2) * BEN)
    assert parted([ADA] * 20 + [nearly] * 20, ADA, nearly) == alone  # twins


def test_single_windows_follow_those_around_them() -> None:
    assert parted([*[ADA] * 10, BEN, *[ADA] * 10, *[BEN] * 20], ADA, BEN)[:21] == [0] * 21
