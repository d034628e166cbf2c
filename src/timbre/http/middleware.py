"""What surrounds every request: its id, tolerance of a trailing slash, headers, measurements, and the last net."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from timbre import tracing
from timbre.errors import HostRejected
from timbre.http.errors import error_at
from timbre.http.hosts import Hosts
from timbre.http.metrics import observe

_log: Final = structlog.get_logger("timbre.http")
_ALWAYS: Final = {"X-Content-Type-Options": "nosniff"}  # no browser shall take a recording for a page
_ERROR: Final = 400  # the first status that says so
_ROOT: Final = 1  # length of the path `/`
_PATIENCE: Final = 1.0  # seconds without an answer after which we look whether the client is still there
_MISDIRECTED: Final = 421  # before any route is looked for
_API: Final = ("/v1/", "/v2/")  # what is traced; pages, probes and metrics are not
_GONE: Final = 499  # counted only: nobody is there to read it


class Envelope:
    """ASGI middleware, plain so that it costs next to nothing."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["path"]) > _ROOT and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"  # never by a redirect: it would turn a POST into a GET
        request_id = uuid4()
        scope.setdefault("state", {}).update(request_id=request_id, headers={})
        span = _begun(scope, str(request_id))
        started = time.monotonic()
        status = 0
        watch = _Watch(receive) if scope["method"] == "GET" else None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                if watch:
                    watch.stop()
                status = message["status"]
                own = {"X-Request-Id": str(request_id), **_ALWAYS, **scope["state"]["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in own.items()),
                ]
            await send(message)

        try:
            self._hosts.check(_host(scope))
            await self._app(scope, receive, answer)
        except HostRejected as refusal:
            error = error_at(scope["path"], _MISDIRECTED, str(refusal), request_id)
            await error(scope, receive, answer)
        except ClientDisconnect:
            status = status or _GONE
        except asyncio.CancelledError:
            if watch is None or not watch.client_is_gone:
                raise
            status = status or _GONE
        except Exception:
            _log.exception("fault", request=str(request_id), method=scope["method"], path=scope["path"])
            if status:
                raise  # too late for an answer; the server closes the connection
            error = error_at(
                scope["path"], 500, f"This is a fault of the server; its log has it as {request_id}.", request_id
            )
            await error(scope, receive, answer)
        finally:
            if watch:
                watch.stop()
            route = _measured(scope, status, time.monotonic() - started, span)
            if status >= _ERROR:
                _log.info("refused", request=str(request_id), method=scope["method"], route=route, status=status)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._hosts.check(_host(scope))
        except HostRejected:
            await send({"type": "websocket.close"})  # which is answered 403, as nothing was accepted
            return
        await self._app(scope, receive, send)


def _measured(scope: Scope, status: int, seconds: float, span: tracing.Span) -> str:
    """Count a request, and end its span; return its route."""
    route = str(getattr(scope.get("route"), "path", "unknown"))
    observe(route, scope["method"], status, seconds)
    span.name(f"{scope['method']} {route}", status=status)
    span.end()
    return route


def _host(scope: Scope) -> str:
    return _header(scope, b"host") or ""


def _header(scope: Scope, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)


def _begun(scope: Scope, request_id: str) -> tracing.Span:
    """Let whatever is logged meanwhile name the request; return its span, of the trace that it says to belong to."""
    structlog.contextvars.bind_contextvars(request=request_id)
    if not scope["path"].startswith(_API):
        return tracing.NOTHING
    span = tracing.begin("request", tracing.readable(_header(scope, tracing.CARRIED.encode())))
    tracing.enter(span)
    return span


class _Watch:
    """Cancels the task of a request whose client went away before it was answered, such as a long poll.

    For requests without a body: it takes what arrives.
    """

    def __init__(self, receive: Receive) -> None:
        self.client_is_gone = False
        self._receive = receive
        self._request = asyncio.current_task()
        self._look: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._begin)

    def stop(self) -> None:
        """Let the request take its course."""
        self._timer.cancel()
        if self._look:
            self._look.cancel()

    def _begin(self) -> None:
        self._look = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.client_is_gone = True
        if self._request:
            self._request.cancel()
