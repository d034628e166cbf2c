"""Progress bars, on stderr and only where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from timbre.cli.display.units import clock, megabytes

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

_EVERY: Final = 60.0  # seconds between two lines
_HOUR: Final = 3600.0


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


class Batching:
    """Tells how far a batch is, how fast it goes and what is left: as a bar, or in a line a minute."""

    def __init__(self, total: int, bars: Progress | None) -> None:
        self._total = total
        self._bars = bars
        self._task = bars.add_task("Recordings", total=total) if bars else None
        self._began = self._said = time.monotonic()
        self._before = self._done = 0
        self._seconds = 0.0  # of sound

    def skip(self, count: int) -> None:
        """So many were done before."""
        self._before = count
        if count:
            typer.echo(f"{count} of {self._total} recordings were done before.", err=True)
        if self._bars and self._task is not None:
            self._bars.update(self._task, completed=count)

    def __call__(self, seconds: float) -> None:
        """One more is done, of so many seconds."""
        self._done += 1
        self._seconds += seconds
        now = time.monotonic()
        if self._bars and self._task is not None:
            self._bars.update(self._task, description=self._speed(now), completed=self._before + self._done)
        elif now - self._said >= _EVERY or self._before + self._done == self._total:
            self._said = now
            typer.echo(f"{self._before + self._done} of {self._total} recordings, {self._speed(now)}", err=True)

    def _speed(self, now: float) -> str:
        took = max(now - self._began, 1e-3)
        left = (self._total - self._before - self._done) * took / self._done
        hours = self._seconds / _HOUR
        return f"{hours:.1f} h of sound, {self._seconds / took:.0f} times as fast as it plays, {clock(left)} left"


@contextmanager
def batching(total: int) -> Iterator[Batching]:
    """Draw how far a batch of so many recordings is; gives what to call after each."""
    if not sys.stderr.isatty():
        yield Batching(total, None)
        return
    from rich.progress import MofNCompleteColumn  # noqa: PLC0415

    with _bars(MofNCompleteColumn()) as bars:
        yield Batching(total, bars)


def _say_when_complete(name: str, done: int, total: int | None) -> None:
    if done == total:
        typer.echo(f"{name}: {megabytes(done)}")


def _bars(*columns: ProgressColumn, transient: bool = True) -> Progress:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    name = TextColumn("{task.description}", markup=False)
    return Progress(name, BarColumn(), *columns, console=Console(stderr=True), transient=transient)
