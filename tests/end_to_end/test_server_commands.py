"""`timbre keys`, `usage` and `webhooks`: what an operator does beside a running server, or before one runs."""

from __future__ import annotations

import io
import json
import re
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from command_line import Ended, run
from far_server import far_server
from server import Server, finished, submit, upload, voice
from timbre.cli.display.tables import show_rows
from timbre.store.embedded import EmbeddedPostgres


def ask(server: Server, *arguments: object) -> str:
    ended = run(*arguments, "--data-dir", server.folder)
    assert (ended.code, ended.err) == (0, ""), ended.err
    return ended.out


def refused(server: Server, *arguments: object) -> Ended:
    ended = run(*arguments, "--data-dir", server.folder)
    assert ended.code != 0
    assert ended.out == ""
    assert ended.err.startswith("timbre: ")
    assert "fault of Timbre" not in ended.err
    return ended


def new_team(server: Server) -> tuple[str, str]:
    name = f"commands-{uuid4().hex[:8]}"
    return name, ask(server, "keys", "create", "first key", "--team", name).strip()


def test_a_key_is_made_listed_and_revoked(server):
    team, key = new_team(server)
    reader = ask(server, "keys", "create", "[red]reader", "--team", team, "--scope", "jobs:read").strip()
    with server.client(key) as first, server.client(reader) as second:
        assert first.get("/v1/test").status_code == second.get("/v1/test").status_code == 200
        assert second.post("/v1/diarize", json={}).status_code == 403
        header, _, *lines = ask(server, "keys", "list", "--team", team).splitlines()
        assert header.split() == ["id", "team", "name", "ends", "in", "scopes", "made", "revoked"]
        assert len(lines) == 2
        assert key not in "".join(lines)
        row = next(line for line in lines if "[red]reader" in line)
        assert row.split()[1:5] == [team, "[red]reader", reader[-6:], "jobs:read"]
        assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", row)) == 1
        assert ask(server, "keys", "revoke", str(UUID(row.split()[0]))) == "Revoked [red]reader.\n"
        assert second.get("/v1/test").status_code == 401
        assert ask(server, "keys", "revoke", key[-6:]) == "Revoked first key.\n"
        assert first.get("/v1/test").status_code == 401
    lines = ask(server, "keys", "list", "--team", team).splitlines()[2:]
    assert [len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", line)) for line in lines] == [2, 2]


def test_what_is_wrong_with_a_key_is_said(server):
    assert "there are: jobs:read" in refused(server, "keys", "create", "x", "--scope", "jobs:all").err
    assert "printable" in refused(server, "keys", "create", "").err
    assert "timbre keys list" in refused(server, "keys", "revoke", "nobody").err


def test_usage_is_shown_by_team_key_and_type(server):
    team, key = new_team(server)
    other, _ = new_team(server)
    with server.client(key) as client:
        recording = upload(client, voice("Ada"))
        seconds = finished(client, submit(client, "voiceprint", url=recording))["duration"]
    month = f"{datetime.now(UTC):%Y-%m}"
    header, line, total = ask(server, "usage", "--team", team).splitlines()
    assert header.split() == ["Team", "Key", "Ends", "in", "Type", "Jobs", "Hours"]
    assert line.split() == [team, "first", "key", key[-6:], "voiceprint", "1", "0.01"]
    assert total.split() == [month, "1", "0.01"]
    document = json.loads(ask(server, "usage", "--team", team, "--month", month, "--json"))
    (report,) = document["teams"]
    (used,) = report["keys"]
    assert document["month"] == month
    assert report == {"team": team, "jobs": 1, "seconds": seconds, "budgetSeconds": None, "keys": [used]}
    assert {**used, "keyId": ""} == {
        "keyId": "",
        "name": "first key",
        "type": "voiceprint",
        "jobs": 1,
        "seconds": seconds,
    }
    with server.client(key) as client:
        assert client.get("/v1/usage").json()["keys"] == report["keys"]
    assert {report["team"] for report in json.loads(ask(server, "usage", "--json"))["teams"]} >= {team, other}
    assert json.loads(ask(server, "usage", "--month", "2025-02", "--team", team, "--json"))["teams"][0]["keys"] == []


def test_a_budget_is_set_said_and_lifted(server):
    team, key = new_team(server)
    assert ask(server, "usage", "--team", team, "--budget", "2.5") == (
        f"The team {team} may have 2.5 hours of audio heard a month.\n"
    )
    assert ask(server, "usage", "--team", team).splitlines()[-1] == f"{team}: 0.00 of 2.50 hours"
    with server.client(key) as client:
        assert client.get("/v1/usage").json()["budgetSeconds"] == 9000
        assert ask(server, "usage", "--team", team, "--budget", "none") == (
            f"The team {team} may have any amount of audio heard.\n"
        )
        assert client.get("/v1/usage").json()["budgetSeconds"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--month", "2026-13"], "2026-13"),
        (["--month", "November"], "2026-11"),
        (["--budget", "10"], "--team"),
        (["--team", "default", "--budget", "-1"], "hours"),
        (["--team", "default", "--budget", "nan"], "hours"),
        (["--team", "default", "--budget", "much"], "hours"),
        (["--team", "nobody"], "nobody"),
        (["--team", "nobody", "--budget", "1"], "nobody"),
    ],
)
def test_what_is_wrong_with_usage_is_said(server, arguments, told):
    ended = refused(server, "usage", *arguments)
    assert ended.code == 2
    assert told in ended.err


def test_deliveries_are_listed_and_made_again(server):
    team, key = new_team(server)
    with far_server() as far, server.client(key) as client:
        far.routes |= {"/good": lambda request: request.answer(), "/bad": lambda request: request.answer(503)}
        good = submit(client, "voiceprint", url="media://never.wav", webhook=f"{far.url}/good")
        bad = submit(client, "voiceprint", url="media://never.wav", webhook=f"{far.url}/bad")
        far.wait("/good")
        far.wait("/bad", 2)
        listed = wait_for(client, good, 1) + wait_for(client, bad, 2)
        lines = ask(server, "webhooks", "list", "--team", team).splitlines()
        assert lines[0].split() == ["id", "job", "state", "attempts", "url"]
        for delivery in listed:
            (line,) = [line for line in lines if line.startswith(delivery["id"])]
            assert line.split()[1:3] == [delivery["jobId"], delivery["state"]]
            assert line.rstrip().endswith(delivery["url"])
        text = "\n".join(lines)
        assert text.count("http_error: ") == 2
        assert text.count(f"{far.url}/bad answered 503; it must answer 200 to 299") == 2
        assert text.count("delivered: answered 200") == 1
        assert far.url not in ask(server, "webhooks", "list", "--team", team, "--state", "failed")
        assert bad not in ask(server, "webhooks", "list", "--team", team, "--job", good)
        assert good not in ask(server, "webhooks", "list", "--team", team, "--limit", "1")
        for number, delivery in enumerate([listed[0]["id"], listed[0]["id"].upper()], 2):
            assert ask(server, "webhooks", "replay", delivery, "--team", team) == (
                f"Delivering {listed[0]['id']} once more.\n"
            )
            assert far.wait("/good", number)[-1].headers["webhook-id"] == listed[0]["id"]
        for unknown in (uuid4(), "nothing"):
            refused(server, "webhooks", "replay", unknown, "--team", team)
        refused(server, "webhooks", "replay", listed[0]["id"])  # of another team


def wait_for(client: httpx.Client, job: str, number: int) -> list[dict]:
    """The delivery of a job, when so many attempts are recorded."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = client.get("/v1/webhooks/deliveries", params={"jobId": job}).json()["items"]
        if found and len(found[0]["attempts"]) == number:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{found} after 20 s")


def test_secrets_are_shown_and_replaced(server):
    team, _ = new_team(server)
    shape = r"whsec_[A-Za-z0-9+/=]{32}"
    (old,) = re.findall(shape, shown := ask(server, "webhooks", "secret", "--team", team))
    assert "until the next one" in shown
    new = ask(server, "webhooks", "rotate", "--team", team).strip()
    assert re.fullmatch(shape, new)
    first, second = ask(server, "webhooks", "secret", "--team", team).splitlines()[2:]
    assert first.startswith(old)
    assert "until the next one" not in first
    assert second.startswith(new)
    assert "until the next one" in second
    with psycopg.connect(EmbeddedPostgres(server.folder / "postgres").url()) as connection:
        query = "SELECT expires_at - now() FROM webhook_secrets WHERE secret = %s"
        (left,) = connection.execute(query, [old]).fetchone()
    assert 23.9 < left.total_seconds() / 3600 <= 24
    last = ask(server, "webhooks", "rotate", "--at-once", "--team", team).strip()
    assert re.findall(shape, ask(server, "webhooks", "secret", "--team", team)) == [last]
    assert "nobody" in refused(server, "webhooks", "rotate", "--team", "nobody").err


def test_commands_work_where_no_server_runs_yet(tmp_path):
    folder = tmp_path / "data"
    made = run("keys", "create", "early", "--data-dir", folder)
    assert made.code == 0
    assert re.fullmatch(r"sk_[A-Za-z0-9]{43}\n", made.out)
    assert "default" in run("usage", "--budget", "1", "--team", "default", "--data-dir", folder).out
    assert not EmbeddedPostgres(folder / "postgres").running()


def test_a_setting_that_is_wrong_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_PORT", "many")
    for command in (["keys", "list"], ["usage"], ["webhooks", "list"]):
        ended = run(*command, "--data-dir", tmp_path)
        assert ended.code == 2
        assert "TIMBRE_PORT" in ended.err


@pytest.mark.parametrize("width", [40, 100])
def test_on_a_terminal_an_id_stays_in_one_piece(monkeypatch, width):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", str(width))
    id_, out = str(uuid4()), Terminal()
    with redirect_stdout(out):
        show_rows(("id", "what"), [(id_, "word " * 30)], whole=("id",))
    lines = out.getvalue().splitlines()
    assert any(id_ in line for line in lines)
    assert len(lines) > 4


def test_the_doctor_looks_at_a_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = json.loads(server.run("doctor", "--server", "--json"))
    findings = {finding["subject"].split(":")[0]: finding for finding in seen["findings"]}
    assert seen["works"], seen
    assert {"database", "tables", "storage", "disk", "lane short", "lane long", "master key"} <= findings.keys()
    assert findings["lane short"]["detail"].startswith("1 workers, ")
    assert any(subject.startswith("worker ") for subject in findings)
    assert not [path for path in (server.folder / "media").iterdir() if "doctor" in path.name]


def test_what_is_logged_says_of_which_request_team_and_job(server: Server) -> None:
    with server.client() as client:
        answer = client.post("/v1/diarize", json={"url": "media://never/uploaded"})
        job = answer.json()["jobId"]
        finished(client, job)
        client.get("/v1/jobs/none")
    api = [json.loads(line) for line in (server.folder / "log" / "api.log").read_text().splitlines() if line[0] == "{"]
    (submitted,) = [line for line in api if line["event"] == "submitted" and line["job"] == job]
    assert submitted["request"] == answer.headers["X-Request-Id"]
    refused = [line for line in api if line["event"] == "refused"][-1]
    assert refused["team"] == submitted["team"]
    worker = [
        json.loads(line)
        for line in (server.folder / "log" / "worker-1.log").read_text().splitlines()
        if job in line and line[0] == "{"
    ]
    assert worker
    assert {line["team"] for line in worker if "team" in line} == {submitted["team"]}
