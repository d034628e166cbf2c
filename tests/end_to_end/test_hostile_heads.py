"""Headers, paths, methods and queries that no honest client sends, answered in JSON."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from raw_http import GOOD, RATES, UNKNOWN, Line, ask, check, refused, request

pytestmark = pytest.mark.usefixtures("no_fault")


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


SIGNING_IN = {"/v1/session": {"POST"}, "/v1/session/provider": {"GET", "POST"}}  # by which a browser gets its cookie
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
        for method in methods - SIGNING_IN.get(path, set()):
            for target in (path, f"{path}?limit=bad&wait=bad&cursor=bad&month=bad&take=0"):
                for body in (b"no JSON", None):
                    with Line(server) as line:
                        # A body of any length is not even waited for.
                        sized = head if body else {**head, "Content-Length": "999999999999"}
                        answer = check(line.send(request(method, target, sized, body or b"")).answer())
                    assert answer.status == 401, (method, target)
                    assert not set(RATES) & set(answer.headers)
                    answers += 1
    assert answers >= 15 * 4


def test_a_key_without_scopes_may_do_nothing(server, operations):
    key = server.run("keys", "create", "hostile", "--team", "hostile", "--scope", "stream:read").split()[-1]
    for path, methods in operations.items():
        if path.startswith("/v1/media/objects") or not path.startswith("/v"):
            continue
        if path in {"/v1/test", *SIGNING_IN} or path.startswith("/v1/live/"):  # these need none, or have it
            continue
        for method in methods:
            answer = check(ask(server, method, path, {"Authorization": f"Bearer {key}"}, b"no JSON"))
            assert answer.status == 403, (method, path)


HOSTS = ["", "[::1", "a b", "x:99999", "x:port", '"><script>', "a/b", "user@host", "http://x", b"\xff\xfe"]


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
def test_hosts_that_are_none(server, host):
    answer = check(ask(server, "POST", "/v1/media/input", {"Host": host}, b'{"url":"media://hostile/host"}'))
    if host not in {"", "[::1"}:
        assert answer.status == 421
        return
    assert answer.status == 201
    assert re.fullmatch(r"http://[\w.:@-]+/v1/media/objects/[\w/?=&-]+", answer.said["url"])


def test_a_slash_at_the_end_changes_nothing(server, operations):
    for path, methods in operations.items():
        for method in methods:
            if "?" in path or path.endswith("/events"):
                continue
            plain, slashed, twice = (ask(server, method, path + end) for end in ("", "/", "//"))
            assert plain.status == slashed.status == twice.status, (method, path)
            assert plain.headers.get("content-type") == slashed.headers.get("content-type")
            assert "location" not in slashed.headers
            if plain.status >= 400:
                plain_said, slashed_said = (said.get("error", said) for said in (plain.said, slashed.said))
                assert plain_said["message"] == slashed_said["message"]
    with server.client() as client:
        assert client.post("/v1/diarize/", content=GOOD).status_code == 200


PATHS = {
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
