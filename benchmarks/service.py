"""The service under load: how soon it is ready, what it weighs, and how quick submitting, starting and reading are.

Clients are bare sockets in this process, so that next to nothing of the two cores goes to them.
"""

import asyncio
import json
import statistics
import tempfile
import time
import wave
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.material import SAMPLES
from benchmarks.served import Served, served

CLIENTS = 20
RATE = 16_000  # Hz
CLIP = 10.0  # seconds


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    seconds = 30.0 if full else 10.0
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder)) as first:
            figures = asyncio.run(_measure(first, seconds))
            figures["ready_seconds_first_start"] = round(first.ready_seconds, 2)
        with served(Path(folder)) as second:
            figures["ready_seconds_later_start"] = round(second.ready_seconds, 2)
    _show(console, figures)
    return figures


async def _measure(server: Served, seconds: float) -> dict[str, Any]:
    await asyncio.sleep(3)
    memory = server.pss_mib
    clip = await _upload(server, _clip())
    warm = [await _voiceprint(server, clip) for _ in range(12)][2:]
    job = warm[-1]["job"]
    submit = _request("POST", "/v1/diarize", server, {"url": "media://nothing-here"})
    read = _request("GET", f"/v1/jobs/{job}", server)
    return {
        "idle_pss_mib": memory,
        "voiceprint_of_10_s": {
            "submit_to_result_seconds": [round(one["seconds"], 3) for one in warm],
            "pick_up_ms": [one["pick_up_ms"] for one in warm],
        },
        "submit_paced": _latencies(await _paced(server, submit, seconds, every=0.2)),
        "submit_as_fast_as_they_can": _latencies(await _flat_out(server, submit, seconds)),
        "read_job_as_fast_as_they_can": _latencies(await _flat_out(server, read, seconds)),
    }


def _clip() -> bytes:
    """Ten seconds of one voice, as WAV."""
    with av.open(SAMPLES / "enrol" / "Ada.flac") as container:
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(samples[: int(CLIP * RATE)].astype("<i2").tobytes())
        return Path(file.name).read_bytes()


async def _upload(server: Served, content: bytes) -> str:
    connection = await _Connection.open(server)
    link = json.loads(await connection.ask(_request("POST", "/v1/media/input", server, {"url": "media://clip"})))
    path = link["url"].split(f":{server.port}", 1)[1]
    await connection.ask(_head("PUT", path, server, len(content)) + content)
    connection.close()
    return "media://clip"


async def _voiceprint(server: Served, url: str) -> dict[str, Any]:
    connection = await _Connection.open(server)
    begin = time.perf_counter()
    job = json.loads(await connection.ask(_request("POST", "/v1/voiceprint", server, {"url": url})))["jobId"]
    detail = json.loads(await connection.ask(_request("GET", f"/v1/jobs/{job}?wait=30", server)))
    seconds = time.perf_counter() - begin
    connection.close()
    created, started = (datetime.fromisoformat(detail[name]) for name in ("createdAt", "startedAt"))
    return {"job": job, "seconds": seconds, "pick_up_ms": round((started - created).total_seconds() * 1000)}


async def _paced(server: Served, request: bytes, seconds: float, *, every: float) -> dict[str, Any]:
    """Each client asks every so many seconds, whatever the answers take."""

    async def client(number: int, note: Callable[[float], None], end: float) -> None:
        connection = await _Connection.open(server)
        due = time.perf_counter() + every * number / CLIENTS
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await connection.ask(request)
            note(time.perf_counter() - due)
            due += every
        connection.close()

    return await _crowd(client, seconds)


async def _flat_out(server: Served, request: bytes, seconds: float) -> dict[str, Any]:
    """Each client asks again as soon as it is answered."""

    async def client(_number: int, note: Callable[[float], None], end: float) -> None:
        connection = await _Connection.open(server)
        while (begin := time.perf_counter()) < end:
            await connection.ask(request)
            note(time.perf_counter() - begin)
        connection.close()

    return await _crowd(client, seconds)


async def _crowd(
    client: Callable[[int, Callable[[float], None], float], Awaitable[None]], seconds: float
) -> dict[str, Any]:
    taken: list[float] = []
    begin = time.perf_counter()
    await asyncio.gather(*(client(number, taken.append, begin + seconds) for number in range(CLIENTS)))
    return {"seconds": time.perf_counter() - begin, "taken": taken}


def _latencies(measured: dict[str, Any]) -> dict[str, Any]:
    milliseconds = sorted(1000 * taken for taken in measured["taken"])
    cuts = statistics.quantiles(milliseconds, n=100)
    return {
        "clients": CLIENTS,
        "requests": len(milliseconds),
        "per_second": round(len(milliseconds) / measured["seconds"], 1),
        "median_ms": round(statistics.median(milliseconds), 2),
        "p99_ms": round(cuts[98], 2),
        "longest_ms": round(milliseconds[-1], 2),
    }


def _head(method: str, path: str, server: Served, length: int) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nAuthorization: Bearer {server.key}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _request(method: str, path: str, server: Served, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    return _head(method, path, server, len(content)) + content


class _Connection:
    """One connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Served) -> "_Connection":
        return cls(*await asyncio.open_connection(server.host, server.port))

    async def ask(self, request: bytes) -> bytes:
        """Send a request; return the body of the answer, which must be a good one."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        body = await self._reader.readexactly(length)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise RuntimeError(head.decode() + body.decode())
        return body

    def close(self) -> None:
        self._writer.close()


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table("what", "a second", "median", "p99", "longest", title=f"{CLIENTS} clients", title_justify="left")
    for name in ("submit_paced", "submit_as_fast_as_they_can", "read_job_as_fast_as_they_can"):
        one = figures[name]
        table.add_row(
            name.replace("_", " "),
            f"{one['per_second']:.0f}",
            *(f"{one[key]:.1f} ms" for key in ("median_ms", "p99_ms", "longest_ms")),
        )
    console.print(table)
    voiceprint = figures["voiceprint_of_10_s"]
    console.print(
        f"A 10 s voiceprint, submit to result: {statistics.median(voiceprint['submit_to_result_seconds']):.2f} s;"
        f" picked up after {statistics.median(voiceprint['pick_up_ms']):.0f} ms (medians)."
    )
    console.print(
        f"Ready after {figures['ready_seconds_first_start']:.1f} s the first time,"
        f" {figures['ready_seconds_later_start']:.1f} s later;"
        f" idle memory {sum(figures['idle_pss_mib'].values()):.0f} MiB: {figures['idle_pss_mib']}."
    )
