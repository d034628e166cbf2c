"""Bodies that no honest client sends: each is answered in JSON with a status that says whose fault it is."""

from __future__ import annotations

import gzip
import json

import pytest
from raw_http import ADA, GOOD, MIB, Line, ask, check, chunked, refused, request

from server import finished

pytestmark = pytest.mark.usefixtures("no_fault")


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
