"""Streams that move from one API process to another: one that stops leaves to the next what its streams remember.

What is left is sealed with the key of the team, as voices are that are kept, and lies in the storage for the seconds
until the stream's client has come back.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from timbre.errors import StreamRefused, TimbreError
from timbre.live import moving
from timbre.service.files.storage import Storage
from timbre.service.keys.template_protection import Protection

if TYPE_CHECKING:
    from uuid import UUID

    from timbre.live.stream import LiveStream
    from timbre.service.live.streams import OpenStream, Streams

_MOST: Final = 64 << 20  # bytes
_PART: Final = "stream"
_LOST: Final = "What was known of this stream is lost; make another one with POST /v1/live."


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a process leaves of a stream."""

    stream: bytes
    received: int  # samples
    unsent: list[str]  # messages that its client has not got


class Moving:
    """Keeps what is left of streams until they are taken up."""

    def __init__(self, streams: Streams, storage: Storage, protection: Protection) -> None:
        self._streams = streams
        self._storage = storage
        self._protection = protection

    async def leave(self, opened: OpenStream, left: Left, seconds: float) -> None:
        """Keep what is left of a stream, of which so many seconds were heard, and let its token open it again.

        Raises:
            TimbreError: it cannot be kept.
        """
        cipher = await self._protection.cipher(opened.team)
        record = pickle.dumps((version("timbre"), left.stream, left.received, left.unsent))
        sealed = await asyncio.to_thread(cipher.seal, record, opened.id, part=_PART)

        async def pieces() -> AsyncIterator[bytes]:
            yield sealed

        await self._storage.put(_name(opened.id), pieces(), most_bytes=_MOST)
        await self._streams.leave(opened, seconds)

    async def take(self, opened: OpenStream, like: LiveStream) -> tuple[LiveStream, Left]:
        """Take what was left of a stream; it is kept no longer.

        Args:
            opened: Which.
            like: A new stream that was asked for in the same way.

        Raises:
            StreamRefused: nothing was left, or by another version.
        """
        try:
            cipher = await self._protection.cipher(opened.team)
            sealed = b"".join([piece async for piece in self._storage.chunks(_name(opened.id))])
            record = await asyncio.to_thread(cipher.open, sealed, opened.id, part=_PART)
            await self._storage.delete(_name(opened.id))
            by, stream, received, unsent = pickle.loads(record)  # noqa: S301 - sealed by ourselves
            if by != version("timbre"):
                raise StreamRefused(_LOST)
            left = Left(stream=stream, received=received, unsent=unsent)
            return await asyncio.to_thread(moving.unpacked, stream, like), left
        except (TimbreError, pickle.UnpicklingError) as error:
            raise StreamRefused(_LOST) from error


def _name(stream: UUID) -> str:
    return f"{stream.hex[-2:]}/{stream.hex}"
