"""Many recordings at one place: those of a folder, with the folders in it, or of a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from timbre.errors import InputError, OptionError
from timbre.evaluation.corpus import AUDIO_EXTENSIONS

if TYPE_CHECKING:
    from timbre.service.files.storage import Bucket

_PIECE: Final = 1 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A recording of a collection."""

    name: str  # its path from the place on, with slashes
    bytes: int
    changed: float  # Unix time


class Collection(Protocol):
    """A place with recordings."""

    def members(self) -> Iterator[Member]:
        """All files there."""

    def pieces(self, member: Member) -> Iterator[bytes]:
        """The content of one."""


def open_collection(where: str) -> Collection:
    """Open a folder, or the bucket of a URL.

    Raises:
        OptionError: there is none.
    """
    if "://" in where:
        from timbre.service.files.storage import open_bucket  # noqa: PLC0415

        return _OfBucket(open_bucket(where, "The address of the recordings"))
    folder = Path(where).expanduser()
    if not folder.is_dir():
        raise OptionError(f"{where} is no folder; name one, or a bucket as s3://bucket/prefix.")
    return _OfFolder(folder)


def recordings(collection: Collection, match: str | None) -> list[Member]:
    """The recordings of a collection by name: those that match, or whose names end as those of recordings do."""

    def is_meant(name: str) -> bool:
        parts = name.split("/")
        if any(part.startswith(".") for part in parts):
            return False
        return fnmatch(name, match) if match else Path(name).suffix.lower() in AUDIO_EXTENSIONS

    return sorted((member for member in collection.members() if is_meant(member.name)), key=lambda member: member.name)


class _OfFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def members(self) -> Iterator[Member]:
        for path in self._folder.rglob("*"):
            if path.is_file():
                found = path.stat()
                name = path.relative_to(self._folder).as_posix()
                yield Member(name=name, bytes=found.st_size, changed=found.st_mtime)

    def pieces(self, member: Member) -> Iterator[bytes]:
        try:
            with (self._folder / member.name).open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except OSError as error:
            raise InputError(f"it cannot be read: {error.strerror}") from error


class _OfBucket:
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def members(self) -> Iterator[Member]:
        import obstore  # noqa: PLC0415 - slow to import

        for page in obstore.list(self._bucket):
            for meta in page:
                yield Member(name=meta["path"], bytes=meta["size"], changed=meta["last_modified"].timestamp())

    def pieces(self, member: Member) -> Iterator[bytes]:
        import obstore  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            for piece in obstore.get(self._bucket, member.name).stream(min_chunk_size=_PIECE):
                yield bytes(piece)
        except (BaseError, OSError) as error:
            raise InputError(f"it cannot be read from the bucket: {str(error).partition(chr(10))[0]}") from error
