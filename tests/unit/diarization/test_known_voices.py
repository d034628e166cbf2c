"""Merging by voiceprints, with made-up vectors."""

import numpy as np
import pytest

from timbre.audio.acoustics import UNKNOWN
from timbre.diarization.evidence import Evidence
from timbre.diarization.known_voices import KnownVoices, unite
from timbre.diarization.merging import Clusters, Judge, MergeRule, SpeakerBounds
from timbre.diarization.spread import Spread
from timbre.models.same_voice import SameVoice, Side, unit

RULE = MergeRule(
    sure=3.0,
    smallest=2,
    prior=3.0,
    growth=0.0,
    longest=12.0,
    minutes=30.0,
    strangers=1.0,
    windows=1.0,
    pieces=1.0,
    least=3.0,
    moods=1.0,
    second=3.0,
    crowd=0.0,
    single=0.1,
    order=0.4,
    apart=2.0,
    together=0.5,
    doubt=0.2,
    heeded=0.4,
    blend=3.0,
)
MODEL = SameVoice(
    name="toy",
    fitted=True,
    score_weight=20.0,
    enrol_weight=0.0,
    test_weight=0.0,
    bias=-10.0,
    centre=np.zeros(4, np.float32),
)
JUDGE = Judge(rule=RULE, same_voice=MODEL, seconds=0.4)
SPREAD = Spread(
    axes=np.eye(4, dtype=np.float32),
    people=np.full(4, 0.3, np.float32),
    moods=np.full(4, 0.03, np.float32),
    windows=np.full(4, 0.1, np.float32),
    trust=0.0,
)
ADA = np.array([1, 0, 0, 0], np.float32)
TURNED_AWAY = unit(np.array([1, 0.9, 0, 0], np.float32))  # log-odds 2.9 that it is hers
LAUGHING = unit(np.array([1, 0, 0.9, 0], np.float32))  # and these two: 1.0, less than merging asks for
BEN = np.array([0, 0, 0, 1], np.float32)


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
