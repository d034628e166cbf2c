"""When clusters are one speaker, and which are merged first, with made-up vectors."""

import numpy as np
import pytest

from timbre.diarization.evidence import Evidence
from timbre.diarization.merging import (
    Clusters,
    Judge,
    MergeRule,
    SpeakerBounds,
    merge,
    merge_costs,
    merge_odds,
    one_person_odds,
)
from timbre.diarization.spread import Spread
from timbre.models.same_voice import SameVoice, unit

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

JUDGE = Judge(rule=RULE, same_voice=MODEL, seconds=0.4)


def spread(dimension: int, *, trust: float = 0.0, **variances: float) -> Spread:
    chosen = {"people": 0.3, "moods": 0.03, "windows": 0.3} | variances
    arrays = {name: np.full(dimension, value, np.float32) for name, value in chosen.items()}
    return Spread(axes=np.eye(dimension, dtype=np.float32), trust=trust, **arrays)


def noisy_voices(sizes: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return noisy unit vectors around one direction a voice."""
    centres = np.linalg.qr(rng.standard_normal((32, 32)))[0][: len(sizes)]
    who = np.repeat(np.arange(len(sizes)), sizes)
    return unit((centres[who] + 0.14 * rng.standard_normal((len(who), 32))).astype(np.float32))


def two(cosine: float, *, windows: int = 25, trust: float = 0.0, moods: float = 0.03, **evidence: float) -> Clusters:
    """Return two clusters and what is known of them."""
    rows = np.array([[1.0, 0.0], [cosine, np.sqrt(1 - cosine**2)]], np.float32)
    known = Evidence.none(2)
    for name, value in evidence.items():
        getattr(known, name)[0, 1] = getattr(known, name)[1, 0] = value
    labels = np.repeat([0, 1], windows)
    return Clusters.of(rows[labels], labels, known, spread(2, trust=trust, moods=moods))


def odds(clusters: Clusters) -> float:
    return float(merge_odds(clusters, JUDGE)[0, 1])


def test_more_speech_on_both_sides_asks_for_a_higher_cosine() -> None:
    found = [odds(two(0.7, windows=windows)) for windows in (2, 5, 25, 60)]
    assert found == sorted(found, reverse=True)
    assert found[2] == pytest.approx(0.0, abs=0.01)  # 10 s on both sides and a cosine of .7: the rule's own prior


def test_in_a_long_recording_moods_excuse_what_a_cosine_would_not() -> None:
    """Where moods reach far, pieces that differ speak for one voice, and the longer it is the more that counts."""
    short, long = (odds(two(0.6, trust=trust, moods=2.0)) for trust in (0.02, 1.0))
    calm, lively = (odds(two(0.6, trust=1.0, moods=moods)) for moods in (0.03, 0.3))
    assert short > long  # these two axes say little, and less than what counts for one voice
    assert lively > calm


def test_one_person_is_expected_at_enrolment() -> None:
    near, far = (one_person_odds(two(cosine), JUDGE) for cosine in (0.95, 0.1))
    assert far < near < 1


def test_what_the_segmenter_says_is_a_rate_and_not_a_count() -> None:
    """Somebody heard as two now and then for an hour is still one; two who are heard as two are two after a minute."""
    hour = odds(two(0.7, together=300, apart=40))
    minute = odds(two(0.7, together=0, apart=3))
    assert minute < 0 < hour
    assert odds(two(0.7, together=600, apart=80)) == pytest.approx(hour, abs=0.1)


def test_being_one_to_the_segmenter_pulls_clusters_together() -> None:
    assert odds(two(0.65)) < 0 < odds(two(0.65, together=10))


def test_small_pieces_come_before_nearer_large_ones() -> None:
    """What is decided about much speech is decided last."""
    rows = unit(np.array([[1, 0, 0], [0.9, 0.44, 0], [0, 0, 1], [0, 0.5, 0.87]], np.float32))
    labels = np.repeat(np.arange(4), [100, 100, 4, 4])
    clusters = Clusters.of(rows[labels], labels, Evidence.none(4), spread(3))
    costs = merge_costs(clusters, JUDGE)
    assert merge_odds(clusters, JUDGE)[0, 1] > 0
    assert costs[2, 3] < costs[0, 1]


def plainly_merged(clusters: Clusters, least: int = 1, most: int | None = None) -> np.ndarray:
    """Merge by the plain rule: compute every pair anew, take the cheapest one, begin again."""
    labels = clusters.labels
    while len(clusters.sizes) > least:
        odds, costs = merge_odds(clusters, JUDGE), merge_costs(clusters, JUDGE)
        np.fill_diagonal(odds, -np.inf)
        np.fill_diagonal(costs, np.inf)
        if odds.max() <= 0 and not (most and len(clusters.sizes) > most):
            break
        keep, gone = sorted(int(index) for index in np.unravel_index(int(costs.argmin()), costs.shape))
        into = np.arange(len(clusters.sizes))
        into[gone] = keep
        clusters.absorb(keep, gone)
        clusters = clusters.joined(into)
        labels = np.unique(into, return_inverse=True)[1][labels]
    return labels


@pytest.mark.parametrize("bounds", [{}, {"least": 6}, {"most": 2}, {"least": 4, "most": 4}])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 5))])
def test_merging_equals_the_plain_rule(seed: int, bounds: dict[str, int]) -> None:
    def start() -> Clusters:
        rng = np.random.default_rng(seed)
        vectors = noisy_voices([15, 15, 10, 10, 10], rng)
        vectors[::7] = vectors[1::7][: len(vectors[::7])]  # equally cheap pairs
        sizes = rng.integers(1, 30, len(vectors))

        def pairs(share: float, most: int) -> np.ndarray:
            some = np.triu(rng.integers(1, most, (60, 60)) * (rng.random((60, 60)) < share), 1).astype(np.float64)
            return some + some.T

        evidence = Evidence(apart=pairs(0.05, 3), together=pairs(0.05, 3))
        labels = np.repeat(rng.permutation(60), sizes)
        return Clusters.of(
            np.repeat(vectors, sizes, axis=0), labels, evidence, spread(32, trust=0.2, moods=0.002, windows=0.02)
        )

    plain = plainly_merged(start(), **bounds)
    assert 1 < plain.max() + 1 < 50
    merged = merge(start(), JUDGE, SpeakerBounds(**bounds))
    assert (merged.labels == plain).all()
    assert merged.sizes.sum() == start().sizes.sum()
