"""The command line for tests, in this process and in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
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
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return Ended(code=int(exit_.value.code or 0), out=out.getvalue(), err=err.getvalue())


def started(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start `timbre` in a process of its own."""
    command = [*TIMBRE, *(os.fsencode(str(argument)) for argument in arguments)]
    return subprocess.Popen(command, **{"stderr": subprocess.PIPE, **options})
