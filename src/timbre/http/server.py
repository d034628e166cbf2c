"""Running the app: uvicorn with our protocol, which lets go whoever waits for news when it stops."""

from __future__ import annotations

import socket
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from timbre.http.protocol import Protocol
from timbre.http.state import State

LONGEST_MESSAGE: Final = 64 << 10  # bytes of a WebSocket's


class Server(uvicorn.Server):
    """Answers until SIGINT or SIGTERM; then long polls and streams of events end with what they have."""

    def __init__(self, app: FastAPI, *, stop_seconds: float) -> None:
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let live streams say their last words, then stop."""
        service: State | None = getattr(self._app.state, "service", None)
        if service:
            await service.live.end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        service: State | None = getattr(self._app.state, "service", None)
        if service:
            service.events.end()
        super().handle_exit(sig, frame)


def serve(app: FastAPI, listener: socket.socket, *, stop_seconds: float) -> None:
    """Answer on a socket; requests under way have so many seconds to end when it stops."""
    Server(app, stop_seconds=stop_seconds).run(sockets=[listener])
