"""The scale of floating-point samples: ±1 is full scale, and what goes far beyond it holds integers' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from timbre.errors import AudioUnreadable

_LOUDEST: Final = 4.0  # magnitude, 12 dB over full scale, up to which samples are loud and not of another scale
_BITS: Final = (16, 24, 32)  # of the integers that they may be


@dataclass(frozen=True, slots=True)
class Scale:
    """What floating-point samples are multiplied with."""

    factor: float = 1.0
    warning: str | None = None


def scale_of(peak: float) -> Scale:
    """Return the scale of samples, given the largest finite magnitude among them.

    Raises:
        AudioUnreadable: no integer of 32 bits is so large.
    """
    if peak <= _LOUDEST:
        return Scale()
    bits = next((bits for bits in _BITS if peak <= 1 << bits - 1), None)
    if bits is None:
        raise AudioUnreadable(
            "Could not load audio: floating-point samples have full scale at ±1, and these reach"
            f" {peak:.3g}; scale them."
        )
    return Scale(
        1 / (1 << bits - 1),
        f"floating-point samples have full scale at ±1, and these reach {peak:.6g}: they were taken for integers of"
        f" {bits} bits and divided by {1 << bits - 1}; scale them, or give integers",
    )
