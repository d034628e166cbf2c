"""`kill -9`, again and again, of every part of a server at work: no job is lost, and none is done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import av
import httpx
import numpy as np
import psycopg
import pytest

from media import wav
from server import ENOUGH, LOOPBACK, Server, finished, submit, upload, voice
from timbre.store.embedded import EmbeddedPostgres

KILLS = 30
pytestmark = pytest.mark.exhaustive
SEED = 20261122
CLIENTS = 3
PATIENCE = 30.0  # seconds a request may take; it waits while there is no API, and database and API may die in turns
SETTINGS = {
    **LOOPBACK,
    "TIMBRE_HEARTBEAT_SECONDS": ".3",
    "TIMBRE_STALLED_SECONDS": "1.5",
    "TIMBRE_JOB_ATTEMPTS": "1000",
    "TIMBRE_STOP_SECONDS": "1",
    "TIMBRE_SWEEP_SECONDS": "1",
    "TIMBRE_WEBHOOK_SECONDS": "2",
}


class Web(ThreadingHTTPServer):
    """The world outside: hands out a recording, slowly, and takes webhooks."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, recording: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.recording = recording
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.hooks: dict[str, set[str]] = {}  # bodies by the deliveries' ids
        self.came = threading.Condition()


class Visit(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        if self.path != "/recording.wav":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.recording)))
        self.end_headers()
        middle = len(self.server.recording) // 2
        self.wfile.write(self.server.recording[:middle])
        time.sleep(0.2)
        self.wfile.write(self.server.recording[middle:])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with self.server.came:
            self.server.hooks.setdefault(self.headers["webhook-id"], set()).add(body)
            self.server.came.notify_all()
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self) -> None:
        with suppress(OSError):  # who asked was killed
            super().handle()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def web(recording: bytes) -> Iterator[Web]:
    with Web(recording) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A request, and what has to come of it."""

    route: str
    body: dict[str, Any]
    status: str
    output: dict[str, Any]
    seconds: float  # that it counts as used


@dataclass(kw_only=True)
class Client:
    """Submits jobs and does not give up: what fails is sent again under the same key."""

    server: Server
    kinds: list[Kind]
    done: threading.Event
    accepted: threading.Condition  # told of every job
    jobs: dict[str, Kind] = field(default_factory=dict)

    def run(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - no secret
        with self.server.client() as client:
            client.timeout = PATIENCE
            while not self.done.is_set():
                kind = chance.choice(self.kinds)
                job = self._submit(client, kind)
                with self.accepted:
                    self.jobs[job] = kind
                    self.accepted.notify_all()
                self.done.wait(chance.uniform(0.1, 1.2))

    def _submit(self, client: httpx.Client, kind: Kind) -> str:
        key = str(uuid4())
        deadline = time.monotonic() + ENOUGH
        while time.monotonic() < deadline:
            try:
                answer = client.post(f"/v1/{kind.route}", json=kind.body, headers={"Idempotency-Key": key})
            except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                return answer.json()["jobId"]
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)
        raise AssertionError("no answer but refusals")


@pytest.fixture
def server() -> Iterator[Server]:
    # Not in pytest's own folder: another run of it by root closes that to the user that root's database runs as.
    with TemporaryDirectory() as folder, Server(Path(folder, "data"), SETTINGS, own_database=True) as running:
        yield running


def test_kill_9_at_random_moments_neither_loses_nor_doubles_a_job(server: Server) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    recording = clip()
    with web(recording) as outside, ThreadPoolExecutor(CLIENTS) as pool:
        kinds, before = known_kinds(server, outside, recording)
        done, accepted = threading.Event(), threading.Condition()
        clients = [Client(server=server, kinds=kinds, done=done, accepted=accepted) for _ in range(CLIENTS)]
        running = [pool.submit(client.run, SEED + number) for number, client in enumerate(clients)]
        victims = list(islice(cycle([worker, api, postgres, worker, api, postgres, supervisor]), KILLS))
        chance.shuffle(victims)
        try:
            for number, victim in enumerate(victims, start=1):
                time.sleep(chance.uniform(0.1, 1.3))
                with accepted:  # on a slow machine too there are more jobs than kills
                    accepted.wait_for(lambda least=number: sum(len(one.jobs) for one in clients) > least, ENOUGH)
                kill(server, victim)
                for client in running:
                    if client.done():
                        client.result()
        finally:
            done.set()
        for client in running:
            client.result(ENOUGH)
        jobs = {job: kind for client in clients for job, kind in client.jobs.items()}
        assert len(jobs) > KILLS
        with server.client() as client:
            wait_until_ready(client)
            for job, kind in jobs.items():
                ended = finished(client, job)
                assert (ended["status"], ended["output"]) == (kind.status, kind.output), ended
            listed = listing(client)
            assert sorted(listed) == sorted([*jobs, *before])
            check_usage(client, [*jobs.values(), *before.values()])
            check_webhooks(outside, jobs)
        check_remains(server)
        check_logs(server)


def clip() -> bytes:
    """Six seconds of Ada."""
    with av.open(voice("Ada")) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return wav(samples[: 6 * 16_000].astype("<i2").tobytes(), rate=16_000)


def known_kinds(server: Server, outside: Web, recording: bytes) -> tuple[list[Kind], dict[str, Kind]]:
    """The requests that clients send, each with what comes of it when nothing is killed, and those jobs."""
    path = server.folder.parent / "ada.wav"
    path.write_bytes(recording)
    with server.client() as client:
        url = upload(client, path)
        link = f"{outside.address}/recording.wav"
        made = submit(client, "voiceprint", url=url)
        print_ = finished(client, made)["output"]["voiceprint"]
        ada = [{"label": "Ada", "voiceprint": print_}]
        requests = [
            ("voiceprint", {"url": url}),
            ("voiceprint", {"url": link}),
            ("identify", {"url": url, "voiceprints": ada}),
            ("identify", {"url": link, "voiceprints": ada}),
            ("diarize", {"url": link, "webhookStatusOnly": False}),
            ("diarize", {"url": f"{outside.address}/nothing"}),
            ("diarize", {"url": "media://nothing"}),
        ]
        kinds, before = [], {}
        for route, body in requests:
            job = submit(client, route, **body)
            ended = finished(client, job)
            kind = Kind(
                route=route,
                body={**body, "webhook": f"{outside.address}/hook"},
                status=ended["status"],
                output=ended["output"],
                seconds=ended.get("duration", 0.0),
            )
            kinds.append(kind)
            before[job] = kind
        assert [kind.status for kind in kinds] == ["succeeded"] * 5 + ["failed"] * 2
        before[made] = kinds[0]
    return kinds, before


# Victims


def supervisor(server: Server) -> int:
    assert server.process
    return server.process.pid


def postgres(server: Server) -> int | None:
    try:
        return int((server.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return None  # it is just starting


def worker(server: Server) -> int | None:
    return next(iter(server.parts("worker")), None)


def api(server: Server) -> int | None:
    return next(iter(server.parts("api")), None)


def kill(server: Server, victim: Callable[[Server], int | None]) -> None:
    """Kill a part as soon as there is one."""
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        pid = victim(server)
        try:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                break
        except ProcessLookupError:
            pass  # it died before, and is not back yet
        time.sleep(0.01)
    else:
        raise AssertionError(f"there is no {victim.__name__}")
    if victim is supervisor:
        server.ended()
        server.start()


# What has to be true in the end


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not come back")


def listing(client: httpx.Client) -> list[str]:
    jobs, cursor = [], None
    while True:
        page = client.get("/v2/jobs", params={"limit": 100, **({"cursor": cursor} if cursor else {})}).json()
        jobs += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            return jobs


def check_usage(client: httpx.Client, kinds: list[Kind]) -> None:
    """Every job that succeeded counts, once."""
    succeeded = [kind for kind in kinds if kind.status == "succeeded"]
    usage = client.get("/v1/usage").json()
    assert {key["type"]: key["jobs"] for key in usage["keys"]} == Counter(kind.route for kind in succeeded)
    assert usage["jobs"] == len(succeeded)
    assert usage["seconds"] == pytest.approx(sum(kind.seconds for kind in succeeded))


def check_webhooks(outside: Web, jobs: dict[str, Kind]) -> None:
    """One delivery a job arrives, at least once, and says the same each time."""

    def all_came() -> bool:
        return len(outside.hooks) >= len(jobs)

    with outside.came:
        assert outside.came.wait_for(all_came, ENOUGH), f"{len(outside.hooks)} webhooks for {len(jobs)} jobs"
        hooks = dict(outside.hooks)
    assert all(len(bodies) == 1 for bodies in hooks.values())
    events = [json.loads(next(iter(bodies))) for bodies in hooks.values()]
    assert sorted(event["jobId"] for event in events) == sorted(jobs)
    for event in events:
        kind = jobs[event["jobId"]]
        assert event["status"] == kind.status
        if kind.status == "succeeded":
            assert event["output"] == kind.output


def check_remains(server: Server) -> None:
    """Neither entries in the queue nor objects in the storage are left, once those that nobody knows are a day old."""
    media = server.folder / "media"
    url = EmbeddedPostgres(server.folder / "postgres").url()
    assert url
    deadline = time.monotonic() + ENOUGH
    with psycopg.connect(url, autocommit=True) as database:
        while True:
            entries = database.execute("SELECT queue_name, status, args FROM procrastinate_jobs").fetchall()
            kept = {name for (name,) in database.execute("SELECT object FROM media").fetchall()}
            files = [path for path in media.rglob("*") if path.is_file()]
            strange = [path for path in files if str(path.relative_to(media)) not in kept]
            if not entries and not strange:
                assert len(files) == len(kept) == 1
                return
            assert time.monotonic() < deadline, (entries, strange)
            for path in strange:
                try:
                    os.utime(path, (1, 1))
                except FileNotFoundError:
                    continue
            time.sleep(0.2)


def check_logs(server: Server) -> None:
    """What happened was foreseen: nothing was logged as a fault."""
    for path in (server.folder / "log").iterdir():
        for line in path.read_text().splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            assert entry.get("event") not in {"fault", "upkeep failed", "a lane broke"}, line
