"""How voices vary: from person to person, from mood to mood of one person, and from window to window.

A cosine treats every direction alike. But some directions tell people apart and others tell a calm from a loud voice,
so the vectors of an encoder are looked at along axes on which all three kinds of variation are independent, and within
one person of about unit size. Two-covariance PLDA has no more to it than their variances along each axis (Brümmer & de
Villiers, "The speaker partitioning problem", Odyssey 2010; the third, of single windows, is what a mean of many of them
has less of).

The numbers belong to one encoder and lie beside its calibration, under `calibrations/`; `timbre.evaluation.variation`
fits them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

import numpy as np

from timbre.errors import ModelCorrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIELDS: Final = ("axes", "people", "moods", "windows")
_PEOPLE: Final = np.float32(0.5)  # variances on every axis where nothing was fitted
_MOODS: Final = np.float32(0.02)
_WINDOWS: Final = np.float32(0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Axes, and the variance of centred unit vectors along each of them."""

    axes: NDArray[np.float32]  # [dimension, d]
    people: NDArray[np.float32]  # [d] between the means of people
    moods: NDArray[np.float32]  # [d] of one person, between pieces of speech
    windows: NDArray[np.float32]  # [d] within a piece of speech, between windows that share no sample
    fitted: bool = True  # False where it is an assumption


def assumed(dimension: int) -> Variation:
    """Return what is believed of an encoder that nobody has fitted: that all directions are alike."""
    ones = np.ones(dimension, np.float32)
    return Variation(
        axes=np.sqrt(dimension, dtype=np.float32) * np.eye(dimension, dtype=np.float32),
        people=_PEOPLE * ones,
        moods=_MOODS * ones,
        windows=_WINDOWS * ones,
        fitted=False,
    )


def load_variation(name: str, dimension: int) -> Variation:
    """Load what ships under this name, or the assumption where nothing does.

    Raises:
        ModelCorrupt: it is for vectors of another dimension.
    """
    file = resources.files("timbre.models") / "calibrations" / f"{name}.npz"
    return read_variation(file.read_bytes(), name, dimension) if file.is_file() else assumed(dimension)


def read_variation(data: bytes, name: str, dimension: int) -> Variation:
    """Read what `write_variation` wrote.

    Raises:
        ModelCorrupt: it is damaged, or for vectors of another dimension.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {field: file[field].astype(np.float32) for field in _FIELDS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelCorrupt(f"{name} cannot be used: {error}.") from error
    if arrays["axes"].shape[0] != dimension:
        raise ModelCorrupt(
            f"{name} is for vectors of {arrays['axes'].shape[0]} numbers, the encoder's have {dimension}."
        )
    return Variation(**arrays)


def write_variation(variation: Variation) -> bytes:
    """Return the contents of a file for it; the same for the same numbers."""
    file = io.BytesIO()
    np.savez_compressed(file, **{field: getattr(variation, field).astype(np.float16) for field in _FIELDS})
    return file.getvalue()
