"""The one question behind every decision: do these two pieces of speech come from one voice?

A cosine alone does not answer it. Between strangers it is spread more widely the less speech there is, and
between recordings of one person it rises with the seconds that were pooled. A telephone on one side only, or noise on
one side only, lowers it; noise on both sides raises that of strangers. `SameVoice` turns a cosine and what is known of
both sides into log-odds, by logistic regression on trials of known speakers and on degraded copies of them:

    log-odds = score_weight * cos - enrol_weight * ln(enrolment seconds) - test_weight * ln(test seconds) + bias
             + channel_mismatch * |telephone - telephone'|
             + noise_mismatch * |noise - noise'| - noise_shared * min(noise, noise')

`telephone` is 0 or 1, and `noise` how far the speech stands less than 20 dB above the background, in tens of dB. What
is not known of a side adds nothing, and every term but the first is the same for all cosines, so a higher cosine always
means higher log-odds.

The same log-odds decide whether two clusters of a recording are merged and whether a speaker is given a name.
The coefficients belong to one encoder and lie beside its entry in the catalogue, under `calibrations/`.

Source: duration as quality measure in linear calibration, Mandasari et al., "Quality measure functions for calibration
of speaker recognition systems in various duration conditions", IEEE TASLP 2013.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from timbre.audio.acoustics import Acoustics
from timbre.errors import ModelCorrupt, ModelUnknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 0.5  # seconds; durations are clipped to this range, beyond which they change nothing
LONGEST = 40.0
CLEAN = 20.0  # dB above the background from which noise changes nothing
_NOISIEST = 0.0  # dB; more noise changes no more

# The weights by name, each belonging to one of the terms of a comparison, in this order.
WEIGHTS = (
    "score_weight",
    "enrol_weight",
    "test_weight",
    "bias",
    "channel_mismatch",
    "noise_mismatch",
    "noise_shared",
)
_STRANGERS = ("strangers_mean", "strangers_spread", "rivals_spread", "rivals_people")
RIVAL = 10  # how many people of a gallery are left out, the likeliest of a voice, to see how it scores with strangers
_NEEDED = WEIGHTS[:4]  # files of earlier versions have no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is known of one side of some comparisons; arrays that broadcast against the cosines."""

    seconds: ArrayLike  # of speech
    telephone: ArrayLike = np.nan  # 0 wideband, 1 telephone; NaN where it is not known
    snr: ArrayLike = np.nan  # dB; NaN where it is not known

    @classmethod
    def of(cls, seconds: Sequence[float], acoustics: Sequence[Acoustics]) -> Side:
        """Put what is known of several recordings or voices into arrays `[n]`."""
        return cls(
            seconds=np.array(seconds, np.float64),
            telephone=np.array([np.nan if one.telephone is None else one.telephone for one in acoustics]),
            snr=np.array([np.nan if one.snr is None else one.snr for one in acoustics]),
        )

    def column(self) -> Side:
        """Return it with a further axis at the end, to be compared with every item of another side."""
        return Side(
            seconds=np.asarray(self.seconds)[..., None],
            telephone=np.asarray(self.telephone)[..., None],
            snr=np.asarray(self.snr)[..., None],
        )


def terms(cosine: ArrayLike, enrol: Side | ArrayLike, test: Side | ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return what each of the `WEIGHTS` is multiplied with; the shapes broadcast."""
    one, other = (side if isinstance(side, Side) else Side(seconds=side) for side in (enrol, test))
    duration, tested = (np.log(np.clip(side.seconds, SHORTEST, LONGEST)) for side in (one, other))
    noise, beside = ((CLEAN - np.clip(side.snr, _NOISIEST, CLEAN)) / 10 for side in (one, other))
    channels = np.subtract(one.telephone, other.telephone)
    return (
        np.asarray(cosine, np.float64),
        -duration,
        -tested,
        np.ones(()),
        np.nan_to_num(np.abs(channels)),
        np.nan_to_num(np.abs(noise - beside)),
        -np.nan_to_num(np.minimum(noise, beside)),
    )


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
    channel_mismatch: float = 0.0
    noise_mismatch: float = 0.0
    noise_shared: float = 0.0
    # The log-odds of strangers are about normal; of a calibrated model they have a mean of -spread² / 2.
    strangers_mean: float = -4.5
    strangers_spread: float = 3.0
    rivals_spread: float = 0.75  # spread of one voice's log-odds with strangers, beside that of all voices
    rivals_people: float = 200.0  # in a gallery of so many a voice's own rivals count as much as strangers in general
    fitted_to: str = ""  # the speech, in a few words

    def space(self, fingerprint: str) -> str:
        """Return what vectors must have in common to be compared: the encoder of this fingerprint, and the centre."""
        centre = self.centre.astype("<f2").tobytes() if self.centre.any() else b""
        return hashlib.sha256(bytes.fromhex(fingerprint) + centre).hexdigest()[:16]

    def centred(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the cohort's mean off unit rows `[n, dimension]` and bring them back to length 1."""
        return unit(embeddings - self.centre)

    def log_odds(self, cosine: ArrayLike, enrol: Side | ArrayLike, test: Side | ArrayLike) -> NDArray[np.float64]:
        """Return the log-odds of "one voice" at even prior odds.

        Args:
            cosine: of the centred embeddings; any shape.
            enrol: what is known of the first of each pair, or just its seconds of speech; broadcast against `cosine`.
            test: likewise of the second.
        """
        odds = np.zeros(())
        for name, term in zip(WEIGHTS, terms(cosine, enrol, test), strict=True):
            odds = odds + getattr(self, name) * term
        return np.asarray(odds, np.float64)

    def cosine_at(self, log_odds: float, enrol_seconds: float, test_seconds: float) -> float:
        """Return the cosine that has these log-odds: the inverse of `log_odds`, which may lie beyond -1 to 1."""
        missing = log_odds - float(self.log_odds(0.0, enrol_seconds, test_seconds))
        return missing / self.score_weight

    def probability(self, cosine: ArrayLike, enrol: Side | ArrayLike, test: Side | ArrayLike) -> NDArray[np.float64]:
        """Return the probability of "one voice" at even prior odds, 0 to 1; see `log_odds`."""
        return 1.0 / (1.0 + np.exp(-self.log_odds(cosine, enrol, test)))

    def among(self, log_odds: NDArray[np.float64], people: int) -> NDArray[np.float64]:
        """Return what log-odds are worth where a voice is compared with so many people; for one, what they are.

        A stranger has as many chances to resemble somebody as there are people. So the best of M log-odds of a stranger
        is worth those that a single one exceeds as rarely:

            P(single < worth) = P(this voice with a stranger < log_odds) ** M

        with the normal distribution of strangers' log-odds on the left. On the right stands what is known of this
        voice: some sound like many people, and some like few. That shows in a gallery, where the log-odds of the 11th
        best say how high strangers come with this voice. The more people there are, the more they count.

        Args:
            log_odds: `[..., k]`: of each voice with everybody, or with those of the people who are the nearest to it.
            people: M, those who are not among these k included.

        Sources: the correction of Šidák, "Rectangular confidence regions for the means of multivariate normal
        distributions", 1967; and for taking the measure from a voice's own best scores adaptive score normalization,
        Cumani et al., "Comparison of speaker recognition approaches for real applications", Interspeech 2011.
        """
        if people <= 1:
            return log_odds
        from scipy.special import log_ndtr, ndtri_exp  # noqa: PLC0415 - slow to import

        mean, spread = self._strangers(log_odds, people)
        rare = ndtri_exp(np.minimum(people * log_ndtr((log_odds - mean) / spread), -1e-300))
        return np.asarray(self.strangers_mean + self.strangers_spread * rare, np.float64)

    def _strangers(self, log_odds: NDArray[np.float64], people: int) -> tuple[NDArray[np.float64] | float, float]:
        """Return mean `[..., 1]` and spread of the log-odds of each voice with strangers; see `among`."""
        mean, spread = self.strangers_mean, self.strangers_spread
        if min(log_odds.shape[-1], people) <= RIVAL:
            return mean, spread
        from scipy.special import ndtri  # noqa: PLC0415 - slow to import

        # Where a normal sample has its 11th best, in spreads above the mean: Blom, "Statistical estimates", 1958.
        place = -float(ndtri((RIVAL + 1 - 0.375) / (people + 0.25)))
        rival = np.partition(log_odds, -RIVAL - 1, axis=-1)[..., -RIVAL - 1, None]
        # Much fewer likenesses than usual are not believed: then a gallery may have left somebody out.
        rival = np.maximum(rival, mean + spread * (place - 1))
        weight, own = people / (people + self.rivals_people), self.rivals_spread * spread
        return (1 - weight) * mean + weight * (rival - own * place), (1 - weight) * spread + weight * own


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
    numbers = "\n".join(f"{key} = {getattr(same_voice, key):.4f}" for key in (*WEIGHTS, *_STRANGERS))
    fitted = f"fitted = {str(same_voice.fitted).lower()}\n"
    told = f"fitted_to = {json.dumps(same_voice.fitted_to)}\n" if same_voice.fitted_to else ""
    return f"{fitted}{told}{numbers}\ncentre = [\n{centre},\n]\n"


def _same_voice(name: str, table: Mapping[str, Any], dimension: int | None) -> SameVoice:
    centre = np.asarray(table.get("centre") or [0.0] * (dimension or 1), np.float32)
    if dimension is not None and centre.shape != (dimension,):
        raise ModelCorrupt(
            f"The calibration {name} is for vectors of {centre.size} numbers, the encoder's {dimension}."
        )
    return SameVoice(
        name=name,
        fitted=bool(table["fitted"]),
        fitted_to=str(table.get("fitted_to", "")),
        centre=centre,
        **{name: float(table[name]) for name in (*WEIGHTS, *_STRANGERS) if name in table or name in _NEEDED},
    )
