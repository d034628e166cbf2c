"""What belongs to a backup."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

from timbre.errors import BackupUnreadable
from timbre.service.backups.place import Place

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A recording of the server's storage, and where it lies in the place of backups."""

    object: str
    bytes: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A backup, but for its bytes."""

    id: str  # the time of its moment
    timbre: str  # version of the program
    schema: str  # version of the tables
    tables: Mapping[str, int]  # rows of each
    database_bytes: int  # sealed
    media: Sequence[BackedUp]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return json.dumps({"version": _VERSION, **asdict(self)}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Self:
        """Read what was kept.

        Raises:
            BackupUnreadable: a newer Timbre wrote it.
        """
        known = json.loads(text)
        if known.pop("version") != _VERSION:
            raise BackupUnreadable("A newer version of Timbre made this backup; use that one.")
        return cls(**known | {"media": [BackedUp(**one) for one in known["media"]]})


def database_of(backup: str) -> str:
    """The name of a backup's database."""
    return f"backups/{backup}/database"


def contents_of(backup: str) -> str:
    """The name of a backup's contents."""
    return f"backups/{backup}/contents"


async def read_contents(place: Place, backup: str) -> Contents:
    """The contents of a backup.

    Raises:
        BackupMissing, BackupUnreadable: they cannot be read.
    """
    return Contents.from_bytes(await place.read(contents_of(backup)))
