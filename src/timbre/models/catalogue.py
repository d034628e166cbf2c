"""The catalogue: which model files there are, where they come from, and the packs made of them.

What is read here is `catalogue.toml`, beside this module; its opening lines explain the fields.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from timbre.errors import ModelUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["vad", "segmenter", "encoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSource:
    """A file inside a wheel on the Python package index."""

    wheel: str  # requirement with its exact version
    wheel_sha256: str  # of the whole wheel
    wheel_bytes: int
    member: str  # path inside the wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSource:
    """A file of a repository on the model hub."""

    hub: str  # owner/name
    revision: str  # commit, or a branch where the checksum alone pins the content
    member: str | None = None  # path inside the repository; if left out, whatever file has the checksum


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One model file."""

    name: str
    kind: Kind
    licence: str  # SPDX identifier
    sha256: str  # of what the sources deliver
    sources: tuple[WheelSource | HubSource, ...] = ()  # tried in this order
    shipped: bool = False  # it comes with Timbre, under shipped/, and is never fetched
    bytes: int | None = None  # of what the sources deliver, where it was published
    conversion: Literal["ge2e"] | None = None  # how it becomes ONNX here, if its sources deliver something else
    note: str | None = None  # what a user should know before using it

    @property
    def filename(self) -> str:
        """Name of the file in the store."""
        return f"{self.name}.onnx"

    @property
    def fingerprint(self) -> str:
        """The first 8 bytes of the sha256 of the file as published, in hex; no conversion changes it."""
        return self.sha256[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderFile(ModelFile):
    """The file of a speaker encoder."""

    front_end: Literal["ge2e", "kaldi", "redimnet"]  # what it hears
    calibration: str  # name of the calibration that belongs to it


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFiles:
    """The files that make a pack."""

    name: str
    description: str
    vad: ModelFile
    segmenters: tuple[ModelFile, ...]  # alternatives, best first; empty for a pack without segmenter
    encoder: EncoderFile
    earlier: tuple[EncoderFile, ...] = ()  # encoders it had before, which old voiceprints are still heard with

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """All of them, alternatives included."""
        return (self.vad, *self.segmenters, self.encoder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All files and packs, by name; packs from the best to the simplest."""

    files: Mapping[str, ModelFile]
    packs: Mapping[str, PackFiles]

    def file(self, name: str) -> ModelFile:
        """Return a file; raises `ModelUnknown`."""
        try:
            return self.files[name]
        except KeyError:
            raise ModelUnknown(f"There is no model file {name!r}; there are: {', '.join(self.files)}.") from None

    def pack(self, name: str) -> PackFiles:
        """Return a pack; raises `ModelUnknown`."""
        try:
            return self.packs[name]
        except KeyError:
            raise ModelUnknown(f"There is no pack {name!r}; there are: {', '.join(self.packs)}.") from None

    @property
    def encoders(self) -> tuple[EncoderFile, ...]:
        """Return all encoders, those included that no pack has any more."""
        return tuple(file for file in self.files.values() if isinstance(file, EncoderFile))

    def pack_with(self, file: ModelFile) -> str:
        """Return the simplest pack that uses a file: what to pull to get it; or else the one that used it before."""
        packs = self.packs.values()
        using = [pack.name for pack in packs if file in pack.files]
        return (using or [pack.name for pack in packs if file in pack.earlier])[-1]


@cache
def catalogue() -> Catalogue:
    """Return the catalogue that comes with Timbre."""
    return read_catalogue(resources.files(__package__).joinpath("catalogue.toml").read_text("utf-8"))


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue in the format of `catalogue.toml`."""
    tables = tomllib.loads(text)
    files = {name: _file(name, table) for name, table in tables["files"].items()}
    packs = {name: _pack(name, table, files) for name, table in tables["packs"].items()}
    return Catalogue(files=files, packs=packs)


def _file(name: str, table: dict[str, Any]) -> ModelFile:
    sources = tuple(
        HubSource(**source) if "hub" in source else WheelSource(**source) for source in table.pop("sources", ())
    )
    kind = EncoderFile if table["kind"] == "encoder" else ModelFile
    return kind(name=name, sources=sources, **table)


def _pack(name: str, table: dict[str, Any], files: Mapping[str, ModelFile]) -> PackFiles:
    encoders = {file.name: file for file in files.values() if isinstance(file, EncoderFile)}
    return PackFiles(
        name=name,
        description=table["description"],
        vad=files[table["vad"]],
        segmenters=tuple(files[segmenter] for segmenter in table.get("segmenters", ())),
        encoder=encoders[table["encoder"]],
        earlier=tuple(encoders[encoder] for encoder in table.get("earlier", ())),
    )
