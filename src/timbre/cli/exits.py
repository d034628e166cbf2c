"""How a command ends: its exit code, and one line on stderr that says why."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import Final, TextIO

import typer

from timbre.disk import is_full
from timbre.errors import (
    DiskFull,
    InputError,
    NameTaken,
    NothingToStep,
    NotKept,
    OptionError,
    RevisionStale,
    SamplesFull,
    TimbreError,
    UpgradeRefused,
    VoiceDecided,
)

SAYS: Final = "timbre: "  # before each line of ours on stderr


class Exit(IntEnum):
    """The exit codes; an interrupt from the keyboard gives 130."""

    DONE = 0
    INPUT = 1
    USAGE = 2
    FAULT = 3
    UNREAD = 141  # whoever read the output went away: 128 and the number of SIGPIPE


def report(error: Exception, subject: object = None) -> Exit:
    """Say on stderr why a command, or its work on a subject such as a file, failed; return the code it ends with."""
    import logging  # noqa: PLC0415

    logging.getLogger(__name__).debug("Traceback:", exc_info=error)
    if is_full(error):
        error = DiskFull()
    known = isinstance(error, TimbreError)
    text = str(error) if known else f"{type(error).__name__}: {error}"
    message = " ".join(text.split())
    if not known:
        message = f"This is a fault of Timbre: {message}; run with --debug for the traceback"
    _say(message, subject)
    return _code(error)


def warn(message: str, subject: object = None) -> None:
    """Say on stderr what a user should know about a result."""
    _say(f"warning: {message}", subject)


def tell(text: str, *, err: bool = False) -> None:
    """Print a line, and go on if it cannot be written, or nobody reads it."""
    try:
        typer.echo(text, err=err)
    except OSError:
        _silence(sys.stderr if err else sys.stdout)


def finish(code: int) -> int:
    """Bring out what is not printed yet, so that nothing fails after the end; return the code to end with."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as where it was closed before the start
                stream.flush()
        except OSError as error:
            _silence(stream)
            if stream is sys.stdout and code == Exit.DONE:
                code = Exit.UNREAD if isinstance(error, BrokenPipeError) else report(error)
    return code


def _say(message: str, subject: object) -> None:
    tell(f"{SAYS}{message}" if subject is None else f"{SAYS}{subject}: {message}", err=True)


def _silence(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, also when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _code(error: Exception) -> Exit:
    match error:
        case (
            InputError()
            | NotKept()
            | NameTaken()
            | SamplesFull()
            | RevisionStale()
            | VoiceDecided()
            | NothingToStep()
            | UpgradeRefused()
        ):
            return Exit.INPUT
        case OptionError():
            return Exit.USAGE
        case _:
            return Exit.FAULT
