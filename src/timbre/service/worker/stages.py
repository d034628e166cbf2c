"""The stages of hearing a recording, from what the engine tells: progress for clients, and spans of the trace."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from contextlib import suppress
from threading import Event
from types import TracebackType
from typing import Final, Self

from timbre import tracing
from timbre.diarization.progress import Progress
from timbre.errors import ServiceUnavailable
from timbre.service.jobs.attempts import Attempt, Attempts
from timbre.service.worker.thread_bridge import Interrupted

_REPORTS: Final = 0.5  # seconds between two reports of progress
# Where each stage of the engine lies in the whole; what decides about speakers at the end takes little.
_STAGES: Final = {"speech": (0.0, 0.3), "segmentation": (0.3, 0.6), "voices": (0.6, 0.97)}
_FIRST: Final = "decode"  # until the first sound is there; what follows is decoded while it is heard
_LAST: Final = {"voices": "naming"}  # what comes after a stage of which everything is done
_DONE: Final = 1.0


class Reporter:
    """Stores progress from the engine's thread, not too often, and stops the work when nobody wants it any more."""

    def __init__(self, attempts: Attempts, attempt: Attempt, loop: asyncio.AbstractEventLoop, stopping: Event) -> None:
        self._attempts = attempts
        self._attempt = attempt
        self._loop = loop
        self._stopping = stopping
        self._next = 0.0
        self._sent: Future[None] | None = None

    def __call__(self, stage: str, fraction: float) -> None:
        """Take what the engine tells; raises `Interrupted` when the worker stops."""
        if self._stopping.is_set():
            raise Interrupted
        if self._sent is not None and self._sent.done():
            sent, self._sent = self._sent, None
            with suppress(ServiceUnavailable):  # the work goes on while the database is away
                sent.result()
        if self._sent is None and time.monotonic() >= self._next:
            begin, end = _STAGES[stage]
            report = self._attempts.report(self._attempt, stage, begin + (end - begin) * fraction)
            self._sent = asyncio.run_coroutine_threadsafe(report, self._loop)
            self._next = time.monotonic() + _REPORTS


class Stages:
    """Passes progress on, and has a span for each stage; for the thread that hears."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._parent = tracing.current()  # of the task that waits for the thread
        self._stage = _FIRST
        self._span = tracing.begin(_FIRST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._span.end()

    def __call__(self, stage: str, fraction: float) -> None:
        """Take what the engine tells."""
        self._at(_LAST.get(stage, stage) if fraction >= _DONE else stage)
        self._progress(stage, fraction)

    def _at(self, stage: str) -> None:
        if stage != self._stage:
            self._span.end()
            self._stage = stage
            self._span = tracing.begin(stage, self._parent)
