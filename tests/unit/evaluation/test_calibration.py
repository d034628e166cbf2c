"""Cllr, minCllr and the calibration error, by pencil and against slow plain code."""

import math

import numpy as np
import pytest

from timbre.errors import TrialsError
from timbre.evaluation.calibration import (
    calibration_report,
    cllr,
    expected_calibration_error,
    min_cllr,
    optimal_llrs,
    pool_adjacent_violators,
    probabilities,
    reliability,
)

LN3 = math.log(3)


def test_knowing_nothing_costs_one_bit():
    assert cllr([0.0, 0.0, 0.0], [True, False, False]) == pytest.approx(1.0, abs=1e-7)


def test_cllr_by_pencil():
    # Same at odds 3: log2(1 + 1/3); same at odds 1/3: log2(1 + 3) = 2; different at odds 1/3: log2(1 + 1/3).
    expected = ((math.log2(4 / 3) + 2) / 2 + math.log2(4 / 3)) / 2
    assert cllr([LN3, -LN3, -LN3], [True, True, False]) == pytest.approx(expected, abs=1e-7)
    assert expected == pytest.approx(0.8112781, abs=1e-7)


def test_cllr_gives_both_classes_the_same_weight():
    few = cllr([LN3, -1.0], [True, False])
    assert cllr([LN3] + [-1.0] * 99, [True] + [False] * 99) == pytest.approx(few, abs=1e-12)


def test_cllr_survives_certainty():
    assert cllr([math.inf, -math.inf], [True, False]) == 0.0
    assert cllr([2000.0, -2000.0], [False, True]) == pytest.approx(2000 / math.log(2), rel=1e-12)


def test_min_cllr_by_pencil():
    # In order of score: different, same, different, same. The violating pair in the middle becomes one block of
    # odds 1, the ends are certain: of each class one trial costs a bit and one nothing.
    assert min_cllr([1.0, 2.0, 3.0, 4.0], [False, True, False, True]) == pytest.approx(0.5, abs=1e-7)
    assert min_cllr([1.0, 2.0], [False, True]) == 0.0
    assert min_cllr([2.0, 1.0], [False, True]) == pytest.approx(1.0, abs=1e-7)


def test_equal_scores_are_one_point_in_whatever_order():
    assert min_cllr([5.0, 5.0], [False, True]) == pytest.approx(1.0, abs=1e-7)
    assert min_cllr([5.0, 5.0], [True, False]) == pytest.approx(1.0, abs=1e-7)


def test_optimal_ratios_do_not_depend_on_how_many_trials_each_class_has():
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    same = np.array([False, True, False, True])
    more = np.concatenate([[True], same, same]), np.concatenate([[9.0], scores, scores])
    # Twice the trials change nothing; one more target above them makes targets 5 of 9.
    np.testing.assert_allclose(
        optimal_llrs(np.tile(scores, 2), np.tile(same, 2))[:4], optimal_llrs(scores, same), atol=1e-12
    )
    np.testing.assert_allclose(optimal_llrs(more[1], more[0])[2], math.log(1.0) - math.log(5 / 4), atol=1e-12)


def plain_isotonic(values, weights):
    """The minimax formula: at i the largest, over blocks that begin at or before i, of the least mean from there."""
    means = np.array(
        [
            [
                np.average(values[a : b + 1], weights=weights[a : b + 1]) if a <= b else np.nan
                for b in range(len(values))
            ]
            for a in range(len(values))
        ]
    )
    return [max(min(means[a, b] for b in range(i, len(values))) for a in range(i + 1)) for i in range(len(values))]


def test_pool_adjacent_violators_against_plain_code():
    generator = np.random.default_rng(11)
    for size in [1, 2, 3, 8, 20]:
        for _ in range(5):
            values = generator.integers(0, 5, size) / 4
            weights = generator.integers(1, 4, size).astype(float)
            fitted = pool_adjacent_violators(values, weights)
            np.testing.assert_allclose(fitted, plain_isotonic(values, weights), atol=1e-12)


def test_min_cllr_is_the_least_of_any_monotonic_map():
    generator = np.random.default_rng(12)
    same = generator.random(300) < 0.3
    scores = np.round(generator.normal(size=300) + same, 2)
    least = min_cllr(scores, same)
    for scale in [0.5, 1.0, 2.0]:
        for bias in [-1.0, -0.5, 0.0]:
            assert least <= cllr(scale * scores + bias, same)
            assert min_cllr(np.exp(scale * scores + bias), same) == pytest.approx(least, abs=1e-12)


def test_bins_and_calibration_error_by_pencil():
    # Same: .95 and .35; different: .35, .05, .05 and .15. Each same trial weighs 1/4, each different one 1/8.
    predicted = np.array([0.95, 0.35, 0.35, 0.05, 0.05, 0.15])
    same = np.array([True, True, False, False, False, False])
    bins = reliability(predicted, same)
    assert [part.trials for part in bins] == [2, 1, 0, 2, 0, 0, 0, 0, 0, 1]
    assert [part.weight for part in bins if part.trials] == pytest.approx([1 / 4, 1 / 8, 3 / 8, 1 / 4], abs=1e-7)
    assert [part.observed for part in bins if part.trials] == pytest.approx([0, 0, 2 / 3, 1], abs=1e-7)
    assert (bins[2].predicted, bins[2].observed) == (None, None)
    expected = 0.05 / 4 + 0.15 / 8 + (2 / 3 - 0.35) * 3 / 8 + 0.05 / 4
    assert expected_calibration_error(bins) == pytest.approx(expected, abs=1e-7)


def test_certain_probabilities_fall_into_the_outer_bins():
    bins = reliability(np.array([1.0, 0.0, 0.1]), np.array([True, False, False]))
    assert [part.trials for part in bins] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_true_probabilities_have_little_calibration_error():
    generator = np.random.default_rng(13)
    odds = generator.normal(scale=2.0, size=200_000)
    same = generator.random(odds.size) < probabilities(odds)
    report = calibration_report(odds, same)
    assert report.ece < 0.01
    assert report.calibration_loss < 0.002
    assert calibration_report(3 * odds, same).ece > 0.1


def test_a_report_holds_together():
    report = calibration_report([LN3, -LN3, -LN3, LN3], [True, True, False, False])
    assert (report.trials, report.targets) == (4, 2)
    assert report.calibration_loss == pytest.approx(report.cllr - 1.0, abs=1e-12)
    written = report.to_dict()
    assert written["calibration_loss"] == report.calibration_loss
    assert [part["lower"] for part in written["bins"]] == pytest.approx([i / 10 for i in range(10)])


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0, 2.0], [True, True], "There are 2 trials, none of them of different people"),
        ([1.0, 2.0], [False, False], "There are 2 trials, none of them of the same person"),
        ([], [], "There are 0 trials, none of them of the same person"),
        ([1.0, math.nan], [True, False], "1 of 2 scores are not numbers"),
    ],
)
def test_trials_that_measure_nothing_are_refused(scores, same, message):
    with pytest.raises(TrialsError, match=message):
        calibration_report(scores, same)
