"""Fetching recordings by URL, from real servers on this machine. Reference, section 17, point 25."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import tracemalloc

import pytest

from far_server import LOOPBACK, far_server, free_address, hops, redirect
from server import ENOUGH
from timbre.errors import FetchFailed
from timbre.service.outside.fetching import fetch
from timbre.service.outside.outgoing import outgoing_client
from timbre.settings import Settings

MEBI = 1 << 20


@pytest.fixture
def far():
    with far_server() as server:
        yield server


def fetched(url, *, allowed=LOOPBACK, most_bytes=MEBI, seconds=10.0) -> bytes:
    async def run():
        async with (
            outgoing_client(Settings(allowed_networks=allowed)) as client,
            fetch(client, url, most_bytes=most_bytes, seconds=seconds) as recording,
        ):
            return b"".join([piece async for piece in recording])

    return asyncio.run(run())


def refusal(url: str, **options) -> str:
    """The message of the failure; every address is given a user and a signature, which must not show."""
    scheme, _, rest = url.partition("://")
    with pytest.raises(FetchFailed) as caught:
        fetched(f"{scheme}://user:hidden@{rest}?X-Amz-Signature=hidden", **options)
    message = str(caught.value)
    assert message.startswith("Could not load audio: ")
    assert "hidden" not in message
    assert "user" not in message
    return message


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_recording_comes_whole(far):
    recording = os.urandom(700_000)
    far.routes["/a.wav"] = lambda request: request.answer(body=recording, content_type="audio/wav")
    assert fetched(f"{far.url}/a.wav?signature=s") == recording
    (request,) = far.requests
    assert request.path == "/a.wav?signature=s"
    assert request.headers["Accept-Encoding"] == "identity"


def test_a_recording_of_the_largest_size_comes_whole(far):
    far.routes["/a.wav"] = lambda request: request.answer(body=b"x" * 1000)
    assert len(fetched(f"{far.url}/a.wav", most_bytes=1000)) == 1000


@pytest.mark.parametrize("number", [0, 1, 2])
def test_point_25_two_redirects_are_followed(far, number):
    url = hops(far, number)
    far.routes["/0"] = lambda request: request.answer(body=b"sound")
    assert fetched(url) == b"sound"


def test_point_25_a_third_redirect_is_too_many(far):
    assert "redirects more than 2 times" in refusal(hops(far, 3))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "[::1]", "169.254.169.254"])
def test_point_25_private_addresses_are_refused(far, host):
    message = refusal(f"http://{host}:{far.server_port}/a.wav", allowed="")
    assert "TIMBRE_ALLOWED_NETWORKS" in message
    assert far.connections == 0


def test_point_25_a_redirect_to_a_private_address_is_refused(far):
    with far_server("127.0.0.2") as hidden:
        far.routes["/a.wav"] = redirect(f"{hidden.url}/a.wav")
        assert "TIMBRE_ALLOWED_NETWORKS" in refusal(f"{far.url}/a.wav", allowed="127.0.0.1/32")
        assert hidden.connections == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.wav"])
def test_other_schemes_are_refused(url):
    assert "http://… or https://…" in refusal(url)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        *[(status, "needs no login") for status in (401, 403)],
        *[(status, "check the link") for status in (404, 410)],
        *[(status, "try again later") for status in (500, 503)],
        (429, "direct link"),
    ],
)
def test_a_bad_status_is_told(far, status, hint):
    far.routes["/a.wav"] = lambda request: request.answer(status)
    message = refusal(f"{far.url}/a.wav")
    assert f"{far.url}/a.wav answered {status}" in message
    assert hint in message


@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_web_page_is_not_a_recording(far, content_type):
    far.routes["/a.wav"] = lambda request: request.answer(body=b"<html>", content_type=content_type)
    assert "is a web page" in refusal(f"{far.url}/a.wav")


def test_point_25_a_recording_that_says_it_is_too_large_is_not_read(far):
    far.routes["/a.wav"] = lambda request: (request.answer(content_length=3 * MEBI), request.server.ended.wait())
    assert "larger than 2 MiB" in refusal(f"{far.url}/a.wav", most_bytes=2 * MEBI)


def test_point_25_a_recording_without_end_is_cut_off(far):
    def pour(request):
        request.answer(content_length=None, transfer_encoding="chunked")
        while not request.server.ended.is_set():
            request.wfile.write(chunk(b"." * 10_000))

    far.routes["/a.wav"] = pour
    assert "larger than 1 MiB" in refusal(f"{far.url}/a.wav")


def test_point_25_one_byte_too_many_is_refused(far):
    far.routes["/a.wav"] = lambda request: (
        request.answer(content_length=None, transfer_encoding="chunked"),
        request.wfile.write(chunk(b"x" * 1001) + chunk(b"")),
    )
    assert "larger than" in refusal(f"{far.url}/a.wav", most_bytes=1000)


def test_gzip_that_nobody_asked_for_is_unpacked(far):
    recording = os.urandom(1000) * 3000
    members = gzip.compress(recording, mtime=0) + gzip.compress(b"the rest", mtime=0)
    far.routes["/a.wav"] = lambda request: request.answer(body=members, content_encoding="gzip")
    assert fetched(f"{far.url}/a.wav", most_bytes=4 * MEBI) == recording + b"the rest"


def test_a_bomb_is_not_unpacked(far):
    bomb = gzip.compress(bytes(100 * MEBI))
    assert len(bomb) < MEBI
    far.routes["/a.wav"] = lambda request: request.answer(body=bomb, content_encoding="gzip")
    tracemalloc.start()
    try:
        assert "larger than 2 MiB" in refusal(f"{far.url}/a.wav", most_bytes=2 * MEBI)
        assert tracemalloc.get_traced_memory()[1] < 16 * MEBI
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "body", "told"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"sound", mtime=0), mtime=0), "the encoding `gzip, gzip`"),
        ("br", b"sound", "the encoding `br`"),
        ("gzip", b"sound", "is not the gzip"),
        ("gzip", gzip.compress(b"sound", mtime=0)[:-4], "ended too early"),
    ],
)
def test_an_encoding_that_cannot_be_unpacked(far, encoding, body, told):
    far.routes["/a.wav"] = lambda request: request.answer(body=body, content_encoding=encoding)
    assert told in refusal(f"{far.url}/a.wav")


def test_a_server_that_hangs_is_left(far):
    far.routes["/a.wav"] = lambda request: request.server.ended.wait(ENOUGH)
    message = refusal(f"{far.url}/a.wav", seconds=0.3)
    assert "took longer than 0.3 s" in message
    assert "TIMBRE_FETCH_SECONDS" in message


def test_a_recording_that_drips_is_left(far):
    def drip(request):
        request.answer(content_length=1000)
        while not request.server.ended.wait(0.02):
            request.wfile.write(b".")

    far.routes["/a.wav"] = drip
    assert "took longer than 0.4 s" in refusal(f"{far.url}/a.wav", seconds=0.4)


def test_a_time_limit_of_the_caller_is_the_callers(far):
    far.routes["/a.wav"] = lambda request: request.answer(body=b"sound")

    async def run():
        async with (
            outgoing_client(Settings(allowed_networks=LOOPBACK)) as client,
            fetch(client, f"{far.url}/a.wav", most_bytes=MEBI, seconds=10),
        ):
            raise TimeoutError("storage")

    with pytest.raises(TimeoutError, match="storage"):
        asyncio.run(run())


def test_a_recording_that_breaks_off_is_not_taken_for_whole(far):
    far.routes["/a.wav"] = lambda request: (
        request.answer(body=b"half", content_length=8),
        request.connection.shutdown(socket.SHUT_RDWR),
    )
    assert "broke off" in refusal(f"{far.url}/a.wav")


def test_nobody_listens():
    assert "does not accept connections" in refusal(f"http://{free_address()}/a.wav")


def test_a_name_that_is_not_there():
    assert "cannot be resolved" in refusal(f"http://{'a' * 64}.example/a.wav")


def test_a_server_without_tls(far):
    assert "no secure connection" in refusal(f"https://{far.address}/a.wav")
