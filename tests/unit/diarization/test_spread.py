"""What speaks for one voice, against the normal distributions that it is derived from."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from timbre.diarization.spread import Spread
from timbre.models.variation import Variation

SIZES = np.array([3, 40, 8])


@pytest.fixture
def spread() -> Spread:
    rng = np.random.default_rng(3)
    variation = Variation(
        axes=rng.standard_normal((5, 4)).astype(np.float32),
        people=rng.uniform(1, 9, 4).astype(np.float32),
        moods=rng.uniform(0.1, 0.5, 4).astype(np.float32),
        windows=rng.uniform(2, 6, 4).astype(np.float32),
    )
    return Spread.of(variation, strangers=0.8, moods=2.0, windows=1.5, trust=1.0)


def likelihood(spread: Spread, places: np.ndarray, sizes: np.ndarray) -> float:
    """Return the log-density of pieces of one person, along each axis, by the full covariance."""
    total = 0.0
    for axis, (people, moods, windows) in enumerate(zip(spread.people, spread.moods, spread.windows, strict=True)):
        covariance = people + np.diag(moods + windows / sizes)
        total += multivariate_normal(cov=covariance).logpdf(places[:, axis])
    return total


def test_support_is_the_ratio_of_likelihoods(spread: Spread) -> None:
    """Of one person in two pieces to two people, and of a third piece to the two."""
    places = np.random.default_rng(4).standard_normal((3, 4)) * 2
    sums = (places @ np.linalg.pinv(spread.axes.astype(np.float64))) * SIZES[:, None]
    precision, weighted = spread.pieces(sums, SIZES)

    def support(*rows: int) -> float:
        return float(spread.support(precision[list(rows)].sum(axis=0), weighted[list(rows)].sum(axis=0)))

    def density(*rows: int) -> float:
        return likelihood(spread, places[list(rows)], SIZES[list(rows)])

    assert support(0, 1) - support(0) - support(1) == pytest.approx(density(0, 1) - density(0) - density(1), abs=1e-3)
    assert support(0, 1, 2) - support(0, 1) - support(2) == pytest.approx(
        density(0, 1, 2) - density(0, 1) - density(2), abs=1e-3
    )


def test_a_piece_is_never_known_better_than_moods_allow(spread: Spread) -> None:
    precision, _ = spread.pieces(np.ones((3, 5)), np.array([1, 100, 10**9]))
    assert (precision[0] < precision[1]).all()
    assert precision[2] == pytest.approx(1 / spread.moods)


def test_one_person_or_two(spread: Spread) -> None:
    """Of two voices and a look that is half a window, by the full covariance."""
    places = np.random.default_rng(5).standard_normal((3, 4)) * 2
    sizes = np.array([3.0, 40.0, 0.5])
    vectors = places @ np.linalg.pinv(spread.axes.astype(np.float64))
    ratios = spread.one_person(vectors[:2] * sizes[:2, None], sizes[:2], vectors[2].astype(np.float32), 0.5)

    def density(*rows: int) -> float:
        return likelihood(spread, places[list(rows)], sizes[list(rows)])

    assert ratios == pytest.approx([density(row, 2) - density(row) - density(2) for row in (0, 1)], abs=1e-3)
