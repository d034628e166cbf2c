"""Live streams: how many at a time keep up with time, and whether memory grows over hours.

Every client sends the sample conversation at the speed of time to a real server, and asks to be told every second who
speaks. The *lag* is how long after the sound of a second that was told. The clients run in a process of their own, on
the same machine.
"""

import asyncio
import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.material import SAMPLES
from benchmarks.served import Served, served
from timbre import Engine
from timbre.audio.decoding import open_recording
from timbre.settings import Settings

RATE = 16_000  # Hz
FRAME = 1_600  # samples
MANY = {"TIMBRE_STREAMS_PER_TEAM": "1000"}


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    sound = _conversation()
    figures: dict[str, Any] = {"load_average_before": psutil.getloadavg()[0]}
    sizes, seconds = ((1, 10, 20, 40, 60), 60.0) if full else ((1, 10, 20), 20.0)
    with served(settings=MANY) as server, ProcessPoolExecutor(1, get_context("spawn")) as clients:
        clients.submit(_crowd, (server.host, server.port), server.key, sound, 1, 5.0).result()  # the processes start
        figures["sessions"] = [_measured(server, clients, sound, size, seconds) for size in sizes]
    figures["memory"] = _memory(sound, hours=5.0 if full else 0.25)
    _show(console, figures)
    return figures


def _conversation() -> np.ndarray:
    with open_recording(SAMPLES / "conversation.ogg", channel=None, settings=Settings()) as recording:
        return recording.read(0, 10 * 60 * RATE)


def _measured(
    server: Served, clients: ProcessPoolExecutor, sound: np.ndarray, size: int, seconds: float
) -> dict[str, Any]:
    before = _processor_seconds(server)
    lags, failed = clients.submit(_crowd, (server.host, server.port), server.key, sound, size, seconds).result()
    used = _processor_seconds(server) - before
    cuts = statistics.quantiles(lags, n=100) if len(lags) > 1 else [0.0] * 99
    return {
        "sessions": size,
        "seconds": seconds,
        "told": len(lags),
        "ended_by_the_server": failed,
        "lag_median_ms": round(1000 * cuts[49]),
        "lag_p99_ms": round(1000 * cuts[98]),
        "processor_share_a_session": round(used / seconds / size, 4),
    }


def _processor_seconds(server: Served) -> float:
    total = 0.0
    for process in [server.process, *server.process.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _crowd(address: tuple[str, int], key: str, sound: np.ndarray, size: int, seconds: float) -> tuple[list[float], int]:
    return asyncio.run(_all(f"http://{address[0]}:{address[1]}", key, sound, size, seconds))


async def _all(address: str, key: str, sound: np.ndarray, size: int, seconds: float) -> tuple[list[float], int]:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        urls = [(await client.post(f"{address}/v1/live", json={"partial": True})).json()["url"] for _ in range(size)]
    results = await asyncio.gather(
        *(_one(url, np.roll(sound, -number * 7 * RATE), seconds, number / size) for number, url in enumerate(urls))
    )
    return [lag for lags, _ in results for lag in lags], sum(failed for _, failed in results)


async def _one(url: str, sound: np.ndarray, seconds: float, after: float) -> tuple[list[float], bool]:
    await asyncio.sleep(after)  # they do not all speak in one beat
    lags: list[float] = []
    async with connect(url, max_size=None) as socket:
        began = time.monotonic()

        async def listen() -> None:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "diarization_partial":
                    lags.append(time.monotonic() - began - message["data"]["timestamp"])

        listening = asyncio.create_task(listen())
        try:
            for number in range(int(seconds * 10)):
                await asyncio.sleep(max(0.0, began + (number + 1) / 10 - time.monotonic()))
                place = number * FRAME % (sound.size - FRAME)
                await socket.send(sound[place : place + FRAME].astype("<f4").tobytes())
            await socket.send(json.dumps({"type": "end_of_stream"}))
            await listening
        except ConnectionClosed:
            await asyncio.gather(listening, return_exceptions=True)
        return lags, socket.close_code != 1000


def _memory(sound: np.ndarray, *, hours: float) -> dict[str, Any]:
    """Hear a conversation over and over, as fast as it goes; return the memory that the process has meanwhile."""
    stream, process = Engine("base").stream(), psutil.Process()
    points: list[tuple[float, float]] = []
    began, place = time.perf_counter(), 0
    while stream.seconds < hours * 3600:
        stream.push(sound[place : place + FRAME])
        place = (place + FRAME) % (sound.size - FRAME)
        if stream.seconds // 60 > (points[-1][0] // 60 if points else -1):
            points.append((stream.seconds, process.memory_info().rss / 2**20))
    taken = time.perf_counter() - began
    late = np.array([point for point in points if point[0] > min(600, stream.seconds / 2)])
    slope = float(np.polyfit(late[:, 0] / 3600, late[:, 1], 1)[0]) if len(late) > 1 else 0.0
    return {
        "hours": hours,
        "rss_mib_first": round(points[0][1], 1),
        "rss_mib_last": round(points[-1][1], 1),
        "mib_an_hour": round(slope, 2),
        "seconds_of_work_an_hour": round(taken / hours, 1),
    }


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table("sessions", "lag, median", "lag, p99", "a core each", "ended early", title_justify="left")
    for one in figures["sessions"]:
        table.add_row(
            str(one["sessions"]),
            f"{one['lag_median_ms']} ms",
            f"{one['lag_p99_ms']} ms",
            f"{100 * one['processor_share_a_session']:.1f} %",
            str(one["ended_by_the_server"]),
        )
    console.print(table)
    memory = figures["memory"]
    console.print(
        f"{memory['hours']:g} h: {memory['rss_mib_first']} MiB, then {memory['rss_mib_last']} MiB,"
        f" {memory['mib_an_hour']} MiB an hour; {memory['seconds_of_work_an_hour']} s of work an hour"
    )
