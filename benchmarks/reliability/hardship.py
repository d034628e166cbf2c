"""What is hard on a server without any of its parts being killed by us: spoiled recordings, no room, wrong clocks."""

import asyncio
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.reliability.fleet import Part
from benchmarks.reliability.ledger import Ledger
from benchmarks.reliability.recordings import spoiled, talk
from benchmarks.reliability.scenario import MANY_TIMES, SEED, scenario
from benchmarks.reliability.traffic import Kind, asking, ended, upload
from timbre.service.jobs.jobs import FAULT, GIVEN_UP
from timbre.store.identifiers import worker_name

SHORT_LEASE = 6.0  # seconds
_MIB = 1 << 20
_HOUR = 3600
_PLACE = Path("/sys/fs/cgroup/memory")
_PRELOADED = "libfaketimeMT.so.1"
_LATEST = 300.0  # seconds for what has to end


async def poison(rounds: int) -> dict[str, Any]:
    """Spoiled recordings: bytes changed, cut off, no sound at all, a day in a few kilobytes, lengths that are lies."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        del chance
        ends: dict[str, int] = {}
        before = [part.pid for part in ledger.fleet.workers]
        async with asking(ledger.fleet) as client:
            jobs = []
            for name, content in (await asyncio.to_thread(spoiled, rounds, SEED)).items():
                url = await upload(client, name.replace(" ", "-"), content)
                jobs.append((name, await ledger.traffic.accepted(client, "diarize", {"url": url})))
            for name, job in jobs:
                end = await ended(client, job, _LATEST)
                ledger.traffic.before[job] = _kind(end)
                error = str((end["output"] or {}).get("error", ""))
                how = "faults of the server" if error.startswith((FAULT, GIVEN_UP)) else str(end["status"])
                if how == "faults of the server":
                    print(name, error)
                ends[how] = ends.get(how, 0) + 1
        died = sum(part.dead for part in ledger.fleet.workers)
        same = before == [part.pid for part in ledger.fleet.workers]
        return {"times": rounds, "ends": ends, "workers_that_died": died if same else None}

    return await scenario(act, workers=2, pause=2.0)


async def deadly(rounds: int) -> dict[str, Any]:
    """A recording that kills its worker whenever it is heard, beside others of a minute in the same worker."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        given_up = beside = 0
        async with asking(ledger.fleet) as client:
            url = await upload(client, "minute", await asyncio.to_thread(talk, 60))
            one = await ended(client, job := await ledger.traffic.accepted(client, "diarize", {"url": url}))
            ledger.traffic.before[job] = _kind(one)
            innocent = Kind(
                route="diarize", body={"url": url}, status=one["status"], output=one["output"], seconds=one["duration"]
            )
            for _ in range(rounds):
                others = [await ledger.traffic.submit(client, innocent) for _ in range(2)]
                killer = await ledger.traffic.accepted(client, "diarize", {"url": url})
                others += [await ledger.traffic.submit(client, innocent) for _ in range(2)]
                await _haunt(ledger, killer, chance)
                end = await ended(client, killer, _LATEST)
                ledger.traffic.before[killer] = _kind(end)
                given_up += str((end["output"] or {}).get("error", "")).startswith(GIVEN_UP)
                for other in others:
                    beside += (await ended(client, other, _LATEST))["status"] == "succeeded"
        return {"times": rounds, "given_up": given_up, "beside": 4 * rounds, "beside_that_succeeded": beside}

    settings = {"TIMBRE_HEAR_PLACES": "3", "TIMBRE_THREADS": "1"}
    return await scenario(act, workers=1, pause=3.0, lease=SHORT_LEASE, settings=settings)


async def disk(rounds: int) -> dict[str, Any]:
    """The disk of `timbre serve` is filled to the last byte for ten seconds, database, media and logs with it."""

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        filler = ledger.fleet.folder / "filler"
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(2, 4))
            await asyncio.to_thread(_fill, filler)
            await asyncio.sleep(10)
            filler.unlink()
            await asyncio.to_thread(ledger.fleet.wait_until_ready)
            await asyncio.to_thread(ledger.hit)
            await asyncio.sleep(5)
        return {"times": rounds}

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=711", "tmpfs", folder], check=False)
        if mounted.returncode:
            return {"left_out": "only root can mount a disk to fill"}
        try:
            settings = {"TIMBRE_FREE_GB": "0.02", "TIMBRE_TEMP_DIR": folder, **MANY_TIMES}
            return await scenario(act, whole=True, settings=settings, folder=Path(folder))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


async def memory(rounds: int) -> dict[str, Any]:
    """One worker of three may take but a few MiB more than at rest (a cgroup), until the system has killed it."""
    if not os.access(_PLACE, os.W_OK) or not (_PLACE / "memory.limit_in_bytes").exists():
        return {"left_out": "it needs a memory cgroup (version 1) that may be made"}

    async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
        part = ledger.fleet.part("worker-0")
        killed = 0
        for _ in range(rounds):
            with _short_of_memory(part, chance.randrange(8, 40)) as deaths:
                until = time.monotonic() + 20
                while not part.dead and time.monotonic() < until:
                    await asyncio.sleep(0.1)
                killed += deaths()
                if part.dead:
                    await asyncio.to_thread(ledger.hit, worker_name(part.pid))
            if part.dead:
                part.start()
                await asyncio.to_thread(ledger.fleet.wait_for_workers, 3)
        return {"times": rounds, "processes_killed_by_the_system": killed}

    return await scenario(act, workers=3, lease=SHORT_LEASE, settings=MANY_TIMES)


async def clocks(rounds: int) -> dict[str, Any]:
    """Clocks are set forward and back by an hour: the whole machine's, then a worker's alone; workers end meanwhile."""
    library = next(Path("/usr/lib").glob(f"*/faketime/{_PRELOADED}"), None)
    if library is None:
        return {"left_out": "libfaketime is not installed"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        machine, one = Path(folder, "machine"), Path(folder, "one")
        for clock in (machine, one):
            _set(clock, 0)
        false = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(machine),
            "FAKETIME_CACHE_DURATION": "1",  # seconds until a clock that was set is seen
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # that one no step of a clock changes
        }

        async def act(ledger: Ledger, chance: random.Random) -> dict[str, Any]:
            ledger.traffic.outside.refusals = 2  # so that webhooks wait for a time by the clock
            running = ledger.fleet
            own = {"FAKETIME_TIMESTAMP_FILE": str(one)}
            running.add("worker-alone", "worker", settings=own)
            for number in range(rounds):
                clock = (machine, one)[number % 2]
                for offset in (_HOUR, 0, -_HOUR, 0):
                    _set(clock, offset)
                    await asyncio.sleep(chance.uniform(1, 2))
                    for part in (running.part("worker-alone"), running.part("worker-0")):
                        end = chance.choice((part.kill, part.stop))
                        await asyncio.to_thread(end)
                        part.start()
                    await asyncio.sleep(chance.uniform(2, 4))
            return {"times": 4 * rounds}

        kept = {name: os.environ.get(name) for name in false}
        os.environ.update(false)
        try:
            settings = {**MANY_TIMES, "TIMBRE_WEBHOOK_RETRIES": "0,2,2,2,2,2"}
            found = await scenario(act, workers=2, lease=SHORT_LEASE, programs=True, settings=settings)
        finally:
            for name, value in kept.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
    # By clocks that jump nothing can be told of how late a job was; only how long the end was waited for.
    return {name: value for name, value in found.items() if not name.startswith("latest")}


def _kind(end: dict[str, Any]) -> Kind:
    body = {"url": "media:"}
    seconds = end.get("duration") or 0.0
    return Kind(route="diarize", body=body, status=end["status"], output=end["output"] or {}, seconds=seconds)


async def _haunt(ledger: Ledger, job: str, chance: random.Random) -> None:
    """Kill whatever worker hears a job, until it has ended."""
    until = time.monotonic() + _LATEST
    while time.monotonic() < until:
        worker, over = await asyncio.to_thread(_where, ledger, job)
        if over:
            return
        part = next((part for part in ledger.fleet.workers if worker == worker_name(part.pid)), None)
        if part is None:
            await asyncio.sleep(0.02)
            continue
        await asyncio.sleep(chance.uniform(0, 0.3))
        part.kill()
        await asyncio.to_thread(ledger.hit, worker)
        part.start()


def _where(ledger: Ledger, job: str) -> tuple[str | None, bool]:
    with psycopg.connect(ledger.fleet.url) as database:
        row = database.execute(
            "SELECT CASE WHEN status = 'running' AND stage <> 'waiting' THEN worker END, completed_at IS NOT NULL"
            " FROM jobs WHERE id = %s",
            [job],
        ).fetchone()
    return row or (None, False)


def _fill(path: Path) -> None:
    """Write until nothing more can be written."""
    with path.open("wb", buffering=0) as file:
        for size in (_MIB, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def _set(clock: Path, offset: int) -> None:
    new = clock.with_suffix(".new")
    new.write_text(f"{offset:+d}\n")
    new.chmod(0o644)
    new.replace(clock)


@contextmanager
def _short_of_memory(part: Part, more: int) -> Iterator[Any]:
    """Let a worker and its children take but so many MiB more; give a way to count whom the system killed for it."""
    group = _PLACE / f"timbre-chaos-{os.getpid()}"
    group.mkdir()
    try:
        family = [part.pid, *(int(pid) for pid in _children(part.pid))]
        for pid in family:
            (group / "cgroup.procs").write_text(str(pid))
        # What it holds already is counted with the group it was in when it took it.
        (group / "memory.limit_in_bytes").write_text(str(more * _MIB))
        yield lambda: _killed(group)
    finally:
        part.signal(signal.SIGKILL)
        if part.process is not None:
            part.process.wait()
        for _ in range(100):
            if not (group / "cgroup.procs").read_text().strip():
                break
            time.sleep(0.05)
        group.rmdir()


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _killed(group: Path) -> int:
    lines = (group / "memory.oom_control").read_text().splitlines()
    return int(dict(line.split() for line in lines).get("oom_kill", 0))
