"""What surrounds every request: its id, tolerance of a trailing slash, headers, measurements, and the last net."""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from timbre.http.errors import api_error
from timbre.http.metrics import observe

_log: Final = structlog.get_logger("timbre.http")
_ROOT: Final = 1  # length of the path `/`


class Envelope:
    """ASGI middleware, plain so that it costs next to nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["path"]) > _ROOT and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"  # never by a redirect: it would turn a POST into a GET
        request_id = uuid4()
        scope.setdefault("state", {}).update(request_id=request_id, headers={})
        started = time.monotonic()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {"X-Request-Id": str(request_id), **scope["state"]["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in own.items()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            status = status or 499  # nobody is there to read it; counted only
        except Exception:
            _log.exception("fault", request=str(request_id), method=scope["method"], path=scope["path"])
            if status:
                raise  # too late for an answer; the server closes the connection
            error = api_error(500, f"This is a fault of the server; its log has it as {request_id}.", request_id)
            await error(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            observe(route, scope["method"], status, time.monotonic() - started)
