"""Who asks, whether they may, and how often: what every route with a key depends on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request

from timbre.errors import RequestTooLarge, TooManyRequests
from timbre.http.limits import Group
from timbre.http.state import State, state
from timbre.service.teams import Caller, Scope

_MOST_BODY: Final = 4 << 20  # bytes; fifty voiceprints are 1 MB


def caller(scope: Scope | None, group: Group) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has this scope and some requests left in this group."""

    async def check(request: Request, here: Annotated[State, Depends(state)]) -> Caller:
        known = await here.teams.authenticate(request.headers.get("authorization"))
        if scope is not None:
            known.require(scope)
        window = await here.limits.count(known.team, group)
        if window is not None:
            request.state.headers = window.headers
            if not window.granted:
                raise TooManyRequests(window.reset)
        return known

    return check


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


State_ = Annotated[State, Depends(state)]
Body = Annotated[bytes, Depends(body(_MOST_BODY, "media goes to /v1/media/input"))]
