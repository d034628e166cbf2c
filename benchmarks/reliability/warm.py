"""Parts of a server, forked from a process that has loaded the code: one more costs a fraction of a second."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["timbre.cli", "timbre.http.app", "timbre.http.server", "timbre.service.worker.process"]
)


class Forked:
    """A command of `timbre` that was forked, with what is needed of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        given = (list(arguments), dict(environment), str(log))
        self._process: ForkServerProcess = _CONTEXT.Process(target=_be, args=given)
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Its code if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            TimeoutExpired: it has not.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("timbre", timeout or 0.0)
        return self._process.exitcode


def _be(arguments: list[str], environment: dict[str, str], log: str) -> None:
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(out, number)
    os.close(out)
    os.environ.clear()
    os.environ.update(environment)
    from timbre.cli import main  # noqa: PLC0415 - only in what is forked

    sys.exit(main(arguments))
