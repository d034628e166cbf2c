"""The scale of floating-point samples: ±1 is full scale, and what lies far beyond it holds integers' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from timbre.audio.converter import Block

_LOUDEST: Final = 4.0  # magnitude, 12 dB over full scale, up to which samples are loud and not of another scale
_MOST_SPIKES: Final = 0.05  # share of the samples that are not 0, up to which those beyond are damage
_BITS: Final = (16, 24, 32)  # of the integers that they may be


@dataclass(frozen=True, slots=True)
class Scale:
    """What floating-point samples are multiplied with."""

    factor: float = 1.0
    warning: str | None = None


class Gauge:
    """Finds the scale of samples, block by block."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._present = 0
        self._beyond = 0

    def add(self, block: Block) -> None:
        """Look at samples of any shape; those of an integer dtype have their scale by it."""
        if block.dtype.kind != "f" or not block.size:
            return
        magnitudes = np.abs(block)
        usable = magnitudes <= float(1 << _BITS[-1] - 1)  # no NaN, nothing infinite, nothing that no integer can be
        self._peak = max(self._peak, float(np.max(magnitudes, where=usable, initial=0.0)))
        self._present += int(np.count_nonzero(usable & (magnitudes > 0)))
        self._beyond += int(np.count_nonzero(usable & (magnitudes > _LOUDEST)))

    def scale(self) -> Scale:
        """Return the scale of what was looked at."""
        if self._beyond <= _MOST_SPIKES * self._present:
            return Scale()
        bits = next(bits for bits in _BITS if self._peak <= 1 << bits - 1)
        return Scale(
            1 / (1 << bits - 1),
            f"floating-point samples have full scale at ±1, and these reach {self._peak:.6g}: they were taken for"
            f" integers of {bits} bits and divided by {1 << bits - 1}; scale them, or give integers",
        )
