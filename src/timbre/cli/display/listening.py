"""What `timbre listen` shows: on a terminal who speaks now, elsewhere a line for everything that is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.units import clock
from timbre.live.events import Event, Partial, Revision, SpeakerEnd, SpeakerName, SpeakerStart

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


class View(Protocol):
    """Shows a stream."""

    def show(self, events: list[Event], seconds: float) -> None:
        """Take what was told after so many seconds of sound."""


@contextmanager
def view(*, json: bool) -> Iterator[View]:
    """The view that fits where the output goes."""
    if json:
        yield _Json()
    elif sys.stdout.isatty():
        from rich.live import Live  # noqa: PLC0415

        with Live(refresh_per_second=10) as live:
            yield _Lanes(live)
    else:
        yield _Lines()


class _Json:
    def show(self, events: list[Event], _seconds: float) -> None:
        for event in events:
            fields = {name: getattr(event, name) for name in event.__dataclass_fields__}
            rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in fields.items()}
            typer.echo(json_line({"event": type(event).__name__, **rounded}), nl=False)
        if events:
            sys.stdout.flush()


class _Lines:
    def show(self, events: list[Event], _seconds: float) -> None:
        for event in events:
            typer.echo(line(event))
        if events:
            sys.stdout.flush()


def line(event: Event) -> str:
    """Say an event in words."""
    match event:
        case SpeakerStart() | SpeakerEnd():
            said = f"{event.match or event.speaker} {'speaks' if isinstance(event, SpeakerStart) else 'stops'}"
        case SpeakerName(match=None):
            said = f"{event.speaker} is nobody who is known"
        case SpeakerName():
            sure = "is" if event.status == "confirmed" else "may be"
            said = f"{event.speaker} {sure} {event.match} ({event.confidence} %)"
        case Revision():
            return f"{_time(event.start)}  to {_time(event.end)} was {event.speaker}, not {event.was}"
        case Partial():
            said = f"now: {event.match or event.speaker or 'nobody'}"
    return f"{_time(event.time)}  {said}"


class _Lanes:
    """A line for every voice: who it is, how long it spoke, and whether it speaks."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._names: dict[str, SpeakerName] = {}
        self._spoken: dict[str, float] = {}
        self._since: dict[str, float] = {}

    def show(self, events: list[Event], seconds: float) -> None:
        for event in events:
            match event:
                case SpeakerStart():
                    self._spoken.setdefault(event.speaker, 0.0)
                    self._since[event.speaker] = event.time
                case SpeakerEnd():
                    self._spoken[event.speaker] += event.time - self._since.pop(event.speaker, event.time)
                case SpeakerName():
                    self._names[event.speaker] = event
                case Revision():
                    length = event.end - event.start
                    self._spoken[event.was] = max(0.0, self._spoken.get(event.was, 0.0) - length)
                    self._spoken[event.speaker] = self._spoken.get(event.speaker, 0.0) + length
                case Partial():
                    pass
        self._live.update(self._table(seconds))

    def _table(self, seconds: float) -> Table:
        from rich.table import Table  # noqa: PLC0415

        table = Table(title=f"{clock(seconds)} heard", title_justify="left", box=None, pad_edge=False)
        for heading in ("", "Voice", "Name", "Spoken"):
            table.add_column(heading)
        for speaker, spoken in self._spoken.items():
            since = self._since.get(speaker)
            total = spoken + (seconds - since if since is not None else 0.0)
            table.add_row("●" if since is not None else " ", speaker, self._name(speaker), clock(total))
        return table

    def _name(self, speaker: str) -> str:
        name = self._names.get(speaker)
        if name is None or name.match is None:
            return ""
        return name.match if name.status == "confirmed" else f"{name.match}?"


def _time(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02d}:{rest:04.1f}"
