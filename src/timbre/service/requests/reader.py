"""A process of its own that reads large bodies: reading JSON holds Python's lock, and whoever else asks would wait.

    async with running_reader() as reader:
        request, warning = await reader.parse(DiarizeRequest, body, webhook_http=False)

It is started with the first large body, reads one after the other, and ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, BinaryIO, Final, TypeVar

from timbre.errors import RequestInvalid, ServiceUnavailable
from timbre.service.requests.body import Request, parse

_SIZE: Final = struct.Struct("!Q")
_PATIENCE: Final = 30.0  # seconds for a body, and for the start
M = TypeVar("M", bound=Request)


class Reader:
    """Reads bodies in a process; made by `running_reader`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def parse(self, model: type[M], body: bytes, *, webhook_http: bool) -> tuple[M, str | None]:
        """Read a body; see `body.parse`, which raises what this may.

        Raises:
            ServiceUnavailable: the process died of it, or took too long.
        """
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_PATIENCE):
                    read = await self._asked((model.__module__, model.__qualname__, body, webhook_http))
            except (OSError, EOFError, TimeoutError) as error:
                await self._end()
                raise ServiceUnavailable from error
            except asyncio.CancelledError:
                await self._end()  # else the next would get this answer
                raise
        if isinstance(read, list):
            raise RequestInvalid(read)
        request: tuple[M, str | None] = read
        return request

    async def close(self) -> None:
        """End the process."""
        await self._end()

    async def _asked(self, asked: object) -> Any:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __name__),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        out, into = self._process.stdin, self._process.stdout
        assert out is not None  # noqa: S101 - both are pipes
        assert into is not None  # noqa: S101
        out.write(_packed(asked))
        await out.drain()
        try:
            return pickle.loads(await into.readexactly(*_SIZE.unpack(await into.readexactly(_SIZE.size))))  # noqa: S301
        except asyncio.IncompleteReadError as error:
            raise EOFError from error

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def running_reader() -> AsyncIterator[Reader]:
    """A reader that ends with the block."""
    reader = Reader()
    try:
        yield reader
    finally:
        await reader.close()


def _packed(value: object) -> bytes:
    record = pickle.dumps(value)
    return _SIZE.pack(len(record)) + record


def _read(into: BinaryIO, out: BinaryIO) -> None:
    """Be the process: answer bodies with requests, or with what is wrong with them."""
    while head := into.read(_SIZE.size):
        module, name, body, webhook_http = pickle.loads(into.read(*_SIZE.unpack(head)))  # noqa: S301
        answer: object
        try:
            answer = parse(getattr(import_module(module), name), body, webhook_http=webhook_http)
        except RequestInvalid as error:
            answer = list(error.errors)
        out.write(_packed(answer))
        out.flush()


if __name__ == "__main__":
    _read(sys.stdin.buffer, sys.stdout.buffer)
