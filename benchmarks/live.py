"""Live streams of a server: how many at a time keep up with time, and whether those that are silent disturb others.

Every client sends the sample conversation at the speed of time to a real server, and asks to be told every second who
speaks. The *lag* is how long after the sound of a second that was told. There are more and more until they fall behind:
the lag is over a second at the 99th percentile, or the server ends one. The clients run in a process of their own, on
the same machine. Then a thousand streams are opened that send nothing, and one beside them speaks.
"""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from benchmarks.served import Served, served
from benchmarks.streaming import conversation

RATE = 16_000  # Hz
FRAME = 1_600  # samples
MOST_LAG = 1_000  # milliseconds
SIZES = (1, 10, 20, 30, 40, 50, 60, 80, 100)  # sessions at a time
SILENT = 1_000  # streams that send nothing
OPENING = 60  # seconds until a connection must be open, however many there are
BESIDE = 15.0  # seconds that somebody speaks beside those who are silent
MANY = {"TIMBRE_STREAMS_PER_TEAM": "2000"}


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    sound = conversation()
    figures: dict[str, Any] = {"load_average_before": psutil.getloadavg()[0], "sessions": []}
    seconds = 60.0 if full else 20.0
    with served(settings=MANY) as server, ProcessPoolExecutor(1, get_context("spawn")) as clients:
        clients.submit(_crowd, (server.host, server.port), server.key, sound, 1, 5.0).result()  # the processes start
        for size in SIZES:
            figures["sessions"].append(_measured(server, clients, sound, size, seconds))
            if behind(figures["sessions"][-1]):
                break
        figures["silent"] = _silent(server, clients, sound)
    _show(console, figures)
    return figures


def behind(measured: Mapping[str, Any]) -> bool:
    """Whether so many sessions fall behind."""
    return bool(measured["lag_p99_ms"] > MOST_LAG or measured["ended_by_the_server"])


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


def _silent(server: Served, clients: ProcessPoolExecutor, sound: np.ndarray) -> dict[str, Any]:
    before = server.pss_mib["api"]
    codes, lags, failed = clients.submit(_hushed, (server.host, server.port), server.key, sound).result()
    return {
        "streams": SILENT,
        "close_codes": codes,
        "api_pss_mib_before": before,
        "api_pss_mib_after": server.pss_mib["api"],
        "beside_them_lag_p99_ms": round(1000 * max(lags, default=BESIDE)),
        "beside_them_ended_by_the_server": int(failed),
    }


def _hushed(address: tuple[str, int], key: str, sound: np.ndarray) -> tuple[dict[int, int], list[float], bool]:
    return asyncio.run(_hush(f"http://{address[0]}:{address[1]}", key, sound))


async def _hush(address: str, key: str, sound: np.ndarray) -> tuple[dict[int, int], list[float], bool]:
    urls = await _made(address, key, SILENT + 1)

    async def wait(url: str) -> int:
        async with connect(url, open_timeout=OPENING) as socket:
            await socket.wait_closed()
        return socket.close_code or 0

    *codes, (lags, failed) = await asyncio.gather(*map(wait, urls[1:]), _one(urls[0], sound, BESIDE, 0.0))
    return dict(Counter(codes)), lags, failed


async def _made(address: str, key: str, size: int) -> list[str]:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        return [(await client.post(f"{address}/v1/live", json={"partial": True})).json()["url"] for _ in range(size)]


def _processor_seconds(server: Served) -> float:
    total = 0.0
    for process in [server.process, *server.process.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _crowd(address: tuple[str, int], key: str, sound: np.ndarray, size: int, seconds: float) -> tuple[list[float], int]:
    return asyncio.run(_all(f"http://{address[0]}:{address[1]}", key, sound, size, seconds))


async def _all(address: str, key: str, sound: np.ndarray, size: int, seconds: float) -> tuple[list[float], int]:
    urls = await _made(address, key, size)
    results = await asyncio.gather(
        *(_one(url, np.roll(sound, -number * 7 * RATE), seconds, number / size) for number, url in enumerate(urls))
    )
    return [lag for lags, _ in results for lag in lags], sum(failed for _, failed in results)


async def _one(url: str, sound: np.ndarray, seconds: float, after: float) -> tuple[list[float], bool]:
    """Speak for so many seconds; return how late each was told of, and whether the server ended it or never took it."""
    lags: list[float] = []
    await asyncio.sleep(after)  # they do not all speak in one beat
    try:
        return lags, await _spoken(url, sound, seconds, lags)
    except (OSError, InvalidHandshake):
        return lags, True


async def _spoken(url: str, sound: np.ndarray, seconds: float, lags: list[float]) -> bool:
    async with connect(url, max_size=None, open_timeout=OPENING) as socket:
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
        return socket.close_code != 1000


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
    console.print(figures["silent"])
