"""A fleet on this machine: PostgreSQL, an API and workers as processes of their own, to be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from benchmarks.reliability.warm import Forked
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import worker_name

PATIENCE = 240.0  # seconds for a part to start, and for an end that was asked for
PAUSE = 0.05
SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "TIMBRE_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TIMBRE_WEBHOOK_HTTP": "1",
    "TIMBRE_SUBMITS_PER_MINUTE": "0",
    "TIMBRE_READS_PER_MINUTE": "0",
    "TIMBRE_TEAM_SHARE": "1",
    "TIMBRE_STOP_SECONDS": "1",
}
HOST = "127.0.0.1"


@dataclass(kw_only=True)
class Part:
    """A process of a server, and how to start it once more."""

    name: str
    command: Sequence[str]  # of `timbre`, or any program where it is not one
    environment: Mapping[str, str]
    log: Path
    program: bool = False  # started as any program is, not forked
    process: subprocess.Popen[bytes] | Forked | None = None

    def start(self) -> None:
        """Start it, and wait for nothing."""
        if not self.program:
            self.process = Forked(self.command, {**os.environ, **self.environment}, self.log)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        """Its number."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.process.pid

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        return self.process is None or self.process.poll() is not None

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if not self.dead:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Tell it to stop; kill it if it does not."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            if self.process is not None:
                self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(kw_only=True)
class Fleet:
    """A running server of many parts."""

    folder: Path
    settings: Mapping[str, str]
    address: str
    key: str
    url: str  # of the database
    programs: bool = False  # its parts are started as any program is
    parts: list[Part] = field(default_factory=list)

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The database, to start it again."""
        return EmbeddedPostgres(self.folder / "postgres")

    @property
    def workers(self) -> list[Part]:
        """The parts that work."""
        return [part for part in self.parts if part.name.startswith("worker")]

    def part(self, name: str) -> Part:
        """The part of a name."""
        return next(part for part in self.parts if part.name == name)

    def postmaster(self) -> int:
        """The process number of the database."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])

    def add(self, name: str, *arguments: str, settings: Mapping[str, str] | None = None) -> Part:
        """Start one more part."""
        part = Part(
            name=name,
            command=[sys.executable, "-m", "timbre", *arguments] if self.programs else arguments,
            environment={**self.settings, **(settings or {})},
            log=self.folder / "log" / f"{name}.log",
            program=self.programs,
        )
        self.parts.append(part)
        part.start()
        return part

    def wait_until_ready(self) -> None:
        """Wait until /readyz says so."""
        deadline = time.monotonic() + PATIENCE
        said = "it does not answer"
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"{self.address}/readyz", timeout=5, trust_env=False)
                if answer.status_code == 200:
                    return
                said = answer.text
            except httpx.TransportError as error:
                said = repr(error)
            time.sleep(PAUSE)
        raise RuntimeError(f"the server is not ready after {PATIENCE:g} s: {said}; logs in {self.folder / 'log'}")

    def wait_for_workers(self, number: int) -> None:
        """Wait until so many workers have said that they are there."""
        deadline = time.monotonic() + PATIENCE
        names = [worker_name(part.pid) for part in self.workers]
        while time.monotonic() < deadline:
            with psycopg.connect(self.url) as database:
                row = database.execute("SELECT count(*) FROM workers WHERE name = ANY(%s)", [names]).fetchone()
            if row and row[0] >= number:
                return
            time.sleep(PAUSE)
        raise RuntimeError(f"{number} workers are not there after {PATIENCE:g} s")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def timbre(settings: Mapping[str, str], *arguments: str) -> str:
    """Run a command; return what it prints."""
    with tempfile.NamedTemporaryFile() as said:
        code = Forked(arguments, {**os.environ, **settings}, Path(said.name)).wait(PATIENCE)
        text = Path(said.name).read_text("utf-8").strip()
    if code:
        raise RuntimeError(f"timbre {' '.join(arguments)}: {text}")
    return text


@contextmanager
def fleet(
    folder: Path, *, workers: int, programs: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """Run an API and workers on a database of their own while the block runs."""
    (folder / "log").mkdir(parents=True)
    postgres = EmbeddedPostgres(folder / "postgres")
    with ExitStack() as stack:
        url = postgres.start()
        stack.callback(postgres.stop)
        port = free_port()
        environment = {**SETTINGS, "TIMBRE_DATABASE_URL": url, "TIMBRE_DATA_DIR": str(folder), **(settings or {})}
        timbre(environment, "migrate")
        key = timbre(environment, "keys", "create", "chaos")
        address = f"http://{HOST}:{port}"
        running = Fleet(folder=folder, settings=environment, address=address, key=key, url=url, programs=programs)
        stack.callback(_stop, running)
        running.add("api", "api", "--port", str(port))
        for number in range(workers):
            running.add(f"worker-{number}", "worker")
        running.wait_until_ready()
        running.wait_for_workers(workers)
        yield running


@contextmanager
def served(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Fleet]:
    """Run `timbre serve`, the one part of this fleet, while the block runs."""
    (folder / "log").mkdir(parents=True)
    port = free_port()
    environment = {**SETTINGS, **(settings or {})}
    running = Fleet(folder=folder, settings=environment, address=f"http://{HOST}:{port}", key="", url="")
    try:
        running.add("serve", "serve", "--port", str(port), "--data-dir", str(folder))
        running.wait_until_ready()
        running.url = running.postgres.url() or ""
        running.key = timbre(environment, "keys", "create", "chaos", "--data-dir", str(folder))
        yield running
    finally:
        _stop(running)
        running.postgres.stop()


def _stop(running: Fleet) -> None:
    for part in reversed(running.parts):
        part.stop()
