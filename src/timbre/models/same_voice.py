"""The one question behind every decision: do these two pieces of speech come from one voice?

A cosine alone does not answer it. Between strangers it is spread more widely the less speech there is, and
between recordings of one person it rises with the seconds that were pooled. `SameVoice` turns a cosine and the two
durations into log-odds, by logistic regression on trials of known speakers:

    log-odds = score_weight * cos - enrol_weight * ln(enrolment seconds) - test_weight * ln(test seconds) + bias

The same log-odds decide whether two clusters of a recording are merged and whether a speaker is given a name.
The coefficients belong to one encoder and lie beside its entry in the catalogue, under `calibrations/`.

Source: duration as quality measure in linear calibration, Mandasari et al., "Quality measure functions for calibration
of speaker recognition systems in various duration conditions", IEEE TASLP 2013.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from timbre.errors import ModelCorrupt, ModelUnknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SHORTEST = 0.5  # seconds; durations are clipped to this range, beyond which they change nothing
LONGEST = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SameVoice:
    """Log-odds that two embeddings come from one voice."""

    name: str
    fitted: bool  # False where the coefficients are an assumption and not a fit to trials
    score_weight: float
    enrol_weight: float
    test_weight: float
    bias: float
    centre: NDArray[np.float32]  # [dimension] mean embedding of many speakers, taken off before vectors are compared

    def centred(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the cohort's mean off unit rows `[n, dimension]` and bring them back to length 1."""
        return unit(embeddings - self.centre)

    def log_odds(self, cosine: ArrayLike, enrol_seconds: ArrayLike, test_seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the log-odds of "one voice" at even prior odds.

        Args:
            cosine: of the centred embeddings; any shape.
            enrol_seconds: of speech behind the first of each pair; broadcast against `cosine`.
            test_seconds: of speech behind the second.
        """
        enrol = np.log(np.clip(enrol_seconds, SHORTEST, LONGEST))
        test = np.log(np.clip(test_seconds, SHORTEST, LONGEST))
        odds = self.score_weight * np.asarray(cosine, np.float64)
        return np.asarray(odds - self.enrol_weight * enrol - self.test_weight * test + self.bias, np.float64)

    def cosine_at(self, log_odds: float, enrol_seconds: float, test_seconds: float) -> float:
        """Return the cosine that has these log-odds: the inverse of `log_odds`, which may lie beyond -1 to 1."""
        missing = log_odds - float(self.log_odds(0.0, enrol_seconds, test_seconds))
        return missing / self.score_weight

    def probability(self, cosine: ArrayLike, enrol_seconds: ArrayLike, test_seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of "one voice" at even prior odds, 0 to 1."""
        return 1.0 / (1.0 + np.exp(-self.log_odds(cosine, enrol_seconds, test_seconds)))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring vectors (the last axis) to length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)


def load_same_voice(name: str, dimension: int | None) -> SameVoice:
    """Load the calibration that ships under this name, for vectors of this dimension; None if it is not known.

    Raises:
        ModelUnknown: there is none.
    """
    file = resources.files("timbre.models") / "calibrations" / f"{name}.toml"
    if not file.is_file():
        raise ModelUnknown(f"There is no calibration named {name!r}.")
    return _same_voice(name, tomllib.loads(file.read_text()), dimension)


def read_same_voice(path: Path, dimension: int | None) -> SameVoice:
    """Read a calibration that `timbre calibrate` wrote, for vectors of this dimension; None if it is not known.

    Raises:
        ModelCorrupt: the file is missing or is not a calibration for vectors of this dimension.
    """
    try:
        return _same_voice(path.stem, tomllib.loads(path.read_text()), dimension)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(
            f"{path} cannot be used as a calibration ({error}); write one with `timbre calibrate`."
        ) from error


def write_same_voice(same_voice: SameVoice) -> str:
    """Return the text of a calibration file."""
    rows = same_voice.centre.round(4).reshape(-1, 8) if same_voice.centre.size % 8 == 0 else [same_voice.centre]
    centre = ",\n".join("    " + ", ".join(f"{value:.4f}" for value in row) for row in rows)
    numbers = "\n".join(
        f"{key} = {getattr(same_voice, key):.4f}" for key in ("score_weight", "enrol_weight", "test_weight", "bias")
    )
    return f"fitted = {str(same_voice.fitted).lower()}\n{numbers}\ncentre = [\n{centre},\n]\n"


def _same_voice(name: str, table: Mapping[str, Any], dimension: int | None) -> SameVoice:
    centre = np.asarray(table.get("centre") or [0.0] * (dimension or 1), np.float32)
    if dimension is not None and centre.shape != (dimension,):
        raise ModelCorrupt(
            f"The calibration {name} is for vectors of {centre.size} numbers, the encoder's {dimension}."
        )
    return SameVoice(
        name=name,
        fitted=bool(table["fitted"]),
        score_weight=float(table["score_weight"]),
        enrol_weight=float(table["enrol_weight"]),
        test_weight=float(table["test_weight"]),
        bias=float(table["bias"]),
        centre=centre,
    )
