"""From the engine's thread to the event loop and back: what the engine asks while it hears a recording."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from threading import Event
from typing import Any, Final, TypeVar

import structlog

from timbre.errors import (
    Canceled,
    GalleryMoved,
    MasterKeyMissing,
    ServiceUnavailable,
    TemplateUnreadable,
    TimbreError,
)

_LOOKS: Final = 0.25  # seconds between two looks whether the answer is still wanted
_PATIENCE: Final = 60.0  # seconds for an answer; then the question is asked again
_PAUSE: Final = 0.5  # seconds before a database that is away is asked again
_log: Final = structlog.get_logger("timbre.work")
T = TypeVar("T")


class Interrupted(TimbreError):
    """The worker stops; the job starts over later."""


class Bridge:
    """Asks a loop from a thread, and waits, also for a database that is away, for as long as somebody wants to know."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stopping: Event) -> None:
        self._loop = loop
        self._stopping = stopping
        self._over = Event()

    def close(self) -> None:
        """Nobody wants to know any more: the attempt is over."""
        self._over.set()

    def ask(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the answer.

        Raises:
            Interrupted: the worker stops.
            Canceled: the attempt is over.
            GalleryMoved, MasterKeyMissing, TemplateUnreadable: and whatever else the question itself raises.
        """
        while True:
            self._check()
            future = asyncio.run_coroutine_threadsafe(question(), self._loop)
            try:
                return self._answer(future)
            except (GalleryMoved, MasterKeyMissing, TemplateUnreadable):
                raise
            except ServiceUnavailable as error:
                _log.warning("waiting for the database", error=str(error))
                time.sleep(_PAUSE)

    def _answer(self, future: Future[T]) -> T:
        deadline = time.monotonic() + _PATIENCE
        try:
            while not future.done():
                self._check()
                if time.monotonic() > deadline:
                    raise ServiceUnavailable
                wait([future], timeout=_LOOKS)
        finally:
            future.cancel()
        return future.result()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Interrupted
        if self._over.is_set():
            raise Canceled
