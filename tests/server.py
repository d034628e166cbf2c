"""A real server for tests: `timbre serve` in a process of its own, on a folder of its own, and what to ask it with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any, Self

import httpx
from typer.testing import CliRunner

from data_folder import put_database
from said import Said
from timbre.cli import app
from warm import Command

SAMPLES = Path(__file__).parent.parent / "samples"
CONVERSATION = SAMPLES / "conversation.ogg"
OWN_HOST = "timbre.test"  # by which servers of tests may be asked for
ALLOWING = {"TIMBRE_ALLOWED_HOSTS": OWN_HOST, "TIMBRE_REFUSALS_PER_MINUTE": "0"}  # tests show thousands of wrong keys
ENOUGH = 60.0  # seconds for what takes a few
FINAL = {"succeeded", "failed", "canceled"}
LOOPBACK = {"TIMBRE_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128", "TIMBRE_WEBHOOK_HTTP": "1"}


def voice(name: str) -> Path:
    """The enrolment recording of Ada, Ben, Callum or Dan: twenty seconds of them alone."""
    return SAMPLES / "enrol" / f"{name}.flac"


class Server:
    """`timbre serve`, from the command to Ctrl-C.

    `address`, `key` and the `link` that signs a browser in are known once it has started; `client` asks with that key.
    A folder without a database gets a copy of an empty one, unless the server shall make its own. It is forked from
    what has loaded the code before, unless it is said by which command to start it.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        own_database: bool = False,
        timbre: Sequence[str | Path] | None = None,
    ) -> None:
        self.folder = folder
        self.own_database = own_database
        self.settings = dict(settings or {})
        self.port = port
        self.timbre = timbre
        self.address = ""
        self.key = ""
        self.link = ""
        self.process: subprocess.Popen[str] | Command | None = None
        self.said: Said | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it, and wait until it says that it is ready."""
        if not self.own_database:
            put_database(self.folder)
        arguments = ["serve", "--port", str(self.port), "--data-dir", str(self.folder)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **ALLOWING, **self.settings}
        if self.timbre is None:
            self.process = Command(arguments, environment)
        else:
            self.process = subprocess.Popen(
                [*self.timbre, *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.said = Said(self.process.stdout)
        said = []
        for line in self.said:
            said.append(line)
            if found := re.search(r"ready on (http://\S+);", line):
                self.address = found[1]
                self.port = httpx.URL(self.address).port
            if found := re.search(r"web app +(http\S+)", line):
                self.link = found[1]
            if found := re.search(r"API key +(sk_\S+)", line):
                self.key = found[1]
            if "Ctrl-C" in line:
                return self
        raise AssertionError(f"timbre serve ended with {self.process.wait(ENOUGH)}:\n{''.join(said)}")

    def stop(self) -> int:
        """Ctrl-C; return the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code, _ = self.ended()
        except (subprocess.TimeoutExpired, Empty):
            self.process.kill()
            raise
        return code

    def ended(self) -> tuple[int, str]:
        """Wait until all of it has ended; return the exit code, and what it said since it was ready."""
        assert self.process
        code, said = self.process.wait(ENOUGH), "".join(self.said)
        self.process = None
        return code, said

    def parts(self, name: str) -> list[int]:
        """The processes that live of the API, `api`, or of the workers, `worker`."""
        main = self.process.pid
        found = []
        for child in Path(f"/proc/{main}/task/{main}/children").read_text("ascii").split():
            with suppress(OSError):  # it has just ended
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(f"timbre {name}".encode()):
                    found.append(int(child))
        return found

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with the first key, or another."""
        return httpx.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=ENOUGH
        )

    def run(self, *arguments: str) -> str:
        """Run a command of `timbre` on this server's folder, in this process; return what it prints."""
        line = [*arguments, "--data-dir", str(self.folder)]
        with ThreadPoolExecutor(1) as thread:  # in that of a test a browser's event loop may run
            done = thread.submit(CliRunner().invoke, app, line, env=self.settings).result()
        assert done.exit_code == 0, done.stderr or str(done.exception)
        return done.stdout.strip()


def upload(client: httpx.Client, path: Path, name: str | None = None) -> str:
    """Upload a file as the SDK does; return its `media://` address."""
    url = f"media://{name or path.name}"
    link = client.post("/v1/media/input", json={"url": url})
    assert link.status_code == 201, link.text
    assert httpx.put(link.json()["url"], content=path.read_bytes()).is_success
    return url


def submit(client: httpx.Client, kind: str, **body: Any) -> str:
    """Submit a job; return its id."""
    answer = client.post(f"/v1/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["jobId"]


def finished(client: httpx.Client, job: str, seconds: float = ENOUGH) -> dict[str, Any]:
    """Wait until a job has ended; return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = client.get(f"/v1/jobs/{job}", params={"wait": 10})
        assert answer.status_code == 200, answer.text
        if answer.json()["status"] in FINAL:
            return answer.json()
    raise AssertionError(f"{job} has not ended after {seconds:g} s: {answer.text}")
