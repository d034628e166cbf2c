"""Starting decoding processes: the parent's half of `launcher.py`.

The launcher is started with the first file and stays as long as this program; one that is gone is replaced.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

_PACKAGE: Final = Path(__file__).parents[1]
_PROGRAM: Final = """
import sys, types
package = types.ModuleType("timbre")  # the package without its front door, which would load the engine
package.__path__ = [sys.argv[1]]
sys.modules["timbre"] = package
from timbre.audio.launcher import main
main()
"""
_LONGEST_CODE: Final = 16  # bytes


class DecodingProcess:
    """A process that decodes one file."""

    def __init__(self, reports: BinaryIO, owner: socket.socket) -> None:
        self.reports = reports  # what it writes to its standard output
        self._owner = owner

    def kill(self) -> None:
        """End it, whatever it is busy with; may be called from another thread, and after its end."""
        with contextlib.suppress(OSError):
            self._owner.shutdown(socket.SHUT_WR)

    def wait(self) -> int | None:
        """Wait for its end; return the exit code, below 0 a signal, or None where the launcher is gone."""
        try:
            code = self._owner.recv(_LONGEST_CODE)
        except OSError:
            code = b""
        self.reports.close()
        self._owner.close()
        return int(code) if code else None


def start(order: dict[str, Any], file: BinaryIO, outputs: Sequence[BinaryIO]) -> DecodingProcess:
    """Start a process that runs `decoder.main` on an order, an open file and one output, or one for each channel."""
    files = [opened.fileno() for opened in (file, *outputs)]
    theirs: list[int] = []
    try:
        reading, writing = os.pipe()
        theirs.append(writing)
        reports = os.fdopen(reading, "rb", buffering=0)
        ours, owner = socket.socketpair()
        theirs.append(owner.detach())
        _launchers.request(json.dumps(order).encode(), [*theirs, *files])
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    return DecodingProcess(reports, ours)


class _Launchers:
    """The launcher of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def request(self, order: bytes, descriptors: list[int]) -> None:
        """Have a process forked; if that fails, the sockets among the descriptors close."""
        with self._lock:
            if self._running is not None and self._running[0].poll() is not None:
                self.stop()
            if self._running is None:
                self._running = self._started()
            with contextlib.suppress(OSError):  # it has just died
                socket.send_fds(self._running[1], [order], descriptors)

    def stop(self) -> None:
        """End the launcher, and with it every decoding process."""
        if self._running is not None:
            process, requests = self._running
            requests.close()
            process.kill()
            process.wait()
            self._running = None

    def forget(self) -> None:
        """Leave the launcher to the process that this one was forked from."""
        self._lock, self._running = threading.Lock(), None

    def _started(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", _PROGRAM, str(_PACKAGE)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                process_group=0,  # an interrupt from the terminal is for us to act on
            )
        return process, ours


def _environment() -> dict[str, str]:
    """Return what decoding needs of our environment: the places to import from, and no secrets."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONHOME") if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}


_launchers: Final = _Launchers()
atexit.register(_launchers.stop)
os.register_at_fork(after_in_child=_launchers.forget)
