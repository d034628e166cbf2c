"""Searching people by voice over HTTP, with real voices: what is found is what a result says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from server import CONVERSATION, Server, finished, submit, upload, voice
from timbre import Voiceprint

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
PEOPLE = ("Ada", "Ben", "Callum", "Dan")
pytestmark = pytest.mark.usefixtures("no_fault")


def new_team(server: Server) -> httpx.Client:
    return server.client(server.run("keys", "create", "searching", "--team", f"searching-{uuid4().hex[:8]}"))


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """One whose team knows Ada, Ben, Callum and Dan."""
    with new_team(server) as client:
        jobs = {name: submit(client, "voiceprint", url=upload(client, voice(name))) for name in PEOPLE}
        for name, job in jobs.items():
            text = finished(client, job)["output"]["voiceprint"]
            tags = ["sopranos"] if name in {"Ada", "Ben"} else []
            sample = {"voiceprint": text}
            assert client.post("/v1/speakers", json={"name": name, "tags": tags, "sample": sample}).status_code == 201
        yield client


@pytest.fixture(scope="module")
def texts(client: httpx.Client) -> dict[str, str]:
    """Voiceprints of the four by name."""
    lines = client.get("/v1/speakers/export").text.splitlines()
    people = [httpx.Response(200, text=line).json() for line in lines]
    return {person["name"]: person["samples"][0]["voiceprint"] for person in people}


@pytest.fixture(scope="module")
def ids(client: httpx.Client) -> dict[str, str]:
    return {item["name"]: item["id"] for item in client.get("/v1/speakers").json()["items"]}


def search(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/speakers/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(found: dict[str, Any]) -> list[str]:
    return [item["name"] for item in found["items"]]


def test_a_voiceprint_finds_its_person(client, texts, ids):
    found = search(client, voiceprint=texts["Callum"])
    assert sorted(names(found)) == sorted(PEOPLE)
    first, second = found["items"][:2]
    assert (first["name"], first["speakerId"], first["cosine"]) == ("Callum", ids["Callum"], 1.0)
    assert (first["confidence"] > 90, second["confidence"] < 50) == (True, True)
    assert [item["confidence"] for item in found["items"]] == sorted(
        (item["confidence"] for item in found["items"]), reverse=True
    )
    assert found["people"] == 4
    assert found["version"] == client.get("/v1/speakers").json()["version"]
    assert "warning" not in found
    assert "colour" in search(client, voiceprint=texts["Ada"], colour="red")["warning"]


def test_a_search_for_a_voice_of_a_job_says_what_its_result_says(client):
    job = submit(client, "identify", url=upload(client, CONVERSATION), speakers="all")
    output = finished(client, job)["output"]
    assert output["voiceprints"]
    for heard in output["voiceprints"]:
        found = search(client, jobId=job, speaker=heard["speaker"])
        said = [(item["confidence"], item["speakerId"], item["name"]) for item in found["items"]]
        told = [(item["confidence"], item["speakerId"], item["name"]) for item in heard["candidates"]]
        assert sorted(said) == sorted(told)  # people who are equally unlikely may stand in another order
        assert said[0] == told[0]
        assert said[0][2] == heard["match"]
        assert {"version": found["version"], "people": found["people"]} == output["gallery"]
    answer = client.post("/v1/speakers/search", json={"jobId": job, "speaker": "SPEAKER_77"})
    assert answer.status_code == 404
    assert "SPEAKER_77" in answer.json()["message"]


def test_a_search_can_be_among_some_and_for_few(client, texts, ids):
    assert names(search(client, voiceprint=texts["Dan"], limit=1)) == ["Dan"]
    among = search(client, voiceprint=texts["Dan"], speakers={"tags": ["sopranos", "none"]})
    assert (sorted(names(among)), among["people"]) == (["Ada", "Ben"], 2)
    one = search(client, voiceprint=texts["Dan"], speakers=[ids["Ben"]])
    assert (names(one), one["people"]) == (["Ben"], 1)
    nobody = search(client, voiceprint=texts["Dan"], speakers={"tags": ["none"]})
    assert (nobody["items"], nobody["people"]) == ([], 0)


def test_other_teams_find_and_tell_nothing(server, client, texts, ids):
    job = submit(client, "identify", url=upload(client, CONVERSATION), speakers="all")
    speaker = finished(client, job)["output"]["voiceprints"][0]["speaker"]
    with new_team(server) as other:
        assert search(other, voiceprint=texts["Ada"]) == {"items": [], "people": 0, "version": 0}
        theirs, unknown = (
            other.post("/v1/speakers/search", json={"jobId": each, "speaker": speaker}) for each in (job, UNKNOWN)
        )
        assert theirs.status_code == unknown.status_code == 404
        assert theirs.json()["message"] == unknown.json()["message"]
        answer = other.post("/v1/speakers/search", json={"voiceprint": texts["Ada"], "speakers": [ids["Ada"]]})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "speakers.0"


def altered(text: str, *, space: str | None = None, dimension: int | None = None) -> str:
    given = Voiceprint.from_text(text)
    return str(
        Voiceprint(
            prototypes=np.ascontiguousarray(given.prototypes[:, :dimension]),
            seconds=given.seconds,
            space=space or given.space,
        )
    )


def test_what_cannot_be_searched_for_is_refused(client, texts):
    ada = texts["Ada"]
    for body, field, said in (
        ({}, "body", "Expected one of: voiceprint, jobId"),
        ({"voiceprint": ada, "jobId": UNKNOWN, "speaker": "SPEAKER_00"}, "body", "Expected one of"),
        ({"jobId": UNKNOWN}, "body", "Expected one of"),
        ({"voiceprint": ada, "speaker": "SPEAKER_00"}, "body", "Expected one of"),
        ({"jobId": UNKNOWN, "speaker": "SPEAKER_00", "model": "base"}, "model", "Expected no model"),
        ({"jobId": "x", "speaker": "SPEAKER_00"}, "jobId", "Expected an id"),
        ({"voiceprint": "not one"}, "voiceprint", "not a voiceprint"),
        ({"voiceprint": altered(ada, space="0" * 16)}, "voiceprint", "made by another encoder"),
        ({"voiceprint": altered(ada, dimension=7)}, "voiceprint", "damaged"),
        ({"voiceprint": ada, "limit": 0}, "limit", "Expected a whole number from 1 to 50, got 0"),
        ({"voiceprint": ada, "limit": 51}, "limit", "from 1 to 50"),
        ({"voiceprint": ada, "limit": True}, "limit", "from 1 to 50"),
        ({"voiceprint": ada, "limit": "5"}, "limit", "from 1 to 50"),
        ({"voiceprint": ada, "model": "worst"}, "model", "Expected one of"),
        ({"voiceprint": ada, "speakers": "some"}, "speakers", "Expected"),
        ({"voiceprint": ada, "speakers": [UNKNOWN]}, "speakers.0", ""),
    ):
        answer = client.post("/v1/speakers/search", json=body)
        assert answer.status_code == 400, (body, answer.text)
        told = [*((fault["field"], fault["message"]) for fault in answer.json().get("errors", ()))]
        assert any(at == field and said in message for at, message in told), (body, answer.text)
    assert client.get("/v1/speakers/search").status_code in {404, 405}
