"""Clustering against the reference for average linkage, and on voices that a person can draw."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from timbre.diarization.clustering import STRETCH, average_linkage, cluster, over_split
from timbre.diarization.merging import Clusters, MergeRule, SpeakerBounds
from timbre.models.same_voice import SameVoice, unit
from timbre.models.variation import Variation

RULE = MergeRule(
    sure=5.0,
    smallest=3,
    prior=2.72,
    growth=1.2,
    longest=15.0,
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
    blend=5.0,
)
MODEL = SameVoice(
    name="test",
    fitted=False,
    score_weight=12.0,
    enrol_weight=0.8,
    test_weight=0.8,
    bias=-2.0,
    centre=np.zeros(32, np.float32),
)
VARIATION = Variation(
    axes=np.eye(32, dtype=np.float32),
    people=np.full(32, 1 / 32, np.float32),
    moods=np.full(32, 0.002, np.float32),
    windows=np.full(32, 0.01, np.float32),
)


def voices(sizes: list[int], *, spread: float = 0.09, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy unit vectors around one direction a voice, and whose they are."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.standard_normal((32, 32)))[0][: len(sizes)]
    who = np.repeat(np.arange(len(sizes)), sizes)
    return unit((centres[who] + spread * rng.standard_normal((len(who), 32))).astype(np.float32)), who


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


def clustered(vectors: np.ndarray, **bounds: int) -> Clusters:
    return cluster(vectors, RULE, MODEL, VARIATION, seconds=0.4, bounds=SpeakerBounds(**bounds))


def test_average_linkage_equals_the_reference(golden: Callable[[str], dict[str, np.ndarray]]) -> None:
    reference = golden("clustering")
    for threshold, expected in zip(reference["thresholds"], reference["labels"], strict=True):
        labels = average_linkage(reference["vectors"], float(threshold))
        assert same_partition(labels, expected)


def test_every_voice_becomes_one_speaker() -> None:
    vectors, who = voices([40, 25, 12])
    found = clustered(vectors)
    assert same_partition(found.labels, who)
    assert sorted(found.sizes.tolist()) == [12, 25, 40]


def test_one_voice_stays_one() -> None:
    assert len(clustered(voices([60])[0]).sizes) == 1


def test_bounds_hold_against_the_evidence() -> None:
    vectors, _ = voices([30, 30, 30])
    assert len(clustered(vectors, most=2).sizes) == 2
    assert len(clustered(vectors, least=5).sizes) >= 5
    assert len(clustered(vectors, least=4, most=4).sizes) == 4


def test_no_more_speakers_than_windows() -> None:
    assert len(clustered(voices([1])[0], least=3).sizes) == 1
    assert len(clustered(voices([1, 1])[0], least=9).sizes) == 2


def test_small_clusters_are_given_to_their_neighbours() -> None:
    vectors, _ = voices([20, 20, 1])
    labels = over_split(vectors, cosine=0.6, smallest=3)
    assert labels.max() == 1
    assert len(labels) == 41


def test_what_the_segmenter_hears_apart_is_not_merged() -> None:
    vectors, _ = voices([12, 12], spread=0.01)
    blend = unit(vectors[:12] + 1.2 * vectors[12:].mean(axis=0))
    both = np.concatenate([blend, vectors[12:]])
    alike = clustered(both)
    rows = np.arange(24)
    talk = np.zeros((24, 3), np.float32)
    talk[:12, 0], talk[12:, 1] = 80, 80
    local = [(rows, talk)] * 20
    rule = replace(RULE, sure=9.0)
    apart = cluster(both, rule, MODEL, VARIATION, seconds=0.4, bounds=SpeakerBounds(), local=local)
    assert len(alike.sizes) == 1
    assert len(apart.sizes) == 2


def test_long_recordings_are_clustered_in_stretches_with_one_set_of_speakers() -> None:
    vectors, who = voices([STRETCH, STRETCH // 2, STRETCH // 4])
    order = np.random.default_rng(1).permutation(len(who))
    found = clustered(vectors[order])
    assert same_partition(found.labels, who[order])


def test_the_segmenters_evidence_keeps_its_place_in_a_long_recording() -> None:
    vectors, _ = voices([STRETCH, 12, 12], spread=0.01)
    vectors[-24:-12] = unit(vectors[-24:-12] + 1.2 * vectors[-12:].mean(axis=0))
    talk = np.zeros((24, 3), np.float32)
    talk[:12, 0], talk[12:, 1] = 80, 80
    rule = replace(RULE, sure=9.0)

    def speakers_with(first_row: int) -> int:
        local = [(np.arange(first_row, first_row + 24), talk)] * 20
        return len(cluster(vectors, rule, MODEL, VARIATION, seconds=0.4, bounds=SpeakerBounds(), local=local).sizes)

    assert [speakers_with(row) for row in (0, STRETCH // 2, STRETCH)] == [2, 2, 3]


def test_equal_input_gives_equal_output() -> None:
    vectors, _ = voices([50, 30, 20], spread=0.2, seed=5)
    assert (clustered(vectors).labels == clustered(vectors.copy()).labels).all()


def test_second_thoughts_leave_every_window_with_the_speaker_it_is_nearest_to() -> None:
    """Small clusters of near voices mix them; which window is whose is plain once there are speakers."""
    vectors, _ = voices([400, 250], spread=0.28, seed=1)
    found = clustered(unit(vectors + 1.5 * vectors.mean(axis=0)), least=2, most=2)
    nearest = (unit(vectors + 1.5 * vectors.mean(axis=0)) @ found.centroids.T).argmax(axis=1)
    assert (nearest == found.labels).mean() > 0.997
