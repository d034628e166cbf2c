"""Connections and uploads that go wrong: nobody else is held up, and nothing is left behind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from select import select
from threading import Event, Thread

import httpx
import psutil
import pytest
from raw_http import GOOD, LIMIT, LINK_SECONDS, MIB, UNKNOWN, Line, ask, check, chunked, fresh, request

from server import Server, submit
from timbre.service.files.storage import CALL_THREADS

pytestmark = pytest.mark.usefixtures("no_fault")


def test_http_1_0(server):
    with Line(server) as line:
        line.send(f"GET /v1/test HTTP/1.0\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode())
        answer = check(line.answer())
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        assert line.ended()


def test_requests_in_a_row_are_answered_in_their_order(server):
    key = {"Authorization": f"Bearer {server.key}"}
    row = [
        request("GET", "/v1/test", key),
        request("GET", "/nowhere", key),
        request("POST", "/v1/media/input", key, b'{"url":"media://hostile/row"}'),
        request("POST", "/v1/diarize", key, b"no JSON"),
        request("GET", "/v1/test", {}),
        request("GET", f"/v1/jobs/{UNKNOWN}", key),
    ]
    with Line(server) as line:
        line.send(b"".join(row))
        answers = [check(line.answer()) for _ in row]
    assert [answer.status for answer in answers] == [200, 404, 201, 400, 401, 404]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(row)


NO_HTTP = {
    "an unknown method": b"BREW /v1/test HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no path": b"GET\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "a space in the path": b"GET /v1/te st HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path beyond ASCII": b"GET /v1/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query beyond ASCII": b"GET /v2/jobs?status=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in a header": b"GET /v1/test HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "a bare return in a header": b"GET /v1/test HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    "a folded header": b"GET /v1/test HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "two lengths": b"POST /v1/diarize HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /v1/diarize HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length of 5000 digits": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
}  # fmt: skip


def test_http_0_9(server):
    with Line(server) as line:
        assert check(line.send(b"GET /v1/test\r\n\r\n").answer()).status == 401


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_not_http(server, name):
    with Line(server) as line:
        answer = line.send(NO_HTTP[name]).answer()
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/json"
        assert "HTTP/1.1" in answer.said["message"]
        assert line.ended()


@pytest.mark.parametrize("begun", [b"GET /", b"GET /v1/test HTTP/1.1\r\nX-Long: "])
def test_a_head_without_end_is_refused_before_it_fills_the_memory(server, begun):
    with Line(server) as line:
        line.send(begun)
        with suppress(OSError):
            for _ in range(64):
                line.send(b"a" * 65_536)
        answer = line.answer()
        assert answer.status == 431
        assert "64 KiB" in answer.said["message"]
    with Line(server) as line:  # what is long but not too long is read
        assert check(line.send(request("GET", "/v1/test", {"X-Long": "a" * 60_000})).answer()).status == 401


def test_nothing_but_http_is_spoken_where_nothing_else_is(server):
    assert check(ask(server, "GET", "/v1/test", {"Connection": "Upgrade", "Upgrade": "h2c"})).status == 200
    websocket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert ask(server, "GET", "/v1/test", {**websocket, "Sec-WebSocket-Key": "eA=="}).status == 400  # no such key
    assert ask(server, "GET", "/v1/test", {**websocket, "Sec-WebSocket-Key": "eA==" * 6}).status in {400, 403, 404}


def test_connections_that_stay_half_open(server):
    with ExitStack() as stack:
        key = {"Authorization": f"Bearer {server.key}"}
        for begun in (
            b"",
            b"GET /v1/te",
            b"GET /v1/test HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            request("POST", "/v1/diarize", {**key, "Content-Length": "100"}) + b"{",
            request("POST", "/v1/diarize", {**key, "Transfer-Encoding": "chunked"}) + b"5\r\n{",
        ):
            for _ in range(40):
                stack.enter_context(Line(server)).send(begun)
        for _ in range(10):
            assert check(ask(server, "GET", "/v1/test")).status == 200
            assert check(ask(server, "POST", "/v1/diarize", {}, GOOD)).status == 200


def counted(server: Server, route: str, method: str, status: int) -> int:
    """How many requests were answered so."""
    pattern = rf'timbre_requests_total{{method="{method}",route="{re.escape(route)}",status="{status}"}} ([0-9.e+]+)'
    found = re.search(pattern, httpx.get(f"{server.address}/metrics").text)
    return int(float(found[1])) if found else 0


def until(what: object, seconds: float = 20) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def objects(server: Server) -> set[Path]:
    """Every file of the storage, whole or not."""
    return {path for path in (server.folder / "media").rglob("*") if path.is_file()}


def link(client: httpx.Client, name: str, kind: str = "input") -> str:
    answer = client.post(f"/v1/media/{kind}", json={"url": f"media://hostile/{name}"})
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


def target(url: str) -> str:
    return url[url.index("/v1/") :]


UPLOAD = "/v1/media/objects/{team}/{name}"


@pytest.mark.parametrize("size", [100_000, 12 * MIB], ids=["small", "of several parts"])
@pytest.mark.parametrize("in_chunks", [False, True], ids=["by length", "in chunks"])
def test_an_upload_that_is_broken_off_leaves_nothing_behind(server, size, in_chunks):
    name = f"broken-{size}-{in_chunks}"
    before, gone = objects(server), counted(server, UPLOAD, "PUT", 499)
    with server.client() as client:
        url = target(link(client, name))
        with Line(server) as line:
            half = bytes(size * 2 // 3)
            if in_chunks:
                line.send(request("PUT", url, {"Transfer-Encoding": "chunked"}) + b"%x\r\n%s" % (size, half))
            else:
                line.send(request("PUT", url, {"Content-Length": str(size)}) + half)
        until(lambda: counted(server, UPLOAD, "PUT", 499) == gone + 1)
        assert objects(server) == before
        answer = client.post("/v1/media/output", json={"url": f"media://hostile/{name}"})
        assert answer.status_code == 404


def test_one_upload_a_link_runs_at_a_time_and_holds_no_thread(server):
    before, threads = objects(server), api(server).num_threads()
    with server.client() as client, ExitStack() as stack:
        urls = [link(client, f"at-once-{number}") for number in range(12)]
        lines = [stack.enter_context(Line(server)) for _ in urls]
        for line, url in zip(lines, urls, strict=True):
            line.send(request("PUT", target(url), {"Content-Length": str(8 * MIB)}) + bytes(6 * MIB))
        until(lambda: len(objects(server) - before) == len(urls))
        assert httpx.put(urls[0], content=b"another").status_code == 409
        assert api(server).num_threads() - threads <= CALL_THREADS  # which are there for all
        for line in lines:
            assert line.send(bytes(2 * MIB)).answer().status == 200
        assert httpx.put(urls[0], content=b"another").status_code == 200


def api(server: Server) -> psutil.Process:
    """The server's process that answers."""
    return psutil.Process(server.parts("api")[0])


@contextmanager
def endless() -> Iterator[tuple[str, Event]]:
    """The address of a recording that is never sent, and an event for when somebody asks for it."""
    asked, over = Event(), Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            over.wait(60)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}/endless.wav", asked
        finally:
            over.set()
            listener.shutdown()
            thread.join()


@pytest.fixture
def running(server: Server) -> Iterator[str]:
    """A job that runs until it is canceled."""
    with endless() as (url, asked), server.client() as client:
        job = submit(client, "diarize", url=url)
        assert asked.wait(20)
        until(lambda: client.get(f"/v1/jobs/{job}").json()["status"] == "running")
        yield job
        client.delete(f"/v1/jobs/{job}")
        client.delete(f"/v1/jobs/{job}", params={"canceled": True})


def test_a_client_that_leaves_is_not_waited_for(server, running):
    polls, streams = "/v1/jobs/{jobId}", "/v1/jobs/{jobId}/events"
    key = {"Authorization": f"Bearer {server.key}"}
    gone, ended = counted(server, polls, "GET", 499), counted(server, streams, "GET", 200)
    open_before = len(api(server).net_connections("tcp"))
    lines = []
    for _ in range(5):
        lines.append(Line(server).send(request("GET", f"/v1/jobs/{running}?wait=60", key)))
        lines.append(Line(server).send(request("GET", f"/v1/jobs/{running}/events", key)))
        assert lines[-1].answer().status == 200
    assert len(api(server).net_connections("tcp")) > len(lines)  # beside the one that listens
    for line in lines:
        line.close()
    # Long before the sixty seconds are over, and without the job having changed.
    until(lambda: counted(server, polls, "GET", 499) == gone + 5, seconds=10)
    until(lambda: counted(server, streams, "GET", 200) == ended + 5, seconds=10)
    until(lambda: len(api(server).net_connections("tcp")) <= open_before + 1)
    assert check(ask(server, "GET", f"/v1/jobs/{running}")).said["status"] == "running"


def test_a_poll_that_is_waited_for_is_answered(server, running):
    started = time.monotonic()
    answer = check(ask(server, "GET", f"/v1/jobs/{running}?wait=1.5"))
    assert answer.said["status"] == "running"
    assert time.monotonic() - started >= 1


def test_two_hundred_polls_hold_nobody_up(server, running):
    key = {"Authorization": f"Bearer {server.key}"}
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(server)) for _ in range(200)]
        for line in lines:
            line.send(request("GET", f"/v1/jobs/{running}?wait=60", key))
        with server.client() as client:
            for _ in range(40):
                submit(client, "diarize", url="media://hostile/nothing")
            assert not select([line.socket for line in lines], [], [], 0)[0]  # while all of them wait
            assert client.delete(f"/v1/jobs/{running}").json()["status"] == "canceled"
        with ThreadPoolExecutor(20) as pool:  # a line waits for its answer for less than the poll would take
            answers = list(pool.map(lambda line: check(line.answer()), lines))
    assert {(answer.status, answer.said["status"]) for answer in answers} == {(200, "canceled")}


@pytest.mark.parametrize("expect", [None, "100-continue"])
def test_an_upload_that_is_too_long_is_refused_unread(small, expect):
    before = objects(small)
    with small.client(fresh(small, f"unread-{expect}")) as client:
        url = target(link(client, "long"))
        for length in (LIMIT + 1, 10**15):
            head = {"Content-Length": str(length)} | ({"Expect": expect} if expect else {})
            with Line(small) as line:
                answer = check(line.send(request("PUT", url, head)).answer())
            assert answer.status == 413
        assert objects(small) == before
        assert client.post("/v1/media/output", json={"url": "media://hostile/long"}).status_code == 404


def test_an_upload_in_chunks_is_refused_when_it_gets_too_long(small):
    before = objects(small)
    with small.client(fresh(small, "chunks")) as client:
        url = target(link(client, "chunks"))
        with Line(small) as line:
            line.send(request("PUT", url, {"Transfer-Encoding": "chunked"}))
            line.send(chunked(*[bytes(65_536)] * 64))
            answer = check(line.answer())
        assert answer.status == 413
        assert objects(small) == before
        assert client.post("/v1/media/output", json={"url": "media://hostile/chunks"}).status_code == 404
        # At the limit it is kept, byte by byte.
        with Line(small) as line:
            line.send(request("PUT", url, {"Transfer-Encoding": "chunked"}))
            assert line.send(chunked(*[b"x" * 65_536] * (LIMIT // 65_536))).answer().status == 200
        assert httpx.get(link(client, "chunks", "output")).content == b"x" * LIMIT


def test_a_longer_upload_does_not_take_the_place_of_the_one_before(small):
    with small.client(fresh(small, "replaced")) as client:
        url = link(client, "replaced")
        assert httpx.put(url, content=b"first").status_code == 200
        assert httpx.put(url, content=bytes(LIMIT + 1)).status_code == 413
        assert httpx.get(link(client, "replaced", "output")).content == b"first"


def test_links_expire(small):
    with small.client(fresh(small, "expired")) as client:
        up = link(client, "expired")
        assert httpx.put(up, content=b"in time").status_code == 200
        down = link(client, "expired", "output")
        assert httpx.get(down).content == b"in time"
        expires = int(httpx.URL(down).params["expires"])
        assert 0 < expires - time.time() <= LINK_SECONDS
        time.sleep(max(0.0, expires + 1.05 - time.time()))
        for answer in (httpx.put(up, content=b"too late"), httpx.get(down)):
            assert answer.status_code == 403
            assert "expired" in answer.json()["message"]
        assert httpx.get(link(client, "expired", "output")).content == b"in time"


LINKS = (f"{'0' * 32}/YQ", "%00/%00", "../..%2f..%2fetc%2fpasswd", "x" * 5000 + "/%C3%A9")
LINK_QUERIES = ("", "?expires=1", "?signature=a", "?expires=&signature=", "?expires=abc&signature=%00")


def test_links_that_are_none(server):
    for path in LINKS:
        for query in LINK_QUERIES:
            for method in ("GET", "PUT"):
                answer = check(ask(server, method, f"/v1/media/objects/{path}{query}", {"Authorization": ""}))
                assert answer.status in {400, 403, 404}, (path, query)
