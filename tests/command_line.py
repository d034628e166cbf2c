"""The command line for tests, in this process and in one of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from timbre.cli import main

SAMPLES = Path(__file__).parent.parent / "samples"
TIMBRE = [sys.executable, "-c", "from timbre.cli import main; main()"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Ended:
    """Run `timbre` in this process; no stream is a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with _own_signals(), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return Ended(code=int(exit_.value.code or 0), out=out.getvalue(), err=err.getvalue())


@contextmanager
def _own_signals() -> Iterator[None]:
    """Take back what a server has taken over: in this process they are pytest's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def started(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start `timbre` in a process of its own."""
    command = [*TIMBRE, *(os.fsencode(str(argument)) for argument in arguments)]
    return subprocess.Popen(command, **{"stderr": subprocess.PIPE, **options})
