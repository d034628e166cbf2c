"""Parts of a server are killed and frozen under load: workers, the API, the database, the supervisor, the storage."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.reliability import hardship
from benchmarks.reliability.fleet import Part, free_port
from benchmarks.reliability.ledger import Ledger
from benchmarks.reliability.scenario import MANY_TIMES, scenario
from benchmarks.reliability.storage import settings, wait
from timbre.store.identifiers import worker_name

SHORT_LEASE = 6.0  # seconds, where every round has to wait for more than one
_HUNG = 8.0  # seconds that a storage does not answer
_PATIENCE = 60.0  # seconds


async def workers(rounds: int) -> dict[str, Any]:
    """`kill -9` of one of four workers while it is at a job, again and again; started again at once."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        began, idle = time.monotonic(), 0
        for _ in range(rounds):
            told, until = ledger.traffic.told, time.monotonic() + _PATIENCE
            while ledger.traffic.told < told + 2 and time.monotonic() < until:  # or nothing would ever come to its end
                await asyncio.sleep(chance.uniform(0.1, 1.0))
            part = await _at_work(ledger, chance)
            idle += part is None
            await asyncio.to_thread(_kill_worker, ledger, part or chance.choice(ledger.fleet.workers))
        return {"times": rounds, "of_them_idle": idle, "seconds": round(time.monotonic() - began)}

    return await scenario(act, pause=1.5, settings=MANY_TIMES)


async def frozen(rounds: int) -> dict[str, Any]:
    """Two of four workers are stopped (SIGSTOP) for longer than the lease, then go on as if nothing had been."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        for _ in range(rounds):
            parts = chance.sample(ledger.fleet.workers, 2)
            for part in parts:
                await _until_it_works(ledger, part)
                part.signal(signal.SIGSTOP)
                await asyncio.to_thread(ledger.hit, worker_name(part.pid))
            await asyncio.sleep(SHORT_LEASE * 1.7)
            for part in parts:
                part.signal(signal.SIGCONT)
            await asyncio.sleep(chance.uniform(0, 1))
        return {"times": 2 * rounds, "lease_seconds": SHORT_LEASE}

    return await scenario(act, lease=SHORT_LEASE, settings=MANY_TIMES)


async def database(rounds: int) -> dict[str, Any]:
    """`kill -9` of PostgreSQL's first process in a fleet; started again after up to two seconds."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        running = ledger.fleet
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(1, 4))
            await asyncio.to_thread(ledger.hit)
            os.kill(running.postmaster(), signal.SIGKILL)
            await asyncio.sleep(chance.uniform(0, 2))
            await asyncio.to_thread(running.postgres.start)
            await asyncio.to_thread(ledger.hit)
        return {"times": rounds}

    return await scenario(act, settings=MANY_TIMES)


async def apis(rounds: int) -> dict[str, Any]:
    """`kill -9` of the only API of a fleet; started again after up to a second."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        part = ledger.fleet.part("api")
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(0.5, 2))
            part.kill()
            await asyncio.sleep(chance.uniform(0, 1))
            part.start()
            await asyncio.to_thread(ledger.fleet.wait_until_ready)
        return {"times": rounds}

    return await scenario(act)


async def serve(rounds: int) -> dict[str, Any]:
    """`kill -9` under `timbre serve`, in turn: the worker, the API, PostgreSQL, and `timbre serve` itself."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        main = ledger.fleet.part("serve")
        victims = ["worker", "api", "database", "supervisor"]
        for number in range(rounds):
            await asyncio.sleep(chance.uniform(0.5, 3))
            await asyncio.to_thread(ledger.hit)
            victim = victims[number % len(victims)]
            if victim == "supervisor":
                main.kill()
                await asyncio.sleep(chance.uniform(0, 1))
                await asyncio.to_thread(main.start)
            elif victim == "database":
                os.kill(ledger.fleet.postmaster(), signal.SIGKILL)
            else:
                _child(main, victim).kill()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(ledger.fleet.wait_until_ready)
            await asyncio.to_thread(ledger.hit)
        return {"times": rounds}

    return await scenario(act, whole=True, settings=MANY_TIMES)


async def storage(rounds: int) -> dict[str, Any]:
    """The way to an S3 server is killed for up to three seconds, every third time stopped for eight."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.reliability.storage", str(port)]
    kept, way = (
        Part(name=name, command=[*command, name], environment={}, log=Path(os.devnull), program=True)
        for name in ("store", "way")
    )
    kept.start()
    way.start()
    await asyncio.to_thread(wait, port)

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        for number in range(rounds):
            await asyncio.sleep(chance.uniform(1, 4))
            if number % 3 == 2:
                way.signal(signal.SIGSTOP)
                await asyncio.sleep(_HUNG)
                way.signal(signal.SIGCONT)
            else:
                way.kill()
                await asyncio.sleep(chance.uniform(0, 3))
                way.start()
            await asyncio.to_thread(ledger.hit)
        return {"times": rounds}

    try:
        return await scenario(act, settings=settings(port))
    finally:
        way.stop()
        kept.stop()


Scenario = Callable[[int], Awaitable[dict[str, Any]]]
# What is done so often for a hundred rounds.
SCENARIOS: dict[str, tuple[Scenario, float]] = {
    "workers": (workers, 1.0),
    "frozen": (frozen, 0.1),
    "apis": (apis, 0.2),
    "database": (database, 0.2),
    "serve": (serve, 0.2),
    "storage": (storage, 0.12),
    "poison": (hardship.poison, 1.0),
    "deadly": (hardship.deadly, 0.05),
    "disk": (hardship.disk, 0.03),
    "memory": (hardship.memory, 0.1),
    "clocks": (hardship.clocks, 0.06),
}


def run(name: str, rounds: int) -> dict[str, Any]:
    """Run a scenario; return the account of it."""
    act, share = SCENARIOS[name]
    began = time.monotonic()
    found = asyncio.run(act(max(1, round(rounds * share))))
    return {"what": " ".join((act.__doc__ or "").split()), **found, "took_seconds": round(time.monotonic() - began)}


async def _at_work(ledger: Ledger, chance: random.Random, seconds: float = 10.0) -> Part | None:
    """A worker that is at a job, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await asyncio.to_thread(ledger.working):
            return chance.choice(sorted(found, key=lambda part: part.name))
        await asyncio.sleep(0.02)
    return None


async def _until_it_works(ledger: Ledger, part: Part) -> None:
    deadline = time.monotonic() + _PATIENCE
    while part not in await asyncio.to_thread(ledger.working):
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.02)


def _kill_worker(ledger: Ledger, part: Part) -> None:
    name = worker_name(part.pid)
    part.kill()
    ledger.hit(name)
    part.start()


def _child(main: Part, name: str) -> psutil.Process:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for child in psutil.Process(main.pid).children():
            if " ".join(child.cmdline()).startswith(f"timbre {name}"):
                return child
        time.sleep(0.05)
    raise RuntimeError(f"there is no {name} under `timbre serve`")
