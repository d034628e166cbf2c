"""The file that carries models to a machine without network: a plain tar of model files and a manifest.

    manifest.json       {"ge2e.onnx": {"sha256": "...", "source_sha256": "..."}, ...}
    ge2e.onnx

Nothing in an archive is believed: names that are not expected are refused before anything is written, and what was
written is compared with the checksums.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from timbre.disk import written
from timbre.errors import ModelCorrupt, ModelMissing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MANIFEST: Final = "manifest.json"

_LARGEST_MANIFEST: Final = 1 << 20
_LARGEST_FILE: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a manifest says about one file."""

    sha256: str  # of the file as it lies here
    source_sha256: str  # of what was published; the same unless the file was converted


def parse_manifest(data: bytes) -> dict[str, Record]:
    """Read a manifest; raises `ModelCorrupt`."""
    try:
        return {str(name): Record(**record) for name, record in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelCorrupt(f"The {MANIFEST} of the models cannot be read: {error}") from error


def format_manifest(records: Mapping[str, Record]) -> bytes:
    """Write a manifest."""
    tables = {name: asdict(record) for name, record in sorted(records.items())}
    return (json.dumps(tables, indent=2) + "\n").encode()


def pack(path: Path, folder: Path, records: Mapping[str, Record]) -> None:
    """Write an archive of files in a folder, whole or not at all; equal files make equal bytes."""
    with written(path) as output, tarfile.open(fileobj=output, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        manifest = format_manifest(records)
        archive.addfile(_header(MANIFEST, len(manifest)), io.BytesIO(manifest))
        for name in sorted(records):
            with (folder / name).open("rb") as file:
                archive.addfile(_header(name, (folder / name).stat().st_size), file)


def unpack(path: Path, folder: Path, *, expected: Collection[str]) -> dict[str, Record]:
    """Take the files out of an archive and check them.

    Args:
        path: The archive.
        folder: An empty folder for its files.
        expected: The names that may be in it.

    Returns:
        The manifest; each file that it names lies in the folder and has its checksum.

    Raises:
        ModelMissing: there is no such archive.
        ModelCorrupt: it is not an archive of models, holds anything else, or a checksum is wrong.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            records = _unpack(archive, path, folder, expected)
    except FileNotFoundError as error:
        raise ModelMissing(f"There is no {path}.") from error
    except tarfile.TarError as error:
        raise ModelCorrupt(f"{path} is not an export of models: {error}") from error
    for name, record in records.items():
        if sha256(folder / name) != record.sha256:
            raise ModelCorrupt(f"{name} in {path} does not match its checksum.")
    return records


def _unpack(archive: tarfile.TarFile, path: Path, folder: Path, expected: Collection[str]) -> dict[str, Record]:
    members = archive.getmembers()
    names = [member.name for member in members]
    foreign = {*names} - {*expected, MANIFEST}
    if foreign or len(names) != len({*names}) or MANIFEST not in names:
        held = ", ".join(sorted(names)) or "nothing"
        raise ModelCorrupt(f"{path} is not an export of models: it holds {held}.")
    for member in members:
        limit = _LARGEST_MANIFEST if member.name == MANIFEST else _LARGEST_FILE
        content = archive.extractfile(member) if member.isreg() and member.size <= limit else None
        if content is None:
            raise ModelCorrupt(f"{member.name} in {path} is no regular file, or too large.")
        with content, (folder / member.name).open("wb") as file:
            shutil.copyfileobj(content, file)
    records = parse_manifest((folder / MANIFEST).read_bytes())
    if {*records} != {*names} - {MANIFEST}:
        raise ModelCorrupt(f"The {MANIFEST} in {path} names other files than there are.")
    return records


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    return header


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
