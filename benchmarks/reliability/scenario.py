"""A scenario: a server under load in a folder of its own, something that is done to it, and the account of it."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.reliability.fleet import fleet, served
from benchmarks.reliability.ledger import Ledger
from benchmarks.reliability.outside import outside
from benchmarks.reliability.recordings import talk, voice
from benchmarks.reliability.traffic import Traffic, traffic

SEED = 20261201
LEASE = 30.0  # seconds; TIMBRE_STALLED_SECONDS as it comes
CLIENTS = 3
MANY_TIMES = {"TIMBRE_JOB_ATTEMPTS": "1000"}  # of the workers' deaths here no recording is to blame
_CLIENT_ENDS = 330.0  # seconds

Act = Callable[[Ledger, random.Random], Awaitable[dict[str, Any]]]


async def scenario(
    act: Act,
    *,
    workers: int = 4,
    whole: bool = False,
    pause: float = 1.0,
    lease: float = LEASE,
    programs: bool = False,
    settings: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Do something to a server under load; return the account of it, and what the deed itself tells.

    Args:
        act: What is done; the load ends after it.
        workers: So many, each a process of its own.
        whole: `timbre serve` instead of a fleet.
        pause: Seconds between two submissions of each client, on the average.
        lease: As the settings say it.
        programs: Start parts as programs, so that what is preloaded is loaded; slower.
        settings: Beside those of every fleet.
        folder: For its data instead of a temporary one.
    """
    async with server(
        workers=workers, whole=whole, lease=lease, programs=programs, settings=settings, folder=folder
    ) as load:
        ledger = Ledger(traffic=load, lease=lease)
        async with _submitting(load, pause):
            told = await act(ledger, random.Random(SEED))  # noqa: S311 - no secret
        return {**told, **await ledger.account()}


@asynccontextmanager
async def server(
    *,
    workers: int,
    whole: bool = False,
    lease: float = LEASE,
    programs: bool = False,
    settings: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[Traffic]:
    """Run a server, as `scenario` does, while the block runs; give what may be asked of it."""
    async with _temporary(folder) as own:
        beats = {"TIMBRE_STALLED_SECONDS": f"{lease:g}", "TIMBRE_HEARTBEAT_SECONDS": f"{lease / 3:g}"}
        chosen = {**beats, **(settings or {})}
        place = served(own, chosen) if whole else fleet(own, workers=workers, programs=programs, settings=chosen)
        running = await asyncio.to_thread(place.__enter__)
        try:
            async with outside({"voice": voice("Ada", 6), "talk": talk(9)}) as world:
                yield await traffic(running, world)
        finally:
            await asyncio.to_thread(place.__exit__, None, None, None)


@asynccontextmanager
async def _submitting(load: Traffic, pause: float) -> AsyncIterator[None]:
    done = asyncio.Event()
    clients = [asyncio.create_task(load.client(SEED + number, pause, done)) for number in range(CLIENTS)]
    try:
        yield
        done.set()
        async with asyncio.timeout(_CLIENT_ENDS):
            await asyncio.gather(*clients)
    finally:
        for client in clients:
            client.cancel()


@asynccontextmanager
async def _temporary(given: Path | None) -> AsyncIterator[Path]:
    # Other users, as root's database is one, have to pass through it.
    folder = Path(tempfile.mkdtemp(prefix="timbre-chaos-", dir=given))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
