"""The world around a server: it hands out recordings, and takes webhooks and keeps them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REFUSED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SLOWNESS = 0.2  # seconds that a recording takes


@dataclass(kw_only=True)
class Outside:
    """What has been asked for and said."""

    recordings: Mapping[str, bytes]
    address: str = ""
    came: int = 0  # webhooks, counting those that came twice
    refusals: int = 0  # how often each webhook is refused before it is taken
    refused: dict[str, int] = field(default_factory=dict)  # by delivery
    hooks: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # by job, by delivery: bodies

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; who asks may be killed meanwhile."""
        try:
            await self._answer(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        lines = (line.partition(":") for line in head.split("\r\n")[1:] if ":" in line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        if method == "POST":
            body = (await reader.readexactly(int(headers["content-length"]))).decode()
            delivery = headers["webhook-id"]
            if self.refused.get(delivery, 0) < self.refusals:
                self.refused[delivery] = self.refused.get(delivery, 0) + 1
                writer.write(_REFUSED)
                return
            self.came += 1
            self.hooks.setdefault(json.loads(body)["jobId"], {}).setdefault(delivery, set()).add(body)
            writer.write(_OK % 0)
            return
        recording = self.recordings.get(path.removeprefix("/"))
        if recording is None:
            writer.write(_NOT_FOUND)
            return
        half = len(recording) // 2
        writer.write(_OK % len(recording) + recording[:half])
        await asyncio.sleep(_SLOWNESS)
        writer.write(recording[half:])


@asynccontextmanager
async def outside(recordings: Mapping[str, bytes]) -> AsyncIterator[Outside]:
    """Be there while the block runs."""
    world = Outside(recordings=recordings)
    server = await asyncio.start_server(world.answer, "127.0.0.1", 0, backlog=512)
    world.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield world
    finally:
        server.close()
