"""Spaces: which encoder, calibrated how, made the vectors of a voiceprint.

Vectors compare only inside one space. A pack may get another encoder, but the one before stays in the catalogue, so
that whoever kept voiceprints of it is still heard with it, by its own calibration, until they are made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from timbre.models.catalogue import Catalogue, EncoderFile, catalogue
from timbre.models.same_voice import SameVoice, load_same_voice, read_same_voice
from timbre.models.variation import Variation, load_variation

if TYPE_CHECKING:
    from timbre.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What the vectors of one space are made and compared with."""

    encoder: EncoderFile
    calibration: Path | None  # a file of the user's; None for the calibration that ships with the encoder

    def same_voice(self, dimension: int | None = None) -> SameVoice:
        """Load the calibration, for vectors of this dimension; None if it is not known.

        Raises:
            ModelUnknown: the encoder has none.
            ModelCorrupt: it is damaged, or for vectors of another dimension.
        """
        if self.calibration is None:
            return load_same_voice(self.encoder.calibration, dimension)
        return read_same_voice(self.calibration, dimension)

    def variation(self, dimension: int) -> Variation:
        """Load how the encoder's vectors vary; an assumption where that was not fitted.

        Raises:
            ModelCorrupt: it is damaged, or for vectors of another dimension.
        """
        return load_variation(self.encoder.calibration, dimension)

    @property
    def name(self) -> str:
        """16 hexadecimal digits, as voiceprints have them; raises as `same_voice`."""
        return _shipped(self.encoder) if self.calibration is None else _name(self)


@cache
def _shipped(encoder: EncoderFile) -> str:
    return _name(Space(encoder=encoder, calibration=None))


def _name(space: Space) -> str:
    return space.same_voice().space(space.encoder.fingerprint)


def own_space(encoder: EncoderFile, settings: Settings) -> Space:
    """The space that an encoder hears in, with the calibration of the settings, or else its own."""
    return Space(encoder=encoder, calibration=settings.calibration)


def find_space(name: str, settings: Settings, *, models: Catalogue | None = None) -> Space | None:
    """The space of this name, whether its encoder is on this machine or not; None if the catalogue has none for it.

    Raises:
        ModelCorrupt: the calibration of the settings is damaged.
    """
    return next((space for space in _spaces(settings, models or catalogue()) if space.name == name), None)


def _spaces(settings: Settings, models: Catalogue) -> Iterator[Space]:
    for encoder in models.encoders:
        yield Space(encoder=encoder, calibration=None)
        if settings.calibration is not None:
            yield Space(encoder=encoder, calibration=settings.calibration)
