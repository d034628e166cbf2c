"""The centre: what all voices have in common, taken off before vectors are compared.

Source: mean subtraction in speaker recognition, Garcia-Romero & Espy-Wilson, "Analysis of i-vector length normalization
in speaker recognition systems", Interspeech 2011; held back here, because the whole mean would take something of every
voice with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHRINKAGE: Final = 0.65  # of the mean


def fit_centre(voices: Mapping[tuple[str, str], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the centre `[dimension]`: every group weighs the same, and in it every person.

    Args:
        voices: By group and person the vectors of recordings, `[n, dimension]`, as the encoder gives them.
    """
    groups: dict[str, list[NDArray[np.float64]]] = {}
    for (group, _), vectors in voices.items():
        groups.setdefault(group, []).append(vectors.mean(axis=0, dtype=np.float64))
    return np.asarray(SHRINKAGE * np.mean([np.mean(means, axis=0) for means in groups.values()], axis=0), np.float32)
