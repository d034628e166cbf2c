"""People over HTTP, with real voices: made, taught, merged, taken elsewhere, erased; and whatever else is sent."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    return server.client(server.run("keys", "create", "people", "--team", f"people-{uuid4().hex[:8]}"))


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """One whose team has nobody yet."""
    with new_team(server) as client:
        yield client


@pytest.fixture
def other(server: Server) -> Iterator[httpx.Client]:
    """One of another team."""
    with new_team(server) as client:
        yield client


@pytest.fixture(scope="module")
def texts(server: Server) -> dict[str, str]:
    """The voiceprints of those in the sample speech, made by the server."""
    with new_team(server) as client:
        jobs = {name: submit(client, "voiceprint", url=upload(client, voice(name))) for name in PEOPLE}
        return {name: finished(client, job)["output"]["voiceprint"] for name, job in jobs.items()}


def made(client: httpx.Client, name: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/speakers", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int) -> str:
    """What is said about a refusal."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) in ({"message", "errors"}, {"message", "requestId"})
    return " ".join([body["message"], *(f"{fault['field']}: {fault['message']}" for fault in body.get("errors", ()))])


def variations(text: str, count: int) -> list[str]:
    """Voiceprints near one, all different."""
    given = Voiceprint.from_text(text)
    chance = np.random.default_rng(5)
    found = []
    for _ in range(count):
        vector = given.embedding + 0.02 * chance.normal(size=given.embedding.shape)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        found.append(str(Voiceprint(prototypes=vector[np.newaxis], seconds=(5.0,), space=given.space)))
    return found


def test_a_person_is_made_taught_changed_and_erased(client, texts):
    ada = made(client, "  Ada   Lovelace ", tags=["board"], consent={"basis": "form", "date": "2026-10-02"})
    assert ada["name"] == "Ada Lovelace"
    assert ada["consent"] == {"basis": "form", "date": "2026-10-02", "note": None}
    assert (ada["samples"], ada["sampleCount"], ada["lastHeardAt"]) == ([], 0, None)
    assert "Add a recording" in ada["advice"][0]
    path = f"/v1/speakers/{ada['id']}"
    sample = client.post(f"{path}/samples", json={"voiceprint": texts["Ada"]})
    assert sample.status_code == 201
    assert (sample.json()["source"], sample.json()["model"], sample.json()["hasClip"]) == (
        "voiceprint",
        "current",
        False,
    )
    assert sample.json()["speechSeconds"] > 10
    again = client.post(f"{path}/samples", json={"voiceprint": texts["Ada"]})
    assert (again.status_code, again.json()) == (201, sample.json())
    detail = client.get(path).json()
    assert detail["samples"] == [sample.json()]
    assert detail["advice"] == ["All speech is from one recording: add one from another day or microphone"]
    changed = client.patch(
        path, json={"name": "Ada", "tags": ["x", "y", "x"], "consent": None, "reviewDate": "2020-01-31"}
    )
    assert changed.status_code == 200
    assert [changed.json()[key] for key in ("name", "tags", "consent", "reviewDate")] == [
        "Ada",
        ["x", "y"],
        None,
        "2020-01-31",
    ]
    assert any("2020-01-31" in sentence for sentence in changed.json()["advice"])
    assert changed.json()["updatedAt"] > ada["updatedAt"]
    kept = client.patch(path, json={"name": None, "tags": None}).json()
    assert (kept["name"], kept["tags"], kept["reviewDate"]) == ("Ada", ["x", "y"], "2020-01-31")
    assert client.patch(path, json={"reviewDate": None}).json()["reviewDate"] is None
    assert client.get(f"{path}/samples/{sample.json()['id']}/audio").status_code == 404
    without = client.delete(f"{path}/samples/{sample.json()['id']}")
    assert (without.status_code, without.json()["samples"]) == (200, [])
    assert client.delete(f"{path}/samples/{sample.json()['id']}").status_code == 404
    erased = client.delete(path)
    assert (erased.status_code, erased.json()) == (200, {"speakerId": ada["id"], "deleted": True})
    assert client.get(path).status_code == client.delete(path).status_code == 404
    actions = [entry["action"] for entry in client.get("/v1/audit").json()["items"]]
    assert actions[0] == "speaker.erased"
    assert actions[-1] == "speaker.created"


def test_a_list_has_pages_and_can_be_narrowed(client):
    ids = [made(client, f"Person {number}", tags=["even"] if number % 2 == 0 else [])["id"] for number in range(5)]
    page = client.get("/v1/speakers", params={"limit": 2}).json()
    assert [item["id"] for item in page["items"]] == ids[:2:-1]
    assert (page["total"], page["version"]) == (5, 5)
    assert "samples" not in page["items"][0]
    rest = client.get("/v1/speakers", params={"limit": 10, "cursor": page["nextCursor"]}).json()
    assert [item["id"] for item in rest["items"]] == ids[2::-1]
    assert rest["nextCursor"] is None
    assert client.get("/v1/speakers", params={"tag": "even"}).json()["total"] == 3
    assert client.get("/v1/speakers", params={"q": "ON 3"}).json()["items"][0]["id"] == ids[3]
    for wrong in (
        {"limit": 0},
        {"limit": 101},
        {"cursor": "x"},
        {"q": "\0"},
        {"q": "x" * 101},
        {"tag": "a\nb"},
        {"q": ""},
    ):
        refused(client.get("/v1/speakers", params=wrong), 400)


def test_people_who_are_one_are_merged(client, texts):
    ada = made(client, "Ada", sample={"voiceprint": texts["Ada"]})
    alias = made(client, "A. L.", tags=["x"], sample={"voiceprint": texts["Ben"]})
    path = f"/v1/speakers/{ada['id']}/merge"
    merged = client.post(path, json={"from": [alias["id"]]})
    assert merged.status_code == 200
    assert merged.json()["tags"] == ["x"]
    assert {sample["id"] for sample in merged.json()["samples"]} == {
        person["samples"][0]["id"] for person in (ada, alias)
    }
    assert client.get(f"/v1/speakers/{alias['id']}").status_code == 404
    assert "from.0" in refused(client.post(path, json={"from": [ada["id"]]}), 400)
    refused(client.post(path, json={"from": [alias["id"]]}), 404)
    for wrong in ([], ["x"], [None], "x", None, [ada["id"]] * 101, [[]]):
        assert "from" in refused(client.post(path, json={"from": wrong}), 400)


def test_names_are_given_once_however_fast(client):
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda name: client.post("/v1/speakers", json={"name": name}), ["Zoë", "zoë", "Zoe\u0308"] * 3)
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 8
    assert "called" in refused(client.post("/v1/speakers", json={"name": "ZOË"}), 409)
    assert client.get("/v1/speakers").json()["total"] == 1


def test_two_clients_teach_one_person_while_another_merges(client, texts):
    ada, alias = made(client, "Ada"), made(client, "Alias")
    given = variations(texts["Ada"], 12)

    def add(number: int) -> int:
        whose = ada if number % 2 else alias
        return client.post(f"/v1/speakers/{whose['id']}/samples", json={"voiceprint": given[number]}).status_code

    with ThreadPoolExecutor(6) as pool:
        adding = [pool.submit(add, number) for number in range(12)]
        merging = pool.submit(client.post, f"/v1/speakers/{ada['id']}/merge", json={"from": [alias["id"]]})
        assert merging.result().status_code == 200
        outcomes = [each.result() for each in adding]
    assert set(outcomes) <= {201, 404}
    assert client.get(f"/v1/speakers/{ada['id']}").json()["sampleCount"] == outcomes.count(201)


def test_there_are_so_many_samples_and_no_more(client, texts):
    ada = made(client, "Ada")
    path = f"/v1/speakers/{ada['id']}/samples"
    given = variations(texts["Ada"], 25)
    for text in given[:24]:
        assert client.post(path, json={"voiceprint": text}).status_code == 201
    assert "24" in refused(client.post(path, json={"voiceprint": given[24]}), 409)
    detail = client.get(f"/v1/speakers/{ada['id']}").json()
    assert detail["sampleCount"] == 24
    assert any("as many as one person can have" in sentence for sentence in detail["advice"])


def test_a_gallery_is_taken_to_another_team(client, other, texts):
    for name in PEOPLE:
        made(client, name, tags=[name.lower()], sample={"voiceprint": texts[name]}, reviewDate="2030-01-01")
    exported = client.get("/v1/speakers/export")
    assert exported.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert {line["name"]: line["samples"][0]["voiceprint"] for line in lines} == texts
    report = other.post("/v1/speakers/import", content=exported.content)
    assert report.json() == {"created": 4, "updated": 0, "samples": 4, "failed": 0, "errors": []}
    again = other.post("/v1/speakers/import", content=exported.content)
    assert again.json() == {"created": 0, "updated": 0, "samples": 0, "failed": 0, "errors": []}
    moved = [json.loads(line) for line in other.get("/v1/speakers/export").text.splitlines()]
    assert sorted(moved, key=str) == sorted(lines, key=str)
    assert sorted(place_of(client)) == sorted(place_of(other))


def place_of(client: httpx.Client) -> list[tuple[str, float, float]]:
    """The map of the voices, without its signs."""
    points = client.get("/v1/speakers/map").json()["points"]
    assert len(points) == 4
    return [(point["name"], round(abs(point["x"]), 2), round(abs(point["y"]), 2)) for point in points]


def test_a_line_at_fault_stops_no_other(client, texts):
    good = json.dumps({"name": "Ada", "samples": [{"voiceprint": texts["Ada"]}]})
    lines = [
        b"", good.encode(), b"{", b"[]", b"\xff\xfe", b'{"name":""}', b'{"name":"SPEAKER_01"}', b'{"name":"a\\u0000"}',
        b'{"name":"x","samples":{}}', b'{"name":"x","samples":[{"voiceprint":"AAAA"}]}', b'{"name":"x","samples":[1]}',
        b'{"name":"x","samples":[{"voiceprint":"' + texts["Ada"].encode() + b'","quality":{"snr":"x"}}]}',
        b'{"name":"x","samples":[{"voiceprint":"' + texts["Ada"].encode() + b'","createdAt":"soon"}]}',
        b'{"name":"x","consent":"yes"}', b'{"name":"x","reviewDate":"2026-02-30"}', b" " * (5 << 20), b'{"name":"Ben"}',
    ]  # fmt: skip
    report = client.post("/v1/speakers/import", content=b"\r\n".join(lines)).json()
    assert (report["created"], report["samples"], report["failed"]) == (2, 1, len(lines) - 3)
    assert [fault["line"] for fault in report["errors"]] == list(range(3, len(lines)))
    assert all(fault["message"] for fault in report["errors"])
    assert {item["name"] for item in client.get("/v1/speakers").json()["items"]} == {"Ada", "Ben"}


OF_JOB = f'{{"name":"x","sample":{{"jobId":"{UNKNOWN}"%s}}}}'
HOSTILE = [
    "", "[]", "null", "{", '{"name":1}', '{"name":null}', '{"name":[]}', '{"name":""}', '{"name":"   "}',
    '{"name":"a\\u0000b"}', '{"name":"a\\u001bb"}', '{"name":"\\ud800"}', '{"name":"SPEAKER_00"}',
    '{"name":"speaker_x"}', json.dumps({"name": "x" * 101}), '{"name":"x","tags":"y"}', '{"name":"x","tags":[1]}',
    '{"name":"x","tags":[""]}', '{"name":"x","tags":["a\\nb"]}', json.dumps({"name": "x", "tags": ["t"] * 21}),
    '{"name":"x","tags":{"a":1}}', '{"name":"x","consent":{}}', '{"name":"x","consent":[]}',
    '{"name":"x","consent":{"basis":1}}', '{"name":"x","consent":{"basis":"y","date":"tomorrow"}}',
    '{"name":"x","consent":{"basis":"y","note":"\\u0000"}}', '{"name":"x","reviewDate":5}',
    '{"name":"x","reviewDate":"9999"}', '{"name":"x","sample":{}}', '{"name":"x","sample":"y"}',
    '{"name":"x","sample":{"voiceprint":"!!!!"}}', '{"name":"x","sample":{"voiceprint":"QUJD"}}',
    '{"name":"x","sample":{"url":"ftp://a/b"}}', '{"name":"x","sample":{"jobId":"y","speaker":"SPEAKER_00"}}',
    OF_JOB % "", OF_JOB % ',"start":3,"end":2', OF_JOB % ',"start":"0","end":2', OF_JOB % ',"start":-1,"end":1e999',
    OF_JOB % ',"speaker":"Ada"', OF_JOB % ',"start":1', '{"name":"x","sample":{"voiceprint":"QUJD","url":"media://a"}}',
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_is_no_person_is_refused_and_leaves_nothing(client, number):
    said = refused(client.post("/v1/speakers", content=HOSTILE[number]), 400)
    assert "Expected" in said or "not a voiceprint" in said, said
    assert client.get("/v1/speakers").json()["total"] == 0


def test_samples_that_are_none_are_refused(client, texts):
    ada = made(client, "Ada")
    path = f"/v1/speakers/{ada['id']}/samples"
    cut, foreign = texts["Ada"][:-8], base64.b64encode(b"PYAN" + bytes(200)).decode()
    for text in (cut, foreign, "", "\x00", "x" * 20_001, crafted(bytes(64)), crafted(b"\x00\x7e" * 32)):
        refused(client.post(path, json={"voiceprint": text}), 400)
    unknown = f"/v1/speakers/{UNKNOWN}/samples"
    refused(client.post(unknown, json={"voiceprint": texts["Ada"]}), 404)
    refused(client.post("/v1/speakers/x/samples", json={"voiceprint": texts["Ada"]}), 404)
    refused(client.post(path, json={"jobId": UNKNOWN, "speaker": "SPEAKER_00"}), 404)
    refused(client.post(path, json={"jobId": UNKNOWN, "start": 0, "end": 5}), 404)
    assert client.get(f"/v1/speakers/{ada['id']}").json()["sampleCount"] == 0


def crafted(vector: bytes) -> str:
    """A voiceprint that is whole, of a vector that no encoder makes: nothing, or numbers that are none."""
    body = b"TMBR" + bytes([2]) + bytes(8) + bytes([1, len(vector) // 2, 0]) + bytes(6) + vector
    return base64.b64encode(body + hashlib.sha256(body).digest()[:4]).decode()


def test_bodies_of_many_megabytes_are_refused(client):
    ada = made(client, "Ada")
    large = b'{"name":"' + b"x" * (5 << 20) + b'"}'
    for method, path in (
        ("POST", ""),
        ("PATCH", f"/{ada['id']}"),
        ("POST", f"/{ada['id']}/samples"),
        ("POST", f"/{ada['id']}/merge"),
    ):
        refused(client.request(method, f"/v1/speakers{path}", content=large), 413)
    nearly = json.dumps({"name": "y" * (4 << 20)}).encode()[: 4 << 20]
    refused(client.post("/v1/speakers", content=nearly), 400)


def test_keys_that_are_not_known_are_named(client, texts):
    assert "Ignored unknown keys: tag" in made(client, "Ada", tag=["x"])["warning"]
    path = f"/v1/speakers/{made(client, 'Ben')['id']}"
    assert "nmae" in client.patch(path, json={"nmae": "x"}).json()["warning"]
    sample = client.post(f"{path}/samples", json={"voiceprint": texts["Ben"], "model": "base"})
    assert "model" in sample.json()["warning"]


def test_nothing_of_a_person_is_there_for_another_team(client, other, texts):
    ada = made(client, "Ada", tags=["x"], sample={"voiceprint": texts["Ada"]})
    theirs = made(other, "Ada")
    sample = ada["samples"][0]["id"]
    asked = [
        ("GET", "", None), ("PATCH", "", {"name": "Mine"}), ("DELETE", "", None),
        ("POST", "/samples", {"voiceprint": texts["Ben"]}), ("POST", "/samples", {"url": "media://a.wav"}),
        ("DELETE", f"/samples/{sample}", None), ("GET", f"/samples/{sample}/audio", None),
        ("POST", "/merge", {"from": [theirs["id"]]}),
    ]  # fmt: skip
    for method, rest, body in asked:
        answers = [other.request(method, f"/v1/speakers/{id_}{rest}", json=body) for id_ in (ada["id"], UNKNOWN)]
        assert [answer.status_code for answer in answers] == [404, 404], rest
        assert answers[0].json()["message"] == answers[1].json()["message"]
    refused(other.post(f"/v1/speakers/{theirs['id']}/merge", json={"from": [ada["id"]]}), 404)
    assert other.get("/v1/speakers", params={"tag": "x"}).json()["total"] == 0
    assert other.get("/v1/speakers/map").json() == {"points": [], "pairs": []}
    assert texts["Ada"] not in other.get("/v1/speakers/export").text
    assert client.get(f"/v1/speakers/{ada['id']}").json() == ada


def test_voices_are_learned_from_recordings_and_jobs_and_named_in_results(client):
    recording = upload(client, CONVERSATION, "people/conversation.ogg")
    job = submit(client, "diarize", url=recording)
    turns = finished(client, job)["output"]["diarization"]
    ada = made(client, "Ada", sample={"url": upload(client, voice("Ada"), "people/ada.flac")})
    assert ada["samples"] == []
    enrolled = finished(client, ada["jobId"])
    assert (enrolled["type"], enrolled["status"]) == ("enrol", "succeeded"), enrolled
    (sample,) = client.get(f"/v1/speakers/{ada['id']}").json()["samples"]
    assert (enrolled["output"]["speakerId"], enrolled["output"]["sampleId"]) == (ada["id"], sample["id"])
    assert (sample["source"], sample["hasClip"]) == ("recording", True)
    assert sample["quality"]["singleSpeaker"] > 80
    clip = client.get(f"/v1/speakers/{ada['id']}/samples/{sample['id']}/audio")
    assert (clip.status_code, clip.headers["content-type"], clip.content[:4]) == (200, "audio/ogg", b"OggS")

    voices = {turn["speaker"] for turn in turns}
    by_name = {"Ada": ada["id"]}
    named = finished(client, submit(client, "identify", url=recording, speakers="all"))["output"]
    label = next(each["speaker"] for each in named["voiceprints"] if each["match"] == "Ada")
    second, third = sorted(voices - {label})[:2]
    of_job = client.post("/v1/speakers", json={"name": "Second", "sample": {"jobId": job, "speaker": second}})
    assert of_job.status_code == 201, of_job.text
    assert [each["source"] for each in of_job.json()["samples"]] == ["job"]
    assert of_job.json()["samples"][0]["jobId"] == job
    by_name["Second"] = of_job.json()["id"]
    by_name["Third"] = made(client, "Third")["id"]
    turn = max((turn for turn in turns if turn["speaker"] == third), key=lambda turn: turn["end"] - turn["start"])
    stretch = {"jobId": job, "start": turn["start"], "end": turn["end"]}
    heard = client.post(f"/v1/speakers/{by_name['Third']}/samples", json=stretch)
    assert (heard.status_code, heard.json()["status"]) == (202, "created")
    assert finished(client, heard.json()["jobId"])["status"] == "succeeded"

    job = submit(client, "identify", url=recording, speakers="all")
    output = finished(client, job)["output"]
    assert names_of(output) == {label: "Ada", second: "Second", third: "Third"}
    assert client.patch(f"/v1/speakers/{by_name['Second']}", json={"name": "Zwei"}).status_code == 200
    assert names_of(output_of(client, job)) == {label: "Ada", second: "Zwei", third: "Third"}
    merged = client.post(f"/v1/speakers/{by_name['Third']}/merge", json={"from": [by_name["Second"]]})
    assert merged.json()["sampleCount"] == 2
    after = output_of(client, job)
    assert names_of(after) == {label: "Ada", second: "Third", third: "Third"}
    assert {turn["speakerId"] for turn in after["identification"]} <= {ada["id"], by_name["Third"], None}
    assert client.get(f"/v1/speakers/{by_name['Third']}").json()["lastHeardAt"]
    for name in ("Ada", "Third"):
        assert client.delete(f"/v1/speakers/{by_name[name]}").status_code == 200
    left = client.get(f"/v1/jobs/{job}").text
    assert names_of(json.loads(left)["output"]) == {}
    assert not any(name in left for name in ("Ada", "Second", "Zwei", "Third", *by_name.values()))


def test_a_person_is_not_made_where_the_sample_cannot_be(client):
    job = submit(client, "diarize", url="media://never.wav")
    finished(client, job)
    for sample in (
        {"jobId": UNKNOWN, "speaker": "SPEAKER_00"},
        {"jobId": job, "speaker": "SPEAKER_00"},
        {"jobId": UNKNOWN, "start": 0, "end": 5},
        {"jobId": job, "start": 0, "end": 5},
    ):
        refused(client.post("/v1/speakers", json={"name": "Ada", "sample": sample}), 404)
    assert client.get("/v1/speakers").json()["total"] == 0
    missing = made(client, "Ada", sample={"url": "media://never.wav"})
    assert finished(client, missing["jobId"])["status"] == "failed"
    refused(client.get(f"/v1/speakers/{missing['id']}"), 404)
    assert client.get("/v1/speakers").json()["total"] == 0


def output_of(client: httpx.Client, job: str) -> dict[str, Any]:
    return client.get(f"/v1/jobs/{job}").json()["output"]


def names_of(output: dict[str, Any]) -> dict[str, str]:
    """The names that an output gives to its speakers, in its turns and in its list of voices."""
    voices = {each["speaker"]: each["match"] for each in output["voiceprints"] if each["match"]}
    turns = {turn["diarizationSpeaker"]: turn["match"] for turn in output["identification"] if turn["match"]}
    assert turns.items() <= voices.items()
    assert all(turn["speaker"] == turn["match"] for turn in output["identification"] if turn["match"])
    return voices
