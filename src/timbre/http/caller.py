"""Who asks, whether they may, and how often: what every route with a key depends on.

Programs send an API key, browsers the cookie of their session. A cookie goes with requests that other sites make the
browser send, so one alone changes nothing: the request must also have a header that other sites cannot add, and must
not say that it came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from timbre.errors import OriginRejected, RequestTooLarge, TooManyRequests
from timbre.http.limits import Group
from timbre.http.state import State, state
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.requests.body import Request as Asked
from timbre.service.requests.body import parse

SESSION_COOKIE: Final = "timbre_session"
WEB_HEADER: Final = "x-timbre-web"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_BODY: Final = 4 << 20  # bytes; fifty voiceprints are 1 MB
_SMALL_BODY: Final = 64 << 10
M = TypeVar("M", bound=Asked)


def caller(scope: Scope | None, group: Group) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has this scope and some requests left in this group."""

    async def check(request: Request, here: Annotated[State, Depends(state)]) -> Caller:
        known = await _known(request, here)
        structlog.contextvars.bind_contextvars(team=str(known.team))
        if scope is not None:
            known.require(scope)
        window = await here.limits.count(known.team, group)
        if window is not None:
            request.state.headers = window.headers
            if not window.granted:
                raise TooManyRequests(window.reset)
        return known

    return check


def session_token(request: Request) -> str | None:
    """The session that a request belongs to; one with an API key belongs to none."""
    return None if "authorization" in request.headers else request.cookies.get(SESSION_COOKIE)


def check_origin(request: Request, here: State) -> None:
    """Make sure that a request was sent by our own pages.

    Raises:
        OriginRejected: another site may have made the browser send it.
    """
    if WEB_HEADER not in request.headers:
        raise OriginRejected("A session changes something only with the header X-Timbre-Web: 1; or send an API key.")
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in _own_origins(request, here):
        raise OriginRejected


def base_url(request: Request, here: State) -> str:
    """The address by which clients reach this server."""
    return (here.settings.public_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")


def is_secure(request: Request, here: State) -> bool:
    """Whether browsers reach this server by HTTPS alone, so that they may keep cookies to that."""
    return request.url.scheme == "https" or (here.settings.public_url or "").startswith("https:")


def _own_origins(request: Request, here: State) -> set[str]:
    """Where our pages are. A proxy may speak HTTPS for us and not say so, but never the other way round."""
    host = request.headers.get("host", "").lower()
    own = {f"https://{host}", f"{request.url.scheme}://{host}"}
    if here.settings.public_url:
        public = urlsplit(here.settings.public_url.lower())
        if public.netloc == host:
            own.clear()
        own.add(f"{public.scheme}://{public.netloc}")
    return own


async def _known(request: Request, here: State) -> Caller:
    token = session_token(request)
    shown = request.headers.get("authorization", "") if token is None else token
    async with here.limits.guarded(peer(request), shown):
        if token is None:
            return await here.teams.authenticate(shown)
        if request.method not in _SAFE:
            check_origin(request, here)
        return (await here.sessions.get(token)).caller


def peer(connection: HTTPConnection) -> str:
    """The address of whoever asks, as far as a proxy says it."""
    return connection.client.host if connection.client else ""


def body(most: int, instead: str) -> Callable[[Request], Awaitable[bytes]]:
    """A dependency: the body of a request in JSON, whatever its Content-Type says.

    Args:
        most: Bytes it may have.
        instead: What to do with more.
    """

    async def read(request: Request) -> bytes:
        too_large = RequestTooLarge(f"The body is larger than {most >> 20} MiB; {instead}.")
        if int(request.headers.get("content-length", 0)) > most:  # digits alone: the server made sure
            raise too_large
        parts = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
        return b"".join(parts)

    return read


async def parsed(here: State, model: type[M], body: bytes, *, webhook_http: bool = False) -> tuple[M, str | None]:
    """Read the body of a request, a large one in another process; see `parse`."""
    if len(body) <= _SMALL_BODY:
        return parse(model, body, webhook_http=webhook_http)
    return await here.reader.parse(model, body, webhook_http=webhook_http)


State_ = Annotated[State, Depends(state)]
Body = Annotated[bytes, Depends(body(_MOST_BODY, "media goes to /v1/media/input"))]
