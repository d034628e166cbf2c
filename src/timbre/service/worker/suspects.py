"""Recordings that may be to blame for the end of a worker: in each lane of a process they are heard one at a time.

When a worker dies, whatever it heard is suspected. Heard together again, all of it would be blamed again, and be given
up with the one that kills. So an attempt at a suspect waits for the one before, and is not blamed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from timbre.errors import Canceled, ServiceUnavailable
from timbre.service.jobs.attempts import Attempt, Attempts

# Says something of an attempt to the database, however long that is away.
Ask = Callable[[Callable[[Attempt], Awaitable[None]], Attempt], Awaitable[None]]


class Suspects:
    """Those of one worker."""

    def __init__(self, attempts: Attempts, ask: Ask) -> None:
        self._attempts = attempts
        self._ask = ask
        self._short, self._long = asyncio.Lock(), asyncio.Lock()

    @asynccontextmanager
    async def apart(self, attempt: Attempt, *, short: bool) -> AsyncIterator[Callable[[], None]]:
        """Hear an attempt apart from other suspects, if it is one; give what ends that before the block ends.

        Raises:
            Canceled: while it waited, the job became another attempt's.
            ServiceUnavailable: the database is away, and the worker stops.
        """
        if not attempt.suspect:
            yield lambda: None
            return
        await self._ask(self._attempts.stand_aside, attempt)
        try:
            lane = await self._turn(short=short)
        except asyncio.CancelledError:
            with suppress(Canceled, ServiceUnavailable):
                await asyncio.shield(self._attempts.go_on(attempt))
            raise
        held = True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                lane.release()

        try:
            await self._ask(self._attempts.go_on, attempt)
            yield leave
        finally:
            leave()

    async def _turn(self, *, short: bool) -> asyncio.Lock:
        """Wait for the turn of an attempt; what is short waits for nothing that takes hours, but that for it."""
        if short:
            await self._short.acquire()
            return self._short
        await self._long.acquire()
        try:
            async with self._short:
                pass
        except asyncio.CancelledError:
            self._long.release()
            raise
        return self._long
