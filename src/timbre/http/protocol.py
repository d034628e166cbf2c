"""uvicorn's protocol, with limits on what comes before a request is one: nobody has shown a key there yet."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from timbre.http.responses import dumps

LONGEST_HEAD: Final = 64 << 10  # bytes of request line and headers
HEAD_SECONDS: Final = 30.0  # until they are complete


class Protocol(HttpToolsProtocol):
    """Refuses heads that are too long or take too long, and answers what is not HTTP in JSON."""

    _head = 0  # bytes of a head that is not complete
    _deadline: asyncio.TimerHandle | None = None  # none while a request is under way

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrives, as far as it is not too much."""
        super().data_received(data)
        if self._deadline is not None:
            self._head += len(data)
            if self._head > LONGEST_HEAD:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"The request line and headers are longer than {LONGEST_HEAD >> 10} KiB; send less.",
                )

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a head."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, f"{msg.rstrip('.')}; this is a server for HTTP/1.1.")

    def _wait(self) -> None:
        if self._deadline is None:
            self._head = 0
            self._deadline = self.loop.call_later(
                HEAD_SECONDS,
                self._refuse,
                HTTPStatus.REQUEST_TIMEOUT,
                f"No request was complete after {HEAD_SECONDS:g} s; send it again.",
            )

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._wait_no_more()
        if self.transport.is_closing():
            return
        body = dumps({"requestId": str(uuid4()), "message": message})
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        self.transport.close()
