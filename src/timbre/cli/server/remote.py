"""A server that is asked over its API, with a key, and waited for while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import httpx

from timbre.errors import InputError, OptionError, RemoteError

_PATIENCE: Final = 90.0  # seconds of one question: a long poll takes up to 60
_AWAY: Final = 600.0  # seconds that a server is waited for
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0)  # seconds between two tries; the last one again and again
_AGAIN: Final = frozenset({429, 502, 503, 504})


class Remote:
    """Asks; every request may be sent again, so those that make something bear a key that counts them once."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """What the server answers, as JSON.

        Raises:
            RemoteError: it refuses, or is away for ten minutes.
        """
        found: dict[str, Any] = (await self._answer(method, path, request)).json()
        return found

    async def take(self, path: str) -> bytes:
        """A file of the server; raises as `ask`."""
        return (await self._answer("GET", path, {})).content

    async def send(self, link: str, size: int, pieces: Callable[[], Iterator[bytes]]) -> None:
        """Send a file to a link, which needs no key; raises as `ask`.

        Raises:
            InputError: it cannot be read, or has another size than it had.
        """

        async def content() -> AsyncIterator[bytes]:
            reading = pieces()
            while (piece := await asyncio.to_thread(next, reading, None)) is not None:
                yield piece

        headers = {"Authorization": "", "Content-Length": str(size), "Content-Type": "application/octet-stream"}
        await self._answer("PUT", link, {"headers": headers}, content)

    async def _answer(
        self,
        method: str,
        address: str,
        request: Mapping[str, Any],
        content: Callable[[], AsyncIterator[bytes]] | None = None,
    ) -> httpx.Response:
        end = time.monotonic() + _AWAY
        tries = 0
        while True:
            wait = _PAUSES[min(tries, len(_PAUSES) - 1)]
            tries += 1
            try:
                answer = await self._client.request(
                    method, address, content=None if content is None else content(), **request
                )
            except httpx.LocalProtocolError:
                raise InputError("it changed while it was sent") from None
            except httpx.TransportError as error:
                if time.monotonic() > end:
                    raise RemoteError(f"The server at {self._client.base_url} does not answer: {error}.") from None
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in _AGAIN or time.monotonic() > end:
                    raise _refusal(answer)
                with suppress(ValueError):
                    wait = float(answer.headers.get("Retry-After", wait))
            await asyncio.sleep(wait)


@asynccontextmanager
async def open_remote(url: str, key: str) -> AsyncIterator[Remote]:
    """Open a way to a server.

    Args:
        url: Its address.
        key: Of its API.

    Raises:
        OptionError: there is no key.
    """
    if not key:
        raise OptionError("This needs an API key of the server: set TIMBRE_KEY; `timbre keys create` makes one.")
    timeout = httpx.Timeout(_PATIENCE, write=None, pool=None)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as client:
        yield Remote(client)


def _refusal(answer: httpx.Response) -> RemoteError:
    found: dict[str, Any] = {}
    with suppress(ValueError):
        found = answer.json()
    faults = "; ".join(f"{one['field']}: {one['message']}" for one in found.get("errors", []))
    message = faults or found.get("message") or f"The server answered {answer.status_code}."
    return RemoteError(message, status=answer.status_code)
