"""Traces: what a request and the job that comes of it took, told to an OpenTelemetry collector where one is set.

    request ──► job, later ──► fetch; decode ─ speech ─ segmentation ─ voices ─ naming; words ──► webhook

Without `TIMBRE_OTLP_URL` nothing is imported and nothing done. A span has a name of ours, and ids, kinds and numbers;
never anything that was said, a name, a voiceprint, an address, or the text of an error.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, Final, Protocol

from structlog.contextvars import bind_contextvars, bound_contextvars

from timbre.extras import needing
from timbre.settings import Settings

Value = str | int | float | bool
CARRIED: Final = "traceparent"  # by what name a job, or a request, carries the trace that it is a part of
_PLACE: Final = "/v1/traces"
_SECONDS: Final = 5.0  # that the collector has to take what it is sent
_PARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_FAULT: Final = "fault"


class Span(Protocol):
    """Something that takes time."""

    @property
    def carried(self) -> str | None:
        """What makes others, elsewhere and later, parts of the same trace: a `traceparent`; None without traces."""

    def name(self, name: str, **attributes: Value) -> None:
        """Call it something else, and say more of it."""

    def end(self) -> None:
        """It is over."""


class _Nothing:
    """A span where nobody looks."""

    carried = None

    def name(self, name: str, **attributes: Value) -> None:
        pass

    def end(self) -> None:
        pass


NOTHING: Final[Span] = _Nothing()
_collector: _Collector | None = None
_current: Final[ContextVar[str | None]] = ContextVar("traceparent", default=None)


@asynccontextmanager
async def telling(settings: Settings, part: str) -> AsyncIterator[None]:
    """Tell a collector what this process does in the block, if the settings name one.

    Args:
        settings: What it goes by.
        part: Of the server: `api` or `worker`.

    Raises:
        ExtraMissing: what tells it is not installed.
    """
    global _collector  # noqa: PLW0603 - a process has one, as it has one log
    if settings.otlp_url is None:
        yield
        return
    _collector = opened = _Collector(settings.otlp_url, part)
    try:
        yield
    finally:
        _collector = None
        await asyncio.to_thread(opened.close)  # some seconds where it is away


def begin(name: str, parent: str | None = None, **attributes: Value) -> Span:
    """Begin a span; whoever begins it ends it.

    Args:
        name: What takes time.
        parent: What it is a part of, as `Span.carried` had it; if left out, of what this task is within, if anything.
        attributes: Ids, kinds and numbers.
    """
    return NOTHING if _collector is None else _collector.begin(name, parent or current(), attributes)


def current() -> str | None:
    """What this task is within, as `Span.carried` has it."""
    return _current.get()


def enter(begun: Span) -> None:
    """Let what this task begins from now on be parts of a span, and let its log name the trace."""
    _current.set(begun.carried)
    bind_contextvars(**logged(begun.carried))


@contextmanager
def span(name: str, parent: str | None = None, **attributes: Value) -> Iterator[Span]:
    """A span as long as the block, which is within it.

    One that ends by an exception is marked, by the kind of that alone.
    """
    begun = begin(name, parent, **attributes)
    before = _current.set(begun.carried)
    try:
        with bound_contextvars(**logged(begun.carried)):
            yield begun
    except BaseException as error:
        begun.name(name, **{_FAULT: type(error).__name__})
        raise
    finally:
        _current.reset(before)
        begun.end()


def readable(header: str | None) -> str | None:
    """The `traceparent` of a request, if it is one."""
    return header if header is not None and _PARENT.fullmatch(header) else None


def logged(carried: str | None) -> dict[str, str]:
    """What the log has of a trace, as `Span.carried` has it: its id."""
    return {} if carried is None else {"trace": carried.split("-")[1]}


class _Collector:
    """Sends spans to a collector, from a thread of its own; what it does not take in time is dropped."""

    def __init__(self, url: str, part: str) -> None:
        with needing("otel"):
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
        place = url.rstrip("/")
        exporter = OTLPSpanExporter(place if place.endswith(_PLACE) else place + _PLACE, timeout=_SECONDS)
        about = {"service.name": "timbre", "service.version": version("timbre"), "timbre.part": part}
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("timbre")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, name: str, parent: str | None, attributes: dict[str, Value]) -> Span:
        context = self._propagator.extract({} if parent is None else {CARRIED: parent})
        return _Told(self._tracer.start_span(name, context, attributes=attributes))

    def close(self) -> None:
        self._provider.shutdown()


class _Told:
    """A span that a collector is told of."""

    def __init__(self, span_: Any) -> None:
        self._span = span_
        about = span_.get_span_context()
        self.carried: str | None = f"00-{about.trace_id:032x}-{about.span_id:016x}-{about.trace_flags:02x}"

    def name(self, name: str, **attributes: Value) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if _FAULT in attributes:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is loaded already

            self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()
