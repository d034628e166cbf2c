"""Progress bars, on stderr and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from timbre.cli.display.units import megabytes

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def hearing(recording: str) -> Iterator[Callable[[str, float], None]]:
    """Draw how far the engine is with a recording; gives what to tell the stage and the fraction of it that is done."""
    if not sys.stderr.isatty():
        yield lambda _stage, _fraction: None
        return
    from rich.progress import TimeElapsedColumn  # noqa: PLC0415

    with _bars(TimeElapsedColumn()) as bars:
        task = bars.add_task(recording, total=1.0)
        yield lambda stage, fraction: bars.update(task, description=f"{recording}: {stage}", completed=fraction)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Draw how many of some items are done; gives what to call after each."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import MofNCompleteColumn, TimeRemainingColumn  # noqa: PLC0415

    with _bars(MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


@contextmanager
def filling(what: str) -> Iterator[Callable[[int, int], None]]:
    """Draw how many of some items are done; gives what to tell that, and of how many."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import MofNCompleteColumn, TimeRemainingColumn  # noqa: PLC0415

    with _bars(MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def downloading() -> Iterator[Callable[[str, int, int | None], None]]:
    """Draw how many bytes of each file have come; without a terminal, print one line a file when all have."""
    if not sys.stderr.isatty():
        yield _say_when_complete
        return
    from rich.progress import DownloadColumn, TransferSpeedColumn  # noqa: PLC0415

    with _bars(DownloadColumn(), TransferSpeedColumn(), transient=False) as bars:
        tasks = {}

        def draw(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=None)
            bars.update(tasks[name], completed=done, total=total)

        yield draw


def _say_when_complete(name: str, done: int, total: int | None) -> None:
    if done == total:
        typer.echo(f"{name}: {megabytes(done)}")


def _bars(*columns: ProgressColumn, transient: bool = True) -> Progress:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    name = TextColumn("{task.description}", markup=False)
    return Progress(name, BarColumn(), *columns, console=Console(stderr=True), transient=transient)
