"""Spaces: which encoder, calibrated how, made the vectors of a voiceprint.

Vectors compare only inside one space. A pack may get another encoder, but the one before stays in the catalogue, so
that whoever kept voiceprints of it is still heard with it, by its own calibration, until they are made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from timbre.errors import ModelCorrupt
from timbre.models.catalogue import Catalogue, EncoderFile, catalogue
from timbre.models.fits import Fit, Fits
from timbre.models.same_voice import SameVoice, load_same_voice, read_same_voice
from timbre.models.variation import Variation, load_variation, read_variation

if TYPE_CHECKING:
    from timbre.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What the vectors of one space are made and compared with."""

    encoder: EncoderFile
    fit: Fit | None  # of the user's; None for what ships with the encoder

    def same_voice(self, dimension: int | None = None) -> SameVoice:
        """Load the calibration, for vectors of this dimension; None if it is not known.

        Raises:
            ModelUnknown: the encoder has none.
            ModelCorrupt: it is damaged, or for vectors of another dimension.
        """
        if self.fit is None:
            return load_same_voice(self.encoder.calibration, dimension)
        return read_same_voice(self.fit.scores, dimension)

    def variation(self, dimension: int) -> Variation:
        """Load how the encoder's vectors vary; an assumption where that was not fitted.

        Raises:
            ModelCorrupt: it is damaged, or for vectors of another dimension.
        """
        if self.fit is None or self.fit.variation is None:
            return load_variation(self.encoder.calibration, dimension)
        path = self.fit.variation
        try:
            return read_variation(path.read_bytes(), str(path), dimension)
        except OSError as error:
            raise ModelCorrupt(f"{path} cannot be read ({error.strerror}); fit it again.") from error

    @property
    def name(self) -> str:
        """16 hexadecimal digits, as voiceprints have them; raises as `same_voice`."""
        return _shipped(self.encoder) if self.fit is None else _name(self)


@cache
def _shipped(encoder: EncoderFile) -> str:
    return _name(Space(encoder=encoder, fit=None))


def _name(space: Space) -> str:
    return space.same_voice().space(space.encoder.fingerprint)


def own_space(encoder: EncoderFile, settings: Settings) -> Space:
    """The space an encoder hears in: with the calibration of the settings, the fit in use, or what it ships with."""
    return Space(encoder=encoder, fit=_of_settings(encoder, settings) or Fits(settings.models_dir, encoder).in_use)


def find_space(name: str, settings: Settings, *, models: Catalogue | None = None) -> Space | None:
    """The space of this name, whether its encoder is on this machine or not; None if the catalogue has none for it.

    Raises:
        ModelCorrupt: the calibration of the settings or a fit is damaged.
    """
    return next((space for space in _spaces(settings, models or catalogue()) if space.name == name), None)


def _spaces(settings: Settings, models: Catalogue) -> Iterator[Space]:
    for encoder in models.encoders:
        yield Space(encoder=encoder, fit=None)
    for encoder in models.encoders:
        own = _of_settings(encoder, settings)
        for fit in (*((own,) if own else ()), *Fits(settings.models_dir, encoder)):
            yield Space(encoder=encoder, fit=fit)


def _of_settings(encoder: EncoderFile, settings: Settings) -> Fit | None:
    """The calibration of the settings; vectors vary as in the fit that it was made beside."""
    if settings.calibration is None:
        return None
    beside = Fits(settings.models_dir, encoder).in_use
    return Fit(scores=settings.calibration, variation=beside.variation if beside else None)
