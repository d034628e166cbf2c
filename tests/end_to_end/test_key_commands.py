"""The keys that voiceprints are protected by, on the command line and at the start of a server; and where they are not.

One server goes through all of it: each test leaves it running, with the people that the next one needs.
"""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from command_line import run
from server import ENOUGH, LOOPBACK, Server, finished, submit, upload, voice
from timbre.store.embedded import EmbeddedPostgres

pytestmark = pytest.mark.exhaustive
KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own."""
    with Server(tmp_path_factory.mktemp("keys"), LOOPBACK) as running:
        yield running


@pytest.fixture(scope="module")
def voiceprint(kept: Server) -> str:
    """Ada's."""
    with kept.client() as client:
        return finished(client, submit(client, "voiceprint", url=upload(client, voice("Ada"))))["output"]["voiceprint"]


def address(server: Server) -> str:
    url = EmbeddedPostgres(server.folder / "postgres").url()
    assert url
    return url


def enrol(client: httpx.Client, name: str, voiceprint: str) -> dict[str, Any]:
    answer = client.post("/v1/speakers", json={"name": name, "sample": {"voiceprint": voiceprint}})
    assert answer.status_code == 201, answer.text
    return answer.json()


def exported(client: httpx.Client) -> str:
    answer = client.get("/v1/speakers/export")
    assert answer.status_code == 200, answer.text
    return answer.text


def refused(server: Server, *arguments: str) -> str:
    """What a command says that fails."""
    done = run(*arguments, "--data-dir", server.folder)
    assert done.code != 0
    return done.err


def does_not_start(server: Server, **settings: str) -> str:
    """What the server says that should start, and cannot."""
    done = subprocess.run(
        [sys.executable, "-m", "timbre", "serve", "--port", "0", "--data-dir", str(server.folder)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_the_first_start_makes_a_key_for_its_owner_alone_and_says_so_once(tmp_path):
    command = [sys.executable, "-m", "timbre", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    said = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stderr
            while "Ctrl-C" not in process.stdout.readline():
                assert process.poll() is None
            process.terminate()
            said.append(process.stderr.read())
    file = tmp_path / "master.key"
    assert f"The key that protects voiceprints was made: {file}. Back it up apart from the database" in said[0]
    assert "master.key" not in said[1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(base64.b64decode(file.read_text())) == 32


def test_keys_are_replaced_while_the_server_runs(kept, voiceprint):
    file = kept.folder / "master.key"
    with kept.client() as client:
        enrol(client, "Ada", voiceprint)
        before = exported(client)
        master = file.read_text()
        assert f"{file} holds the new key: back it up again" in kept.run("keys", "rotate-master")
        assert file.read_text() != master
        assert exported(client) == before
        assert "1 samples, 1 search vectors" in kept.run("keys", "rotate-team")
        assert exported(client) == before
        enrol(client, "Bea", voiceprint)
        actions = [entry["action"] for entry in client.get("/v1/audit").json()["items"]]
        assert {"master_key.rotated", "team_key.rotated"} <= set(actions)


def test_a_forgotten_team_can_begin_anew(kept, voiceprint):
    key = kept.run("keys", "create", "forgotten", "--team", "forgotten")
    with kept.client(key) as client:
        person = enrol(client, "Ada", voiceprint)
        assert "--yes" in refused(kept, "keys", "forget-team", "--team", "forgotten")
        assert len(client.get(f"/v1/speakers/{person['id']}").json()["samples"]) == 1
        assert "The key of team forgotten is gone" in kept.run("keys", "forget-team", "--team", "forgotten", "--yes")
        after = client.get(f"/v1/speakers/{person['id']}").json()
        assert (after["name"], after["samples"]) == ("Ada", [])
        assert voiceprint not in exported(client)
        added = client.post(f"/v1/speakers/{person['id']}/samples", json={"voiceprint": voiceprint})
        assert added.status_code == 201
        assert client.get("/v1/audit").json()["items"][-1]["action"] == "speaker.created"
    assert "There is no team" in refused(kept, "keys", "rotate-team", "--team", "nobody")


def test_a_team_whose_key_is_gone_says_so_and_the_rest_works(kept, voiceprint):
    key = kept.run("keys", "create", "lost", "--team", "lost")
    with kept.client(key) as client:
        enrol(client, "Ada", voiceprint)
        with psycopg.connect(address(kept)) as connection:
            connection.execute("DELETE FROM team_keys USING teams WHERE team_id = teams.id AND name = 'lost'")
        answer = client.post("/v1/speakers", json={"name": "Ben", "sample": {"voiceprint": voiceprint}})
        assert answer.status_code == 503
        assert "timbre keys forget-team" in answer.json()["message"]
        assert client.get("/v1/speakers").status_code == 200
        kept.run("keys", "forget-team", "--team", "lost", "--yes")
        enrol(client, "Ben", voiceprint)


def test_a_key_that_does_not_fit_is_told_at_the_start(kept):
    file, away = kept.folder / "master.key", kept.folder / "away"
    kept.stop()
    file.rename(away)
    try:
        gone = does_not_start(kept)
        assert f"The master key {file} is gone: the database holds voiceprints of " in gone
        assert not file.exists()
        other = does_not_start(kept, TIMBRE_MASTER_KEY=KEY)
        assert "The master key does not fit: the database holds voiceprints of " in other
        assert KEY not in other
    finally:
        away.rename(file)
        kept.start()


def test_a_key_that_is_set_stays_where_it_is(kept, monkeypatch):
    monkeypatch.setenv("TIMBRE_MASTER_KEY", KEY)
    assert "before the one in TIMBRE_MASTER_KEY" in refused(kept, "keys", "rotate-master")


def test_secrets_show_nowhere(kept, voiceprint):
    """After all of the above: not in logs, not in measurements, not in what the doctor finds."""
    secrets = (kept.folder / "master.key").read_text().split()
    with kept.client() as client:
        shown = client.get("/metrics").text + client.get("/v1/audit").text + client.get("/openapi.json").text
    shown += "".join(path.read_text() for path in (kept.folder / "log").iterdir())
    shown += (kept.folder / "postgres" / "log").read_text()
    for settings in ({}, {"TIMBRE_MASTER_KEY": secrets[0]}):
        doctor = subprocess.run(
            [sys.executable, "-m", "timbre", "doctor", "--json"],
            env={**os.environ, "TIMBRE_DATA_DIR": str(kept.folder), **settings},
            capture_output=True,
            text=True,
            timeout=ENOUGH,
            check=False,
        )
        assert "master key" in doctor.stdout
        shown += doctor.stdout + doctor.stderr
    with psycopg.connect(address(kept)) as connection:
        wrapped = [row[0].hex() for row in connection.execute("SELECT wrapped FROM team_keys").fetchall()]
    raw = [base64.b64decode(secret).hex() for secret in secrets]
    for secret in (*secrets, *raw, *wrapped, voiceprint[:60]):
        assert secret not in shown


def test_the_database_knows_no_secret_of_the_environment(tmp_path):
    with Server(tmp_path, {"TIMBRE_MASTER_KEY": KEY}) as server:
        pid = int((server.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert KEY.encode() not in environment
        assert not (server.folder / "master.key").exists()


@pytest.mark.parametrize(
    ("content", "settings", "found"),
    [
        (None, {}, "missing  made when `timbre serve` starts first"),
        (None, {"TIMBRE_DATABASE_URL": "postgresql://nowhere.invalid/x"}, "missing  without it the gallery is closed"),
        (KEY, {}, "ok       in "),
        (KEY, {"TIMBRE_MASTER_KEY": KEY}, "ok       set by TIMBRE_MASTER_KEY"),
        (f"{KEY}\n{KEY}", {}, "and 1 before it"),
        ("nonsense", {}, "is not a master key"),
    ],
)
def test_the_doctor_says_whether_voiceprints_can_be_protected(content, settings, found, tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_DATA_DIR", str(tmp_path))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    if content is not None:
        (tmp_path / "master.key").write_text(content)
        (tmp_path / "master.key").chmod(0o600)
    examined = run("doctor")
    (line,) = [line for line in examined.out.splitlines() if line.startswith("master key ")]
    assert found in line
    assert KEY not in examined.out


def test_the_doctor_warns_of_a_key_that_others_may_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_DATA_DIR", str(tmp_path))
    (tmp_path / "master.key").write_text(KEY)
    (tmp_path / "master.key").chmod(0o644)
    assert f"master key: chmod 600 {tmp_path / 'master.key'}" in run("doctor").out


def test_what_was_erased_can_be_scrubbed_by_hand(kept, voiceprint):
    with kept.client() as client:
        person = enrol(client, "Zeugma the Unforgotten", voiceprint)
        assert client.delete(f"/v1/speakers/{person['id']}").status_code == 200
        said = kept.run("speakers", "scrub")
        assert "samples" in said
        assert "let go" in said
        for path in (kept.folder / "postgres").rglob("*"):
            assert not path.is_file() or b"Zeugma the Unforgotten" not in path.read_bytes(), path
