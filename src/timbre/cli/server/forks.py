"""Processes that are forked: they begin with all that this one has loaded, and share the memory of it.

A fork has one thread, whatever the process had that it was forked from, and libraries with threads of their own do not
survive that. So what starts any, a session of ONNX Runtime or the client of an object store, is for forks alone.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

import typer

from timbre.cli.exits import Exit, finish, report

_FORK: Final = multiprocessing.get_context("fork")
_DIE_WITH_PARENT: Final = 1  # of prctl(2)
_NAME: Final = 15  # of prctl(2)
_ARGUMENTS: Final = slice(45, 47)  # where they begin and end: fields 48 and 49 of proc_pid_stat(5), without the first 3
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def fork(
    act: Callable[[], object], *, name: str, log: Path, environment: Mapping[str, str], without: Sequence[int]
) -> ForkProcess:
    """Do something in a process with a session of its own, which dies with this one.

    Args:
        act: What it does; it ends then, with the code and the last line that a command would.
        name: What it is called in lists of processes; of 15 letters at most where they give only short names.
        log: Where its output goes.
        environment: Its own variables.
        without: Descriptors that it shall not have.
    """
    gc.freeze()  # a collection would write to, and so copy, what is shared

    def run() -> None:
        os.setsid()  # Ctrl-C is for the parent alone
        _die_with(parent)
        for descriptor in without:
            os.close(descriptor)
        _speak_to(log)
        _be_called(name)
        os.environ.update(environment)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _ended(act)

    parent = os.getpid()
    process = _FORK.Process(target=run, name=name, daemon=True)
    with _no_signals() as before:  # the fork would take one for its parent's
        process.start()
    gc.unfreeze()
    return process


def apart(act: Callable[[], object]) -> None:
    """Do something in a fork, for what it leaves in a process, and wait until it is done.

    Raises:
        typer.Exit: it failed, and has said why.
    """
    parent = os.getpid()

    def run() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _die_with(parent)
        _ended(act)

    process = _FORK.Process(target=run, daemon=True)
    process.start()
    process.join()
    if code := process.exitcode:
        raise typer.Exit(code if code > 0 else Exit.FAULT)


def _ended(act: Callable[[], object]) -> None:
    code: int = Exit.DONE
    try:
        act()
    except Exception as error:  # noqa: BLE001 - as of every command
        code = report(error)
    sys.exit(finish(code))


@contextmanager
def _no_signals() -> Iterator[set[signal.Signals | int]]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield set(before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died just before
        os._exit(1)


def _speak_to(log: Path) -> None:
    with log.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def _be_called(name: str) -> None:
    """Write a name where the system keeps that of the program, and over the arguments that it was started with."""
    ctypes.CDLL(None).prctl(_NAME, name.encode())
    fields = Path("/proc/self/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    start, end = map(int, fields[_ARGUMENTS])
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, name.encode(), min(len(name), end - start - 1))
