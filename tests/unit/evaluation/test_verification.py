"""Equal error rate and detection cost, by pencil and against slow plain code."""

import itertools
import math

import numpy as np
import pytest

from timbre.errors import TrialsError
from timbre.evaluation.verification import (
    confidence_interval,
    det_curve,
    equal_error_rate,
    minimum_detection_cost,
    verification_report,
)


def test_the_curve_of_four_trials():
    curve = det_curve([1.0, 2.0, 3.0, 3.0], [False, True, False, True])
    assert curve.thresholds.tolist() == [1.0, 2.0, 3.0, math.inf]
    np.testing.assert_allclose(curve.false_alarm, [1.0, 0.5, 0.5, 0.0], atol=1e-7)
    np.testing.assert_allclose(curve.miss, [0.0, 0.0, 0.5, 1.0], atol=1e-7)


def test_equal_error_rate_at_an_operating_point():
    # At threshold 3 one of four of each kind is on the wrong side.
    scores = [1, 2, 2.5, 4, 3, 5, 6, 0.5]
    same = [False, False, False, False, True, True, True, True]
    assert equal_error_rate(scores, same) == pytest.approx(0.25, abs=1e-7)


def test_equal_error_rate_between_operating_points():
    # Thresholds 2 and 3: (false alarm, miss) = (1/2, 1/3), (1/2, 2/3) -> a line straight up meets the diagonal at 1/2.
    assert equal_error_rate([1, 3, 0.5, 2, 4], [False, False, True, True, True]) == pytest.approx(0.5, abs=1e-7)
    # All scores alike: the curve is the line from (1, 0) to (0, 1).
    assert equal_error_rate([1, 1, 1], [False, True, True]) == pytest.approx(0.5, abs=1e-7)
    # Ties: (1, 0), (1/2, 1/4) and (0, 1): the line between the last two meets the diagonal at 2/5.
    scores, same = [1, 1, 2, 2, 2, 2], [False, True, False, True, True, True]
    assert equal_error_rate(scores, same) == pytest.approx(2 / 5, abs=1e-7)


def test_equal_error_rate_of_perfect_and_of_inverted_scores():
    assert equal_error_rate([0.0, 1.0], [False, True]) == 0.0
    assert equal_error_rate([1.0, 0.0], [False, True]) == 1.0


def test_detection_cost_by_pencil():
    # Refusing all costs .01; the threshold at 3 misses 1 of 2 and accepts nobody: .005, half of it.
    scores, same = [1.0, 2.0, 0.0, 3.0], [False, False, True, True]
    assert minimum_detection_cost(scores, same) == pytest.approx(0.5, abs=1e-7)
    # At P(same) = .5 the same threshold misses .5: .25 of .5.
    assert minimum_detection_cost(scores, same, p_target=0.5) == pytest.approx(0.5, abs=1e-7)
    # If misses cost a hundred times more, accepting all (cost .99) is as good as any: 1 miss of 2 would be .5 of 1.
    assert minimum_detection_cost(scores, same, cost_miss=100.0) == pytest.approx(0.5 / 0.99, abs=1e-7)
    assert minimum_detection_cost([3.0, 0.0], [False, True]) == pytest.approx(1.0, abs=1e-7)


def plain_rates(scores, same):
    """False alarms and misses at every threshold, counted one by one."""
    for threshold in [*sorted(set(scores)), math.inf]:
        yield (
            sum(score >= threshold for score, truth in zip(scores, same, strict=True) if not truth)
            / sum(not truth for truth in same),
            sum(score < threshold for score, truth in zip(scores, same, strict=True) if truth) / sum(same),
        )


def plain_equal_error_rate(scores, same):
    """Walk the curve in steps of a hundredth of a line, to where both errors come nearest."""
    points = list(plain_rates(scores, same))
    steps = np.linspace(0, 1, 2001)
    on_lines = np.concatenate([np.outer(1 - steps, a) + np.outer(steps, b) for a, b in itertools.pairwise(points)])
    return on_lines[np.argmin(abs(on_lines[:, 0] - on_lines[:, 1]))].mean()


def test_random_scores_against_plain_code():
    generator = np.random.default_rng(1)
    for trials in [3, 10, 60]:
        for digits in [0, 1, 5]:
            same = generator.random(trials) < 0.4
            same[:2] = [True, False]
            scores = np.round(generator.normal(size=trials) + 1.5 * same, digits).tolist()
            false_alarm, miss = np.array(list(plain_rates(scores, same.tolist()))).T
            curve = det_curve(scores, same)
            np.testing.assert_allclose(curve.false_alarm, false_alarm, atol=1e-12)
            np.testing.assert_allclose(curve.miss, miss, atol=1e-12)
            plain = plain_equal_error_rate(scores, same.tolist())
            assert equal_error_rate(scores, same) == pytest.approx(plain, abs=1e-3)
            cost = min(0.01 * miss + 0.99 * false_alarm) / 0.01
            assert minimum_detection_cost(scores, same) == pytest.approx(cost, abs=1e-12)


def test_normal_scores_have_the_error_rate_of_theory():
    # Two normal distributions two standard deviations apart: Phi(-1).
    generator = np.random.default_rng(2)
    same = np.repeat([True, False], 200_000)
    scores = generator.normal(size=same.size) + 2 * same
    assert equal_error_rate(scores, same) == pytest.approx(0.1586553, abs=0.002)


def test_the_interval_is_the_same_each_time_and_wider_for_fewer_trials():
    generator = np.random.default_rng(4)
    same = np.tile([True, False], 200)
    scores = generator.normal(size=400) + 2 * same
    low, high = confidence_interval(equal_error_rate, scores, same)
    assert (low, high) == confidence_interval(equal_error_rate, scores, same)
    assert low < equal_error_rate(scores, same) < high
    few = confidence_interval(equal_error_rate, scores[:80], same[:80])
    assert few[1] - few[0] > high - low


def test_the_interval_knows_that_trials_of_one_speaker_go_together():
    generator = np.random.default_rng(5)
    speakers = np.repeat(np.arange(20), 40)
    same = np.tile([True, False], 400)
    scores = generator.normal(size=800) + 2 * same + 2 * generator.normal(size=20)[speakers] * same
    alone = confidence_interval(equal_error_rate, scores, same)
    together = confidence_interval(equal_error_rate, scores, same, groups=speakers)
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_a_report_holds_together():
    report = verification_report([2.0, 1.0, -1.0, -2.0], [True, False, True, False], speakers=["a", "a", "b", "b"])
    assert (report.trials, report.targets) == (4, 2)
    assert report.eer == pytest.approx(0.5, abs=1e-7)
    assert report.calibration.min_cllr == pytest.approx(0.5, abs=1e-7)
    written = report.to_dict()
    assert written["eer_interval"] == list(report.eer_interval)
    assert written["calibration"]["cllr"] == report.calibration.cllr


def test_one_kind_of_trial_alone_is_refused():
    with pytest.raises(TrialsError, match="none of them of different people"):
        verification_report([1.0], [True])
