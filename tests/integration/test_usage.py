"""Usage and budgets: what is counted, once, and what a used-up budget answers."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import psycopg
import pytest

from command_line import run
from far_server import far_server
from server import FINAL, Server, finished, submit, upload, voice
from timbre import Settings
from timbre.service.accounts.usage import Usage
from timbre.service.jobs.attempts import Attempt, Attempts
from timbre.service.outside.webhooks import Webhooks
from timbre.store.database import open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id
from timbre.store.queue import Queue

HOUR = 3600.0


def address(server: Server) -> str:
    return EmbeddedPostgres(server.folder / "postgres").url()


def command(server: Server, *arguments: str) -> str:
    ended = run(*arguments, "--data-dir", server.folder)
    assert ended.code == 0, ended.err
    return ended.out.strip()


def team(server: Server) -> tuple[str, str]:
    """A team of its own, and a key of it."""
    name = f"usage-{uuid4().hex[:8]}"
    return name, command(server, "keys", "create", "first", "--team", name)


def used(server: Server, key: str, **query) -> dict:
    with server.client(key) as client:
        answer = client.get("/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_only_what_succeeded_is_counted(server):
    _, key = team(server)
    with server.client(key) as client:
        recording = upload(client, voice("Ada"))
        jobs = [
            submit(client, "voiceprint", url=recording),
            submit(client, "voiceprint", url="media://never.wav"),
            submit(client, "diarize", url=recording),
        ]
        durations = [finished(client, job).get("duration", 0.0) for job in jobs]
        with far_server() as far:
            far.routes["/hangs"] = lambda request: request.server.ended.wait(30)
            hanging = submit(client, "diarize", url=f"{far.url}/hangs")
            far.wait("/hangs")
            client.delete(f"/v1/jobs/{hanging}")
        client.delete(f"/v1/jobs/{jobs[0]}")  # erased, but counted
    report = used(server, key)
    assert durations[0] == pytest.approx(20, abs=1)
    assert durations[1] == 0
    assert (report["jobs"], report["budgetSeconds"]) == (2, None)
    assert report["seconds"] == pytest.approx(durations[0] + durations[2], abs=0.002)
    assert [(line["name"], line["type"], line["jobs"]) for line in report["keys"]] == [
        ("first", "diarize", 1),
        ("first", "voiceprint", 1),
    ]
    assert [line["seconds"] for line in report["keys"]] == [durations[2], durations[0]]


def test_a_job_that_two_workers_end_is_counted_once(server):
    name, key = team(server)

    async def act() -> list[bool]:
        async with open_database(address(server), connections=4, application="test") as database:
            attempts = await _attempts(database)
            ids = await _running(database, name, 1)
            attempt = _attempt(*ids[0])
            return list(await asyncio.gather(*(attempts.succeed(attempt, b"{}", 60.0) for _ in range(4))))

    assert sorted(asyncio.run(act())) == [False, False, False, True]
    report = used(server, key)
    assert (report["jobs"], report["seconds"]) == (1, 60)


def test_jobs_that_end_together_are_all_counted(server):
    name, key = team(server)

    async def act() -> None:
        async with open_database(address(server), connections=8, application="test") as database:
            attempts = await _attempts(database)
            jobs = await _running(database, name, 30)
            await asyncio.gather(*(attempts.succeed(_attempt(*job), b"{}", 2.5) for job in jobs))

    asyncio.run(act())
    report = used(server, key)
    assert (report["jobs"], report["seconds"]) == (30, 75)


async def _attempts(database) -> Attempts:
    queue = Queue(database)
    await queue.open()
    settings = Settings()
    webhooks = Webhooks(database, queue, settings)
    return Attempts(database, queue, usage=Usage(database), webhooks=webhooks, settings=settings)


async def _running(database, name: str, number: int) -> list[tuple[UUID, UUID]]:
    """Jobs in the hands of this test: the server's workers know nothing of them."""
    query = (
        b"INSERT INTO jobs (id, team_id, key_id, type, model, params, status, attempt)"
        b" SELECT %(id)s, team.id, key.id, 'diarize', 'base', '{}', 'running', 1"
        b" FROM teams AS team JOIN api_keys AS key ON key.team_id = team.id WHERE team.name = %(team)s"
        b" RETURNING id, team_id"
    )
    rows = [await database.one(query, {"id": new_id(), "team": name}) for _ in range(number)]
    return [(row["id"], row["team_id"]) for row in rows]


def _attempt(job: UUID, owner: UUID) -> Attempt:
    return Attempt(job=job, team=owner, type="diarize", model="base", params={}, media=None, object=None, number=1)


def test_usage_is_told_apart_by_key_and_month(server):
    name, key = team(server)
    second = command(server, "keys", "create", "second", "--team", name)
    with psycopg.connect(address(server), autocommit=True) as connection:
        for label, month, seconds in (
            ("first", "2026-10-01", 100),
            ("second", "2026-10-01", 50),
            ("first", "2026-11-01", 7),
        ):
            connection.execute(
                "INSERT INTO usage SELECT team.id, key.id, %s, 'diarize', 1, %s"
                " FROM teams AS team JOIN api_keys AS key ON key.team_id = team.id"
                " WHERE team.name = %s AND key.name = %s",
                [month, seconds, name, label],
            )
    for asker in (key, second):  # it is the team's, whichever of its keys asks
        october = used(server, asker, month="2026-10")
        assert (october["month"], october["jobs"], october["seconds"]) == ("2026-10", 2, 150)
        assert [(line["name"], line["seconds"]) for line in october["keys"]] == [("first", 100), ("second", 50)]
        assert used(server, asker, month="2026-11")["seconds"] == 7
        assert used(server, asker, month="2026-12")["jobs"] == 0
    with server.client(key) as client:
        assert client.get("/v1/usage", params={"month": "2026-13"}).status_code == 400


def test_a_budget_that_is_used_up_answers_402_before_the_url_is_looked_at(server):
    name, key = team(server)
    with server.client(key) as client, far_server() as far:
        recording = upload(client, voice("Ada"))  # 20 s
        command(server, "usage", "--team", name, "--budget", str(10 / HOUR))
        assert finished(client, submit(client, "voiceprint", url=recording))["status"] == "succeeded"
        for kind in ("diarize", "voiceprint"):
            for url in (f"{far.url}/a.wav", recording, "media://never.wav"):
                answer = client.post(f"/v1/{kind}", json={"url": url})
                assert answer.status_code == 402
                assert set(answer.json()) == {"requestId", "message"}
                assert UUID(answer.json()["requestId"])
                assert "budget" in answer.json()["message"]
        assert far.connections == 0
        assert client.get("/v1/jobs").json()["total"] == 1
        assert client.get("/v1/test").status_code == 200
        assert client.post("/v1/media/input", json={"url": "media://more.wav"}).status_code == 201
        report = used(server, key)
        assert report["budgetSeconds"] == pytest.approx(10)
        assert report["seconds"] == pytest.approx(20, abs=1)
        command(server, "usage", "--team", name, "--budget", "none")
        assert finished(client, submit(client, "voiceprint", url=recording))["status"] in FINAL


def test_a_request_that_was_granted_before_is_answered_again_whatever_the_budget(server):
    name, key = team(server)
    with server.client(key) as client:
        body = json.dumps({"url": "media://never.wav"})
        once = {"Idempotency-Key": "k"}
        first = client.post("/v1/voiceprint", content=body, headers=once).json()["jobId"]
        command(server, "usage", "--team", name, "--budget", "0")
        assert client.post("/v1/voiceprint", content=body, headers=once).json()["jobId"] == first
        assert client.post("/v1/voiceprint", content=body).status_code == 402


def test_a_budget_is_of_this_month_and_of_this_team(server):
    name, key = team(server)
    _, other = team(server)
    command(server, "usage", "--team", name, "--budget", "1")
    with psycopg.connect(address(server), autocommit=True) as connection:
        usage = (
            "INSERT INTO usage"
            " SELECT team.id, key.id, date_trunc('month', now() AT TIME ZONE 'UTC') + %s, 'diarize', 1, %s"
            " FROM teams AS team JOIN api_keys AS key ON key.team_id = team.id WHERE team.name = %s"
        )
        connection.execute(usage, ["-1 month", 2 * HOUR, name])
        with server.client(key) as client:
            assert client.post("/v1/diarize", json={"url": "media://never.wav"}).status_code == 200
            connection.execute(usage, ["0 month", HOUR, name])
            assert client.post("/v1/diarize", json={"url": "media://never.wav"}).status_code == 402
    with server.client(other) as client:
        assert client.post("/v1/diarize", json={"url": "media://never.wav"}).status_code == 200
