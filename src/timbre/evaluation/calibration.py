"""Are the probabilities true? How far log-likelihood ratios and the probabilities made of them can be believed.

Everything here gives both classes the same weight, however many trials either has: as if half of all questions
were about the same person. So a log-likelihood ratio is also the log-odds, and sources with different shares of
same-person trials can be compared.

- *Cllr*: the cost of the log-likelihood ratios in bits, averaged over all decisions one could take with them; 0 is
  perfect, 1 is what knowing nothing costs (Brümmer & du Preez, "Application-independent evaluation of speaker
  detection", Computer Speech and Language 20, 2006).
- *minCllr*: the same after the best monotonic recalibration, found by pool-adjacent-violators (ibid.); Cllr - minCllr
  is what calibration costs, minCllr what telling people apart costs.
- *ECE*, the expected calibration error: the mean distance between probability and truth over ten bins of equal
  width (Naeini, Cooper & Hauskrecht, AAAI 2015).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timbre.errors import TrialsError

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The trials whose probability lies between two bounds."""

    lower: float
    upper: float  # exclusive, except in the last bin
    trials: int
    weight: float  # share of all weight, both classes weighing .5
    predicted: float | None  # mean probability of the same person; None in an empty bin
    observed: float | None  # share of trials of the same person


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """How far the log-likelihood ratios of some trials can be believed."""

    trials: int
    targets: int  # trials of the same person
    cllr: float  # bits
    min_cllr: float  # bits
    ece: float
    bins: tuple[ReliabilityBin, ...]

    @property
    def calibration_loss(self) -> float:
        """Cllr - minCllr, in bits."""
        return self.cllr - self.min_cllr

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, for JSON."""
        return {**asdict(self), "calibration_loss": self.calibration_loss}


def calibration_report(llrs: ArrayLike, same: ArrayLike) -> CalibrationReport:
    """Measure natural log-likelihood ratios, shape [trials], against the truth, bool [trials].

    Raises:
        TrialsError: one of the classes has no trial, or a ratio is NaN.
    """
    llrs, same = checked(llrs, same)
    bins = reliability(probabilities(llrs), same)
    return CalibrationReport(
        trials=len(same),
        targets=int(same.sum()),
        cllr=cllr(llrs, same),
        min_cllr=min_cllr(llrs, same),
        ece=expected_calibration_error(bins),
        bins=bins,
    )


def probabilities(llrs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(same person) for log-likelihood ratios, both answers being as likely beforehand."""
    return np.exp(-np.logaddexp(0.0, -llrs))


def cllr(llrs: ArrayLike, same: ArrayLike) -> float:
    """Return the cost of natural log-likelihood ratios, shape [trials], in bits.

    Raises:
        TrialsError: as `calibration_report`.
    """
    llrs, same = checked(llrs, same)
    costs = np.mean(np.logaddexp(0.0, -llrs[same])) + np.mean(np.logaddexp(0.0, llrs[~same]))
    return float(costs / (2.0 * math.log(2.0)))


def min_cllr(scores: ArrayLike, same: ArrayLike) -> float:
    """Return the Cllr of the best monotonic map from scores, shape [trials], to log-likelihood ratios.

    Raises:
        TrialsError: as `calibration_report`.
    """
    scores, same = checked(scores, same)
    return cllr(optimal_llrs(scores, same), same)


def optimal_llrs(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log-likelihood ratios, shape [trials], that no monotonic map of the scores betters on these trials.

    Pool-adjacent-violators gives P(same person) for each score; the prior of the trials is taken off its log-odds.
    Equal scores are one point, whatever their order. Ratios are infinite where one class stands alone.
    """
    _, points, trials = np.unique(scores, return_inverse=True, return_counts=True)
    share = pool_adjacent_violators(np.bincount(points, weights=same) / trials, trials.astype(np.float64))[points]
    with np.errstate(divide="ignore"):
        log_odds = np.log(share) - np.log1p(-share)
    return log_odds - math.log(same.sum() / (~same).sum())


def pool_adjacent_violators(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the non-decreasing sequence, shape [n], nearest to `values` in weighted squares.

    Wherever a block's mean would fall below its predecessor's, both become one (Ayer et al., Annals of Mathematical
    Statistics 26, 1955). Time is linear in n.
    """
    blocks: list[tuple[float, float, int]] = []  # sum, weight, values in it
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        total, mass, count = value * weight, weight, 1
        while blocks and blocks[-1][0] * mass >= total * blocks[-1][1]:
            previous = blocks.pop()
            total, mass, count = total + previous[0], mass + previous[1], count + previous[2]
        blocks.append((total, mass, count))
    means = np.array([total / mass for total, mass, _ in blocks])
    return np.repeat(means, [count for _, _, count in blocks])


def reliability(predicted: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Sort probabilities, shape [trials], into ten bins of equal width and compare them with the truth in each.

    Within a bin both means are weighted so that either class weighs .5 in all.
    """
    weights = class_weights(same)
    bins = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    weight, mean, observed = (
        np.bincount(bins, weights=column, minlength=BINS) for column in (weights, weights * predicted, weights * same)
    )
    trials = np.bincount(bins, minlength=BINS)
    return tuple(
        ReliabilityBin(
            lower=i / BINS,
            upper=(i + 1) / BINS,
            trials=int(trials[i]),
            weight=float(weight[i]),
            predicted=float(mean[i] / weight[i]) if trials[i] else None,
            observed=float(observed[i] / weight[i]) if trials[i] else None,
        )
        for i in range(BINS)
    )


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the mean distance between prediction and truth over the bins, by their weight."""
    return math.fsum(
        part.weight * abs(part.predicted - part.observed)
        for part in bins
        if part.predicted is not None and part.observed is not None
    )


def class_weights(same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return weights, shape [trials], that sum to .5 in either class."""
    targets = int(same.sum())
    return np.where(same, 0.5 / targets, 0.5 / (len(same) - targets))


def checked(scores: ArrayLike, same: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores and truth as arrays of shape [trials].

    Raises:
        TrialsError: one of the classes has no trial, or a score is NaN.
    """
    scores, same = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=np.bool_)
    if scores.shape != same.shape or scores.ndim != 1:
        raise ValueError(f"expected scores and truth of one length, got {scores.shape} and {same.shape}")
    if not same.any() or same.all():
        lacking = "different people" if same.any() else "the same person"
        raise TrialsError(f"There are {len(same)} trials, none of them of {lacking}; both kinds are needed.")
    if np.isnan(scores).any():
        raise TrialsError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are not numbers (NaN).")
    return scores, same
