"""Requests that no honest client sends: each is answered in JSON with a status that says whose fault it is.

What is not HTTP at all never reaches the app: uvicorn answers it with one line of plain text and hangs up.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import pytest

from server import Server, finished, submit
from timbre import Settings
from timbre.http import limits
from timbre.http.limits import Group, RateLimits

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
MIB = 1 << 20
LIMIT = MIB  # bytes of an upload to the small server
LINK_SECONDS = 4  # that its links are valid
SUBMITS, READS = 5, 8  # requests a minute that it allows
RATES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
GOOD = b'{"url":"media://hostile/nothing"}'
ADA = {"label": "Ada", "voiceprint": "Zm9v"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.body)


class Line:
    """A connection on which anything can be sent."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, data: bytes) -> Line:
        self.socket.sendall(data)
        return self

    def answer(self, *, head: bool = False) -> Answer:
        """The next answer; `head` for one without a body."""
        status = int(self._reader.readline().split()[1])
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head else int(headers.get("content-length", 0))
        return Answer(status, headers, self._reader.read(length))

    def ended(self) -> bool:
        """Whether the server hung up, and said nothing more."""
        return self._reader.read() == b""


def request(method: str, path: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes = b"") -> bytes:
    """The bytes of a request, as they are: nothing is checked or escaped."""
    target = path if isinstance(path, bytes) else path.encode()
    fields = {"Host": "timbre.test", **({"Content-Length": str(len(body))} if body else {}), **(headers or {})}
    head = [method.encode() + b" " + target + b" HTTP/1.1"]
    head += [b"%s: %s" % (n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in fields.items()]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def ask(
    server: Server, method: str, path: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes = b""
) -> Answer:
    """Send a request with the key and take its answer."""
    with Line(server) as line:
        line.send(request(method, path, {"Authorization": f"Bearer {server.key}", **(headers or {})}, body))
        return line.answer(head=method == "HEAD")


def check(answer: Answer, *, head: bool = False) -> Answer:
    """Make sure that an answer is one of this server: JSON, with its request's id, and without its inside."""
    assert answer.headers["content-type"] == "application/json"
    UUID(answer.headers["x-request-id"])
    assert "location" not in answer.headers
    if answer.status >= 400 and not head:
        said = answer.said
        assert said["message"]
        if answer.status == 400:
            assert set(said) == {"message", "errors"}
            assert all(set(error) == {"field", "message"} for error in said["errors"])
        else:
            assert said == {"requestId": answer.headers["x-request-id"], "message": said["message"]}
    assert not re.search(rb"<html|Traceback|File \"|/site-packages/|psycopg|pydantic", answer.body)
    return answer


def refused(answer: Answer, field: str) -> None:
    assert check(answer).status == 400, answer
    assert field in {error["field"] for error in answer.said["errors"]}, answer


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows very little."""
    settings = {
        "TIMBRE_UPLOAD_GB": str(LIMIT / 2**30),
        "TIMBRE_UPLOAD_LINK_SECONDS": str(LINK_SECONDS),
        "TIMBRE_SUBMITS_PER_MINUTE": str(SUBMITS),
        "TIMBRE_READS_PER_MINUTE": str(READS),
    }
    with Server(tmp_path_factory.mktemp("small"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def operations(server: Server) -> dict[str, set[str]]:
    """What there is: methods by path, with ids that nothing has."""
    paths = httpx.get(f"{server.address}/openapi.json").json()["paths"]
    names = {"jobId": UNKNOWN, "deliveryId": UNKNOWN, "format": "rttm", "team": UUID(UNKNOWN).hex, "name": "YQ"}
    return {path.format(**names): {method.upper() for method in methods} for path, methods in paths.items()}


def fresh(server: Server, team: str) -> str:
    """A key of a team of its own, whose requests were not counted yet."""
    return server.run("keys", "create", "hostile", "--team", team).split()[-1]


# --- bodies ---


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-16", b"\xff;=,"],
)
def test_the_type_of_a_body_does_not_matter(server, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert check(ask(server, "POST", "/v1/diarize", headers, GOOD)).status == 200


DEEP = 200_000
BODIES = {
    "empty": b"",
    "spaces": b" \r\n\t ",
    "no JSON": b"url=media://hostile/nothing",
    "HTML": b"<html></html>",
    "cut": GOOD[:-1],
    "something behind it": GOOD + b"}",
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32-le"),
    "Latin-1": '{"url":"media://hostile/nothing","x":"é"}'.encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "NULs": b"\0" * 100,
    "a NUL behind it": GOOD + b"\0",
    "a control character": b'{"url":"media://hostile/nothing","x":"\x01"}',
    "gzip": gzip.compress(GOOD),
    "a list": b"[]",
    "text": b'"media://hostile/nothing"',
    "a number": b"1",
    "null": b"null",
    "NaN": b'{"url":"media://hostile/nothing","x":NaN}',
    "infinity": b'{"url":"media://hostile/nothing","vadSensitivity":-Infinity}',
    "a number of 5000 digits": b'{"url":"media://hostile/nothing","x":1' + b"0" * 5000 + b"}",
    "half a character": b'{"url":"media://hostile/nothing","x":"\\ud800"}',
    "half a character as a key": b'{"url":"media://hostile/nothing","\\udfff":1}',
    "half a character as the URL": b'{"url":"media://\\ud800"}',
    "deep lists": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP,
    "deep and whole": b'{"url":"media://hostile/nothing","x":' + b"[" * DEEP + b"]" * DEEP + b"}",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/v1/diarize", "/v1/media/input"])
def test_bodies_that_are_no_json_object(server, path, name):
    headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if name == "gzip" else {})
    refused(ask(server, "POST", path, headers, BODIES[name]), "body")


FIELDS = [
    ("diarize", "url", {"url": "https://example.org/{}"}),
    ("diarize", "url", {"url": "media://{}"}),
    ("diarize", "webhook", {"webhook": "https://example.org/{}"}),
    ("diarize", "model", {"model": "{}"}),
    ("voiceprint", "url", {"url": "{}https://example.org/"}),
    ("voiceprint", "model", {"model": "base{}"}),
    ("identify", "voiceprints.0.label", {"voiceprints": [{"label": "A{}", "voiceprint": "Zm9v"}]}),
    ("identify", "voiceprints.0.voiceprint", {"voiceprints": [{"label": "A", "voiceprint": "{}"}]}),
    ("media/input", "url", {"url": "media://{}"}),
    ("media/output", "url", {"url": "media://a{}b"}),
]


@pytest.mark.parametrize("text", ["\0", "\x7f", "\r\nX-Evil: 1", "\x1b[2J", "\x85"], ids=ascii)
@pytest.mark.parametrize(("path", "field", "options"), FIELDS)
def test_control_characters_in_every_text(server, path, field, options, text):
    least = {"url": "media://hostile/nothing"} | ({"voiceprints": [ADA]} if path == "identify" else {})
    body = json.dumps({**least, **options}).replace("{}", json.dumps(text)[1:-1])
    refused(ask(server, "POST", f"/v1/{path}", {}, body.encode()), field)


WRONG = [
    {"url": 1},
    {"url": ""},
    {"url": ["media://a"]},
    {"url": "file:///etc/passwd"},
    {"url": "media://../../etc/passwd\\"},
    {"url": "https://" + "a" * 9000},
    {"url": "https://[::1"},
    {"url": "https://a:99999999999/"},
    {"url": "https://xn--/"},
    {"numSpeakers": 0},
    {"numSpeakers": -(10**30)},
    {"numSpeakers": "2"},
    {"numSpeakers": True},
    {"numSpeakers": 1.5},
    {"vadSensitivity": 1e300},
    {"exclusive": "yes"},
    {"exclusive": 1},
    {"model": {"a": [1]}},
    {"webhook": "javascript:alert(1)"},
]


@pytest.mark.parametrize("options", WRONG, ids=lambda options: json.dumps(options)[:40])
def test_values_that_are_wrong(server, options):
    body = json.dumps({"url": "media://hostile/nothing", **options}).encode()
    refused(ask(server, "POST", "/v1/diarize", {}, body), next(iter(options)))


def test_of_two_values_the_last_counts(server):
    answer = ask(server, "POST", "/v1/diarize", {}, b'{"url":"no URL","url":"media://hostile/nothing"}')
    assert check(answer).status == 200
    refused(ask(server, "POST", "/v1/diarize", {}, b'{"url":"media://hostile/nothing","url":"no URL"}'), "url")


@pytest.mark.parametrize("number", ["1" + "0" * 400, "9223372036854775808", "2.0", "1e2"])
def test_more_speakers_than_there_can_be(server, number):
    answer = check(ask(server, "POST", "/v1/diarize", {}, GOOD[:-1] + b',"numSpeakers":' + number.encode() + b"}"))
    assert answer.status == 200
    with server.client() as client:
        assert finished(client, answer.said["jobId"])["output"]["error"].startswith("Could not load audio")


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_body_in_chunks(server):
    headers = {"Transfer-Encoding": "chunked"}
    whole = request("POST", "/v1/diarize", {"Authorization": f"Bearer {server.key}", **headers})
    with Line(server) as line:
        pieces = [GOOD[index : index + 1] for index in range(len(GOOD))]
        assert check(line.send(whole + chunked(*pieces)).answer()).status == 200
        assert check(line.send(whole + chunked()).answer()).status == 400


def test_a_body_of_five_mebibytes(server):
    body = GOOD[:-1] + b',"x":"' + b"x" * (5 * MIB) + b'"}'
    for path in ("/v1/identify", "/v1/media/input"):
        assert check(ask(server, "POST", path, {}, body)).status == 413
    with Line(server) as line:
        head = request("POST", "/v1/diarize", {"Authorization": f"Bearer {server.key}", "Transfer-Encoding": "chunked"})
        pieces = [body[index : index + MIB] for index in range(0, len(body), MIB)]
        assert check(line.send(head + chunked(*pieces)).answer()).status == 413
    # What the limit allows is read: fifty voiceprints of the longest kind are a mebibyte.
    assert check(ask(server, "POST", "/v1/diarize", {}, GOOD[:-1] + b',"x":"' + b"x" * (3 * MIB) + b'"}')).status == 200


def test_a_body_that_is_too_long_is_not_waited_for(server):
    for expect in ({}, {"Expect": "100-continue"}):
        answer = ask(server, "POST", "/v1/diarize", {"Content-Length": "999999999999", **expect})
        assert check(answer).status == 413


# --- headers ---


@pytest.mark.parametrize("key", ["a", "k" * 255, "two words", b"\xff\xe9", "'; DROP TABLE jobs; --", "%00%0d%0a"])
def test_idempotency_keys_that_are_odd(server, key):
    once = str(uuid4()).encode()[:8]
    key = (key if isinstance(key, bytes) else key.encode()) + (b"" if len(key) == 255 else once)
    first, second = (check(ask(server, "POST", "/v1/diarize", {"Idempotency-Key": key}, GOOD)) for _ in range(2))
    assert first.status == second.status == 200
    assert first.said["jobId"] == second.said["jobId"]
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 5000])
def test_idempotency_keys_that_are_none(server, key):
    refused(ask(server, "POST", "/v1/diarize", {"Idempotency-Key": key}, GOOD), "Idempotency-Key")


def test_a_header_cannot_be_smuggled_into_an_answer(server):
    with Line(server) as line:
        evil = b"a\r\nX-Evil: 1\r\nX-Request-Id: evil"
        head = {"Authorization": f"Bearer {server.key}", "Idempotency-Key": evil}
        answer = check(line.send(request("POST", "/v1/diarize", head, GOOD)).answer())
    assert "x-evil" not in answer.headers
    assert answer.headers["x-request-id"] != "evil"
    answer = check(ask(server, "GET", "/v1/%0d%0aX-Evil:%201"))
    assert answer.status == 404
    assert "x-evil" not in answer.headers


KEYS = {
    "none": None,
    "empty": "",
    "no scheme": "{}",
    "another scheme": "Basic {}",
    "no key": "Bearer",
    "spaces": "Bearer    ",
    "a wrong key": "Bearer sk_wrong",
    "part of the key": "Bearer {}",
    "two keys": "Bearer {} {}",
    "the key in capitals": "Bearer {}",
    "not ASCII": b"Bearer \xff\xfe\xe9",
    "quotes": "Bearer ' OR 1=1 --",
    "very long": "Bearer " + "k" * 30_000,
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_that_are_none(server, name):
    key = {"part of the key": server.key[:-1], "the key in capitals": server.key.upper()}.get(name, server.key)
    value = KEYS[name]
    value = value.replace("{}", key) if isinstance(value, str) else value
    with Line(server) as line:
        answer = check(
            line.send(request("GET", "/v1/test", {} if value is None else {"Authorization": value})).answer()
        )
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert server.key not in answer.body.decode()


def test_the_scheme_is_read_in_any_case(server):
    assert check(ask(server, "GET", "/v1/test", {"Authorization": f"bEaReR   {server.key} "})).status == 200


@pytest.mark.parametrize("key", [None, "sk_wrong"])
def test_the_key_is_looked_at_before_anything_else(server, operations, key):
    head = {} if key is None else {"Authorization": f"Bearer {key}"}
    answers = 0
    for path, methods in operations.items():
        if path.startswith("/v1/media/objects") or not path.startswith("/v"):
            continue
        for method in methods:
            for target in (path, f"{path}?limit=bad&wait=bad&cursor=bad&month=bad&take=0"):
                for body in (b"no JSON", None):
                    with Line(server) as line:
                        # A body of any length is not even waited for.
                        sized = head if body else {**head, "Content-Length": "999999999999"}
                        answer = check(line.send(request(method, target, sized, body or b"")).answer())
                    assert answer.status == 401, (method, target)
                    assert not set(RATES) & set(answer.headers)
                    answers += 1
    assert answers == 15 * 4


def test_a_key_without_scopes_may_do_nothing(server, operations):
    key = server.run("keys", "create", "hostile", "--team", "hostile", "--scope", "stream:read").split()[-1]
    for path, methods in operations.items():
        if path.startswith("/v1/media/objects") or not path.startswith("/v"):
            continue
        for method in methods:
            answer = check(ask(server, method, path, {"Authorization": f"Bearer {key}"}, b"no JSON"))
            assert answer.status == (200 if path == "/v1/test" else 403), (method, path)


HOSTS = ["", "[::1", "a b", "x:99999", "x:port", '"><script>', "a/b", "user@host", "http://x", b"\xff\xfe"]


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
def test_hosts_that_are_none(server, host):
    answer = check(ask(server, "POST", "/v1/media/input", {"Host": host}, b'{"url":"media://hostile/host"}'))
    assert answer.status == 201
    assert re.fullmatch(r"http://[\w.:@-]+/v1/media/objects/[\w/?=&-]+", answer.said["url"])


# --- paths, methods and queries ---


def test_a_slash_at_the_end_changes_nothing(server, operations):
    for path, methods in operations.items():
        for method in methods:
            if "?" in path or path.endswith("/events"):
                continue
            plain, slashed, twice = (ask(server, method, path + end) for end in ("", "/", "//"))
            assert plain.status == slashed.status == twice.status, (method, path)
            assert plain.headers["content-type"] == slashed.headers["content-type"]
            assert "location" not in slashed.headers
            if plain.status >= 400:
                assert plain.said["message"] == slashed.said["message"]
    with server.client() as client:
        assert client.post("/v1/diarize/", content=GOOD).status_code == 200


PATHS = {
    "nothing": "/",
    "slashes": "///",
    "a slash before": "//v1/test",
    "a slash within": "/v1//test",
    "up": "/v1/jobs/../test",
    "up, escaped": "/v1/jobs/%2e%2e/test",
    "out": "/../../../etc/passwd",
    "out, escaped": "/%2e%2e%2f%2e%2e%2fetc/passwd",
    "out of a job": f"/v1/jobs/..%2f..%2f{UNKNOWN}",
    "backslashes": "/v1\\test",
    "a parameter": "/v1/test;x=1",
    "a NUL": "/v1/test%00",
    "a NUL as a job": "/v1/jobs/%00",
    "a NUL in a job": f"/v1/jobs/{UNKNOWN}%00",
    "dots as a job": "/v1/jobs/..",
    "no UTF-8": "/v1/jobs/%ff%fe",
    "half an escape": "/v1/jobs/%",
    "no escape": "/v1/jobs/%zz",
    "a job with a slash": f"/v1/jobs/{UNKNOWN}%2foutput.rttm%2fx",
    "quotes": "/v1/jobs/'%20OR%201=1%20--",
    "a script": "/v1/%3Cscript%3E",
    "capitals": "/V1/TEST",
    "long": "/v1/jobs/" + "a" * 60_000,
    "long and unknown": "/" + "a/" * 30_000 + "b",
    "another place": "*",
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_that_lead_nowhere(server, name):
    for method in ("GET", "POST", "DELETE"):
        answer = check(ask(server, method, PATHS[name]))
        assert answer.status in ({404} if method == "GET" else {404, 405}), answer
        assert len(answer.body) < 500


def test_bytes_beyond_ascii_in_an_escaped_query(server):
    for query in ("x=%e2%82%ac", "%ff=%ff", "=&&&=", "x=" + "a" * 30_000, "&".join(["x=1"] * 5000)):
        assert check(ask(server, "GET", f"/v2/jobs?{query}")).status == 200


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "M-SEARCH")


def test_methods_that_a_path_does_not_know(server, operations):
    for path, methods in operations.items():
        for method in set(METHODS) - methods:
            answer = check(ask(server, method, path), head=method == "HEAD")
            assert answer.status == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == methods, path
            assert method != "HEAD" or int(answer.headers["content-length"]) > 0  # said, but not sent


JOB = f"/v1/jobs/{UNKNOWN}"
DELIVERIES = "/v1/webhooks/deliveries"
QUERIES = {
    ("/v2/jobs", "limit"): ("0", "101", "-1", "abc", "", "1.5", "nan", "9" * 5000, "%00", "%E2%82%AC"),
    ("/v2/jobs", "cursor"): ("garbage", "%00", "", "1", UNKNOWN[:-1], f"{UNKNOWN}0", "%C3%A9"),
    ("/v2/jobs", "status"): ("bogus", "", "Created", "%00", "created,failed"),
    ("/v1/jobs", "take"): ("0", "101", "abc"),
    ("/v1/jobs", "skip"): ("-1", "9223372036854775808", "abc"),
    ("/v1/jobs", "limit"): ("0",),
    ("/v1/jobs", "offset"): ("-1",),
    (JOB, "wait"): ("-1", "61", "nan", "inf", "abc", "", "1e400", "%00"),
    (f"{JOB}/output.rttm", "exclusive"): ("maybe", ""),
    ("/v1/usage", "month"): ("2026-13", "2026-00", "0000-01", "26-1", "", "%00", "2026-11-01", "202%D9%A6-11"),
    **{(DELIVERIES, name): ("garbage", "", "%00") for name in ("jobId", "state", "limit", "cursor")},
}


@pytest.mark.parametrize(("path", "name"), QUERIES)
def test_queries_that_are_wrong(server, path, name):
    for value in QUERIES[path, name]:
        refused(ask(server, "GET", f"{path}?{name}={value}"), name)


@pytest.mark.parametrize("cursor", [UNKNOWN, UNKNOWN.upper(), UUID(UNKNOWN).hex, "0" * 32, "f" * 32])
def test_a_cursor_may_name_no_job(server, cursor):
    answer = check(ask(server, "GET", f"/v2/jobs?cursor={cursor}"))
    assert answer.status == 200
    assert set(answer.said) == {"items", "nextCursor"}


# --- connections ---


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
    "an endless path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
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
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.body == b"Invalid HTTP request received."
        assert line.ended()


def test_nothing_but_http_is_spoken(server):
    for other in ("websocket", "h2c"):
        headers = {
            "Connection": "Upgrade",
            "Upgrade": other,
            "Sec-WebSocket-Key": "eA==",
            "Sec-WebSocket-Version": "13",
        }
        assert check(ask(server, "GET", "/v1/test", headers)).status == 200


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
        started = time.monotonic()
        for _ in range(10):
            assert check(ask(server, "GET", "/v1/test")).status == 200
            assert check(ask(server, "POST", "/v1/diarize", {}, GOOD)).status == 200
        assert time.monotonic() - started < 10


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


def api(server: Server) -> psutil.Process:
    """The server's process that answers."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return next(child for child in children if "api" in child.cmdline())


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
        client.delete(f"/v1/jobs/{job}")


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
    assert len(api(server).net_connections("tcp")) >= open_before + 10
    for line in lines:
        line.close()
    # Long before the sixty seconds are over, and without the job having changed.
    until(lambda: counted(server, polls, "GET", 499) == gone + 5, seconds=10)
    until(lambda: counted(server, streams, "GET", 200) == ended + 5, seconds=10)
    until(lambda: len(api(server).net_connections("tcp")) <= open_before + 1)
    assert check(ask(server, "GET", f"/v1/jobs/{running}")).said["status"] == "running"


def test_a_poll_that_is_waited_for_is_answered(server, running):
    started = time.monotonic()
    answer = check(ask(server, "GET", f"/v1/jobs/{running}?wait=2.5"))
    assert answer.said["status"] == "running"
    assert 2 <= time.monotonic() - started < 10


def test_two_hundred_polls_hold_nobody_up(server, running):
    key = {"Authorization": f"Bearer {server.key}"}
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(server)) for _ in range(200)]
        for line in lines:
            line.send(request("GET", f"/v1/jobs/{running}?wait=60", key))
        seconds = []
        with server.client() as client:
            for _ in range(40):
                started = time.monotonic()
                submit(client, "diarize", url="media://hostile/nothing")
                seconds.append(time.monotonic() - started)
            assert statistics.median(seconds) < 0.25, seconds
            started = time.monotonic()
            assert client.delete(f"/v1/jobs/{running}").json()["status"] == "canceled"
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda line: check(line.answer()), lines))
        assert time.monotonic() - started < 10
    assert {(answer.status, answer.said["status"]) for answer in answers} == {(200, "canceled")}


# --- uploads ---


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


# --- limits of the rate ---


def spent(answer: Answer, limit: int) -> None:
    """Make sure that this is how one request too many is answered."""
    assert check(answer).status == 429
    assert re.fullmatch(r"[0-9]+", answer.headers["retry-after"])
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert [answer.headers[name] for name in RATES] == [str(limit), "0", answer.headers["retry-after"]]


def test_requests_are_counted_for_each_team_and_group(small):
    keys = {team: {"Authorization": f"Bearer {fresh(small, team)}"} for team in ("first", "second")}
    groups = {
        "diarize": ("POST", "/v1/diarize", GOOD),
        "voiceprint": ("POST", "/v1/voiceprint", GOOD),
        "identify": ("POST", "/v1/identify", b"no JSON"),  # counted, whatever comes of it
        "media": ("POST", "/v1/media/input", b'{"url":"media://hostile/counted"}'),
        "read": ("GET", f"/v1/jobs/{UNKNOWN}", b""),
    }
    for group, (method, path, body) in groups.items():
        limit = READS if group == "read" else SUBMITS
        resets = []
        for left in reversed(range(limit)):
            answer = check(ask(small, method, path, keys["first"], body))
            assert answer.status in {200, 201, 400, 404}
            assert answer.headers["x-ratelimit-limit"] == str(limit)
            assert answer.headers["x-ratelimit-remaining"] == str(left)
            resets.append(int(answer.headers["x-ratelimit-reset"]))
            assert "retry-after" not in answer.headers
        assert 1 <= resets[-1] <= resets[0] <= 60
        spent(ask(small, method, path, keys["first"], body), limit)
    # Routes of a group are counted together, and the key comes before the count.
    spent(ask(small, "GET", "/v2/jobs?limit=bad", keys["first"]), READS)
    spent(ask(small, "POST", "/v1/media/output", keys["first"], b"no JSON"), SUBMITS)
    assert check(ask(small, "GET", "/v1/test", {"Authorization": "Bearer sk_wrong"})).status == 401
    # Another team has all of its requests still, and another key of the same team none.
    answer = check(ask(small, "POST", "/v1/diarize", keys["second"], GOOD))
    assert answer.headers["x-ratelimit-remaining"] == str(SUBMITS - 1)
    again = {"Authorization": f"Bearer {fresh(small, 'first')}"}
    spent(ask(small, "POST", "/v1/diarize", again, GOOD), SUBMITS)
    # What has no key has no limit.
    for _ in range(2 * READS):
        assert check(ask(small, "GET", "/healthz", {"Authorization": ""})).status == 200


def test_a_minute_later_all_requests_are_there_again(monkeypatch):
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now)
    team = uuid4()

    async def minute() -> None:
        nonlocal now
        rates = RateLimits(Settings(submits_per_minute=2, reads_per_minute=0))
        windows = [await rates.count(team, Group.DIARIZE) for _ in range(3)]
        assert [(window.granted, window.remaining, window.reset) for window in windows] == [
            (True, 1, 60),
            (True, 0, 60),
            (False, 0, 60),
        ]
        now += 59.5
        late = await rates.count(team, Group.DIARIZE)
        assert (late.granted, late.reset) == (False, 1)
        now += 0.6
        again = await rates.count(team, Group.DIARIZE)
        assert (again.granted, again.remaining, again.reset) == (True, 1, 60)
        assert await rates.count(team, Group.READ) is None

    asyncio.run(minute())


def test_nothing_of_all_this_was_a_fault(server, small):
    for each in (server, small):
        assert '"event": "fault"' not in (each.folder / "log" / "api.log").read_text()
        assert check(ask(each, "GET", "/readyz", {"Authorization": ""})).status == 200
