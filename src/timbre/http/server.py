"""Running the app: uvicorn with our protocol, which lets go whoever waits for news when it stops."""

from __future__ import annotations

import signal
import socket
import time
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from timbre.http.protocol import Protocol
from timbre.http.state import State

LONGEST_MESSAGE: Final = 64 << 10  # bytes of a WebSocket's


class Server(uvicorn.Server):
    """Answers until SIGINT or SIGTERM; then long polls and streams of events end with what they have.

    With `drain_seconds` it goes on for so long after the first signal, but says that it is not ready, so that a proxy
    sends nobody here any more.
    """

    def __init__(self, app: FastAPI, *, stop_seconds: float, drain_seconds: float = 0.0) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=max(1, int(stop_seconds)),
                ws_max_size=LONGEST_MESSAGE,
                ws_per_message_deflate=False,  # sound does not get smaller by it
                ws_ping_interval=None,  # a client that only sends need not read pings; one that is gone sends nothing
            )
        )
        self._app = app
        self._drain_seconds = drain_seconds
        self._leaves_at: float | None = None
        self._signal = int(signal.SIGTERM)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let live streams say their last words, then stop."""
        service: State | None = getattr(self._app.state, "service", None)
        if service:
            await service.live.end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or to drain; at a second signal stop at once."""
        if self._drain_seconds and self._leaves_at is None:
            self._app.state.draining = True
            self._leaves_at = time.monotonic() + self._drain_seconds
            self._signal = sig
            return
        service: State | None = getattr(self._app.state, "service", None)
        if service:
            service.events.end()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Stop when it has been drained."""
        if self._leaves_at is not None and time.monotonic() >= self._leaves_at and not self.should_exit:
            self.handle_exit(self._signal, None)
        return await super().on_tick(counter)


def serve(app: FastAPI, listener: socket.socket, *, stop_seconds: float, drain_seconds: float) -> None:
    """Answer on a socket; requests under way have so many seconds to end when it stops, after it was drained."""
    Server(app, stop_seconds=stop_seconds, drain_seconds=drain_seconds).run(sockets=[listener])
