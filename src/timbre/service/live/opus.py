"""The sound of a stream as browsers record it: WebM or Ogg with Opus, in pieces of any size.

What strangers send is decoded in a process that has hardly any rights, as recordings are; each stream has its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from timbre.audio.decoding_process import DecodingProcess, start
from timbre.errors import FrameRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEMORY: Final = 128 << 20  # bytes that decoding may take
_WORK: Final = 0.1  # seconds of work for each second that a stream may last
_PATIENCE: Final = 5.0  # seconds until a piece must have been taken
_FULL_SCALE: Final = np.float32(32_768)
_SAMPLE: Final = 2  # bytes
_PIECE: Final = 3_200  # bytes that are handed on at once, 0.1 s


class OpusDecoder:
    """Decodes one stream; made by `started`."""

    def __init__(self, process: DecodingProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def started(cls, longest: float) -> Self:
        """Start the process for a stream that may last so many seconds."""
        ours, theirs = socket.socketpair()
        order = {"stream": True, "memory": _MEMORY, "seconds": _WORK * longest}
        with theirs, theirs.makefile("rb") as source, theirs.makefile("wb") as out:
            process = await asyncio.to_thread(start, order, source, [out])
        return cls(process, *await asyncio.open_connection(sock=ours))

    async def feed(self, piece: bytes) -> None:
        """Take the next bytes.

        Raises:
            FrameRefused: they are not decoded.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                self._writer.write(piece)
                await self._writer.drain()
        except TimeoutError:
            raise FrameRefused("The sound cannot be decoded in time") from None
        except OSError:
            return  # it has ended, which `sound` explains

    def end(self) -> None:
        """Nothing more comes."""
        with suppress(OSError, RuntimeError):
            self._writer.write_eof()

    async def sound(self) -> AsyncIterator[NDArray[np.float32]]:
        """Yield what is decoded, float32 `[n]` at 16 kHz, until it ends.

        Raises:
            FrameRefused: it cannot be decoded.
        """
        left = b""
        with suppress(OSError):
            while piece := await self._reader.read(_PIECE):
                left += piece
                whole = len(left) // _SAMPLE * _SAMPLE
                yield np.frombuffer(left[:whole], "<i2").astype(np.float32) / _FULL_SCALE
                left = left[whole:]
        if fault := await asyncio.to_thread(self._fault):
            raise FrameRefused(fault)

    def _fault(self) -> str | None:
        """Wait for the end of the process; return what was wrong, if anything was."""
        said = self._process.reports.read()
        code = self._process.wait()
        if said:
            return str(json.loads(said.splitlines()[0])["error"])
        return None if code == 0 else "The sound cannot be decoded"

    def close(self) -> None:
        """End the process, if it has not."""
        self._process.kill()
        self._writer.close()
