"""The parts of a server by themselves, as at scale: one database, several APIs and workers."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from command_line import run
from s3 import Bucket, running_s3
from said import Said
from server import CONVERSATION, Server, finished, submit, upload, voice
from timbre.store.embedded import EmbeddedPostgres

ENOUGH = 30.0  # seconds


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("database"))
    yield postgres.start()
    postgres.stop()


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TIMBRE_DATABASE_URL": database,
        "TIMBRE_DATA_DIR": str(tmp_path),
        "TIMBRE_STOP_SECONDS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def timbre(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "timbre", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=ENOUGH, check=False)


@contextmanager
def running(environment: dict[str, str], *arguments: str, says: str) -> Iterator[str]:
    """Run a part of a server while the block runs; the line with which it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "timbre", *arguments], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield next(line for line in Said(process.stderr) if says in line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(ENOUGH)
    assert process.returncode in {0, -signal.SIGTERM}


@pytest.mark.exhaustive
def test_parts_that_share_a_database_are_one_server(environment: dict[str, str]) -> None:
    empty = timbre(environment, "api", "--port", "0")
    assert empty.returncode == 3
    assert "timbre migrate" in empty.stderr
    assert timbre(environment, "migrate").returncode == 0
    assert timbre(environment, "migrate").returncode == 0  # once more does no harm
    key = timbre(environment, "keys", "create", "fleet").stdout.strip()

    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            line = stack.enter_context(running(environment, "api", "--port", "0", says="listens on"))
            address = re.search(r"http://\S+\d", line)[0]
            headers = {"Authorization": f"Bearer {key}"}
            clients.append(stack.enter_context(httpx.Client(base_url=address, headers=headers, timeout=ENOUGH)))
        one, other = clients
        answer = one.get("/readyz")
        assert answer.status_code == 503
        assert "timbre worker" in answer.json()["message"]
        assert one.get("/readyz", params={"of": "api"}).status_code == 200
        ada = submit(one, "voiceprint", url=upload(other, voice("Ada")))  # accepted although nobody works yet
        assert lanes(one, "oldest_seconds")["short"] > 0
        no_models = {**environment, "TIMBRE_LANES": "fetch, webhooks", "TIMBRE_MODEL": "none"}  # it hears nothing
        stack.enter_context(running(no_models, "worker", says='"ready"'))
        assert "No worker serves short, long, upgrades;" in one.get("/readyz").json()["message"]
        hearing = ("worker", "--lanes", "short,long,upgrades", "--model", "base")
        stack.enter_context(running(environment, *hearing, says='"ready"'))
        assert one.get("/readyz").status_code == 200
        assert set(lanes(one, "workers").values()) == {1}
        assert one.get("/v1/server").json()["workers"] == 2
        voiceprint = finished(other, ada)["output"]["voiceprint"]
        named = finished(
            other,
            submit(
                one,
                "identify",
                url=upload(one, CONVERSATION),
                voiceprints=[{"label": "Ada", "voiceprint": voiceprint}],
                matching={"threshold": 50},
            ),
        )
        assert {match["match"] for match in named["output"]["voiceprints"]} == {"Ada", None}
        assert set(lanes(one, "waiting").values()) == {0}


def lanes(client: httpx.Client, measurement: str) -> dict[str, float]:
    """A measurement of each lane."""
    found = re.findall(rf'^timbre_lane_{measurement}{{lane="(\w+)"}} (\S+)$', client.get("/metrics").text, re.MULTILINE)
    return {lane: float(value) for lane, value in found}


def test_a_lane_that_there_is_not() -> None:
    done = run("worker", "--lanes", "short,fast")
    assert done.code == 2
    assert "TIMBRE_LANES" in done.err


@pytest.mark.exhaustive
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
def test_no_request_fails_while_the_apis_behind_a_proxy_are_restarted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert timbre(environment, "migrate").returncode == 0
    key = timbre(environment, "keys", "create", "rolling").stdout.strip()
    environment["TIMBRE_DRAIN_SECONDS"] = "2"
    ports = [free_port() for _ in range(3)]
    config = tmp_path / "haproxy.cfg"
    config.write_text(HAPROXY.format(*ports))
    proxy = subprocess.Popen(["haproxy", "-f", config], stderr=subprocess.DEVNULL)
    try:
        with ExitStack() as stack:
            api = [("api", "--port", str(port)) for port in ports[1:]]
            one, other = (stack.enter_context(ExitStack()) for _ in api)
            for part, arguments in zip((one, other), api, strict=True):
                part.enter_context(running(environment, *arguments, says="listens on"))
            headers = {"Authorization": f"Bearer {key}"}
            client = stack.enter_context(
                httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}", headers=headers, timeout=ENOUGH)
            )
            both_are_up(client)
            over, answers = threading.Event(), []

            def ask() -> None:
                while not over.wait(0.02):
                    answers.append(client.post("/v1/diarize", json={"url": "media://nothing"}).status_code)

            with ThreadPoolExecutor() as pool:
                asking = pool.submit(ask)
                one.close()
                one.enter_context(running(environment, *api[0], says="listens on"))
                both_are_up(client)
                other.close()
                over.set()
                asking.result(ENOUGH)
            assert len(answers) > 10
            assert set(answers) == {200}
    finally:
        proxy.terminate()
        proxy.wait(ENOUGH)


HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 10s
    option redispatch
frontend clients
    bind 127.0.0.1:{}
    stats enable
    stats uri /proxy
    default_backend apis
backend apis
    option httpchk GET /readyz?of=api
    default-server check inter 200 fall 1 rise 1
    server one 127.0.0.1:{}
    server two 127.0.0.1:{}
"""


def both_are_up(client: httpx.Client) -> None:
    """Wait until the proxy has seen that it can ask both."""
    deadline = time.monotonic() + ENOUGH
    while len(re.findall(r"^apis,(?:one|two),.*,UP,", client.get("/proxy;csv").text, re.MULTILINE)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.mark.exhaustive
def test_parts_without_a_master_key_close_the_gallery_alone(environment: dict[str, str]) -> None:
    assert timbre(environment, "migrate").returncode == 0
    key = timbre(environment, "keys", "create", "no gallery", "--team", "no gallery").stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    keys = [base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]

    with running(environment, "worker", says='"ready"'):
        with running(environment, "api", "--port", "0", says="listens on") as line:
            address = re.search(r"http://\S+\d", line)[0]
            with httpx.Client(base_url=address, headers=headers, timeout=ENOUGH) as client:
                recording = upload(client, voice("Ada"))
                voiceprint = finished(client, submit(client, "voiceprint", url=recording))["output"]["voiceprint"]
                body = {"name": "Ada", "sample": {"voiceprint": voiceprint}}
                closed = client.post("/v1/speakers", json=body)
                assert closed.status_code == 503
                assert "TIMBRE_MASTER_KEY" in closed.json()["message"]
                job = submit(client, "diarize", url=recording)
                assert finished(client, job)["status"] == "succeeded"
                assert client.get("/v1/speakers").json()["items"] == []
        with running({**environment, "TIMBRE_MASTER_KEY": keys[0]}, "api", "--port", "0", says="listens on") as line:
            address = re.search(r"http://\S+\d", line)[0]
            assert httpx.post(f"{address}/v1/speakers", json=body, headers=headers).status_code == 201

    for part in ("api", "worker"):
        refused = timbre({**environment, "TIMBRE_MASTER_KEY": keys[1]}, part)
        assert refused.returncode == 3
        assert "The master key does not fit: the database holds voiceprints of one team" in refused.stderr
        assert keys[1] not in refused.stderr
    done = timbre({**environment, "TIMBRE_MASTER_KEY": f"{keys[1]},{keys[0]}"}, "keys", "rotate-master")
    assert "take the old key away now, on every machine" in done.stdout
    refused = timbre({**environment, "TIMBRE_MASTER_KEY": keys[0]}, "api")
    assert "does not fit" in refused.stderr
    with running({**environment, "TIMBRE_MASTER_KEY": keys[1]}, "api", "--port", "0", says="listens on") as line:
        address = re.search(r"http://\S+\d", line)[0]
        assert voiceprint in httpx.get(f"{address}/v1/speakers/export", headers=headers).text
    assert timbre(environment, "keys", "forget-team", "--team", "no gallery", "--yes").returncode == 0  # without any


@pytest.mark.parametrize("part", ["api", "worker"])
def test_a_part_needs_a_database(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.delenv("TIMBRE_DATABASE_URL", raising=False)
    done = run(part)
    assert done.code == 2
    assert "TIMBRE_DATABASE_URL" in done.err


@pytest.mark.parametrize("part", ["api", "worker", "migrate"])
def test_a_database_that_is_not_there(environment: dict[str, str], part: str, tmp_path: Path) -> None:
    environment["TIMBRE_DATABASE_URL"] = f"postgresql://postgres@/postgres?host={tmp_path}"
    done = timbre(environment, part)
    assert done.returncode == 3
    assert "TIMBRE_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["serve", "api", "worker", "migrate"])
@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("TIMBRE_PORT", "abc", "TIMBRE_PORT"),
        ("TIMBRE_STALLED_SECONDS", "11", "twice heartbeat_seconds"),
        ("TIMBRE_WORKERS", "0", "TIMBRE_WORKERS"),
    ],
)
def test_a_setting_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, part: str, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run(part)
    assert done.code == 2
    assert named in done.err
    assert "fault" not in done.err


def test_commands_do_not_make_a_server_where_there_is_none(tmp_path: Path) -> None:
    done = run("keys", "list", "--data-dir", tmp_path / "typo")
    assert done.code == 3
    assert "timbre serve" in done.err
    assert not (tmp_path / "typo").exists()


def test_two_servers_cannot_be_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIMBRE_DATABASE_URL", "postgresql://nowhere.invalid/x")
    done = run("keys", "list", "--data-dir", tmp_path)
    assert done.code == 2
    assert "TIMBRE_DATABASE_URL" in done.err


def test_who_waits_for_a_job_is_answered_when_the_server_stops(tmp_path: Path) -> None:
    settings = {"TIMBRE_STOP_SECONDS": "3", "TIMBRE_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Server(tmp_path, settings) as server,
        server.client() as client,
        ThreadPoolExecutor() as pool,
    ):
        # An address that takes calls and says nothing: it is being fetched until the server stops.
        job = submit(client, "diarize", url=f"http://127.0.0.1:{silent.getsockname()[1]}/a.wav")
        polled = pool.submit(client.get, f"/v1/jobs/{job}", params={"wait": 60})
        with client.stream("GET", f"/v1/jobs/{job}/events") as events:
            lines = events.iter_lines()
            while '"running"' not in next(lines):
                pass
            server.stop()
            list(lines)  # ends, and is not broken off
        answer = polled.result(ENOUGH)
        assert answer.status_code == 200
        assert answer.json()["status"] in {"created", "running"}
    assert "Traceback" not in (tmp_path / "log" / "api.log").read_text()


@pytest.mark.exhaustive
@pytest.mark.parametrize("links", ["true", "false"])
def test_media_in_a_bucket(tmp_path: Path, links: str) -> None:
    with running_s3() as endpoint:
        bucket = Bucket(endpoint=endpoint, name="recordings")
        bucket.create()
        settings = {
            **bucket.environment,
            "TIMBRE_STORAGE_URL": "s3://recordings/timbre",
            "TIMBRE_STORAGE_LINKS": links,
            "TIMBRE_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        with Server(tmp_path, settings) as server, server.client() as client:
            link = client.post("/v1/media/input", json={"url": "media://ada"}).json()["url"]
            assert link.startswith(endpoint if links == "true" else server.address)
            assert httpx.put(link, content=voice("Ben").read_bytes()).is_success
            upload(client, voice("Ada"), "ada")  # replaces Ben
            download = client.post("/v1/media/output", json={"url": "media://ada"}).json()["url"]
            assert httpx.get(download).content == voice("Ada").read_bytes()
            by_name = finished(client, submit(client, "voiceprint", url="media://ada"))
            by_link = finished(client, submit(client, "voiceprint", url=download))
            assert by_name["status"] == "succeeded"
            assert by_name["output"] == by_link["output"]
            # Browsers may send nothing to other hosts: their links lead to the server.
            own = {"X-Timbre-Web": "1"}
            with httpx.Client(base_url=server.address, headers=own) as browser:
                assert browser.post("/v1/session", json={"key": server.key}).status_code == 201
                link = browser.post("/v1/media/input", json={"url": "media://ada"}).json()["url"]
                assert link.startswith(server.address)
                assert browser.put(link, content=voice("Ada").read_bytes()).is_success
            # A link that was asked for and never used hides nothing.
            client.post("/v1/media/input", json={"url": "media://ada"})
            assert finished(client, submit(client, "voiceprint", url="media://ada"))["output"] == by_name["output"]
        assert not any(path.is_file() for path in (tmp_path / "media").rglob("*"))
