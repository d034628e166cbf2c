"""Two teams, one greedy: what another team waits for, alone and beside a team that brings as much as it can.

Each case is measured twice on one server: the modest team alone, and while the greedy one is at it.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.material import SAMPLES
from benchmarks.served import Served, served

TIMES = 9
SETTINGS = {"TIMBRE_ALLOWED_NETWORKS": "127.0.0.0/8", "TIMBRE_WEBHOOK_HTTP": "1"}
DAY = 86_400  # seconds
MIB = 1 << 20
VOICE = SAMPLES / "enrol" / "Ada.flac"

Act = Callable[[], Awaitable[None]]


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything; `full` changes nothing."""
    del full
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), SETTINGS) as server:
        keys = [_key(folder, team) for team in ("greedy", "modest")]
        figures = asyncio.run(_measure(server, *keys))
    table = Table("what the modest team waits for", "alone", "beside", "times", title="Two teams, one greedy")
    for name, one in figures["cases"].items():
        cells = (f"{one[key]:.3f} s" for key in ("alone_seconds", "beside_seconds"))
        table.add_row(name, *cells, f"{one['times']:.2f}")
    console.print(table)
    console.print(f"memory of the API while 75 uploads stand still: {figures['api_rss_mib']:.0f} MiB")
    return figures


def _key(folder: str, team: str) -> str:
    command = [sys.executable, "-m", "timbre", "keys", "create", team, "--team", team, "--data-dir", folder]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def _measure(  # noqa: PLR0915 - case after case
    server: Served, greedy_key: str, modest_key: str
) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        greedy, modest = [await stack.enter_async_context(_client(server, key)) for key in (greedy_key, modest_key)]
        address, told, slow = await stack.enter_async_context(_outside())
        sound = VOICE.read_bytes()
        await _upload(modest, "voice", sound)
        await _upload(greedy, "voice", sound)
        await _upload(greedy, "silence", await asyncio.to_thread(_silence))

        async def voiceprint() -> None:
            await _heard(modest, url="media://voice")

        async def fetched() -> None:
            await _heard(modest, url=f"{address}/voice")

        async def delivered() -> None:
            told.clear()
            await _heard(modest, url="media://voice", webhook=f"{address}/hook")
            await asyncio.wait_for(told.wait(), 120)

        async def uploaded() -> None:
            await _upload(modest, "large", bytes(8 * MIB))

        async def read() -> None:
            (await modest.get("/v1/jobs")).raise_for_status()

        cases: dict[str, Any] = {}

        async def compare(name: str, act: Act, bring: Act, times: int = TIMES) -> None:
            await act()
            alone = await _median(act, times)
            await bring()
            beside = await _median(act, times)
            print(f"{name}: {alone:.3f} s alone, {beside:.3f} s beside")
            cases[name] = {
                "alone_seconds": round(alone, 4),
                "beside_seconds": round(beside, 4),
                "times": round(beside / alone, 2),
            }
            await _clear(greedy)

        async def silence() -> None:
            for _ in range(3):
                await _submit(greedy, "diarize", url="media://silence")
            await asyncio.sleep(1)

        async def many() -> None:
            for _ in range(200):
                await _submit(greedy, "voiceprint", url="media://voice")

        async def slow_addresses() -> None:
            for _ in range(40):
                await _submit(greedy, "voiceprint", url=f"{address}/slow")
            await asyncio.sleep(1)

        async def receivers() -> None:
            for _ in range(150):
                await _submit(greedy, "voiceprint", url="media://nothing", webhook=f"{address}/slow")
            await asyncio.sleep(1)

        await compare("a voiceprint, beside 3 silent FLACs of a day", voiceprint, silence)
        await compare("a voiceprint, beside 200 queued jobs", voiceprint, many)
        await compare("a voiceprint by URL, beside 40 slow addresses", fetched, slow_addresses)
        await compare("a webhook, beside 150 receivers that hang", delivered, receivers, 5)

        stalled = await stack.enter_async_context(AsyncExitStack())

        async def stall() -> None:
            for number in range(75):
                await stalled.enter_async_context(_stalled(server, greedy, f"stalled-{number}"))

        await compare("an upload of 8 MiB, beside 75 that stand still", uploaded, stall)
        api = next(child for child in server.process.children() if "timbre api" in " ".join(child.cmdline()))
        rss = psutil.Process(api.pid).memory_info().rss / MIB
        await stalled.aclose()

        posting: list[asyncio.Task[None]] = []

        async def keys() -> None:
            posting.append(asyncio.create_task(_keys(greedy)))
            await asyncio.sleep(0.5)

        await compare("a list of jobs, beside 3 MiB of JSON keys again and again", read, keys, 50)
        for task in posting:
            task.cancel()
        slow.set()
        return {"cases": cases, "api_rss_mib": round(rss, 1)}


@asynccontextmanager
async def _client(server: Served, key: str) -> AsyncIterator[httpx.AsyncClient]:
    head = {"Authorization": f"Bearer {key}"}
    address = f"http://{server.host}:{server.port}"
    async with httpx.AsyncClient(base_url=address, headers=head, timeout=600) as client:
        yield client


@asynccontextmanager
async def _outside() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """A server with a recording, a receiver of webhooks that says when it was told, and one that never answers."""
    told, over = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/slow" in head.partition(b"\r\n")[0]:
            await over.wait()
        elif b"/hook" in head.partition(b"\r\n")[0]:
            told.set()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            sound = VOICE.read_bytes()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(sound) + sound)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", told, over
    finally:
        over.set()
        server.close()


async def _median(act: Act, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def _upload(client: httpx.AsyncClient, name: str, content: bytes) -> None:
    link = (await client.post("/v1/media/input", json={"url": f"media://{name}"})).json()["url"]
    (await client.put(link, content=content)).raise_for_status()


async def _submit(client: httpx.AsyncClient, kind: str, **body: str) -> str:
    answer = await client.post(f"/v1/{kind}", json=body)
    answer.raise_for_status()
    return str(answer.json()["jobId"])


async def _heard(client: httpx.AsyncClient, **body: str) -> None:
    job = await _submit(client, "voiceprint", **body)
    while (said := (await client.get(f"/v1/jobs/{job}", params={"wait": 60})).json())["status"] in {
        "created",
        "running",
    }:
        pass
    if said["status"] != "succeeded":
        raise RuntimeError(said)


async def _clear(client: httpx.AsyncClient) -> None:
    """Cancel what the greedy team has not got yet."""
    for status in ("created", "running"):
        while jobs := (await client.get("/v1/jobs", params={"status": status, "limit": 100})).json()["items"]:
            for job in jobs:
                await client.delete(f"/v1/jobs/{job['id']}")


@asynccontextmanager
async def _stalled(server: Served, client: httpx.AsyncClient, name: str) -> AsyncIterator[None]:
    """An upload of which 6 of 8 MiB come, and nothing more."""
    link = (await client.post("/v1/media/input", json={"url": f"media://{name}"})).json()["url"]
    reader, writer = await asyncio.open_connection(server.host, server.port)
    head = (
        f"PUT {httpx.URL(link).raw_path.decode()} HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: {8 * MIB}\r\n\r\n"
    )
    writer.write(head.encode() + bytes(6 * MIB))
    try:
        async with asyncio.timeout(2):
            await writer.drain()
    except (TimeoutError, ConnectionError):
        pass  # it is refused, unread
    del reader
    try:
        yield
    finally:
        writer.transport.abort()


async def _keys(client: httpx.AsyncClient) -> None:
    body = b"{" + b",".join(b'"%06d":1' % number for number in range(3 * MIB // 11)) + b"}"
    while True:
        await client.post("/v1/diarize", content=body)


def _silence() -> bytes:
    """A day of silence in a few kilobytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "silence.flac")
        with av.open(path, "w") as output:
            stream = output.add_stream("flac", rate=8_000, layout="mono")
            stream.codec_context.options = {"frame_size": "65535"}
            block = np.zeros((1, 65_535), np.int16)
            for begin in range(0, DAY * 8_000, block.shape[1]):
                frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
                frame.rate, frame.pts = 8_000, begin
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        print(f"a day of silence: {path.stat().st_size} bytes")
        return path.read_bytes()
