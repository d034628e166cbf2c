"""Fits: what was fitted on this machine to how an encoder scores, in place of what ships with it.

They lie beside the models, each under the name of the space it makes, since another centre makes other vectors: whoever
has voiceprints of an earlier fit is still heard with it.

    calibrations/timbre-voice-1/2f0c….toml    scores, and the centre
    calibrations/timbre-voice-1/2f0c….npz     how vectors vary
    calibrations/timbre-voice-1/in-use        the name of the one in use; without it that is what ships with Timbre
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from timbre.disk import refusal
from timbre.errors import ModelError
from timbre.models.same_voice import write_same_voice
from timbre.models.variation import write_variation

if TYPE_CHECKING:
    from timbre.models.catalogue import EncoderFile
    from timbre.models.same_voice import SameVoice
    from timbre.models.variation import Variation

_IN_USE: Final = "in-use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The files of a fit."""

    scores: Path
    variation: Path | None  # None for what ships with the encoder


class Fits:
    """The fits of one encoder in a folder of models."""

    def __init__(self, models_dir: Path, encoder: EncoderFile) -> None:
        self._folder = models_dir / "calibrations" / encoder.name
        self._encoder = encoder

    def __iter__(self) -> Iterator[Fit]:
        """Yield all of them."""
        yield from (_fit(path) for path in sorted(self._folder.glob("*.toml")))

    @property
    def in_use(self) -> Fit | None:
        """The one in use; None where that is what ships with Timbre."""
        try:
            name = (self._folder / _IN_USE).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return _fit(self._folder / f"{name}.toml")

    def keep(self, same_voice: SameVoice, variation: Variation) -> None:
        """Keep a fit, and use it from now on.

        Raises:
            ModelError: it cannot be written.
        """
        name = same_voice.space(self._encoder.fingerprint)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(f"{name}.npz", write_variation(variation))
            self._write(f"{name}.toml", write_same_voice(same_voice).encode())
            self._write(_IN_USE, name.encode())
        except OSError as error:
            raise ModelError(refusal(self._folder, error, "set TIMBRE_MODELS_DIR to another folder")) from error

    def lay_aside(self) -> None:
        """Use what ships with Timbre again; all fits are kept for the voiceprints that were made with them."""
        (self._folder / _IN_USE).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        """Write a file so that whoever reads it meanwhile finds the old or the new one."""
        unfinished = self._folder / f".{name}.{os.getpid()}"
        unfinished.write_bytes(data)
        unfinished.replace(self._folder / name)


def _fit(scores: Path) -> Fit:
    variation = scores.with_suffix(".npz")
    return Fit(scores=scores, variation=variation if variation.is_file() else None)
