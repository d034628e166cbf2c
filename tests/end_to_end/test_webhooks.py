"""Webhooks from a real server to real receivers. Reference, section 8; section 17, point 21."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from command_line import run
from far_server import Far, FarRequest, far_server, free_address, redirect, self_signed
from server import ENOUGH, LOOPBACK, Server, finished, submit, upload, voice
from timbre import Settings
from timbre.service.accounts.usage import Usage
from timbre.service.jobs.attempts import Attempt, Attempts
from timbre.service.keys.signatures import new_webhook_secret
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.outside.webhooks import Webhooks
from timbre.store.database import Database, open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id
from timbre.store.queue import Queue

RETRIES = 2
ALLOWED = Settings(allowed_networks=LOOPBACK["TIMBRE_ALLOWED_NETWORKS"])
QUICK = {
    **LOOPBACK,
    "TIMBRE_WEBHOOK_SECONDS": "0.7",
    "TIMBRE_WEBHOOK_RETRIES": "0,1",
    "TIMBRE_WEBHOOK_SIGNATURE": "base64",
    "TIMBRE_HEARTBEAT_SECONDS": "0.5",
    "TIMBRE_STALLED_SECONDS": "4",
}


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    with far_server() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Iterator[Server]:
    """A server that gives receivers less time and tries again sooner."""
    with Server(tmp_path_factory.mktemp("quick"), QUICK) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory) -> Iterator[Server]:
    """A server that may not reach this machine, sends to https only, and never tries again."""
    with Server(tmp_path_factory.mktemp("strict"), {"TIMBRE_WEBHOOK_RETRIES": ""}) as running:
        yield running


def fail(client: httpx.Client, hook: str, **options) -> str:
    """Submit a job that fails at once, as its recording was never uploaded."""
    return submit(client, "voiceprint", url=f"media://never/{uuid4().hex}", webhook=hook, **options)


def command(server: Server, *arguments: str) -> str:
    ended = run(*arguments, "--data-dir", server.folder)
    assert ended.code == 0, ended.err
    return ended.out.strip()


def secrets(server: Server, team: str = "default") -> list[str]:
    """The valid secrets of a team, the oldest first."""
    return re.findall(r"whsec_\S+", command(server, "webhooks", "secret", "--team", team))


def digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def signed(request: FarRequest, secret: str) -> bytes:
    """What `X-Signature` must hold, as bytes."""
    stamp = request.headers["X-Request-Timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    return digest(secret.encode(), f"v0:{stamp}:".encode() + request.body)


def verified(request: FarRequest, secret: str) -> dict:
    """What a receiver gets from the library of Standard Webhooks, which raises if another secret signed."""
    return Webhook(secret).verify(request.body, request.headers)


def refused(body: bytes, headers: dict[str, str], secret: str) -> str:
    """Why the library of Standard Webhooks refuses a message."""
    with pytest.raises(WebhookVerificationError) as caught:
        Webhook(secret).verify(body, headers)
    return str(caught.value)


def deliveries(client: httpx.Client, **query) -> list[dict]:
    answer = client.get("/v1/webhooks/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def settled(client: httpx.Client, job: str, number: int = 1) -> dict:
    """The delivery of a job, when so many attempts are recorded and nothing is left to do."""
    return recorded(client, job, number, ("delivered", "failed"))


def recorded(client: httpx.Client, job: str, number: int, states: tuple[str, ...] = ("pending",)) -> dict:
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        found = deliveries(client, jobId=job)
        if found and found[0]["state"] in states and len(found[0]["attempts"]) >= number:
            (delivery,) = found
            return delivery
        time.sleep(0.02)
    raise AssertionError(f"{found} after {ENOUGH:g} s")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_point_21_a_success_is_sent_with_its_output(server, far):
    far.routes["/succeeded"] = lambda request: request.answer()
    with server.client() as client:
        recording = upload(client, voice("Ada"), "webhooks/ada.flac")
        job = submit(client, "voiceprint", url=recording, webhook=f"{far.url}/succeeded?a=b")
        finished(client, job)
        (request,) = far.wait("/succeeded?a=b")
        text = client.get(f"/v1/jobs/{job}").content
        assert settled(client, job)["attempts"][0]["status"] == 200
    output = text[text.index(b',"output":') :]
    assert request.command == "POST"
    assert request.body == f'{{"jobId":"{job}","status":"succeeded"'.encode() + output
    assert json.loads(request.body)["output"]["voiceprint"]
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["x-retry-num"] is None
    assert request.headers["x-retry-reason"] is None
    (secret,) = secrets(server)
    assert request.headers["X-Signature"] == signed(request, secret).hex()
    assert request.headers["webhook-timestamp"] == request.headers["X-Request-Timestamp"]
    assert verified(request, secret) == json.loads(request.body)


def test_point_21_a_success_is_sent_without_its_output_if_so_wished(server, far):
    far.routes["/status-only"] = lambda request: request.answer()
    with server.client() as client:
        recording = upload(client, voice("Ada"), "webhooks/ada.flac")
        job = submit(client, "voiceprint", url=recording, webhook=f"{far.url}/status-only", webhookStatusOnly=True)
        (request,) = far.wait("/status-only")
    assert request.body == f'{{"jobId":"{job}","status":"succeeded"}}'.encode()


def test_point_21_a_failure_is_sent_without_output(server, far):
    far.routes["/failed"] = lambda request: request.answer(204)
    with server.client() as client:
        job = fail(client, f"{far.url}/failed")
        (request,) = far.wait("/failed")
        assert settled(client, job)["state"] == "delivered"
        assert finished(client, job)["output"]["error"]
    assert request.body == f'{{"jobId":"{job}","status":"failed"}}'.encode()


def test_point_21_a_canceled_job_is_sent_without_output(server, far):
    far.routes["/canceled"] = lambda request: request.answer()
    canceled = threading.Event()
    far.routes["/endless.wav"] = lambda _: canceled.wait(30)
    with server.client() as client:
        job = submit(client, "diarize", url=f"{far.url}/endless.wav", webhook=f"{far.url}/canceled")
        far.wait("/endless.wav")
        assert client.delete(f"/v1/jobs/{job}").json()["status"] == "canceled"
        (request,) = far.wait("/canceled")
        canceled.set()
    assert request.body == f'{{"jobId":"{job}","status":"canceled"}}'.encode()


def test_a_job_without_a_webhook_has_no_delivery(server):
    with server.client() as client:
        job = submit(client, "voiceprint", url=f"media://never/{uuid4().hex}")
        finished(client, job)
        assert deliveries(client, jobId=job) == []


@pytest.fixture(scope="module")
def failures(quick, far, tmp_path_factory) -> Iterator[dict[str, dict]]:
    """The deliveries to receivers that fail in every way, each with all its attempts."""

    def close(request):
        request.connection.shutdown(socket.SHUT_RDWR)

    far.routes |= {
        "/500": lambda request: request.answer(500),
        "/hangs": lambda request: request.server.ended.wait(2),
        "/closes": close,
        "/redirects": redirect("/r2"),
        "/r2": redirect("/r1"),
        "/r1": redirect("/fine"),
        "/fine": lambda request: request.answer(),
    }
    with far_server(certificate=self_signed(tmp_path_factory.mktemp("tls"))) as secure, quick.client() as client:
        hooks = {path: f"{far.url}/{path}" for path in ("500", "hangs", "closes", "redirects")}
        hooks |= {"refuses": f"http://{free_address()}/", "self-signed": f"{secure.url}/"}
        jobs = {name: fail(client, hook) for name, hook in hooks.items()}
        yield {name: settled(client, job, RETRIES + 1) for name, job in jobs.items()}
        assert secure.requests == []


REASONS = {
    "500": "http_error",
    "hangs": "http_timeout",
    "closes": "connection_failed",
    "redirects": "too_many_redirects",
    "refuses": "connection_failed",
    "self-signed": "ssl_error",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_point_21_a_receiver_that_fails_is_tried_again_until_the_last_retry(failures, name, reason):
    delivery = failures[name]
    assert delivery["state"] == "failed"
    assert delivery["nextAt"] is None
    assert delivery["deliveredAt"] is None
    assert [attempt["reason"] for attempt in delivery["attempts"]] == [reason] * (RETRIES + 1)
    assert all(attempt["error"] for attempt in delivery["attempts"])
    status = {"500": 500, "redirects": 302}.get(name)
    assert [attempt["status"] for attempt in delivery["attempts"]] == [status] * (RETRIES + 1)
    first, second, third = (moment(attempt["at"]) for attempt in delivery["attempts"])
    assert second > first
    assert third - second >= 1


@pytest.mark.parametrize("name", ["500", "hangs", "closes", "redirects"])
def test_point_21_retries_say_which_they_are_and_why(quick, far, failures, name):
    requests = far.of(f"/{name}")
    assert [request.headers["x-retry-num"] for request in requests] == [None, "1", "2"]
    assert [request.headers["x-retry-reason"] for request in requests] == [None, REASONS[name], REASONS[name]]
    assert {request.headers["webhook-id"] for request in requests} == {failures[name]["id"]}
    assert len({request.body for request in requests}) == 1


def test_point_21_every_attempt_is_signed_anew(quick, far, failures):
    requests = far.of("/500")
    (secret,) = secrets(quick)
    stamps = [int(request.headers["X-Request-Timestamp"]) for request in requests]
    assert stamps[-1] > stamps[0]
    for request in requests:
        assert request.headers["X-Signature"] == base64.b64encode(signed(request, secret)).decode()
        assert request.headers["webhook-timestamp"] == request.headers["X-Request-Timestamp"]
        assert verified(request, secret)["status"] == "failed"


def test_point_21_two_redirects_are_followed(quick, far, failures):
    with quick.client() as client:
        delivery = settled(client, fail(client, f"{far.url}/r2"))
    assert (delivery["state"], len(delivery["attempts"])) == ("delivered", 1)
    assert far.of("/fine")[-1].headers["webhook-id"] == delivery["id"]


def test_point_21_by_default_the_second_retry_is_a_minute_later(server, far):
    far.routes["/down"] = lambda request: request.answer(503)
    with server.client() as client:
        delivery = recorded(client, fail(client, f"{far.url}/down"), 2)
    (_, second) = (moment(attempt["at"]) for attempt in delivery["attempts"])
    assert 59 < moment(delivery["nextAt"]) - second < 60 + ENOUGH  # the third would be 300 s later


def test_deliveries_are_listed_by_page_state_and_job(quick, far):
    far.routes |= {"/good": lambda request: request.answer(), "/bad": lambda request: request.answer(500)}
    key = command(quick, "keys", "create", "lister", "--team", "listing")
    with quick.client(key) as client:
        assert deliveries(client) == []
        jobs = [fail(client, f"{far.url}/{path}") for path in ("good", "bad", "good")]
        for job, number in zip(jobs, (1, RETRIES + 1, 1), strict=True):
            settled(client, job, number)
        listed = deliveries(client)
        assert sorted(item["jobId"] for item in listed) == sorted(jobs)
        assert [item["id"] for item in listed] == sorted((item["id"] for item in listed), reverse=True)
        assert [item["jobId"] for item in deliveries(client, state="failed")] == [jobs[1]]
        assert deliveries(client, state="pending") == []
        assert {item["jobId"] for item in deliveries(client, state="delivered")} == {jobs[0], jobs[2]}
        assert [item["jobId"] for item in deliveries(client, jobId=jobs[2])] == [jobs[2]]
        walked, cursor = [], None
        while True:
            page = client.get("/v1/webhooks/deliveries", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
            walked += page.json()["items"]
            if (cursor := page.json()["nextCursor"]) is None:
                break
        assert walked == listed
        assert client.get("/v1/webhooks/deliveries", params={"state": "lost"}).status_code == 400
        good = deliveries(client, jobId=jobs[0])[0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", good["attempts"][0]["at"])
        assert {**good, "attempts": None, "createdAt": None, "deliveredAt": None} == {
            "id": good["id"],
            "jobId": jobs[0],
            "url": f"{far.url}/good",
            "state": "delivered",
            "createdAt": None,
            "nextAt": None,
            "deliveredAt": None,
            "attempts": None,
        }
        with quick.client() as other:
            assert deliveries(other, jobId=jobs[0]) == []
            assert other.post(f"/v1/webhooks/deliveries/{good['id']}/replay").status_code == 404


def test_a_delivery_can_be_made_again(quick, far):
    far.routes["/recovers"] = lambda request: request.answer(500)
    with quick.client() as client:
        job = fail(client, f"{far.url}/recovers")
        delivery = settled(client, job, RETRIES + 1)
        assert delivery["state"] == "failed"
        far.routes["/recovers"] = lambda request: request.answer()
        for number in (4, 5):  # of one that failed, then of one that arrived
            assert client.post(f"/v1/webhooks/deliveries/{delivery['id']}/replay").status_code == 204
            again = far.wait("/recovers", number)[-1]
            assert again.headers["webhook-id"] == delivery["id"]
            assert again.headers["x-retry-num"] is None
            assert again.body == far.of("/recovers")[0].body
            after = settled(client, job, number)
            assert after["state"] == "delivered"
            assert after["deliveredAt"]
            assert after["attempts"][: RETRIES + 1] == delivery["attempts"]
        for unknown in (uuid4(), "nothing"):
            assert client.post(f"/v1/webhooks/deliveries/{unknown}/replay").status_code == 404


def test_a_replay_while_a_retry_waits_takes_its_place(server, far):
    far.routes["/waits"] = lambda request: request.answer(500)
    with server.client() as client:
        job = fail(client, f"{far.url}/waits")
        delivery = recorded(client, job, 2)
        far.routes["/waits"] = lambda request: request.answer()
        client.post(f"/v1/webhooks/deliveries/{delivery['id']}/replay")
        assert settled(client, job, 3)["state"] == "delivered"


def test_plain_http_is_refused_unless_the_setting_allows_it(strict):
    with strict.client() as client:
        answer = client.post("/v1/diarize", json={"url": "media://a.wav", "webhook": "http://far.example/hook"})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "webhook"
    assert "https://" in error["message"]


def test_a_private_address_is_refused_when_it_comes_to_delivering(strict, far):
    connections = far.connections
    with strict.client() as client:
        delivery = settled(client, fail(client, f"https://{far.address}/private"))
    (attempt,) = delivery["attempts"]  # as there are no retries
    assert delivery["state"] == "failed"
    assert attempt["reason"] == "connection_failed"
    assert "TIMBRE_ALLOWED_NETWORKS" in attempt["error"]
    assert far.connections == connections


def test_while_a_secret_is_replaced_both_verify(server, far):
    far.routes["/rotated"] = lambda request: request.answer()
    key = command(server, "keys", "create", "rotator", "--team", "rotating")
    (old,) = secrets(server, "rotating")
    new = command(server, "webhooks", "rotate", "--team", "rotating")
    assert new not in {old, ""}
    assert secrets(server, "rotating") == [old, new]
    with server.client(key) as client:
        fail(client, f"{far.url}/rotated")
        (during,) = far.wait("/rotated")
        newest = command(server, "webhooks", "rotate", "--at-once", "--team", "rotating")
        assert secrets(server, "rotating") == [newest]
        fail(client, f"{far.url}/rotated")
        after = far.wait("/rotated", 2)[1]
    assert during.headers["X-Signature"] == signed(during, old).hex()
    assert verified(during, old) == verified(during, new) == json.loads(during.body)
    assert refused(during.body, during.headers, newest) == "No matching signature found"
    assert after.headers["X-Signature"] == signed(after, newest).hex()
    assert verified(after, newest) == json.loads(after.body)
    for replaced in (old, new):
        assert refused(after.body, after.headers, replaced) == "No matching signature found"


def test_what_was_changed_on_its_way_verifies_no_more(server, far):
    far.routes["/changed"] = lambda request: request.answer()
    with server.client() as client:
        fail(client, f"{far.url}/changed")
        (request,) = far.wait("/changed")
    (secret,) = secrets(server)
    body, headers = request.body, dict(request.headers)
    stamp = int(headers["webhook-timestamp"])
    changes = [
        (body.replace(b"failed", b"succeeded"), {}, "No matching signature found"),
        (body + b" ", {}, "No matching signature found"),
        (body, {"webhook-id": str(uuid4())}, "No matching signature found"),
        (body, {"webhook-timestamp": str(stamp + 1)}, "No matching signature found"),
        (body, {"webhook-timestamp": str(stamp - 600)}, "Message timestamp too old"),
        (body, {"webhook-signature": f"v2{headers['webhook-signature'][2:]}"}, "No matching signature found"),
        (body, {"webhook-signature": ""}, "Missing required headers"),
    ]
    assert verified(request, secret)
    for text, other, reason in changes:
        assert refused(text, headers | other, secret) == reason
    assert refused(body, headers, new_webhook_secret()) == "No matching signature found"


def test_slow_receivers_hold_no_job_up(server, far):
    done = threading.Event()
    far.routes["/slow"] = lambda request: (done.wait(30), request.answer())
    with server.client() as client:
        recording = upload(client, voice("Ben"), "webhooks/ben.flac")
        for _ in range(20):
            fail(client, f"{far.url}/slow")
        far.wait("/slow", 16)
        job = submit(client, "voiceprint", url=recording)
        assert finished(client, job)["status"] == "succeeded"
        waiting = deliveries(client, state="pending", limit=100)
        done.set()
    assert len([delivery for delivery in waiting if delivery["url"].endswith("/slow")]) == 20


def test_a_worker_that_dies_before_it_notes_the_answer_leaves_a_repeat(quick, far):
    def kill(request):
        for worker in quick.parts("worker"):
            os.kill(worker, signal.SIGKILL)
        far.routes["/killed"] = lambda request: request.answer()

    far.routes["/killed"] = kill
    with quick.client() as client:
        job = fail(client, f"{far.url}/killed")
        first, second = far.wait("/killed", 2)
        delivery = settled(client, job)
        assert finished(client, job)["status"] == "failed"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["id"]
    assert first.body == second.body
    assert second.headers["x-retry-num"] is None  # the first was never noted, so this is no retry
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]
    assert entries(quick, delivery["id"]) == 0


def entries(server: Server, delivery: str) -> int:
    """How many entries of the queue name a delivery, when the last worker has put its own away."""
    with psycopg.connect(EmbeddedPostgres(server.folder / "postgres").url(), autocommit=True) as connection:
        deadline = time.monotonic() + 5
        while True:
            query = "SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'delivery' = %s"
            (number,) = connection.execute(query, [delivery]).fetchone()
            if not number or time.monotonic() > deadline:
                return number
            time.sleep(0.02)


def test_a_late_start_is_no_reason_for_a_second_attempt(quick, far):
    """A delivery that waited long behind others is not taken up by another worker while its attempt runs."""
    slow = threading.Event()
    far.routes["/late"] = lambda request: (slow.wait(0.5), request.answer())
    url = EmbeddedPostgres(quick.folder / "postgres").url()
    with quick.client() as client, psycopg.connect(url, autocommit=True) as connection:
        # As if all deliveries of this moment had been due an hour ago.
        connection.execute("ALTER TABLE webhook_deliveries ALTER next_at SET DEFAULT now() - interval '1 hour'")
        try:
            jobs = [fail(client, f"{far.url}/late") for _ in range(40)]
            for job in jobs:
                settled(client, job)
        finally:
            connection.execute("ALTER TABLE webhook_deliveries ALTER next_at SET DEFAULT now()")
    # On a busy machine an attempt may come too late, or not arrive; then the retry says that it is one.
    came = far.of("/late")
    first = Counter(request.headers["webhook-id"] for request in came if "x-retry-num" not in request.headers)
    assert set(first.values()) == {1}
    assert len({request.headers["webhook-id"] for request in came}) == len(jobs)


def test_the_output_of_an_hour_with_confidence_is_delivered(server, far):
    far.routes["/large"] = lambda request: request.answer()
    scores = [(7 * frame) % 101 for frame in range(3600 * 50)]
    turns = [{"speaker": f"SPEAKER_{n % 4:02d}", "start": n * 1.2, "end": n * 1.2 + 1.1} for n in range(3000)]
    document = {"diarization": turns, "confidence": {"resolution": 0.02, "score": scores}}
    output = json.dumps(document, separators=(",", ":")).encode()
    key = command(server, "keys", "create", "large", "--team", "large")
    job = asyncio.run(succeed(server, "large", f"{far.url}/large", output))
    (request,) = far.wait("/large")
    assert len(output) > 500_000
    assert request.body == f'{{"jobId":"{job}","status":"succeeded","output":'.encode() + output + b"}"
    assert request.headers["X-Signature"] == signed(request, secrets(server, "large")[0]).hex()
    with server.client(key) as client:
        assert settled(client, str(job))["state"] == "delivered"


async def succeed(server: Server, team: str, hook: str, output: bytes) -> UUID:
    """End a job with an output that the engine would take long to make."""
    async with behind(server) as (database, _, attempts):
        job, attempt = await running(database, team, hook)
        assert await attempts.succeed(attempt, output, 3600.0)
    return job


@asynccontextmanager
async def behind(server: Server, **settings) -> AsyncIterator[tuple[Database, Webhooks, Attempts]]:
    """The service on the server's own database, with settings of its own."""
    url = EmbeddedPostgres(server.folder / "postgres").url()
    async with open_database(url, connections=4, application="test") as database:
        queue = Queue(database)
        await queue.open()
        own = Settings(**settings)
        webhooks = Webhooks(database, queue, own)
        yield database, webhooks, Attempts(database, queue, usage=Usage(database), webhooks=webhooks, settings=own)


async def running(database: Database, team: str, hook: str) -> tuple[UUID, Attempt]:
    """A job in the hands of this test: the server's workers know nothing of it."""
    job = new_id()
    made = await database.one(
        b"INSERT INTO jobs (id, team_id, key_id, type, model, params, status, attempt)"
        b" SELECT %(id)s, team.id, key.id, 'diarize', 'base', jsonb_build_object('webhook', %(hook)s::text),"
        b" 'running', 1 FROM teams AS team JOIN api_keys AS key ON key.team_id = team.id WHERE team.name = %(team)s"
        b" ORDER BY key.id LIMIT 1 RETURNING team_id",
        {"id": job, "team": team, "hook": hook},
    )
    return job, Attempt(
        job=job, team=made["team_id"], type="diarize", model="base", params={}, media=None, object=None, number=1
    )


async def unqueued(database: Database, job: UUID, team: UUID, hook: str) -> UUID:
    """A delivery in the hands of this test."""
    delivery = new_id()
    await database.one(
        b"INSERT INTO webhook_deliveries (id, team_id, job_id, url, status_only, next_at)"
        b" VALUES (%(id)s, %(team)s, %(job)s, %(url)s, true, now() + interval '1 hour')",
        {"id": delivery, "team": team, "job": job, "url": hook},
    )
    return delivery


def test_an_attempt_that_is_made_twice_has_one_retry(server, far):
    together = threading.Barrier(2, timeout=10)
    far.routes["/twice"] = lambda request: (together.wait(), request.answer(500))

    async def act() -> list[int]:
        async with behind(server, webhook_retries="3600") as (database, webhooks, _):
            job, attempt = await running(database, "default", "")
            delivery = await unqueued(database, job, attempt.team, f"{far.url}/twice")
            async with outgoing_client(ALLOWED) as client:
                await asyncio.gather(*(webhooks.deliver(client, delivery, 0, 0) for _ in range(2)))
            query = b"SELECT args FROM procrastinate_jobs WHERE args ->> 'delivery' = %(id)s"
            left = await database.all(query, {"id": str(delivery)})
            await database.one(b"DELETE FROM jobs WHERE id = %(id)s", {"id": job})
            return [row["args"]["number"] for row in left]

    assert asyncio.run(act()) == [1]


def test_a_job_that_is_erased_while_its_webhook_is_sent_leaves_nothing(server, far):
    url = EmbeddedPostgres(server.folder / "postgres").url()

    def erase(request):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM jobs WHERE id = %s", [json.loads(request.body)["jobId"]])
        request.answer(500)

    far.routes["/erases"] = erase

    async def act() -> int:
        async with behind(server) as (database, webhooks, _):
            job, attempt = await running(database, "default", "")
            delivery = await unqueued(database, job, attempt.team, f"{far.url}/erases")
            async with outgoing_client(ALLOWED) as client:
                await webhooks.deliver(client, delivery, 0, 0)
            query = b"SELECT count(*) AS total FROM webhook_attempts WHERE delivery_id = %(id)s"
            return (await database.one(query, {"id": delivery}))["total"]

    assert asyncio.run(act()) == 0
