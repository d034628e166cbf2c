"""An encoder changes and nobody is lost: a folder of the version before, served with a model that hears otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from command_line import Ended, run
from earlier_data import EARLIER_SPACE, ENCODER, NEWER, earlier_voiceprint, put_earlier_folder
from server import CONVERSATION, ENOUGH, LOOPBACK, Server, finished, submit, upload, voice
from timbre.identification.voiceprint import Voiceprint
from timbre.models.catalogue import catalogue

pytestmark = pytest.mark.exhaustive
NOW = catalogue().pack(NEWER).encoder.name
SETTINGS = {**LOOPBACK, "TIMBRE_MODEL": NEWER}
PEOPLE = {"Ada", "Ben", "Callum", "Dan"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """The data folder that the version before left, where root's database can reach it."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        put_earlier_folder(Path(path))
        yield Path(path)


@pytest.fixture
def earlier(folder: Path) -> Iterator[Server]:
    """That folder, served by this version, which hears with another encoder."""
    with Server(folder, SETTINGS, own_database=True) as server:
        server.key = server.run("keys", "create", "after").splitlines()[0].split()[-1]
        yield server


def heard(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    job = finished(client, submit(client, "identify", url=upload(client, CONVERSATION), **asked))
    assert job["status"] == "succeeded", job
    return job["output"]


def names(output: dict[str, Any]) -> set[str]:
    return {turn["match"] for turn in output["identification"]}


def upgraded(client: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/v1/speakers/upgrade", json=wanted)
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + ENOUGH
    while (state := client.get("/v1/speakers/upgrade").json())["run"]["state"] == "running":
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
    return state


def person(client: httpx.Client, name: str) -> dict[str, Any]:
    (found,) = client.get("/v1/speakers", params={"q": name}).json()["items"]
    return client.get(f"/v1/speakers/{found['id']}").json()


def test_nobody_is_lost_on_the_way_to_another_encoder(earlier: Server, tmp_path: Path):
    with earlier.client() as client:
        # The gallery goes on with its own encoder.
        state = client.get("/v1/speakers/upgrade").json()
        assert (state["encoder"], state["serverEncoder"], state["needed"]) == (ENCODER, NOW, True)
        assert (state["earlier"], state["samples"], state["withoutClip"], state["run"]) == (4, 3, 1, None)
        assert [each["name"] for each in state["withoutClipSpeakers"]] == ["Dan"]
        before = heard(client, speakers="all")
        assert names(before) == PEOPLE
        assert "warning" not in before

        # What is enrolled meanwhile is of that encoder as well, and is found.
        ada = f"/v1/speakers/{person(client, 'Ada')['id']}/samples"
        (sample,) = person(client, "Ada")["samples"]
        part = tmp_path / "part.ogg"
        part.write_bytes(client.get(f"{ada}/{sample['id']}/audio").content)
        enrolled = client.post(ada, json={"url": upload(client, part)}).json()
        assert finished(client, enrolled["jobId"])["status"] == "succeeded"
        assert {sample["model"] for sample in person(client, "Ada")["samples"]} == {"current"}

        # Who cannot come along is told before anything begins.
        refused = client.post("/v1/speakers/upgrade", json={})
        assert refused.status_code == 409
        assert "Dan" in refused.json()["message"]
        assert client.get("/v1/speakers/upgrade").json()["run"] is None

        # Then everybody else does.
        state = upgraded(client, withoutThem=True)
        assert state["run"]["state"] == "succeeded", state
        assert (state["run"]["done"], state["run"]["total"]) == (4, 4)
        assert (state["encoder"], state["earlier"], state["samples"]) == (NOW, 1, 0)
        after = heard(client, speakers="all")
        assert names(after) == {"Ada", "Ben", "Callum", None}
        dan = person(client, "Dan")
        assert dan["samples"][0]["model"] == "other"
        assert "add a recording" in dan["advice"][0]
        assert all(sample["model"] == "current" for sample in person(client, "Ada")["samples"])

        # Who stayed behind needs a new sample, and is found again.
        added = client.post(f"/v1/speakers/{dan['id']}/samples", json={"url": upload(client, voice("Dan"), "dan")})
        assert finished(client, added.json()["jobId"])["status"] == "succeeded"
        assert names(heard(client, speakers="all")) == PEOPLE


def test_voiceprints_of_before_are_heard_with_their_encoder(earlier: Server):
    old = [{"label": name, "voiceprint": earlier_voiceprint(name)} for name in sorted(PEOPLE)]
    with earlier.client() as client:
        output = heard(client, voiceprints=old)
        assert names(output) == PEOPLE
        assert output["warning"].count("make them again") == 1
        made = finished(client, submit(client, "voiceprint", url=upload(client, voice("Ada"))))["output"]["voiceprint"]
        assert Voiceprint.from_text(made).space != EARLIER_SPACE
        new = {"label": "Ada", "voiceprint": made}
        assert "warning" not in heard(client, voiceprints=[new])

        # Of two encoders in one request, it is said which are to be made again.
        mixed = client.post("/v1/identify", json={"url": "media://x", "voiceprints": [new, *old[1:]]})
        assert mixed.status_code == 400
        assert [error["field"] for error in mixed.json()["errors"]] == [
            f"voiceprints.{n}.voiceprint" for n in (1, 2, 3)
        ]
        assert all("POST /v1/voiceprint" in error["message"] for error in mixed.json()["errors"])

        # Beside a gallery of before: those of before go; for new ones the gallery has to be brought along.
        asked = {"url": upload(client, CONVERSATION), "speakers": "all"}
        eve = {"label": "Eve", "voiceprint": earlier_voiceprint("Ada")}
        assert client.post("/v1/identify", json={**asked, "voiceprints": [eve]}).status_code == 200
        newer = client.post("/v1/identify", json={**asked, "voiceprints": [{**new, "label": "Eve"}]})
        assert newer.status_code == 400
        assert "POST /v1/speakers/upgrade" in newer.json()["errors"][0]["message"]
        assert upgraded(client, withoutThem=True)["run"]["state"] == "succeeded"
        assert client.post("/v1/identify", json={**asked, "voiceprints": [{**new, "label": "Eve"}]}).status_code == 200
        older = client.post("/v1/identify", json={**asked, "voiceprints": [eve]})
        assert older.status_code == 400
        assert "make it again with POST /v1/voiceprint" in older.json()["errors"][0]["message"]


def test_voices_that_were_kept_say_what_becomes_of_them(earlier: Server):
    with earlier.client() as client:
        (job,) = [each["id"] for each in client.get("/v2/jobs", params={"type": "identify"}).json()["items"]]
        again = {"speakers": "all"}
        assert client.post(f"/v1/jobs/{job}/rematch", json=again).is_success
        assert names(client.get(f"/v1/jobs/{job}").json()["output"]) == PEOPLE
        sought = {"jobId": job, "speaker": "SPEAKER_00"}
        assert client.post("/v1/speakers/search", json=sought).json()["items"][0]["name"] == "Ada"
        assert upgraded(client, withoutThem=True)["run"]["state"] == "succeeded"
        for answer in (
            client.post(f"/v1/jobs/{job}/rematch", json=again),
            client.post("/v1/speakers/search", json=sought),
        ):
            assert answer.status_code == 409
            assert "submit the recording again" in answer.json()["message"]
        # Names stay as they were, and follow.
        assert names(client.get(f"/v1/jobs/{job}").json()["output"]) == PEOPLE
        ben = person(client, "Ben")["id"]
        assert client.patch(f"/v1/speakers/{ben}", json={"name": "Benjamin"}).is_success
        assert "Benjamin" in names(client.get(f"/v1/jobs/{job}").json()["output"])
        assert client.delete(f"/v1/speakers/{ben}").is_success
        assert "Benjamin" not in names(client.get(f"/v1/jobs/{job}").json()["output"])
        # A voice of before becomes a sample that the next upgrade hears.
        answer = client.post(
            f"/v1/speakers/{person(client, 'Dan')['id']}/samples", json={"jobId": job, "speaker": "SPEAKER_01"}
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["model"] == "other"
        assert "GET /v1/speakers/upgrade" in answer.json()["warning"]
        state = upgraded(client)
        assert (state["run"]["state"], state["earlier"], state["needed"]) == ("succeeded", 0, False)


def test_the_command_does_it_without_a_server(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIMBRE_MODEL", NEWER)

    def speakers(*arguments: str) -> Ended:
        return run("speakers", *arguments, "--data-dir", folder)

    checked = speakers("upgrade", "--check")
    assert checked.code == 0
    assert f"compared by {ENCODER}, and the server hears with {NOW}" in checked.out
    assert "3 samples of 3 people" in checked.out
    assert "Dan" in checked.err
    refused = speakers("upgrade")
    assert refused.code == 1
    assert "Dan" in refused.err
    done = speakers("upgrade", "--without-them")
    assert (done.code, done.out) == (0, f"3 samples were embedded again; people are compared by {NOW} now.\n")
    assert "there is nothing to do" in speakers("upgrade").out
    named = run("identify", CONVERSATION, "--speakers", "all", "--data-dir", folder)
    assert all(name in named.out for name in ("Ada", "Ben", "Callum"))
