"""`timbre` without its start: one process loads the code and is forked for every command, which saves most of its CPU.

Run as a program, it is that process: it forks for whoever asks on its standard input, a socket, until that is closed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

_LONGEST = 1 << 20  # bytes of a question
_CODE = struct.Struct("i")
_asking = Lock()


class Command:
    """A command of `timbre` that runs, with what tests need of `subprocess.Popen`; both outputs are one text."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        out, its_out = os.pipe()
        self._end, its_end = os.pipe()
        question = {"arguments": list(arguments), "environment": dict(environment), "folder": str(Path.cwd())}
        with _asking:
            asked, _ = _warm()
            socket.send_fds(asked, [json.dumps(question).encode()], [its_out, its_end])
            (self.pid,) = _CODE.unpack(asked.recv(_CODE.size))
        os.close(its_out)
        os.close(its_end)
        self.stdout: TextIO = os.fdopen(out, encoding="utf-8")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its code if it has ended, negative for a signal."""
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            (status,) = _CODE.unpack(os.read(self._end, _CODE.size))
            os.close(self._end)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return its code."""
        if self.returncode is None and not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("timbre", timeout)
        return self.poll()


@cache
def _warm() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the process that is forked; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    with its:
        process = subprocess.Popen([sys.executable, Path(__file__)], stdin=its, env=environment)
    return ours, process


def _next_command() -> list[str]:
    """Fork for every question; return in each fork, as what it shall be; here, end with who asks."""
    asked = socket.socket(fileno=os.dup(0))
    running: dict[int, tuple[int, int]] = {}  # by a descriptor that tells of its end: a process, and where to say so
    while True:
        for ready in select.select([asked, *running], [], [])[0]:
            if ready is not asked:
                process, end = running.pop(ready)
                os.write(end, _CODE.pack(os.waitpid(process, 0)[1]))
                os.close(end)
                os.close(ready)
                continue
            question, given, *_ = socket.recv_fds(asked, _LONGEST, 2)
            if not question:
                sys.exit()
            out, end = given
            if process := os.fork():
                os.close(out)
                running[os.pidfd_open(process)] = process, end
                asked.send(_CODE.pack(process))
                continue
            asked.close()
            for descriptor in (end, *running, *(other for _, other in running.values())):
                os.close(descriptor)
            return _become(json.loads(question), out)


def _become(question: dict[str, Any], out: int) -> list[str]:
    """Be the process that was asked for, as if it had just been started."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(descriptor, number)
    for descriptor in (nothing, out):
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(question["environment"])
    os.chdir(question["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return question["arguments"]


def _main() -> None:
    from timbre.cli import main  # noqa: PLC0415 - tests load this module for `Command` alone
    from timbre.cli.server.parts import load  # noqa: PLC0415
    from timbre.cli.server.supervisor import Supervisor  # noqa: F401, PLC0415

    load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ended by its socket
    main(_next_command())


if __name__ == "__main__":
    _main()
