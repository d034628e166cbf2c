"""What a server takes while it runs: memory, descriptors and connections of its parts, and how they rise."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
import psycopg

from benchmarks.reliability.fleet import Fleet

_MIB = 1 << 20
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was taken at one moment."""

    at: float  # seconds, of no particular clock
    memory: dict[str, float]  # MiB by part; pages that several processes share are counted once
    own: dict[
        str, float
    ]  # likewise, without what is shared at all: caches fill, and code is mapped, but only this leaks
    descriptors: int  # of APIs and workers
    connections: int  # to the database


@dataclass(kw_only=True)
class Meter:
    """Readings of a server, one after the other."""

    fleet: Fleet
    readings: list[Reading] = field(default_factory=list)

    def read(self) -> Reading:
        """Take one reading."""
        memory: dict[str, float] = {}
        own: dict[str, float] = {}
        descriptors = 0
        for part in self.fleet.parts:
            with suppress(psutil.NoSuchProcess):
                main = psutil.Process(part.pid)
                kind = part.name.partition("-")[0]
                _add(memory, own, kind, [main, *main.children(recursive=True)])
                descriptors += main.num_fds()
        postgres = psutil.Process(self.fleet.postmaster())
        _add(memory, own, "database", [postgres, *postgres.children()])
        with psycopg.connect(self.fleet.url) as database:
            query = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, 'timbre')"
            row = database.execute(query).fetchone()
        return Reading(
            at=time.monotonic(), memory=memory, own=own, descriptors=descriptors, connections=int(row[0]) if row else 0
        )

    @asynccontextmanager
    async def running(self, every: float) -> AsyncIterator[None]:
        """Take a reading every so many seconds while the block runs."""

        async def read() -> None:
            while True:
                self.readings.append(await asyncio.to_thread(self.read))
                await asyncio.sleep(every)

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()

    def summary(self) -> dict[str, Any]:
        """How much there was at most, and how it rose, by a straight line through all readings."""
        kinds = sorted({kind for reading in self.readings for kind in reading.memory})
        at = [reading.at for reading in self.readings]
        totals = {kind: [reading.memory.get(kind, 0.0) for reading in self.readings] for kind in kinds}
        totals["together"] = [sum(reading.memory.values()) for reading in self.readings]
        own = {kind: [reading.own.get(kind, 0.0) for reading in self.readings] for kind in kinds}
        own["together"] = [sum(reading.own.values()) for reading in self.readings]
        return {
            "readings": len(at),
            "minutes": round((at[-1] - at[0]) / 60, 1),
            "memory_mib": {kind: round(float(np.median(values)), 1) for kind, values in totals.items()},
            "most_memory_mib": {kind: round(max(values), 1) for kind, values in totals.items()},
            "own_mib": {kind: [round(values[0], 1), round(values[-1], 1)] for kind, values in own.items()},
            "own_mib_an_hour": {kind: round(_slope(at, values), 2) for kind, values in own.items()},
            "descriptors": [self.readings[0].descriptors, self.readings[-1].descriptors],
            "descriptors_an_hour": round(_slope(at, [reading.descriptors for reading in self.readings]), 1),
            "connections": [self.readings[0].connections, self.readings[-1].connections],
            "most_connections": max(reading.connections for reading in self.readings),
        }


def _add(memory: dict[str, float], own: dict[str, float], kind: str, processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found = process.memory_full_info()
            memory[kind] = memory.get(kind, 0.0) + found.pss / _MIB
            own[kind] = own.get(kind, 0.0) + found.uss / _MIB


def _slope(at: list[float], values: Iterable[float]) -> float:
    """How much it rises in an hour."""
    if len(at) < 2:
        return 0.0
    return float(np.polyfit(np.array(at) - at[0], np.array(list(values)), 1)[0] * _HOUR)
