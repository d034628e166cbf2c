"""Fit the calibration: from cosine, seconds of speech, channel and noise to the log-odds that it is the same person.

`timbre.models.same_voice` says what the terms are, and applies them. Long recordings give higher cosines of the same
person than short ones, and narrower ones of different people, and so do like channels, so that all of it belongs into
the model (Mandasari, Saeidi, McLaren & van Leeuwen, "Quality measure functions for calibration of speaker recognition
systems in various duration conditions", IEEE TASLP 21, 2013). The weights are those of greatest likelihood (logistic
regression), either class weighing the same however many trials it has: Brümmer & du Preez 2006 with P(same) = .5.

Channels and noises hardly vary within one source of trials, and where they do, they vary with the source. So degraded
copies of the trials (`timbre.evaluation.degradation`) go into the fit beside the trials themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timbre.errors import TrialsError
from timbre.evaluation.calibration import CalibrationReport, calibration_report
from timbre.evaluation.trials import ScoredTrials
from timbre.models.same_voice import WEIGHTS, Side, terms

FEWEST_SPEAKERS = 10
FEWEST_TRIALS = 100  # of either class
COPY_WEIGHT = 0.3  # of a trial of degraded copies beside the trial itself

_BOUNDS: Final[Mapping[str, tuple[float | None, None]]] = {"score_weight": (1e-6, None), "bias": (None, None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedCalibration:
    """The weights that turn a comparison into log-odds; all but the bias are 0 or more."""

    score_weight: float  # > 0
    enrol_weight: float  # per natural logarithm of seconds
    test_weight: float
    bias: float
    channel_mismatch: float = 0.0
    noise_mismatch: float = 0.0  # per 10 dB
    noise_shared: float = 0.0  # per 10 dB

    def log_odds(
        self, cosines: NDArray[np.float64], enrol: Side | ArrayLike, test: Side | ArrayLike
    ) -> NDArray[np.float64]:
        """Return the natural log-odds of the same person, shape [trials], both answers being as likely beforehand."""
        weights = np.array([getattr(self, name) for name in WEIGHTS])
        log_odds: NDArray[np.float64] = _design(cosines, enrol, test) @ weights
        return log_odds

    def to_dict(self) -> dict[str, float]:
        """Return the weights by their names, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One source, measured with the calibration that all other sources gave."""

    source: str
    calibration: FittedCalibration
    report: CalibrationReport

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and names, for JSON."""
        return {
            "source": self.source,
            "calibration": self.calibration.to_dict(),
            "report": self.report.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """Every source held out once."""

    sources: tuple[HeldOut, ...]
    pooled: CalibrationReport  # of all trials, each with the calibration that its own source had no part in

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and names, for JSON."""
        return {"sources": [held.to_dict() for held in self.sources], "pooled": self.pooled.to_dict()}


def fit(
    sources: Sequence[ScoredTrials],
    source_weights: Mapping[str, float] | None = None,
    *,
    copies: Sequence[ScoredTrials] = (),
) -> FittedCalibration:
    """Fit the calibration to the trials of all sources.

    The weights of channel and noise stay 0 where nothing in the trials tells about them.

    Args:
        sources: scored trials, one value a source.
        source_weights: how much a trial of each source counts, by the source's name; 1 where unsaid.
        copies: degraded copies of the trials; each counts `COPY_WEIGHT` times what a trial of its source does.

    Raises:
        TrialsError: fewer than 10 enrolled speakers or 100 trials of either class, a value that is no number, or
            scores that part the classes without a single error, which leaves the weights open.
    """
    from scipy.optimize import minimize  # noqa: PLC0415

    same, design, weights = _joined(sources, source_weights or {}, copies)
    result = minimize(
        weighted_loss,
        x0=np.eye(len(WEIGHTS))[0],
        args=(design, same, weights),
        jac=True,
        method="L-BFGS-B",
        bounds=[_BOUNDS.get(name, (0.0, None)) for name in WEIGHTS],
        options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9},
    )
    log_odds = design @ result.x
    if log_odds[same].min() > log_odds[~same].max():
        # Ever steeper weights would make these trials ever likelier.
        raise TrialsError("The scores part all trials without a single error; add harder trials, of similar voices.")
    return FittedCalibration(**dict(zip(WEIGHTS, result.x.tolist(), strict=True)))


def leave_one_source_out(sources: Sequence[ScoredTrials], *, copies: Sequence[ScoredTrials] = ()) -> CrossValidation:
    """Measure each source with the calibration fitted to all others.

    Args:
        sources: scored trials, one value a source.
        copies: degraded copies of trials, which are left out of a fit together with the source they are named after.

    Raises:
        TrialsError: there are fewer than two sources, a source lacks one of the classes, or the others of a source
            are too few to fit (see `fit`).
    """
    if len(sources) < 2:  # noqa: PLR2004
        raise TrialsError("Holding one source out needs two sources of trials or more; give more lists.")
    held_out, llrs = [], []
    for held in sources:
        calibration = fit(
            [source for source in sources if source is not held],
            copies=[copy for copy in copies if copy.source != held.source],
        )
        llrs.append(calibration.log_odds(held.cosines, held.enrol, held.test))
        report = calibration_report(llrs[-1], held.same)
        held_out.append(HeldOut(source=held.source, calibration=calibration, report=report))
    pooled = calibration_report(np.concatenate(llrs), np.concatenate([held.same for held in sources]))
    return CrossValidation(sources=tuple(held_out), pooled=pooled)


def weighted_loss(
    parameters: NDArray[np.float64],
    design: NDArray[np.float64],
    same: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the weighted negative log-likelihood and its gradient, shape [weights].

    Args:
        parameters: shape [weights].
        design: shape [trials, weights], what the parameters are multiplied with.
        same: shape [trials].
        weights: shape [trials].
    """
    log_odds = design @ parameters
    towards_truth = np.where(same, log_odds, -log_odds)
    doubt = np.exp(-np.logaddexp(0.0, towards_truth))  # P(the other answer)
    loss = weights @ np.logaddexp(0.0, -towards_truth)
    return float(loss), design.T @ (weights * np.where(same, -doubt, doubt))


def _design(cosines: NDArray[np.float64], enrol: Side | ArrayLike, test: Side | ArrayLike) -> NDArray[np.float64]:
    columns = terms(cosines, enrol, test)
    return np.stack([np.broadcast_to(column, cosines.shape) for column in columns], axis=-1)


def _joined(
    sources: Sequence[ScoredTrials], source_weights: Mapping[str, float], copies: Sequence[ScoredTrials]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return truth [trials], design [trials, weights] and weights [trials], which sum to .5 in either class."""
    _refuse_too_few(
        np.concatenate([source.same for source in sources]), np.concatenate([source.speakers for source in sources])
    )
    parts = (*sources, *copies)
    same = np.concatenate([part.same for part in parts])
    design = np.concatenate([_design(part.cosines, part.enrol, part.test) for part in parts])
    if not np.isfinite(design).all():
        raise TrialsError("Some cosines or seconds of the trials are not finite numbers.")
    shares = [1.0] * len(sources) + [COPY_WEIGHT] * len(copies)
    weights = np.concatenate(
        [
            np.full(len(part.same), share * source_weights.get(part.source, 1.0))
            for part, share in zip(parts, shares, strict=True)
        ]
    )
    totals = [math.fsum(weights[same]), math.fsum(weights[~same])]
    return same, design, weights * np.where(same, 0.5 / totals[0], 0.5 / totals[1])


def _refuse_too_few(same: NDArray[np.bool_], speakers: NDArray[np.str_]) -> None:
    people, targets = len(np.unique(speakers)), int(same.sum())
    others = len(same) - targets
    if people < FEWEST_SPEAKERS or min(targets, others) < FEWEST_TRIALS:
        raise TrialsError(
            f"A calibration needs at least {FEWEST_SPEAKERS} enrolled speakers and {FEWEST_TRIALS} trials each of the "
            f"same person and of different people; there are {people} speakers, {targets} and {others} trials."
        )
