"""Fetch a recording by its URL, piece by piece, so that the caller can write it down without holding it.

The limits hold for what arrives and for what it unpacks to. Messages show an address without its query and its user,
since presigned links carry their secret there.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial

import httpx

from timbre.errors import DeliveryFailed, FetchFailed
from timbre.service.files.pace import paced
from timbre.service.outside.outgoing import opened, pieces, shown

_WEB_PAGES = ("text/html", "application/xhtml+xml")
_LOGIN = (401, 403, 407)
_GONE = (404, 410)
_SERVER_ERROR = 500
_PIECE = 1 << 20  # bytes that are unpacked at once
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@asynccontextmanager
async def fetch(
    client: httpx.AsyncClient, url: str, *, most_bytes: int, seconds: float, least: float = 0.0
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Fetch a recording.

    The time of the body of the `async with` counts: what is slow to write down is slow to fetch.

    Args:
        client: A client of `timbre.service.outside.outgoing.outgoing_client`.
        url: Direct link to the recording; `http` or `https`.
        most_bytes: Largest recording that is accepted.
        seconds: Time for all of it, redirects included.
        least: Bytes a second at which it has to arrive.

    Yields:
        The recording, in pieces of at most 1 MiB; iterating raises `FetchFailed` as the opening does.

    Raises:
        FetchFailed: The recording could not be fetched completely; the message says why and what to do.
    """
    try:
        with _told():
            async with (
                asyncio.timeout(seconds) as limit,
                opened(client, "GET", url) as response,
                aclosing(_recording(response, most_bytes, least)) as recording,
            ):
                _check(response, most_bytes)
                yield recording
    except TimeoutError as error:
        if not limit.expired():
            raise  # the caller's own
        raise _failed(
            f"fetching {shown(httpx.URL(url))} took longer than {seconds:g} s; put it on a faster server, or raise"
            " TIMBRE_FETCH_SECONDS"
        ) from error


def _check(response: httpx.Response, most_bytes: int) -> None:
    address, status = shown(response.request.url), response.status_code
    if status in _LOGIN:
        raise _failed(
            f"{address} answered {status}: the link needs a login, or has expired; give a direct link that is still"
            " valid and needs no login"
        )
    if status in _GONE:
        raise _failed(f"{address} answered {status}: there is nothing at this address; check the link")
    if status >= _SERVER_ERROR:
        raise _failed(f"{address} answered {status}: its server has a fault; try again later")
    if not response.is_success:
        raise _failed(f"{address} answered {status}; give a direct link to the recording")
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() in _WEB_PAGES:
        raise _failed(
            f"{address} is a web page, not a recording; give the direct link that downloads the recording itself"
        )
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most_bytes:
        raise _too_large(address, most_bytes)


async def _recording(response: httpx.Response, most_bytes: int, least: float) -> AsyncGenerator[bytes, None]:
    address = shown(response.request.url)
    unpacker = _unpacker(response)
    arrived = unpacked = 0
    with _told():
        async with aclosing(paced(pieces(response), least, partial(_too_slow, address, least))) as body:
            async for packed in body:
                arrived += len(packed)
                for piece in unpacker.unpack(packed, address) if unpacker else (packed,):
                    unpacked += len(piece)
                    if max(arrived, unpacked) > most_bytes:
                        raise _too_large(address, most_bytes)
                    yield piece
    if unpacker and not unpacker.complete:
        raise _failed(f"{address} ended too early; check the file, and try again")


def _unpacker(response: httpx.Response) -> _Gzip | None:
    """Choose how to unpack; some object stores hand out files compressed although nobody asked for it."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip"):
        return _Gzip()
    raise _failed(
        f"{shown(response.request.url)} sends the recording in the encoding `{coding[:20]}`; have its server send it"
        " without a Content-Encoding"
    )


class _Gzip:
    """Unpacks gzip in bounded pieces, however much a few bytes unpack to."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self.complete = False

    def unpack(self, packed: bytes, address: str) -> Iterator[bytes]:
        """Unpack what arrived, as far as it goes."""
        try:
            yield from self._pieces(packed)
        except zlib.error as error:
            raise _failed(f"{address} is not the gzip that its server says it is; check the file") from error

    def _pieces(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            if self._member.eof:  # another member follows
                self._member = zlib.decompressobj(_GZIP_WINDOW)
            piece = self._member.decompress(packed, _PIECE)
            self.complete = self._member.eof
            packed = self._member.unused_data if self.complete else self._member.unconsumed_tail
            if piece:
                yield piece


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DeliveryFailed as failure:
        raise _failed(str(failure)) from failure


def _too_large(address: str, most_bytes: int) -> FetchFailed:
    return _failed(
        f"{address} is larger than {most_bytes / 2**20:.4g} MiB; cut it, or compress it to FLAC, Opus or MP3"
    )


def _too_slow(address: str, least: float) -> FetchFailed:
    return _failed(f"{address} sends less than {least / 2**10:.4g} KiB a second; put it on a faster server")


def _failed(text: str) -> FetchFailed:
    return FetchFailed(f"Could not load audio: {text}")
