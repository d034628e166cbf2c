"""Voiceprints: how one person sounds, as a value and as text that can be kept anywhere.

The text is base64 of one packed record:

    magic 4 B | version 1 B | space 8 B | prototypes 1 B | dimension 2 B
    then for each prototype: seconds of speech float32 | telephone uint8 | SNR int8 | vector float16 * dimension
    then the first 4 bytes of the sha256 of everything before

Telephone is in per cent, 255 where it is not known; the SNR is in dB, -128 where it is not known. Version 1 had
neither, and is still read.

A voiceprint keeps one prototype a recording, so that different rooms and microphones stay visible. Vectors compare only
inside one *space*: one encoder, centred in one way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from timbre.audio.acoustics import UNKNOWN, Acoustics, mean_acoustics
from timbre.disk import written
from timbre.errors import VoiceprintMalformed
from timbre.identification.quality import Quality
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PROTOTYPES: Final = 24  # fit, with 256 dimensions, into the 20 000 characters that the API allows

_MAGIC: Final = b"TMBR"
_VERSION: Final = 2
_CHANNEL_UNKNOWN: Final = 255
_SNR_UNKNOWN: Final = -128
_HEAD: Final = struct.Struct("<4sB8sBH")
_CHECKSUM: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Voiceprint:
    """How one person sounds."""

    prototypes: NDArray[np.float32]  # [recordings, dimension] unit vectors with the precision of float16
    seconds: tuple[float, ...]  # of speech behind each prototype
    space: str  # fingerprint of the encoder and its centre: vectors of other spaces mean nothing here
    acoustics: tuple[Acoustics, ...] = ()  # of each recording, in whole per cent and dB; () if unknown
    quality: tuple[Quality, ...] = ()  # of each recording; known when it is made, not kept in the text
    # int16 [n] at 16 kHz: the person, to listen to; None where it was not asked for. Nor is it kept in the text
    clip: NDArray[np.int16] | None = field(default=None, repr=False, compare=False)

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The mean of the prototypes, a unit vector `[dimension]`."""
        return unit(self.prototypes.sum(axis=0))

    @property
    def speech_seconds(self) -> float:
        """Seconds of speech behind it, of all recordings."""
        return sum(self.seconds)

    @property
    def condition(self) -> Acoustics:
        """Channel and noise of its recordings on average."""
        return mean_acoustics(self.acoustics)

    def __str__(self) -> str:
        """Return the text form: base64, at most 20 000 characters."""
        count, dimension = self.prototypes.shape
        items = np.zeros(count, _items(dimension, _VERSION))
        items["seconds"], items["vector"] = self.seconds, self.prototypes
        kept = [_packed(acoustics) for acoustics in self.acoustics or (UNKNOWN,) * count]
        items["telephone"], items["snr"] = zip(*kept, strict=True)
        record = _HEAD.pack(_MAGIC, _VERSION, bytes.fromhex(self.space), count, dimension) + items.tobytes()
        return base64.b64encode(record + _checksum(record)).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text form; white space around it and missing padding do no harm.

        Raises:
            VoiceprintMalformed: it is not a voiceprint of Timbre, or it was cut or changed.
        """
        record = _decode(text)
        if len(record) < _HEAD.size + _CHECKSUM or not record.startswith(_MAGIC):
            raise VoiceprintMalformed(
                "This is not a voiceprint made by Timbre (voiceprints of other services cannot be read);"
                " make it again from a recording."
            )
        body, checksum = record[:-_CHECKSUM], record[-_CHECKSUM:]
        if checksum != _checksum(body):
            raise VoiceprintMalformed("This voiceprint was cut or changed on its way: its checksum does not match.")
        _, version, space, count, dimension = _HEAD.unpack_from(body)
        if not 1 <= version <= _VERSION:
            raise VoiceprintMalformed(
                f"This voiceprint has version {version}; this Timbre reads versions up to {_VERSION}. Upgrade Timbre."
            )
        item = _items(dimension, version)
        if not count or len(body) != _HEAD.size + count * item.itemsize:
            raise VoiceprintMalformed
        items = np.frombuffer(body, item, offset=_HEAD.size)
        prototypes = items["vector"].astype(np.float32)
        if not (np.isfinite(prototypes).all() and np.isfinite(items["seconds"]).all()):
            raise VoiceprintMalformed
        known = version > 1
        return cls(
            prototypes=prototypes,
            seconds=tuple(items["seconds"].tolist()),
            space=space.hex(),
            acoustics=tuple(_unpacked(*pair) for pair in items[["telephone", "snr"]].tolist()) if known else (),
        )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a file that `save` wrote.

        Raises:
            VoiceprintMalformed: the file cannot be read or is not a voiceprint.
        """
        try:
            return cls.from_text(Path(path).read_text("ascii"))
        except OSError as error:
            raise VoiceprintMalformed(f"Cannot read the voiceprint {path}: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise VoiceprintMalformed(
                f"{path} is not a voiceprint; make one with `timbre voiceprint RECORDING -o FILE`."
            ) from None
        except VoiceprintMalformed as error:
            raise VoiceprintMalformed(f"{path}: {error}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Write the text form to a file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        with written(Path(path)) as file:
            file.write(f"{self}\n".encode("ascii"))

    def to_dict(self) -> dict[str, str]:
        """Return the output object of the REST API."""
        output = {"voiceprint": str(self)}
        advice = [sentence for quality in self.quality for sentence in quality.advice]
        if advice:
            output["warning"] = "; ".join(dict.fromkeys(advice))
        return output


def as_kept(acoustics: Acoustics) -> Acoustics:
    """Round channel and noise to what the text keeps, so that a voiceprint equals the one that is read again."""
    return _unpacked(*_packed(acoustics))


def _items(dimension: int, version: int) -> np.dtype[np.void]:
    recorded = [("telephone", "u1"), ("snr", "i1")] if version > 1 else []
    return np.dtype([("seconds", "<f4"), *recorded, ("vector", "<f2", (dimension,))])


def _packed(acoustics: Acoustics) -> tuple[int, int]:
    return (
        _CHANNEL_UNKNOWN if acoustics.telephone is None else round(100 * acoustics.telephone),
        _SNR_UNKNOWN if acoustics.snr is None else round(acoustics.snr),
    )


def _unpacked(telephone: int, snr: int) -> Acoustics:
    return Acoustics(
        telephone=None if telephone == _CHANNEL_UNKNOWN else min(telephone, 100) / 100,
        snr=None if snr == _SNR_UNKNOWN else float(snr),
    )


def _decode(text: str) -> bytes:
    compact = "".join(text.split())
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise VoiceprintMalformed("This is not a voiceprint: a voiceprint is one line of base64 text.") from None


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM]
