"""Much at once, and for long: mixed jobs, clients that ask, uploads, one of a GiB, and what time does to memory."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from benchmarks.reliability.ledger import Ledger
from benchmarks.reliability.meter import Meter
from benchmarks.reliability.recordings import RATE, voice
from benchmarks.reliability.scenario import LEASE, server
from benchmarks.reliability.traffic import asking, ended, upload

WORKERS = 8
_SUBMITTING = 20  # clients
_UPLOADING = 50  # at a time
_GIB = 1 << 30
_MIB = 1 << 20
_HEADER = 44  # bytes of a WAV before its samples
_LONG = 3600.0  # seconds for what has to end
_FEW = {"OMP_NUM_THREADS": "1", "TIMBRE_THREADS": "1"}


async def mixed(jobs: int) -> dict[str, Any]:
    """Mixed jobs, brought by 20 clients as fast as they are accepted, and eight workers."""
    async with server(workers=WORKERS, settings={**_FEW, "TIMBRE_HEAR_PLACES": "1"}) as load:
        ledger, meter, took = Ledger(traffic=load, lease=LEASE), Meter(fleet=load.fleet), []
        left = iter(range(jobs))
        began = time.monotonic()

        async def bring() -> None:
            async with asking(load.fleet) as client:
                for number in left:
                    begin = time.perf_counter()
                    await load.submit(client, load.kinds[number % len(load.kinds)])
                    took.append(time.perf_counter() - begin)

        async with meter.running(5.0):
            await asyncio.gather(*(bring() for _ in range(_SUBMITTING)))
            brought = time.monotonic() - began
            account = await ledger.account(patience=_LONG)
        seconds = time.monotonic() - began
        # All wait at once, so that how late a job is says only how many there were.
        kept = {name: value for name, value in account.items() if not name.startswith(("latest", "bound", "hit"))}
        return {
            **kept,
            "brought_in_seconds": round(brought, 1),
            "submit_ms": _milliseconds(took),
            "jobs_a_second": round(jobs / seconds, 1),
            "meter": meter.summary(),
        }


async def polling(jobs: int) -> dict[str, Any]:
    """Clients that each ask for a job of theirs again and again, once a second, while jobs come in and end."""
    clients, seconds = max(2, jobs // 20), 30.0
    async with server(workers=2, settings=_FEW) as load, asking(load.fleet) as first:
        ledger, meter = Ledger(traffic=load, lease=LEASE), Meter(fleet=load.fleet)
        known = [kind for kind in load.kinds if kind.route == "voiceprint"]
        took: list[float] = []
        wrong: dict[str, int] = {}
        place = httpx.URL(load.fleet.address)
        rest = f"HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nAuthorization: Bearer {load.fleet.key}\r\n\r\n"
        asked = [await load.submit(first, known[number % len(known)]) for number in range(clients // 10)]

        async def ask(number: int) -> None:
            # Bare sockets, so that little of the processor goes to who asks.
            reader, writer = await asyncio.open_connection(place.host, place.port)
            begin = time.monotonic()
            await asyncio.sleep(number / clients)
            while time.monotonic() < begin + seconds:
                sent = time.perf_counter()
                try:
                    writer.write(f"GET /v1/jobs/{asked[number % len(asked)]} {rest}".encode())
                    said = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                    await reader.readexactly(int(said.partition("content-length:")[2].split()[0]))
                    how = said.split()[1]
                except (OSError, asyncio.IncompleteReadError) as error:
                    how = type(error).__name__
                    reader, writer = await asyncio.open_connection(place.host, place.port)
                took.append(time.perf_counter() - sent)
                if how != "200":
                    wrong[how] = wrong.get(how, 0) + 1
                await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - sent)))
            writer.close()

        async with meter.running(5.0):
            await asyncio.gather(*(ask(number) for number in range(clients)))
            (await first.get("/readyz")).raise_for_status()
            account = await ledger.account(patience=_LONG)
        return {
            "clients": clients,
            "requests": len(took),
            "answers_other_than_200": wrong,
            "read_ms": _milliseconds(took),
            **{name: account[name] for name in ("jobs", "lost", "doubled", "otherwise_than_undisturbed")},
            "meter": meter.summary(),
        }


async def uploads(jobs: int) -> dict[str, Any]:
    """Uploads of a fifth of a MiB, fifty at a time; then every one is looked for in the storage, byte by byte."""
    number = max(1, jobs // 10)
    async with server(workers=1, settings=_FEW) as load, asking(load.fleet) as client:
        meter, took, wrong = Meter(fleet=load.fleet), [], 0
        content = voice("Ben", 6)
        places = asyncio.Semaphore(_UPLOADING)

        async def bring(which: int) -> None:
            async with places:
                begin = time.perf_counter()
                await upload(client, f"upload-{which}", _marked(content, which))
                took.append(time.perf_counter() - begin)

        began = time.monotonic()
        async with meter.running(5.0):
            await asyncio.gather(*(bring(which) for which in range(number)))
            seconds = time.monotonic() - began
            for which in range(number):
                link = (await client.post("/v1/media/output", json={"url": f"media://upload-{which}"})).json()["url"]
                wrong += (await client.get(link)).content != _marked(content, which)
        return {
            "uploads": number,
            "mib_each": round(len(content) / _MIB, 2),
            "uploads_a_second": round(number / seconds, 1),
            "upload_ms": _milliseconds(took),
            "other_than_was_sent": wrong,
            "meter": meter.summary(),
        }


async def giant(jobs: int) -> dict[str, Any]:
    """One upload of a GiB, of silence that lasts for hours, and a job that hears it."""
    del jobs
    async with server(workers=1) as load, asking(load.fleet) as client:
        meter = Meter(fleet=load.fleet)
        link = (await client.post("/v1/media/input", json={"url": "media://giant"})).json()["url"]
        async with meter.running(1.0):
            began = time.monotonic()
            headers = {"Content-Length": str(_GIB), "Authorization": ""}
            (await client.put(link, content=_long_silence(), headers=headers, timeout=_LONG)).raise_for_status()
            uploaded = time.monotonic() - began
            job = await load.accepted(client, "diarize", {"url": "media://giant"})
            end = await ended(client, job, _LONG)
        return {
            "bytes": _GIB,
            "hours_of_sound": round((_GIB - _HEADER) / 2 / RATE / 3600, 2),
            "upload_seconds": round(uploaded, 1),
            "mib_a_second": round(_GIB / _MIB / uploaded, 1),
            "status": end["status"],
            "heard_in_seconds": round(time.monotonic() - began - uploaded, 1),
            "meter": meter.summary(),
        }


async def soak(jobs: int) -> dict[str, Any]:
    """An API and two workers: two thirds of the time at rest, one with a job every two seconds."""
    minutes = jobs * 60 / 10_000
    found: dict[str, Any] = {}
    async with server(workers=2, programs=True, settings={**_FEW, "TIMBRE_SWEEP_SECONDS": "30"}) as load:
        ledger = Ledger(traffic=load, lease=LEASE)
        async with asking(load.fleet) as client:
            # Every kind has been heard some times before anything is measured: pools are full, code is loaded.
            for number in range(10 * len(load.kinds)):
                await load.submit(client, load.kinds[number % len(load.kinds)])
            await ledger.account()
            await asyncio.sleep(30)
            for name, brings, share in (("at_rest", False, 2 / 3), ("trickle", True, 1 / 3)):
                meter = Meter(fleet=load.fleet)
                async with meter.running(10.0):
                    until, number = time.monotonic() + minutes * 60 * share, 0
                    while time.monotonic() < until:
                        if brings:
                            await load.submit(client, load.kinds[number % len(load.kinds)])
                            number += 1
                        await asyncio.sleep(2)
                found[name] = meter.summary()
            account = await ledger.account()
    kept = ("jobs", "lost", "doubled", "otherwise_than_undisturbed", "entries_left", "faults_in_logs")
    return {**{name: account[name] for name in kept}, **found}


Scenario = Callable[[int], Awaitable[dict[str, Any]]]
SCENARIOS: dict[str, Scenario] = {
    "mixed": mixed,
    "polling": polling,
    "uploads": uploads,
    "giant": giant,
    "soak": soak,
}


def run(name: str, jobs: int) -> dict[str, Any]:
    """Run a scenario; return its figures."""
    act = SCENARIOS[name]
    began = time.monotonic()
    found = asyncio.run(act(jobs))
    return {"what": " ".join((act.__doc__ or "").split()), **found, "took_seconds": round(time.monotonic() - began)}


def _marked(content: bytes, number: int) -> bytes:
    return content + number.to_bytes(4)


async def _long_silence() -> AsyncIterator[bytes]:
    """A GiB of WAV: sixteen bits, one channel."""
    samples = _GIB - _HEADER
    yield (
        b"RIFF" + (samples + _HEADER - 8).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
        + (1).to_bytes(2, "little") + (1).to_bytes(2, "little") + RATE.to_bytes(4, "little")
        + (2 * RATE).to_bytes(4, "little") + (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
        + b"data" + samples.to_bytes(4, "little")
    )  # fmt: skip
    while samples:
        size = min(samples, _MIB)
        yield bytes(size)
        samples -= size


def _milliseconds(taken: list[float]) -> dict[str, float]:
    every = sorted(1000 * each for each in taken)
    cuts = statistics.quantiles(every, n=100) if len(every) > 1 else [*every] * 99
    return {"median": round(statistics.median(every), 1), "p99": round(cuts[98], 1), "longest": round(every[-1], 1)}
