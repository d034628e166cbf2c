"""How strangers score, and what that means where many people are compared: see `SameVoice.among`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.errors import TrialsError

_TAIL: Final = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002)  # shares of strangers
_FEWEST: Final = 20  # scores beyond a share, with fewer of which it is left out
_SIZES: Final = (10, 50, 200)  # of galleries
_THRESHOLDS: Final = (-1.0, 0.0, 1.0)  # log-odds: confidence 27, 50 and 73
_POWERS: Final = tuple(power / 100 for power in range(70, 101))
_DRAWS: Final = 100
_FEWEST_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """The parameters of `SameVoice` about strangers."""

    strangers_mean: float  # log-odds
    strangers_spread: float
    strangers_power: float  # M people are as many chances as M**power independent ones

    def to_dict(self) -> dict[str, float]:
        """Return the parameters by their names."""
        return asdict(self)


def fit_strangers(odds: NDArray[np.float64]) -> Strangers:
    """Fit the upper end of strangers' log-odds, and how much less than independent those of one stranger are.

    The normal distribution is fitted to quantiles. Then the power is the one with which the share of strangers who are
    given a name changes least with the size of the gallery.

    Args:
        odds: log-odds `[strangers, people]`, none of the strangers being one of the people.

    Raises:
        TrialsError: there are fewer than 20 people or strangers.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    if min(odds.shape) < _FEWEST_PEOPLE:
        raise TrialsError(
            f"How strangers score takes {_FEWEST_PEOPLE} people and as many others; there are {odds.shape}."
        )
    shares = np.array([share for share in _TAIL if share * odds.size >= _FEWEST])
    spread, mean = np.polyfit(-ndtri(shares), np.quantile(odds, 1 - shares), 1).tolist()
    sizes = [size for size in _SIZES if size <= odds.shape[1]]
    best = {size: best_of(odds, size, draws=_DRAWS) for size in sizes}

    def drift(power: float) -> float:
        made = Strangers(strangers_mean=mean, strangers_spread=spread, strangers_power=power)
        rates = [
            (float(np.mean(best[size] > needed(threshold, size, made))), float(np.mean(odds > threshold)))
            for size in sizes
            for threshold in _THRESHOLDS
        ]
        return sum(math.log(max(rate, 1e-6) / max(target, 1e-6)) ** 2 for rate, target in rates)

    return Strangers(strangers_mean=mean, strangers_spread=spread, strangers_power=min(_POWERS, key=drift))


def best_of(odds: NDArray[np.float64], size: int, *, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Return the best log-odds of every stranger in random galleries: `[draws, strangers]`."""
    generator = np.random.default_rng(seed)
    columns = [generator.permutation(odds.shape[1])[:size] for _ in range(draws)]
    return np.stack([odds[:, chosen].max(axis=1) for chosen in columns])


def needed(threshold: float, people: int, strangers: Strangers) -> float:
    """Return the log-odds that are worth `threshold` among so many people: the inverse of `SameVoice.among`."""
    from scipy.special import log_ndtr, ndtri_exp  # noqa: PLC0415 - slow to import

    mean, spread = strangers.strangers_mean, strangers.strangers_spread
    below = log_ndtr((threshold - mean) / spread) / people**strangers.strangers_power
    return float(mean + spread * ndtri_exp(below))
