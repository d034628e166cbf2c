"""When clusters are one speaker, and which are merged first, with made-up vectors."""

import numpy as np
import pytest

from timbre.diarization.evidence import Evidence
from timbre.diarization.merging import Clusters, MergeRule, SpeakerBounds, merge, merge_costs, merge_odds
from timbre.models.same_voice import SameVoice, unit

RULE = MergeRule(
    sure=5.0,
    smallest=3,
    prior=2.72,
    growth=1.2,
    longest=15.0,
    order=0.4,
    apart=2.0,
    together=0.5,
    doubt=0.2,
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


def noisy_voices(sizes: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return noisy unit vectors around one direction a voice."""
    centres = np.linalg.qr(rng.standard_normal((32, 32)))[0][: len(sizes)]
    who = np.repeat(np.arange(len(sizes)), sizes)
    return unit((centres[who] + 0.14 * rng.standard_normal((len(who), 32))).astype(np.float32))


def two(cosine: float, *, windows: int = 25, **evidence: float) -> Clusters:
    """Return two clusters and what is known of them."""
    sums = np.array([[1.0, 0.0], [cosine, np.sqrt(1 - cosine**2)]]) * windows
    known = Evidence.none(2)
    for name, value in evidence.items():
        getattr(known, name)[0, 1] = getattr(known, name)[1, 0] = value
    return Clusters(labels=np.array([0, 1]), sums=sums, sizes=np.array([windows, windows]), evidence=known)


def odds(clusters: Clusters) -> float:
    return float(merge_odds(clusters, RULE, MODEL, 0.4)[0, 1])


def test_more_speech_on_both_sides_asks_for_a_higher_cosine() -> None:
    def pair(windows: int) -> Clusters:
        sums = np.array([[1.0, 0.0], [0.7, np.sqrt(1 - 0.49)]]) * windows
        sizes = np.array([windows, windows])
        return Clusters(labels=np.array([0, 1]), sums=sums, sizes=sizes, evidence=Evidence.none(2))

    odds = [merge_odds(pair(windows), RULE, MODEL, 0.4)[0, 1] for windows in (2, 5, 25, 60)]
    assert odds == sorted(odds, reverse=True)
    assert odds[2] == pytest.approx(0.0, abs=0.01)  # 10 s on both sides and a cosine of .7: the rule's own prior


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
    sums = np.array([[100.0, 0, 0], [90.0, np.sqrt(100.0**2 - 90**2), 0], [0, 0, 4.0], [0, 2.8, 2.8]])
    sizes = np.array([100, 100, 4, 4])
    clusters = Clusters(labels=np.arange(4), sums=sums, sizes=sizes, evidence=Evidence.none(4))
    costs = merge_costs(clusters, RULE, MODEL, 0.4)
    assert merge_odds(clusters, RULE, MODEL, 0.4)[0, 1] > 0
    assert costs[2, 3] < costs[0, 1]


def plainly_merged(clusters: Clusters, least: int = 1, most: int | None = None) -> np.ndarray:
    """Merge by the plain rule: compute every pair anew, take the cheapest one, begin again."""
    labels, sums, sizes, evidence = clusters.labels, clusters.sums, clusters.sizes, clusters.evidence
    while len(sizes) > least:
        now = Clusters(labels=labels, sums=sums, sizes=sizes, evidence=evidence)
        odds, costs = merge_odds(now, RULE, MODEL, 0.4), merge_costs(now, RULE, MODEL, 0.4)
        np.fill_diagonal(odds, -np.inf)
        np.fill_diagonal(costs, np.inf)
        if odds.max() <= 0 and not (most and len(sizes) > most):
            break
        keep, gone = sorted(int(index) for index in np.unravel_index(int(costs.argmin()), costs.shape))
        joining = np.delete(np.eye(len(sizes)), gone, 0)
        joining[keep, gone] = 1
        sums, sizes = joining @ sums, (joining @ sizes).astype(int)
        evidence = Evidence(
            apart=joining @ evidence.apart @ joining.T,
            together=joining @ evidence.together @ joining.T,
        )
        labels = joining.argmax(axis=0)[labels]
    return labels


@pytest.mark.parametrize("bounds", [{}, {"least": 6}, {"most": 2}, {"least": 4, "most": 4}])
@pytest.mark.parametrize("seed", range(5))
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
        return Clusters(labels=rng.permutation(60), sums=vectors * sizes[:, None], sizes=sizes, evidence=evidence)

    plain = plainly_merged(start(), **bounds)
    assert 1 < plain.max() + 1 < 50
    merged = merge(start(), RULE, MODEL, 0.4, SpeakerBounds(**bounds))
    assert (merged.labels == plain).all()
    assert merged.sizes.sum() == start().sizes.sum()
