"""News of jobs, for whoever waits for them: one connection listens for all."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import psycopg
import structlog

from timbre.store.database import Database

CHANNEL: Final = "timbre_job"
_PAUSE: Final = 1.0  # seconds before listening is tried again
_log: Final = structlog.get_logger("timbre.events")


class JobEvents:
    """Tells of every change of a job's state or progress."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.over = False  # nobody shall wait any more: the server stops

    def end(self) -> None:
        """Let everybody who waits go, from whatever thread or signal handler."""
        self.over = True
        if self._loop:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for event in _all(self._waiting):
            event.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while the block runs."""
        self._loop = asyncio.get_running_loop()
        listener = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    @asynccontextmanager
    async def news(self, job: UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the job may have changed; clear it before looking."""
        event = asyncio.Event()
        name = str(job)
        self._waiting[name].add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def _listen(self) -> None:
        while True:
            try:
                async for job in self._database.listen(CHANNEL):
                    # Without a name, listening has only begun: whoever waits may have missed something.
                    for event in self._waiting.get(job, ()) if job else _all(self._waiting):
                        event.set()
            except (psycopg.Error, OSError) as error:
                _log.warning("the database broke off", error=str(error))
            await asyncio.sleep(_PAUSE)


def _all(waiting: dict[str, set[asyncio.Event]]) -> list[asyncio.Event]:
    return [event for events in waiting.values() for event in events]
