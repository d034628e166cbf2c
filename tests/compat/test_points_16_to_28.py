"""The points of section 17 of the API reference: media, errors, limits, webhooks; 22, live streams, is in test_live."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import itertools
import json
import os
import re
import socket
import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from truth import NAMES
from wire import (
    GIBI,
    MEBI,
    NOTHING,
    RATE,
    SUBMITS,
    TIME,
    UNKNOWN_JOB,
    body_for,
    downloaded,
    faults,
    kept,
    link,
    refused,
)

import media
from far_server import far_server, redirect
from server import CONVERSATION, ENOUGH, finished, submit
from timbre import Voiceprint
from timbre.settings import Settings


@pytest.mark.parametrize("chunked", [False, True])
def test_point_16_uploads_work_with_whatever_clients_send_and_are_never_held_in_memory(client, server, chunked):
    """16: an absolute URL; no key; any or no Content-Type; chunked or not; the same name again replaces."""
    url = link(client, "compat/upload")
    assert url.startswith(f"{server.address}/")
    for content_type in (None, "audio/wav", "application/octet-stream", "multipart/form-data", "nonsense"):
        content = f"sent as {content_type}".encode()
        headers = {} if content_type is None else {"Content-Type": content_type}
        assert httpx.put(url, content=iter([content]) if chunked else content, headers=headers).is_success
        assert downloaded(client, "compat/upload") == content
    piece, count = os.urandom(MEBI), 96
    (pid,) = server.parts("api")
    process = psutil.Process(pid)
    before = process.memory_info().rss
    most = before

    def pieces():
        nonlocal most
        for _ in range(count):
            yield piece
            most = max(most, process.memory_info().rss)

    headers = {} if chunked else {"Content-Length": str(count * MEBI)}
    assert httpx.put(url, content=pieces(), headers=headers, timeout=ENOUGH).is_success
    assert most - before < 48 * MEBI
    arrived = hashlib.sha256(downloaded(client, "compat/upload")).digest()
    assert arrived == hashlib.sha256(piece * count).digest()


@pytest.mark.exhaustive
def test_point_16_a_gibibyte_can_be_uploaded_and_no_byte_more(strict):
    """16: works for 1 GiB."""
    with strict.client() as client:
        url = link(client, "compat/large")
        piece = bytes(4 * MEBI)
        headers = {"Content-Length": str(GIBI)}
        assert httpx.put(url, content=itertools.repeat(piece, 256), headers=headers, timeout=ENOUGH).is_success
        download = client.post("/v1/media/output", json={"url": "media://compat/large"}).json()["url"]
        with httpx.stream("GET", download) as answer:
            assert answer.headers["content-length"] == str(GIBI)
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port)) as connection:
        head = f"PUT {address.raw_path.decode()} HTTP/1.1\r\nHost: {address.host}\r\nContent-Length: {GIBI + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_point_17_media_keys_belong_to_a_team_and_have_their_form(client, others):
    """17: scoped per team, at most 255 characters, letters, digits and `-_./`."""
    for name in ("a", "../../etc/passwd", "..", "/", "a//b/./c", "A-Z_0.9/x", "x" * 247):
        assert len(f"media://{name}") <= 255
        for team, content in ((client, b"ours"), (others, b"theirs")):
            assert httpx.put(link(team, name), content=content).is_success
        assert (downloaded(client, name), downloaded(others, name)) == (b"ours", b"theirs")
    for name in ("", "x" * 248, "a b", "a%20b", "é", "a?b", "a#b", "a\\b", "a\n", "a:b"):
        for path in ("/v1/media/input", "/v1/media/output", "/v1/diarize"):
            assert set(faults(client.post(path, json={"url": f"media://{name}"}))) == {"url"}
    httpx.put(link(client, "compat/ours"), content=CONVERSATION.read_bytes())
    refused(others.post("/v1/media/output", json={"url": "media://compat/ours"}), 404)
    job = finished(others, submit(others, "diarize", url="media://compat/ours"))
    assert (job["status"], "nothing is kept at media://compat/ours" in job["output"]["error"]) == ("failed", True)


def test_point_18_errors_are_json_with_a_message(server, client, strict):
    """18: 400 with `errors` of `{field, message}`, others with `requestId`; never 422, never HTML, never 415."""
    for kind in SUBMITS:
        assert "url" in faults(client.post(f"/v1/{kind}", json={}))
        for content in (b"", b"{", b"[]", b"null", b"\xff", b'"url"', b'{"url": NaN}', b"url=x"):
            assert set(faults(client.post(f"/v1/{kind}", content=content))) == {"body"}
        for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "nonsense"):
            headers = {} if content_type is None else {"Content-Type": content_type}
            assert set(faults(client.post(f"/v1/{kind}", content=b'{"url": 1}', headers=headers))) >= {"url"}
    job = client.post(
        "/v1/diarize", content=b'{"url": "media://compat/never-uploaded"}', headers={"Content-Type": "x/y"}
    )
    assert job.status_code == 200
    wrong = {"url": "ftp://x", "model": "nope", "numSpeakers": 0, "confidence": "yes", "webhook": "x"}
    assert set(faults(client.post("/v1/diarize", json=wrong))) == set(wrong)
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "status=x"):
        assert set(faults(client.get(f"/v2/jobs?{query}"))) == {query.partition("=")[0]}
    refused(httpx.post(f"{server.address}/v1/diarize", json={"url": NOTHING}), 401)
    for scope, path in (("media:read", "/v1/diarize"), ("jobs:read", "/v1/media/input")):
        with strict.client(strict.run("keys", "create", scope, "--scope", scope)) as narrow:
            refused(narrow.post(path, json={"url": NOTHING}), 403)
    for path in (f"/v1/jobs/{UNKNOWN_JOB}", "/v1/jobs/no-id", "/v1/nothing", "/v3/jobs", "/v1/media/nothing"):
        refused(client.get(path), 404)
    refused(client.get("/v1/diarize"), 405)
    refused(client.post("/v1/diarize", content=b" " * (5 * MEBI)), 413)


def test_point_19_a_429_says_how_long_to_wait(strict):
    """19: `Retry-After` in whole seconds; submits and reads are counted apart, reads far more generously."""
    with strict.client() as client:
        for left in range(29, -1, -1):
            answer = client.post("/v1/voiceprint", json={"url": NOTHING})
            assert answer.status_code == 200
            assert answer.headers["X-RateLimit-Limit"] == "30"
            assert answer.headers["X-RateLimit-Remaining"] == str(left)
            assert 1 <= int(answer.headers["X-RateLimit-Reset"]) <= 60
        answer = client.post("/v1/voiceprint", json={"url": NOTHING})
        refused(answer, 429)
        assert re.fullmatch(r"\d+", answer.headers["Retry-After"])
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert client.post("/v1/diarize", json={"url": NOTHING}).status_code == 200
        reads = {client.get(f"/v1/jobs/{UNKNOWN_JOB}").status_code for _ in range(150)}
        assert reads == {404}
        assert int(client.get("/v1/test").headers["X-RateLimit-Limit"]) >= 300


def test_point_20_times_are_utc_with_milliseconds(client, busy, identified):
    """20: ISO 8601, UTC, milliseconds, `Z`; an order that makes sense."""
    failed = finished(client, submit(client, "diarize", url=NOTHING))
    details = [client.get(f"/v1/jobs/{job}").json() for job in busy.values()] + [identified, failed]
    lists = [item for path in ("/v1/jobs", "/v2/jobs") for item in client.get(path).json()["items"]]
    for item in details + lists:
        moments = {key: value for key, value in item.items() if key.endswith("At") and value is not None}
        assert "createdAt" in moments
        assert all(TIME.fullmatch(moment) for moment in moments.values()), moments
    for job in details:
        assert job["createdAt"] <= job["updatedAt"]
    for job in (identified, failed):
        assert job["createdAt"] <= job["startedAt"] <= job["completedAt"] == job["updatedAt"]


def test_point_21_webhooks_are_signed_and_tried_again(strict, far, short_sound):
    """21: signed as `v0:{ts}:{body}` in hex; three retries with number and reason; at most 2 redirects; 2xx is done."""
    assert (Settings().webhook_retries, Settings().webhook_seconds) == ((0, 60, 300), 10)
    secret = re.search(r"whsec_\S+", strict.run("webhooks", "secret"))[0]
    begun = time.time()
    statuses = iter([500, 302, 200])
    far.routes |= {
        "/sound": lambda request: request.answer(body=short_sound),
        "/good": lambda request: request.answer(next(statuses), location="/good"),
        "/slow": lambda request: request.server.ended.wait(),
        "/0": redirect("/1"),
        "/1": redirect("/2"),
        "/2": redirect("/3"),
        "/3": lambda request: request.answer(),
    }
    with strict.client() as client:
        jobs = {
            path: submit(client, "diarize", url=url, webhook=f"{far.url}{path}", webhookStatusOnly=path == "/slow")
            for path, url in (("/good", f"{far.url}/sound"), ("/slow", f"{far.url}/sound"), ("/0", NOTHING))
        }
        # good: 500, then a redirect and 200; the others: three in vain, and the next in 300 s
        for path, attempts, state in (("/good", 2, "delivered"), ("/slow", 3, "pending"), ("/0", 3, "pending")):
            far.wait(path, 3)
            delivery = settled(client, jobs[path], attempts)
            assert delivery["state"] == state
            if state == "pending":
                last, due = (datetime.fromisoformat(at) for at in (delivery["attempts"][-1]["at"], delivery["nextAt"]))
                assert (due - last).total_seconds() == pytest.approx(300, abs=2)
        output = finished(client, jobs["/good"])["output"]
    for request in far.requests:
        if request.command == "POST":
            assert request.headers["Content-Type"] == "application/json"
            assert abs(int(request.headers["X-Request-Timestamp"]) - begun) < ENOUGH
            assert request.headers["X-Signature"] == signature(request, secret)
    assert [retry(request) for request in far.of("/good")] == [(None, None), ("1", "http_error"), ("1", "http_error")]
    for path, reason in (("/slow", "http_timeout"), ("/0", "too_many_redirects")):
        assert [retry(request) for request in far.of(path)] == [(None, None), ("1", reason), ("2", reason)]
    assert (len(far.of("/2")), far.of("/3")) == (3, [])
    for path, said in (
        ("/good", {"status": "succeeded", "output": output}),
        ("/slow", {"status": "succeeded"}),
        ("/0", {"status": "failed"}),
    ):
        assert [json.loads(request.body) for request in far.of(path)] == [{"jobId": jobs[path], **said}] * 3


def signature(request, secret: str) -> str:
    signed = f"v0:{request.headers['X-Request-Timestamp']}:".encode() + request.body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def retry(request) -> tuple[str | None, str | None]:
    return request.headers["x-retry-num"], request.headers["x-retry-reason"]


def settled(client: httpx.Client, job: str, attempts: int) -> dict[str, Any]:
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        deliveries = client.get("/v1/webhooks/deliveries", params={"jobId": job}).json()["items"]
        if deliveries and len(deliveries[0]["attempts"]) >= attempts:
            return deliveries[0]
        time.sleep(0.02)
    raise AssertionError(deliveries)


def test_point_23_there_are_no_redirects_and_a_trailing_slash_does_no_harm(client, labelled):
    """23: no redirects on API routes; trailing-slash tolerance."""
    job = submit(client, "diarize", url=NOTHING)
    assert client.follow_redirects is False
    for path in ("/v1/test/", f"/v1/jobs/{job}/", "/v2/jobs/", "/v1/jobs/", "/v1/test//"):
        assert client.get(path).status_code == 200
    for kind in SUBMITS:
        assert client.post(f"/v1/{kind}/", json=body_for(kind, labelled)).status_code == 200
    assert client.post("/v1/media/input/", json={"url": "media://compat/slash"}).status_code == 201


SOUNDS = {
    "float.wav": {"container": "wav", "codec": "pcm_f32le"},
    "speech.mp3": {"container": "mp3", "codec": "libmp3lame", "bit_rate": 64_000},
    "speech.m4a": {"container": "ipod", "codec": "aac", "bit_rate": 64_000},
    "speech.ogg": {"container": "ogg", "codec": "libopus", "bit_rate": 32_000},
    "speech.flac": {"container": "flac", "codec": "flac"},
    "film.mp4": {"container": "mp4", "codec": "aac", "bit_rate": 64_000, "video": "mpeg4"},
    "film.webm": {"container": "webm", "codec": "libopus", "bit_rate": 32_000, "video": "libvpx"},
}


@pytest.mark.parametrize("name", SOUNDS)
def test_point_24_what_people_record_decodes(client, voice, name):
    """24: float WAV, MP3, M4A, OGG, FLAC, MP4 and WebM decode."""
    content = media.encoded(voice("Ada")[: 6 * RATE], RATE, **SOUNDS[name])
    job = finished(client, submit(client, "diarize", url=kept(client, content, name)))
    assert job["status"] == "succeeded", job
    assert job["duration"] == pytest.approx(6, abs=0.15)
    turns = job["output"]["diarization"]
    assert {turn["speaker"] for turn in turns} == {"SPEAKER_00"}
    assert sum(turn["end"] - turn["start"] for turn in turns) > 4


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("diarize", lambda: b"", id="empty"),
        pytest.param("voiceprint", lambda: b"<!doctype html><title>Sign in</title>", id="page"),
        pytest.param("identify", lambda: CONVERSATION.read_bytes()[:300], id="cut"),
        pytest.param("diarize", lambda: media.wav(b"", rate=RATE), id="no samples"),
        pytest.param("identify", lambda: media.silent_film("mp4", "mpeg4"), id="silent film"),
    ],
)
def test_point_24_bad_audio_fails_the_job_and_not_the_request(client, labelled, kind, content):
    """24: bad audio fails the job, not the request."""
    bad = kept(client, content(), "bad")
    job = finished(client, submit(client, kind, **body_for(kind, labelled, url=bad)))
    assert job["status"] == "failed"
    assert job["output"]["error"].startswith("Could not load audio: ")


def test_point_25_recordings_are_fetched_through_at_most_two_redirects(client, far, short_sound):
    """25: follow at most 2 redirects; no more than 1 GiB."""
    far.routes |= {
        "/sound": lambda request: request.answer(body=short_sound),
        "/once": redirect("/sound"),
        "/twice": redirect("/once"),
        "/thrice": redirect("/twice"),
        "/large": lambda request: request.answer(content_length=GIBI + 1),
    }
    jobs = [submit(client, "diarize", url=f"{far.url}{path}") for path in far.routes]
    *good, lost, large = [finished(client, job) for job in jobs]
    assert [job["status"] for job in good] == ["succeeded"] * 3
    assert all(job["output"]["diarization"] == good[0]["output"]["diarization"] for job in good)
    for job, reason in ((lost, "redirects more than 2 times"), (large, "larger than 1024 MiB")):
        assert job["status"] == "failed"
        assert job["output"]["error"].startswith("Could not load audio: ")
        assert reason in job["output"]["error"]


def test_point_25_private_networks_are_out_of_reach_unless_they_are_allowed(strict, far, short_sound):
    """25: block private address ranges unless allowed; a redirect does not lead around that."""
    with far_server("127.0.0.2") as hidden, strict.client() as client:
        for server in (far, hidden):
            server.routes["/sound"] = lambda request: request.answer(body=short_sound)
        far.routes["/around"] = redirect(f"{hidden.url}/sound")
        allowed = submit(client, "diarize", url=f"{far.url}/sound")
        blocked = [
            submit(client, "diarize", url=url)
            for url in (
                f"{hidden.url}/sound",
                f"{far.url}/around",
                f"http://0x7f000002:{hidden.server_port}/sound",
                f"http://[::ffff:127.0.0.2]:{hidden.server_port}/sound",
                "http://[::1]/sound",
                "http://10.0.0.1/sound",
                "http://192.168.1.1/sound",
                "http://169.254.169.254/latest/meta-data",
            )
        ]
        assert finished(client, allowed)["status"] == "succeeded"
        for job in blocked:
            done = finished(client, job)
            assert done["status"] == "failed"
            assert "TIMBRE_ALLOWED_NETWORKS" in done["output"]["error"]
        assert hidden.connections == 0


def test_point_26_fifty_voiceprints_are_not_too_large(client, voiceprints):
    """26: a body of 1 MB is judged by what it says, not by its size."""
    full = [{"label": f"Person {number}", "voiceprint": "A" * 20_000} for number in range(50)]
    answer = client.post("/v1/identify", json={"url": NOTHING, "voiceprints": full})
    assert int(answer.request.headers["content-length"]) > 1_000_000
    assert set(faults(answer)) == {f"voiceprints.{number}.voiceprint" for number in range(50)}
    ada = Voiceprint.from_text(voiceprints["Ada"])
    rich = str(Voiceprint(prototypes=np.repeat(ada.prototypes, 24, axis=0), seconds=ada.seconds * 24, space=ada.space))
    full = [{"label": f"Person {number}", "voiceprint": rich} for number in range(50)]
    answer = client.post("/v1/identify", json={"url": NOTHING, "voiceprints": full})
    assert int(answer.request.headers["content-length"]) > 800_000
    assert answer.status_code == 200
    over = [*full, {"label": "One more", "voiceprint": rich}]
    assert set(faults(client.post("/v1/identify", json={"url": NOTHING, "voiceprints": over}))) == {"voiceprints"}


@pytest.mark.exhaustive
def test_point_26_large_answers_are_streamed_and_packed_for_those_who_can_unpack(client, voice):
    """26: a curve for every 20 ms and speaker makes megabytes, which are sent in pieces, packed or not."""
    minutes = 15
    quiet = np.zeros(minutes * 60 * RATE, np.float32)
    for minute in range(minutes):
        quiet[minute * 60 * RATE :][: 4 * RATE] = voice(NAMES[minute % 4])[RATE : 5 * RATE]
    url = kept(client, media.encoded(quiet, RATE, container="flac", codec="flac"), "quiet.flac")
    curves = dict.fromkeys(("confidence", "speechProbability", "crosstalkProbability", "speakerProbability"), True)
    job = submit(client, "diarize", url=url, numSpeakers=24, **curves)
    assert finished(client, job)["status"] == "succeeded"
    plain = client.get(f"/v1/jobs/{job}", headers={"Accept-Encoding": "identity"})
    assert len(plain.content) > 2 * MEBI
    assert "content-encoding" not in plain.headers
    for accepted, packs in (
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("deflate, br", False),
        ("", False),
    ):
        with client.stream("GET", f"/v1/jobs/{job}", headers={"Accept-Encoding": accepted}) as answer:
            sent = b"".join(answer.iter_raw())
            assert answer.headers["transfer-encoding"] == "chunked"
            assert (answer.headers.get("content-encoding") == "gzip") is packs, accepted
            assert answer.headers["vary"] == "Accept-Encoding"
            assert (gzip.decompress(sent) if packs else sent) == plain.content
            assert not packs or len(sent) < len(plain.content) / 4
    output = plain.json()["output"]
    for curve in ("confidence", "speechProbability", "crosstalkProbability"):
        assert output[curve]["resolution"] == 0.02
        assert len(output[curve]["score"]) == pytest.approx(minutes * 60 * 50, abs=2)
    curves_of_speakers = output["speakerProbability"]["score"]
    assert set(curves_of_speakers) == {turn["speaker"] for turn in output["diarization"]}
    frames = {len(curve) for curve in (output["speechProbability"]["score"], *curves_of_speakers.values())}
    assert len(frames) == 1


def test_point_27_a_job_of_another_team_answers_like_an_unknown_one(client, others, identified, busy):
    """27: team isolation."""

    def said(method: str, path: str) -> tuple[int, dict[str, Any]]:
        answer = others.request(method, path)
        return answer.status_code, {**answer.json(), "requestId": ""}

    for job in (identified["jobId"], busy["running"], busy["created"]):
        for method, rest in (
            ("GET", ""),
            ("DELETE", ""),
            ("GET", "/events"),
            ("GET", "/output.rttm"),
            ("GET", "?wait=1"),
        ):
            known, unknown = (said(method, f"/v1/jobs/{one}{rest}") for one in (job, UNKNOWN_JOB))
            assert known == unknown
            assert known[0] == 404
        for path in ("/v2/jobs?limit=100", "/v1/jobs?take=100"):
            assert job not in others.get(path).text
        assert others.get(f"/v2/jobs?cursor={job}&limit=100").json()["items"] in (
            [],
            others.get("/v2/jobs?limit=100").json()["items"],
        )
        assert client.get(f"/v1/jobs/{job}").status_code == 200


def test_point_28_outputs_are_kept_for_a_day(strict, far, database, short_sound):
    """28: at least 24 h; then the job stays, without `output`."""
    with strict.client() as client:
        far.routes["/sound"] = lambda request: request.answer(body=short_sound)
        jobs = [finished(client, submit(client, "diarize", url=f"{far.url}/sound")) for _ in range(2)]
        for job in jobs:
            day = datetime.fromisoformat(job["outputExpiresAt"]) - datetime.fromisoformat(job["completedAt"])
            assert day >= timedelta(hours=24)
        for job, age in zip(jobs, ("23:59:00", "24:00:01"), strict=True):
            database.execute("UPDATE jobs SET completed_at = now() - %s::interval WHERE id = %s", (age, job["jobId"]))
        kept_, dropped = (job["jobId"] for job in jobs)
        deadline = time.monotonic() + ENOUGH
        while "output" in client.get(f"/v1/jobs/{dropped}").json():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.get(f"/v1/jobs/{dropped}").json()["status"] == "succeeded"
        assert client.get(f"/v1/jobs/{kept_}").json()["output"] == jobs[0]["output"]
