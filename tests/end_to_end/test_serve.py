"""`timbre serve` from its first line to its last: what it says, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from media import tone, wav
from server import CONVERSATION, ENOUGH, Server, finished, submit, upload, voice

NOBODY = 65534
# Nobody may read everything here, as Python itself may lie in a folder of root's; but write nothing of others.
READS = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *READS)
SERVE = [sys.executable, "-m", "timbre", "serve"]
REFUSED = 3  # exit code


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own cannot be."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def environment(**settings: str) -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", **settings}


def said_by(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `timbre serve` where it must end by itself."""
    options = {"env": environment(), **options}
    command = [*options.pop("prefix", ()), *SERVE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=ENOUGH, check=False, **options)


def processes(folder: Path) -> list[int]:
    """The processes that work in or on a data folder: its server with all children, and the database."""
    found = []
    mark = os.fsencode(folder)
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                known = [(process / name).read_bytes() for name in ("cmdline", "environ")]
                known += [os.fsencode(link.readlink()) for link in (process / "cwd", *(process / "fd").iterdir())]
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and any(mark in text for text in known):
                found.append(int(process.name))
    return found


def stopped(server: Server, number: signal.Signals) -> str:
    """Send a signal, see that all is gone, and return what the server still said."""
    process = server.process
    assert process
    assert len(processes(server.folder)) > 3
    process.send_signal(number)
    code, said = server.ended()
    assert processes(server.folder) == []
    assert code == 0, said
    return said


def until_ready(process: subprocess.Popen[str]) -> str:
    """What a server says until it is ready."""
    text = ""
    for line in process.stdout:
        text += line
        if "Ctrl-C" in line:
            return text
    raise AssertionError(f"timbre serve ended with {process.wait()}:\n{text}")


# What it says


def test_it_says_all_that_one_needs(folder: Path) -> None:
    process = subprocess.Popen(
        [*SERVE, "--port", "0", "--data-dir", str(folder / "data")],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        text = until_ready(process)
        address = re.search(r"ready on (http://127\.0\.0\.1:(\d+));", text)
        key = re.search(r"API key +(sk_\S+)", text)
        command = re.search(r"curl .*", text)
        assert address, text
        assert key, text
        assert command, text
        assert command[0] == f'curl -H "Authorization: Bearer {key[1]}" {address[1]}/v1/test'
        answer = subprocess.run(["sh", "-c", command[0]], capture_output=True, text=True, timeout=ENOUGH, check=True)
        assert json.loads(answer.stdout)["status"] == "OK"
        assert httpx.get(f"{address[1]}/readyz").status_code == 200

        second = said_by("--port", "0", "--data-dir", folder / "data")
        assert second.returncode == REFUSED
        assert f"Another server runs on {folder / 'data'} (process {process.pid})" in second.stderr
        assert "--data-dir" in second.stderr
        assert second.stderr.count("\n") == 1
        assert httpx.get(f"{address[1]}/readyz").status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=ENOUGH)
    assert process.returncode == 0
    assert processes(folder) == []

    with Server(folder / "data", port=int(address[2])) as server, server.client(key[1]) as client:
        assert server.key == ""  # it is shown once
        assert server.address == address[1]
        assert client.get("/v1/test").status_code == 200


@pytest.mark.exhaustive
def test_keys_and_jobs_outlive_the_server(folder: Path) -> None:
    with Server(folder) as server:
        first = server.key
        with server.client() as client:
            job = submit(client, "voiceprint", url=upload(client, voice("Ada")))
            output = finished(client, job)["output"]
        beside = server.run("keys", "create", "beside", "--scope", "jobs:read")
        with server.client(beside) as client:
            assert client.get(f"/v1/jobs/{job}").json()["output"] == output
            assert client.post("/v1/media/input", json={"url": "media://a"}).status_code == 403
        assert "Revoked beside" in server.run("keys", "revoke", beside[-6:])
        with server.client(beside) as client:
            assert client.get("/v1/test").status_code == 401
    listed = server.run("keys", "list")
    assert first[-6:] in listed
    assert first not in listed
    between = server.run("keys", "create", "between")
    assert processes(folder) == []
    with server:
        for key in (first, between):
            with server.client(key) as client:
                assert client.get(f"/v1/jobs/{job}").json()["output"] == output


# What it refuses


def test_a_busy_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = said_by("--port", port, "--data-dir", folder)
    assert ended.returncode == REFUSED
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "--port" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (folder / "postgres").exists()


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "file").write_text("not a folder")
    ended = said_by("--port", "0", "--data-dir", folder / "file" / "data")
    assert ended.returncode == REFUSED
    assert f"{folder / 'file' / 'data'} cannot be used ({folder / 'file'} is not a folder)" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_folder_of_something_else_is_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "diary.txt").write_text("mine")
    ended = said_by("--port", "0", "--data-dir", folder)
    assert ended.returncode == REFUSED
    assert "holds files, but no database" in ended.stderr
    assert [path.name for path in (folder / "postgres").iterdir()] == ["diary.txt"]


def test_a_pack_that_is_not_here_is_named_before_anything_starts(folder: Path) -> None:
    ended = said_by(
        *("--port", "0", "--data-dir", folder / "data"),
        env=environment(TIMBRE_MODEL="ge2e", TIMBRE_MODELS_DIR=str(folder / "none")),
    )
    assert ended.returncode == REFUSED
    assert "timbre models pull ge2e" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (folder / "data").exists()


# How it runs


def test_its_parts_are_forks_that_hold_nothing_of_each_other(server: Server) -> None:
    main = server.process.pid
    (api,), workers = server.parts("api"), server.parts("worker")
    assert workers
    assert len(list(Path(f"/proc/{main}/task").iterdir())) == 1  # or a lock might be forked that nobody opens again
    for part in (api, *workers):
        assert os.getsid(part) == part != os.getsid(main)
    lock = str(server.folder / "timbre.lock")
    assert lock in {file.path for file in psutil.Process(main).open_files()}
    for part in map(psutil.Process, (api, *workers)):
        assert lock not in {file.path for file in part.open_files()}
        assert str(Path(f"/proc/{part.pid}/fd/0").readlink()) == os.devnull
        listening = [line for line in part.net_connections("tcp") if line.status == psutil.CONN_LISTEN]
        assert [line.laddr.port for line in listening] == ([server.port] if part.pid == api else [])


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_part_that_is_killed_is_there_again(server: Server, name: str) -> None:
    (before,) = server.parts(name)
    os.kill(before, signal.SIGTERM)
    deadline = time.monotonic() + ENOUGH
    while server.parts(name) in ([], [before]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while httpx.get(f"{server.address}/readyz").status_code != 200:
        assert time.monotonic() < deadline


# How it ends


@pytest.mark.exhaustive
def test_it_ends_with_all_its_processes_though_a_job_runs(folder: Path) -> None:
    recording = folder / "long.wav"
    samples = np.tile(tone(200, 10, 8000), 180)
    recording.write_bytes(wav((samples * 20_000).astype(np.int16).tobytes(), rate=8000))
    with Server(folder / "data") as server:
        with server.client() as client:
            conversation = upload(client, CONVERSATION)
            jobs = [
                submit(client, "diarize", url=upload(client, recording)),
                *(submit(client, "diarize", url=conversation) for _ in range(2)),
            ]
            deadline = time.monotonic() + ENOUGH
            while client.get(f"/v1/jobs/{jobs[0]}").json()["status"] == "created":
                assert time.monotonic() < deadline
            with client.stream("GET", f"/v1/jobs/{jobs[-1]}/events"):  # nor does who listens hold it up
                assert "Stopping" in stopped(server, signal.SIGINT)
        server.start()
        with server.client() as client:
            assert [finished(client, job)["status"] for job in jobs] == ["succeeded"] * 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_broken_off_can_be_repeated(folder: Path, number: signal.Signals) -> None:
    data = folder / "data"
    # While the database is made, while it starts, and while the API and the worker do.
    for moment in ("postgres.new-*/PG_VERSION", "postgres/postmaster.pid", "master.key"):
        process = subprocess.Popen(
            [*SERVE, "--port", "0", "--data-dir", str(data)],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + ENOUGH
        while not list(data.glob(moment)):
            assert time.monotonic() < deadline
            assert process.poll() is None
        os.killpg(process.pid, number)  # as a terminal does
        process.communicate(timeout=ENOUGH)
        if number is signal.SIGINT:
            assert processes(folder) == []
    with Server(data, own_database=True) as server:
        assert server.key  # nobody has seen one before
        stopped(server, signal.SIGINT)
    assert not list(data.glob("postgres.new-*"))


# Where and how it runs


@pytest.mark.exhaustive
def test_nobody_need_read_what_it_says(folder: Path) -> None:
    command = f"{' '.join(SERVE)} --port 0 --data-dir {folder} | head -1"
    with subprocess.Popen(["sh", "-c", command], env=environment(), stdout=subprocess.PIPE, text=True) as shell:
        address = re.search(r"http://\S+;", shell.stdout.readline())
        assert address
        # What reads has gone by now, or will: the server goes on.
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert httpx.get(f"{address[0][:-1]}/readyz").status_code == 200
            time.sleep(0.2)
        pid = int((folder / "timbre.lock").read_text())
        os.kill(pid, signal.SIGTERM)
    assert processes(folder) == []


@pytest.mark.exhaustive
def test_it_runs_with_all_streams_closed(folder: Path) -> None:
    port = free_port()
    command = f"exec {' '.join(SERVE)} --port {port} --data-dir {folder} <&- >&- 2>&-"
    with subprocess.Popen(["sh", "-c", command], env=environment()) as process:
        deadline = time.monotonic() + ENOUGH
        while True:
            assert time.monotonic() < deadline
            assert process.poll() is None
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        process.send_signal(signal.SIGHUP)
        assert process.wait(ENOUGH) == 0
    assert processes(folder) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name",
    [
        '录音 of späce, it\'s "$HOME" `x`; a\\b %20',
        "/".join(["l" * 60, "m" * 60]),
    ],
    ids=["strange", "long"],
)
def test_any_folder_and_any_environment_will_do(folder: Path, name: str) -> None:
    foreign = {"http_proxy": "http://127.0.0.1:9", "PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/", "LC_ALL": "xx_YY"}
    with Server(folder / name, foreign, own_database=True) as server:
        with server.client() as client:
            job = submit(client, "voiceprint", url=upload(client, voice("Ada")))
            assert finished(client, job)["status"] == "succeeded"
        assert server.key[-6:] in server.run("keys", "list")
        stopped(server, signal.SIGINT)


@pytest.mark.exhaustive
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become somebody else")
def test_it_runs_as_somebody_who_is_not_root(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    own = environment(HOME=str(home), TIMBRE_OFFLINE="1")
    roots = folder / "roots"
    roots.mkdir(mode=0o700)
    refused = said_by("--port", "0", "--data-dir", roots / "data", prefix=AS_NOBODY, env=own, cwd=home)
    assert refused.returncode == REFUSED
    assert "Permission denied" in refused.stderr
    assert refused.stderr.count("\n") == 1

    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [*AS_NOBODY, *SERVE, "--port", "0"],
                env=own,
                cwd=home,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        stack.callback(process.terminate)
        said = until_ready(process)
        found = re.search(
            r"ready on (http://\S+); its data is in (\S+)\.\s+web app +\S+ .*\s+again .*\s+API key +(sk_\S+)", said
        )
        assert found, said
        address, data, key = found.groups()
        assert Path(data).is_relative_to(home)
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=ENOUGH) as client:
            job = submit(client, "voiceprint", url=upload(client, voice("Ada")))
            assert finished(client, job)["status"] == "succeeded"
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes(Path(data))}
        assert owners == {NOBODY}
    assert processes(folder) == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
