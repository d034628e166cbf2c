"""How strangers score, and what that means where many people are compared: see `SameVoice.among`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from timbre.errors import TrialsError
from timbre.models.same_voice import RIVAL, SameVoice

_TAIL: Final = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002)  # shares of strangers
_FEWEST: Final = 20  # scores beyond a share, with fewer of which it is left out
_SIZES: Final = (2, 5, 10, 20, 50, 100, 200, 400)  # of galleries
_THRESHOLDS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)  # log-odds: confidence 27 to 73
_VOICES: Final = 4_000  # strangers looked for in galleries of a size, in several if they are fewer
_FEWEST_PEOPLE: Final = 20
_RIVALS: Final = (0.75, 200.0)  # what is believed of `rivals_spread` and `rivals_people` beforehand
# How far the parameters, the last three as logarithms, are believed to be from where the search begins: a few hundred
# strangers say little about the largest galleries.
_SPREADS: Final = (0.9, 0.18, 0.27, 1.3)


def fit_strangers(odds: NDArray[np.float64], same_voice: SameVoice) -> SameVoice:
    """Fit what a calibration says of strangers, so that a gallery of any size names the same share of them.

    The search begins with the normal distribution of the upper end of all log-odds, and ends where the shares of
    strangers that are named in galleries of several sizes, at several thresholds, are nearest to those of one person;
    what is unlikely beforehand costs.

    Args:
        odds: log-odds `[strangers, people]`, none of the strangers being one of the people.
        same_voice: The calibration that they come from.

    Raises:
        TrialsError: there are fewer than 20 people or strangers.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - slow to import
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    if min(odds.shape) < _FEWEST_PEOPLE:
        raise TrialsError(
            f"How strangers score takes {_FEWEST_PEOPLE} people and as many others; there are {odds.shape}."
        )
    shares = np.array([share for share in _TAIL if share * odds.size >= _FEWEST])
    spread, mean = np.polyfit(-ndtri(shares), np.quantile(odds, 1 - shares), 1).tolist()
    sizes = [size for size in _SIZES if size <= odds.shape[1]]
    best = {size: nearest(odds, size, draws=-(-_VOICES // len(odds))) for size in sizes}
    floor = 1 / odds.size
    alone = np.array([np.mean(odds > threshold) for threshold in _THRESHOLDS])

    def model(values: NDArray[np.float64]) -> SameVoice:
        spread, share, people = np.exp(values[1:]).tolist()
        return replace(
            same_voice,
            strangers_mean=float(values[0]),
            strangers_spread=spread,
            rivals_spread=share,
            rivals_people=people,
        )

    def drift(values: NDArray[np.float64]) -> float:
        made = model(values)
        worth = [made.among(of_size, size)[:, -1] for size, of_size in best.items()]
        named = [[np.mean(of_size > threshold) for threshold in _THRESHOLDS] for of_size in worth]
        far = np.log(np.maximum(named, floor) / np.maximum(alone, floor))
        return float(np.sum(far**2) + np.sum(((values - begin) / _SPREADS) ** 2))

    begin = np.array([mean, *np.log([spread, *_RIVALS])], np.float64)
    search: Any = {
        "initial_simplex": np.stack([begin, *(begin + np.diag(_SPREADS) / 2)]),
        "xatol": 0.01,
        "fatol": 0.001,
    }
    return model(minimize(drift, begin, method="Nelder-Mead", options=search).x)


def nearest(odds: NDArray[np.float64], size: int, *, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Return what decides on every stranger in random galleries: the best log-odds, down to the rival's.

    Returns:
        `[draws * strangers, k]` in ascending order, so that the best is the last.
    """
    generator = np.random.default_rng(seed)
    columns = [generator.permutation(odds.shape[1])[:size] for _ in range(draws)]
    return np.concatenate([np.sort(odds[:, chosen], axis=1)[:, -RIVAL - 1 :] for chosen in columns])
