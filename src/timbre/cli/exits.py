"""How a command ends: its exit code, and one line on stderr that says why."""

from __future__ import annotations

from enum import IntEnum

import typer

from timbre.errors import InputError, NameTaken, NotKept, OptionError, SamplesFull, TimbreError


class Exit(IntEnum):
    """The exit codes; an interrupt from the keyboard gives 130."""

    DONE = 0
    INPUT = 1
    USAGE = 2
    FAULT = 3


def report(error: Exception, subject: object = None) -> Exit:
    """Say on stderr why a command, or its work on a subject such as a file, failed; return the code it ends with."""
    import logging  # noqa: PLC0415

    logging.getLogger(__name__).debug("Traceback:", exc_info=error)
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


def _say(message: str, subject: object) -> None:
    typer.echo(f"timbre: {message}" if subject is None else f"timbre: {subject}: {message}", err=True)


def _code(error: Exception) -> Exit:
    match error:
        case InputError() | NotKept() | NameTaken() | SamplesFull():
            return Exit.INPUT
        case OptionError():
            return Exit.USAGE
        case _:
            return Exit.FAULT
