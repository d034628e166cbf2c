"""Lanes and the work in them: nothing is lost, or done over, for a database or a storage that goes and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import httpx
import numpy as np
import psutil
import psycopg
import pytest
from database import Line, Service, opened
from heard import rooms

from media import wav
from server import CONVERSATION, ENOUGH, LOOPBACK, SAMPLES, Server, finished, submit, upload, voice
from timbre.errors import ServiceUnavailable, TimbreError
from timbre.service.decisions.streamed import StreamedNames
from timbre.service.models.packs import Engines
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.requests.body import parse
from timbre.service.requests.submissions import VoiceprintRequest
from timbre.service.worker.process import run_worker
from timbre.service.worker.tasks import Work
from timbre.service.worker.words import Words
from timbre.settings import Settings
from timbre.store.database import open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.queue import FETCH_TASK, Lane

SECONDS = 960  # of the long recording: some seconds of work on any machine
WHOLE = 6.0  # of them at least, of one processor


# The work, on a line that is cut


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def recordings() -> Iterator[str]:
    """The address of a web server that has the samples."""
    handler = lambda *arguments: _Quiet(*arguments, directory=str(SAMPLES))  # noqa: E731
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def work_on(here: Service, client: httpx.AsyncClient) -> Work:
    people = rooms(here)
    return Work(
        here.attempts,
        candidates=people.candidates,
        persistence=people.persistence,
        streamed=StreamedNames(here.database, people.decisions, people.gallery),
        media=here.media,
        storage=here.storage,
        engines=Engines(here.settings),
        client=client,
        words=Words(None, here.settings),
        settings=here.settings,
    )


async def submitted(here: Service, address: str) -> UUID:
    request, _ = parse(VoiceprintRequest, json.dumps({"url": address}).encode(), webhook_http=True)
    return (await here.jobs.submit(here.caller, request)).id


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


def test_answers_that_are_lost_neither_lose_nor_double_a_job(
    url: str,
    recordings: str,
    tmp_path: Path,
) -> None:
    async def act() -> None:
        line = Line(url, tmp_path)
        settings = {"allowed_networks": "127.0.0.0/8", "threads": 1}
        async with line.open(), opened(line.url, tmp_path / "data", **settings) as here:
            job = await submitted(here, f"{recordings}/enrol/Ada.flac")
            async with outgoing_client(here.settings) as client:
                work = work_on(here, client)
                fetching = await here.attempts.begin(job, "fetching")
                line.cuts = 1
                await work._guard(fetching, work._fetch)
                assert await here.entries() == [("fetch", "todo"), ("short", "todo")]
                assert len(objects(tmp_path / "data")) == 1
                hearing = await here.attempts.begin(job, "waiting")
                line.cuts = 1
                await work._guard(hearing, work._hear)
            assert line.cuts == 0
            row = await here.row(job)
            assert (row["status"], row["attempt"], row["unfinished"]) == ("succeeded", 2, 1)
            assert [row["jobs"] for row in await here.rows("SELECT jobs FROM usage")] == [1]
            assert len(await here.rows("SELECT * FROM job_outputs")) == 1

    asyncio.run(act())


def test_suspects_are_heard_one_at_a_time(url: str, recordings: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path, allowed_networks="127.0.0.0/8", threads=1) as here:
            jobs = [await submitted(here, f"{recordings}/enrol/Ada.flac") for _ in range(3)]
            async with outgoing_client(here.settings) as client:
                work = work_on(here, client)
                for job in jobs:
                    await work.fetch(job)
                    await here.attempts.begin(job, "waiting")  # by a worker that died
                hearing = [asyncio.create_task(work.hear(job)) for job in jobs]
                states: set[tuple[int, ...]] = set()
                while not all(task.done() for task in hearing):
                    rows = await here.rows("SELECT unfinished FROM jobs WHERE status = 'running' AND attempt = 3")
                    states.add(tuple(sorted(row["unfinished"] for row in rows)))
                await asyncio.gather(*hearing)
            assert (1, 1, 2) in states  # two wait, and are not to blame for what the third does
            rows = await here.rows("SELECT status, unfinished FROM jobs")
            assert [(row["status"], row["unfinished"]) for row in rows] == [("succeeded", 2)] * 3

    asyncio.run(act())


def test_a_storage_that_is_away_does_not_count_against_a_job(
    url: str,
    recordings: str,
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with opened(url, tmp_path, allowed_networks="127.0.0.0/8", threads=1) as here:
            job = await submitted(here, f"{recordings}/enrol/Ada.flac")
            media, away = tmp_path / "media", tmp_path / "away"
            async with outgoing_client(here.settings) as client:
                work = work_on(here, client)
                media.rename(away)
                media.write_bytes(b"no folder")
                for _ in range(2 * here.settings.job_attempts):
                    with pytest.raises(ServiceUnavailable):
                        await work.fetch(job)
                assert (await here.row(job))["status"] == "created"
                media.unlink()
                away.rename(media)
                await work.fetch(job)
                await work.hear(job)
            assert (await here.row(job))["status"] == "succeeded"
            assert objects(tmp_path) == []

    asyncio.run(act())


def test_a_process_that_stands_still_in_a_transaction_holds_nobody_up(url: str) -> None:
    async def act() -> None:
        async with (
            open_database(url, connections=1, application="test", silence=0.2) as frozen,
            open_database(url, connections=1, application="test") as other,
        ):
            holds = b"SELECT pg_advisory_xact_lock(17)"

            async def stand_still() -> None:
                async with frozen.transaction() as connection:
                    await connection.execute(holds)
                    async with other.transaction() as waiting:
                        await waiting.execute(holds)  # as soon as the database has ended the other one
                    await connection.execute(b"SELECT 1")

            with pytest.raises(ServiceUnavailable):
                await stand_still()
            assert await frozen.one(b"SELECT 1 AS one") == {"one": 1}

    asyncio.run(act())


def test_an_entry_is_there_when_its_transaction_has_committed_and_not_before(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path) as here:
            async with here.database.transaction() as connection:
                await here.queue.defer(connection, Lane.FETCH, FETCH_TASK, team=here.caller.team, job="1")
                assert await here.entries() == []
            assert await here.entries() == [("fetch", "todo")]
            async with here.database.transaction() as connection:
                await here.queue.defer(connection, Lane.FETCH, FETCH_TASK, team=here.caller.team, job="2")
                raise psycopg.Rollback
            assert await here.entries() == [("fetch", "todo")]

    asyncio.run(act())


def test_a_worker_without_a_place_for_sound_says_so_before_it_takes_work(url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, temp_dir=tmp_path / "nowhere")
    with pytest.raises(TimbreError, match=r"temporary folder \(No such file or directory\); .*TIMBRE_TEMP_DIR"):
        asyncio.run(run_worker(settings, url))


# A server with one worker, whose lanes are what matters


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, whose database and worker can be killed."""
    # Nothing is taken from a worker for its silence: who takes up a job has been told that its worker is dead.
    settings = {**LOOPBACK, "TIMBRE_HEARTBEAT_SECONDS": ".3", "TIMBRE_STALLED_SECONDS": "3600"}
    with Server(tmp_path_factory.mktemp("quick"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(quick: Server) -> Iterator[httpx.Client]:
    with quick.client() as client:
        yield client


@pytest.fixture(scope="module")
def long(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The `media://` address of a recording that takes a while."""
    with av.open(CONVERSATION) as container:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    path = tmp_path_factory.mktemp("long") / "long.wav"
    path.write_bytes(wav(np.resize(np.concatenate(parts), SECONDS * 16_000).tobytes(), rate=16_000))
    return upload(client, path)


@contextmanager
def canceled_after(client: httpx.Client, *jobs: str) -> Iterator[None]:
    try:
        yield
    finally:
        for job in jobs:
            if client.get(f"/v1/jobs/{job}").json()["status"] in {"created", "running"}:
                client.delete(f"/v1/jobs/{job}")


def status(client: httpx.Client, job: str) -> str:
    return client.get(f"/v1/jobs/{job}").json()["status"]


def follow(client: httpx.Client, job: str, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The events of a job up to the first that will do."""
    seen = []
    with client.stream("GET", f"/v1/jobs/{job}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
                if until(seen[-1]):
                    return seen
    return seen


def is_at_work(event: dict[str, Any]) -> bool:
    return event["status"] == "running" and event["progress"] > 0


def work_of(server: Server) -> float:
    """Seconds that a processor has worked for the server's worker, however busy the machine is."""
    (worker,) = server.parts("worker")
    spent = psutil.Process(worker).cpu_times()
    return spent.user + spent.system


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """A while in which nothing is started again."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@pytest.mark.exhaustive
def test_a_short_job_does_not_wait_behind_long_ones(client: httpx.Client, long: str) -> None:
    jobs = [submit(client, "diarize", url=long) for _ in range(3)]
    with canceled_after(client, *jobs):
        follow(client, jobs[0], is_at_work)
        assert finished(client, submit(client, "voiceprint", url=upload(client, voice("Ada"))))["status"] == "succeeded"
        assert finished(client, submit(client, "diarize", url=upload(client, CONVERSATION)))["status"] == "succeeded"
        assert [status(client, job) for job in jobs] == ["running", "created", "created"]


def test_a_canceled_job_makes_room_for_the_next(quick: Server, client: httpx.Client, long: str) -> None:
    first, second = (submit(client, "diarize", url=long) for _ in range(2))
    with canceled_after(client, first, second):
        follow(client, first, is_at_work)
        assert status(client, second) == "created"
        before = work_of(quick)
        assert client.delete(f"/v1/jobs/{first}").json() == {"jobId": first, "status": "canceled", "deleted": False}
        job = client.get(f"/v1/jobs/{first}").json()
        assert job["status"] == "canceled"
        assert "Canceled" in job["output"]["error"]
        assert follow(client, second, lambda event: event["status"] == "running")
        assert work_of(quick) - before < WHOLE / 4
        assert status(client, first) == "canceled"


@pytest.mark.exhaustive
def test_progress_rises_and_a_database_that_is_killed_costs_no_work(
    quick: Server, client: httpx.Client, long: str
) -> None:
    job = submit(client, "diarize", url=long)
    waited = client.get(f"/v1/jobs/{job}", params={"wait": 0.2}).json()
    assert waited["status"] in {"created", "running"}
    seen = follow(client, job, lambda event: event["progress"] > 0.2)
    killed = time.monotonic()
    with stopped(quick):
        os.kill(int((quick.folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        refusals = 0
        while time.monotonic() - killed < 6.5:  # longer than anybody waits for a connection
            asked = time.monotonic()
            answer = client.get(f"/v1/jobs/{job}")
            assert time.monotonic() - asked < 10
            if answer.status_code != 200:  # the last connections take a moment to break
                assert answer.status_code == 503, answer.text
                assert answer.headers["retry-after"]
                refusals += 1
        assert refusals
    while client.get(f"/v1/jobs/{job}").status_code == 503:
        assert time.monotonic() - killed < ENOUGH
    # What was not restarted goes on from where it was.
    seen += follow(client, job, lambda event: event["status"] == "succeeded")
    assert seen[-1]["status"] == "succeeded"
    assert seen[-1]["duration"] == SECONDS
    steps = [event["progress"] for event in seen]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    assert steps[-1] == 1
    with psycopg.connect(EmbeddedPostgres(quick.folder / "postgres").url()) as connection:
        row = connection.execute("SELECT attempt, unfinished FROM jobs WHERE id = %s", (job,)).fetchone()
    assert row == (2, 1)  # the first found out that it is a long one
    # The lanes are back, and are told of new jobs. Who only looks, once a second, would find each almost a second old.
    while client.get("/readyz").status_code == 503:
        assert time.monotonic() - killed < 2 * ENOUGH
    finished(client, submit(client, "voiceprint", url="media://nothing"))
    waits = []
    for _ in range(8):
        ended = finished(client, submit(client, "voiceprint", url="media://nothing"))
        waits.append(datetime.fromisoformat(ended["startedAt"]) - datetime.fromisoformat(ended["createdAt"]))
    assert statistics.median(waits) < timedelta(seconds=0.6)


def test_a_database_that_hangs_is_told_of_and_not_waited_for(quick: Server, client: httpx.Client) -> None:
    with psycopg.connect(EmbeddedPostgres(quick.folder / "postgres").url()) as connection:
        connection.execute("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE")
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "has not answered for 2 s" in answer.text
        assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_job_of_a_dead_worker_is_taken_up_at_once(quick: Server, client: httpx.Client, long: str) -> None:
    job = submit(client, "diarize", url=long)
    with canceled_after(client, job):
        follow(client, job, is_at_work)
        before = client.get(f"/v1/jobs/{job}").json()
        os.kill(quick.parts("worker")[0], signal.SIGKILL)
        seen = follow(client, job, lambda event: event["progress"] == 0)
        assert seen[-1]["status"] == "running"
        assert seen[-1]["startedAt"] == before["startedAt"]


@pytest.mark.exhaustive
def test_a_worker_that_froze_and_lost_its_job_changes_nothing_when_it_wakes(
    quick: Server, client: httpx.Client, long: str
) -> None:
    job = submit(client, "diarize", url=long)
    follow(client, job, lambda event: event["progress"] > 0.3)
    frozen = quick.parts("worker")[0]
    before = client.get("/v1/usage").json()
    database = EmbeddedPostgres(quick.folder / "postgres").url()
    os.kill(frozen, signal.SIGSTOP)
    try:
        other = subprocess.Popen(
            [sys.executable, "-m", "timbre", "worker"],
            env={
                **os.environ,
                **quick.settings,
                "TIMBRE_DATABASE_URL": database,
                "TIMBRE_DATA_DIR": str(quick.folder),
                "TIMBRE_STALLED_SECONDS": "1.5",
                "TIMBRE_STOP_SECONDS": "0",
                "OPENBLAS_NUM_THREADS": "1",
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            follow(client, job, lambda event: event["progress"] == 0)  # it starts over
            os.kill(frozen, signal.SIGCONT)
            seen = follow(client, job, lambda event: event["status"] == "succeeded")
        finally:
            other.terminate()
            assert other.wait(ENOUGH) == 0
    finally:
        os.kill(frozen, signal.SIGCONT)
    steps = [event["progress"] for event in seen]
    assert steps == sorted(steps)  # the one that woke reported nothing
    with psycopg.connect(database) as connection:
        ended = connection.execute("SELECT attempt, worker FROM jobs WHERE id = %s", (job,)).fetchone()
    assert ended == (3, f"{socket.gethostname()}:{other.pid}")  # the first found out that it is a long one
    after = client.get("/v1/usage").json()
    assert (after["jobs"] - before["jobs"], round(after["seconds"] - before["seconds"])) == (1, SECONDS)
    with quick.client() as own:  # and it works on
        assert finished(own, submit(own, "voiceprint", url=upload(own, voice("Ben"))))["status"] == "succeeded"
