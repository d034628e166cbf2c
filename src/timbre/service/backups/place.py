"""Where backups lie: a folder or a bucket, in which everything is sealed with a key that comes of the master key.

    backups/20261130-200513-123/database     the database, as SQL
    backups/20261130-200513-123/contents     what belongs to this backup; written last, so it is whole or none
    media/3f/3f2a…                           a recording, once, whichever backups it belongs to
    erasures/20261130-200513-123             who and what was erased until then

Names of recordings are digests with a key too, so that the place tells nothing but sizes and times.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from timbre.errors import BackupMissing, BackupUnreadable, MediaUnknown
from timbre.service.files.storage import Storage, open_place
from timbre.service.keys.encryption import LENGTH
from timbre.service.keys.master_key import MasterKeys
from timbre.service.keys.sealed_stream import opened, sealed

_MOST_BYTES: Final = 1 << 39  # of one object: 512 GiB
_TIME: Final = "%Y%m%d-%H%M%S-%f"  # UTC; of the last, milliseconds are written
_MICROSECONDS: Final = 3  # digits that are not
_CONTENTS: Final = re.compile(r"backups/(\d{8}-\d{6}-\d{3})/contents")
_ERASURES: Final = re.compile(r"erasures/(\d{8}-\d{6}-\d{3})")


class Place:
    """Sealed objects by name."""

    def __init__(self, storage: Storage, keys: MasterKeys) -> None:
        self._storage = storage
        self._keys = keys
        naming = HKDFExpand(SHA256(), LENGTH, b"timbre names of backups").derive(keys.current.key)
        self._naming = HMAC(naming, SHA256())

    async def put(self, name: str, plain: AsyncIterator[bytes]) -> int:
        """Seal what comes under a name; return the bytes it takes."""
        return await self._storage.put(name, sealed(self._keys.current, plain, name.encode()), most_bytes=_MOST_BYTES)

    async def write(self, name: str, plain: bytes) -> int:
        """Seal what is short."""

        async def whole() -> AsyncIterator[bytes]:
            yield plain

        return await self.put(name, whole())

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """Open what is sealed under a name.

        Raises:
            BackupMissing: it is not here.
            BackupUnreadable: it is damaged, or of another master key.
        """
        try:
            async for piece in opened(self._keys, self._storage.chunks(name), name.encode()):
                yield piece
        except MediaUnknown:
            raise BackupMissing(f"{name} is not in this place; the backup is not whole, try one before it.") from None
        except BackupUnreadable as error:
            raise BackupUnreadable(f"{name}: {error}") from None

    async def read(self, name: str) -> bytes:
        """Open what is short; see `get`."""
        return b"".join([piece async for piece in self.get(name)])

    async def names(self) -> dict[str, tuple[datetime, int]]:
        """All that is here: when it was written, and its bytes."""
        return {name: (written, size) async for name, written, size in self._storage.names()}

    async def delete(self, name: str) -> None:
        """Take something away."""
        await self._storage.delete(name)

    def of_recording(self, name: str) -> str:
        """What a recording of the server's storage is called here; another under every master key."""
        digest = self._naming.copy()
        digest.update(name.encode())
        text = digest.finalize().hex()
        return f"media/{text[:2]}/{text}"


def open_backups(where: str, keys: MasterKeys) -> Place:
    """Open the place of this folder or URL.

    Raises:
        OptionError, PathUnusable, DiskFull, ServerError: it cannot be used.
    """
    return Place(open_place(where if "://" in where else Path(where).expanduser()), keys)


def stamp(at: datetime) -> str:
    """How a time is written in names."""
    return at.astimezone(UTC).strftime(_TIME)[:-_MICROSECONDS]


def stamped(text: str) -> datetime:
    """The time that a name says."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def backups_among(names: dict[str, tuple[datetime, int]]) -> list[str]:
    """The backups that are whole, the oldest first."""
    return sorted(found[1] for name in names if (found := _CONTENTS.fullmatch(name)))


def erasures_among(names: dict[str, tuple[datetime, int]]) -> list[str]:
    """The logs of erasures, the oldest first."""
    return sorted(found[1] for name in names if (found := _ERASURES.fullmatch(name)))
