"""Fit a calibration anew to few people: move the one in use instead of starting from nothing.

All weights are multiplied with one factor and the bias is moved, so what is known of durations, channels and noise
stays as it is. Both have a prior around no change, and the trials of one person count as much as one person, however
many they are: with ten people the calibration moves a little, with a hundred it goes where they say.

Source: logistic regression with a normal prior on scale and offset, that is Platt, "Probabilistic outputs for support
vector machines", 1999, as maximum a posteriori.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from timbre.evaluation.calibration import class_weights
from timbre.evaluation.trials import ScoredTrials
from timbre.models.same_voice import WEIGHTS, SameVoice

_SPREADS: Final = (0.3, 1.5)  # of the factor's logarithm and of the offset, where the calibration in use was fitted
_OPEN: Final = (1.5, 10.0)  # where it is only an assumption


def refit(same_voice: SameVoice, trials: ScoredTrials) -> SameVoice:
    """Return the calibration, moved to trials of one's own people.

    Args:
        same_voice: the calibration in use.
        trials: of both classes.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - slow to import

    odds = same_voice.log_odds(trials.cosines, trials.enrol, trials.test)
    signs = np.where(trials.same, 1.0, -1.0)
    weights = class_weights(trials.same) * len(np.unique(trials.speakers))
    spreads = np.array(_SPREADS if same_voice.fitted else _OPEN)

    def cost(change: np.ndarray) -> float:
        moved = np.exp(change[0]) * odds + change[1]
        return float(weights @ np.logaddexp(0.0, -signs * moved) + np.sum((change / spreads) ** 2) / 2)

    change = minimize(cost, x0=np.zeros(2), method="L-BFGS-B").x
    factor, offset = float(np.exp(change[0])), float(change[1])
    scaled = {name: factor * getattr(same_voice, name) for name in (*WEIGHTS, "strangers_mean", "strangers_spread")}
    return replace(
        same_voice,
        fitted=True,
        **{**scaled, "bias": scaled["bias"] + offset, "strangers_mean": scaled["strangers_mean"] + offset},
    )
