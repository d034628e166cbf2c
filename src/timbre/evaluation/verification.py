"""Is it the same person? How well scores tell trials of one person from trials of two.

A decision accepts a trial whose score is at least a threshold. Two things can go wrong, and the threshold trades
one for the other: *misses* of the same person and *false alarms* of another one. The curve of both is the DET curve
(Martin et al., Eurospeech 1997).

- *EER*, the equal error rate: where misses equal false alarms. It is read off straight lines between neighbouring
  operating points, trials of equal score being one point: the common way, not the lower convex hull of the curve.
- *minDCF*: the smallest detection cost P(same) · cost(miss) · P(miss) + P(different) · cost(false alarm) · P(false
  alarm) over all thresholds, as a multiple of what the better of always refusing and always accepting costs
  (NIST speaker recognition evaluation plans). Here P(same) = .01 and both costs 1, unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timbre.evaluation.calibration import CalibrationReport, calibration_report, checked

Statistic = Callable[[NDArray[np.float64], NDArray[np.bool_]], float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetCurve:
    """Both errors at every threshold that makes a difference; arrays have shape [points]."""

    thresholds: NDArray[np.float64]  # ascending, the last infinite: it refuses every trial
    false_alarm: NDArray[np.float64]  # share of trials of different people accepted, 1 down to 0
    miss: NDArray[np.float64]  # share of trials of the same person refused, 0 up to 1

    @property
    def equal_error_rate(self) -> float:
        """The error rate at which misses and false alarms are the same."""
        excess = self.false_alarm - self.miss  # falls from 1 to -1
        after = int(np.argmax(excess <= 0))
        before = after - 1
        share = excess[before] / (excess[before] - excess[after])
        return float(self.miss[before] + share * (self.miss[after] - self.miss[before]))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """How well, and how truly, log-likelihood ratios answer trials."""

    trials: int
    targets: int  # trials of the same person
    eer: float
    eer_interval: tuple[float, float]  # 95 %, from resampled speakers
    min_dcf: float
    calibration: CalibrationReport

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, for JSON."""
        return {
            "trials": self.trials,
            "targets": self.targets,
            "eer": self.eer,
            "eer_interval": list(self.eer_interval),
            "min_dcf": self.min_dcf,
            "calibration": self.calibration.to_dict(),
        }


def verification_report(llrs: ArrayLike, same: ArrayLike, *, speakers: ArrayLike | None = None) -> VerificationReport:
    """Measure natural log-likelihood ratios, shape [trials], against the truth, bool [trials].

    Args:
        llrs: one a trial; higher speaks for the same person.
        same: whether it is the same person.
        speakers: the enrolled speaker of each trial, for the interval; without it trials are resampled one by one.

    Raises:
        TrialsError: one of the classes has no trial, or a ratio is NaN.
    """
    llrs, same = checked(llrs, same)
    return VerificationReport(
        trials=len(same),
        targets=int(same.sum()),
        eer=equal_error_rate(llrs, same),
        eer_interval=confidence_interval(equal_error_rate, llrs, same, groups=speakers),
        min_dcf=minimum_detection_cost(llrs, same),
        calibration=calibration_report(llrs, same),
    )


def det_curve(scores: ArrayLike, same: ArrayLike) -> DetCurve:
    """Return both error rates at every threshold.

    Raises:
        TrialsError: as `verification_report`.
    """
    scores, same = checked(scores, same)
    thresholds, points = np.unique(scores, return_inverse=True)
    below_same, below_different = (
        np.concatenate([[0], np.cumsum(np.bincount(points, weights=kind, minlength=len(thresholds)))])
        for kind in (same, ~same)
    )
    return DetCurve(
        thresholds=np.append(thresholds, np.inf),
        false_alarm=1.0 - below_different / below_different[-1],
        miss=below_same / below_same[-1],
    )


def equal_error_rate(scores: ArrayLike, same: ArrayLike) -> float:
    """Return the error rate at which misses and false alarms are the same.

    Raises:
        TrialsError: as `verification_report`.
    """
    return det_curve(scores, same).equal_error_rate


def minimum_detection_cost(
    scores: ArrayLike,
    same: ArrayLike,
    *,
    p_target: float = 0.01,
    cost_miss: float = 1.0,
    cost_false_alarm: float = 1.0,
) -> float:
    """Return the least cost of deciding by any one threshold; 1 is the cost of deciding without looking.

    Raises:
        TrialsError: as `verification_report`.
    """
    curve = det_curve(scores, same)
    miss, false_alarm = p_target * cost_miss, (1.0 - p_target) * cost_false_alarm
    return float(np.min(miss * curve.miss + false_alarm * curve.false_alarm) / min(miss, false_alarm))


def confidence_interval(
    statistic: Statistic,
    scores: ArrayLike,
    same: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    rounds: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval that holds `statistic` of resampled trials in `level` of all rounds (Efron, 1979).

    Trials of one speaker resemble each other, so whole `groups`, shape [trials], are drawn with replacement; without
    them, single trials. A draw that lacks one of the classes says nothing and is left out.

    Raises:
        TrialsError: as `verification_report`.
    """
    scores, same = checked(scores, same)
    _, members = np.unique(np.arange(len(same)) if groups is None else np.asarray(groups), return_inverse=True)
    order = np.argsort(members, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(members))[:-1])
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([parts[i] for i in generator.integers(0, len(parts), size=len(parts))])
        if same[drawn].any() and not same[drawn].all():
            values.append(statistic(scores[drawn], same[drawn]))
    low, high = np.quantile(values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)
