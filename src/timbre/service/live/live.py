"""All streams of one API process: opened, heard, taken up again, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog

from timbre.errors import ServiceUnavailable
from timbre.service.live.connection import RESUME, Connection, Socket
from timbre.service.live.hearers import Hearers
from timbre.service.live.opus import OpusDecoder
from timbre.service.live.recorder import Recorder, Recordings
from timbre.service.live.requests import OPUS
from timbre.service.live.session import open_session
from timbre.service.live.streams import SILENCE, Streams

if TYPE_CHECKING:
    from timbre.service.naming.candidate_pool import CandidateSearch
    from timbre.settings import Settings

_log: Final = structlog.get_logger("timbre.live")
_BEAT: Final = SILENCE / 3  # seconds
_FLUSH: Final = 3.0  # seconds at least that streams have to say their last words when the server stops


class Live:
    """The streams of this process."""

    def __init__(
        self, streams: Streams, recordings: Recordings, candidates: CandidateSearch, settings: Settings
    ) -> None:
        self.streams = streams
        self.hearers = Hearers(settings)
        self._recordings = recordings
        self._candidates = candidates
        self._settings = settings
        self._running: dict[str, Connection] = {}  # by token
        self._waiting: dict[str, asyncio.TimerHandle] = {}  # until streams are given up whose clients are away
        self._idle = asyncio.Event()
        self._idle.set()
        self.ended: dict[str, int] = {}  # how streams have ended, to how many

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Say of every stream that it is alive, until the block ends; then the processes that hear end."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self.hearers.close()

    @property
    def connections(self) -> list[Connection]:
        """Those that are running."""
        return list(self._running.values())

    async def end(self) -> None:
        """Let every stream end."""
        for token, connection in list(self._running.items()):
            connection.stop()
            if (waiting := self._waiting.pop(token, None)) is not None:
                waiting.cancel()
                await self._over(token, connection, "The server is stopping")
        with suppress(TimeoutError):
            async with asyncio.timeout(max(_FLUSH, self._settings.stop_seconds)):
                await self._idle.wait()

    async def hear(self, token: str, socket: Socket) -> None:
        """Hear the stream that a token opens, or that waits for its client to come back.

        Raises:
            StreamRefused: it opens none.
            RequestInvalid, ModelError: the stream cannot be heard any more as it was asked for.
        """
        connection = self._running.get(token)
        if connection is not None and connection.resumable:
            connection.take()
            if (waiting := self._waiting.pop(token, None)) is not None:
                waiting.cancel()
            await self._run(token, connection, socket, again=True)
            return
        opened = await self.streams.open(token)
        try:
            session = await open_session(
                opened, hearers=self.hearers, candidates=self._candidates, settings=self._settings
            )
            recorder = Recorder(self._settings.temp_dir) if opened.request.keep else None
            longest = self._settings.stream_hours * 3600
            opus = await OpusDecoder.started(longest) if opened.request.encoding == OPUS else None
        except Exception as error:
            await self.streams.end(opened.id, 0.0, str(error))
            raise
        connection = Connection(
            opened,
            session,
            longest=longest,
            opus=opus,
            recorder=recorder,
            recordings=self._recordings,
        )
        self._running[token] = connection
        self._idle.clear()
        await self._run(token, connection, socket, again=False)

    async def _run(self, token: str, connection: Connection, socket: Socket, *, again: bool) -> None:
        error: str | None = "A fault of the server"
        try:
            error = await connection.run(socket, again=again)
        finally:
            if connection.resumable:
                loop = asyncio.get_running_loop()
                self._waiting[token] = loop.call_later(RESUME, self._give_up, token, connection)
            elif not connection.taken:  # else its client is back already, while the last sound before was heard
                await self._over(token, connection, error)

    def _give_up(self, token: str, connection: Connection) -> None:
        self._waiting.pop(token, None)
        connection.cut()
        self._closing = asyncio.create_task(self._over(token, connection, "The client did not come back"))

    async def _over(self, token: str, connection: Connection, error: str | None) -> None:
        await connection.keep()
        error = error or connection.fault
        self._running.pop(token, None)
        if not self._running:
            self._idle.set()
        how = "done" if error is None else "error"
        self.ended[how] = self.ended.get(how, 0) + 1
        with suppress(ServiceUnavailable):  # it counts as dead soon
            await self.streams.end(connection.opened.id, connection.seconds, error)
        _log.info("a stream ended", stream=str(connection.opened.id), seconds=connection.seconds, error=error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            for connection in self.connections:
                with suppress(ServiceUnavailable):
                    await self.streams.beat(connection.opened.id, connection.seconds)
