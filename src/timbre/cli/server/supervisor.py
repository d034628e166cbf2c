"""The process tree of `timbre serve`: forks the API and the workers, forks again what dies, stops everything."""

from __future__ import annotations

import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

import psycopg

from timbre.cli.exits import SAYS
from timbre.cli.inputs.loading import read_settings
from timbre.cli.server import parts
from timbre.cli.server.data_folder import log_file
from timbre.cli.server.forks import fork
from timbre.errors import DiskFull, ServerError
from timbre.settings import Settings
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import worker_name
from timbre.store.queries import queries

_LOOK: Final = 0.2  # seconds between two looks at the children
_STEADY: Final = 3.0  # seconds after which a child counts as well
_LONGEST_PAUSE: Final = 5.0  # seconds before a child that dies again and again is started
_PATIENCE: Final = 60.0  # seconds for the server to become ready
_GRACE: Final = 3.0  # seconds beyond `stop_seconds`, before what still runs is killed
_JOBS: Final = queries("jobs")


@dataclass(slots=True, kw_only=True)
class _Child:
    name: str
    act: Callable[[], None]
    log: Path
    without: Sequence[int]  # descriptors of this process
    process: ForkProcess | None = None
    started: float = 0.0
    deaths: int = 0  # one after the other, each before it counted as well
    due: float = field(default=0.0)


class Signals:
    """SIGINT, SIGTERM and SIGHUP, from `catch` on: the first is noted in `came`, those after it do what `more` says.

    Nothing is interrupted half done; but who asks twice before there are children to stop means it.
    """

    def __init__(self) -> None:
        self.came = False
        self.more: Callable[[], None] = _interrupt

    def catch(self) -> None:
        """Begin to."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        if self.came:
            self.more()
        self.came = True


class Supervisor:
    """Holds the children of one server."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        listener: socket.socket,
        *,
        locks: list[int],
        postgres: EmbeddedPostgres | None,
        signals: Signals,
        say: Callable[[str], None],
    ) -> None:
        """See that everything can be started, and start nothing yet.

        Raises:
            PathUnusable, DiskFull: the files that parts of the server log to cannot be used.
        """
        self._settings = settings
        self._folder = folder
        self._url = ""
        self._postgres = postgres
        self._say = say
        self._signals = signals
        self._postgres_due = 0.0
        self._listener = listener
        self._children = [
            _Child(name="api", act=self._api, log=log_file(folder, "api"), without=locks),
            *(
                _Child(
                    name=f"worker {number}",
                    act=self._worker,
                    log=log_file(folder, f"worker-{number}"),
                    without=[*locks, listener.fileno()],
                )
                for number in range(1, settings.workers + 1)
            ),
        ]

    def start(self, address: str, url: str) -> None:
        """Start everything on a database, and wait until the server is ready.

        Raises:
            ServerError: it does not become ready; the message has the end of a log.
        """
        self._url = url
        self._signals.more = self._kill
        parts.load()
        for child in self._children:
            self._start(child)
        deadline = time.monotonic() + _PATIENCE
        while not self._signals.came and not _ready(address):
            dead = [child for child in self._children if child.process and child.process.exitcode is not None]
            if dead:
                raise ServerError(f"The {dead[0].name} does not start: {_end(dead[0].log)}")
            if time.monotonic() > deadline:
                raise ServerError(f"The server is not ready after {_PATIENCE:g} s; see {self._children[0].log.parent}.")
            time.sleep(_LOOK / 4)

    def run(self) -> None:
        """Keep everything running until a signal comes."""
        while not self._signals.came:
            self._look()
            time.sleep(_LOOK)

    def stop(self) -> None:
        """Stop the children: politely, then not."""
        running = [child.process for child in self._children if child.process and child.process.exitcode is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._settings.stop_seconds + _GRACE
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
                process.join()

    def _kill(self) -> None:
        for child in self._children:
            if child.process:
                child.process.kill()

    def _look(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due:
                    self._start(child)
            elif (code := child.process.exitcode) is not None:
                self._bury(child, code)
            elif child.deaths and now - child.started > _STEADY:
                child.deaths = 0
        if self._postgres and now >= self._postgres_due and not self._postgres.running():
            self._say("The database died; it is started again.")
            try:
                self._postgres.start()
            except (ServerError, DiskFull) as error:
                self._say(f"{error} It is tried again in {_LONGEST_PAUSE:g} s.")
                self._postgres_due = time.monotonic() + _LONGEST_PAUSE

    def _bury(self, child: _Child, code: int) -> None:
        """Note a death, and free what the dead worked on so that nobody waits for its heartbeat."""
        if child.process is None:
            return
        pause = 0.0 if not child.deaths else min(_LONGEST_PAUSE, 0.25 * 2**child.deaths)
        self._say(f"The {child.name} ended ({_reason(code)}) and is started again; its log is {child.log}.")
        child.due = time.monotonic() + pause
        child.deaths += 1
        worker = worker_name(child.process.pid or 0)
        child.process = None
        try:
            with psycopg.connect(self._url, connect_timeout=2) as connection:
                connection.execute(_JOBS["abandon_worker"], {"worker": worker})
        except psycopg.Error:
            return  # the heartbeat will tell

    def _start(self, child: _Child) -> None:
        own = {
            "TIMBRE_DATABASE_URL": self._url,
            "TIMBRE_DEVICE": self._settings.device,
            "TIMBRE_DRAIN_SECONDS": "0",  # there is no other API
            "TIMBRE_DATA_DIR": str(self._folder),
            "TIMBRE_LOG_FILE": str(child.log),
        }
        child.process = fork(
            child.act, name=f"timbre {child.name}", log=child.log, environment=own, without=child.without
        )
        child.started = time.monotonic()

    def _api(self) -> None:
        parts.run_api(read_settings(), self._url, lambda: self._listener)

    def _worker(self) -> None:
        parts.run_worker(read_settings(), self._url)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that the API answers on; it outlives an API that dies, so that no client is refused.

    Raises:
        OSError: the address is taken, or is not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _interrupt() -> None:
    raise KeyboardInterrupt


def _ready(address: str) -> bool:
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever the environment says
    try:
        with directly.open(f"{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _end(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines()[-3:]
    reasons = [line.removeprefix(SAYS) for line in lines if line.startswith(SAYS)]  # among lines for other eyes
    return (reasons or [" / ".join(lines)])[-1] or f"its log {log} is empty"
