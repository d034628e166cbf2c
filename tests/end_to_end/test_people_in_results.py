"""People in results, from beginning to end over HTTP: enrolled, recognised, named from a recording, erased."""

from __future__ import annotations

import io
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import httpx
import numpy as np
import pytest

from server import CONVERSATION, Server, finished, submit, upload, voice
from timbre.formats.rttm import loads
from timbre.identification.voiceprint import Voiceprint

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
VOICES = ("Ada", "Ben", "Callum", "Dan")


@pytest.fixture
def team(server: Server) -> Iterator[httpx.Client]:
    """A team of the test's own."""
    with new_team(server) as client:
        yield client


def new_team(server: Server, *scopes: str) -> httpx.Client:
    options = [part for scope in scopes for part in ("--scope", scope)]
    return server.client(server.run("keys", "create", "k", "--team", f"people {time.time_ns()}", *options))


def person(client: httpx.Client, name: str, **more: Any) -> str:
    answer = client.post("/v1/speakers", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def enrolled(client: httpx.Client, name: str, **more: Any) -> str:
    """A person who is learned from their sample recording."""
    speaker = person(client, name, **more)
    url = upload(client, voice(name))
    answer = client.post(f"/v1/speakers/{speaker}/samples", json={"url": url})
    assert answer.status_code == 202, answer.text
    job = finished(client, answer.json()["jobId"])
    assert job["status"] == "succeeded", job
    assert (job["type"], job["output"]["speakerId"]) == ("enrol", speaker)
    assert job["output"]["quality"]["speechSeconds"] > 15
    return speaker


def identified(client: httpx.Client, **options: Any) -> dict[str, Any]:
    job = finished(client, submit(client, "identify", url=upload(client, CONVERSATION), **options))
    assert job["status"] == "succeeded", job
    return job


def people_by_label(output: dict[str, Any]) -> dict[str, str]:
    """Who each label of an output of the conversation really is: whoever they share the most time with."""
    reference = loads((CONVERSATION.parent / "conversation.rttm").read_text())
    turns = reference["conversation"] if isinstance(reference, dict) else reference
    shared: dict[str, dict[str, float]] = {}
    for turn in output["diarization"]:
        for spoken in turns:
            both = min(turn["end"], spoken.end) - max(turn["start"], spoken.start)
            if both > 0:
                times = shared.setdefault(turn["speaker"], {})
                times[spoken.speaker] = times.get(spoken.speaker, 0.0) + both
    return {label: max(times, key=times.__getitem__) for label, times in shared.items()}


def named(output: dict[str, Any]) -> dict[str, str | None]:
    """The name that each person of the conversation was given."""
    who = people_by_label(output)
    return {who[item["speaker"]]: item["match"] for item in output["voiceprints"]}


def test_the_whole_way(team):
    ada = enrolled(team, "Ada", consent={"basis": "written"})
    job = identified(team, speakers="all", title="Planning.ogg", exclusive=True)
    output = job["output"]
    assert named(output) == {"Ada": "Ada", "Ben": None, "Callum": None, "Dan": None}
    assert output["gallery"]["people"] == 1
    who = {name: label for label, name in people_by_label(output).items()}
    for item in output["identification"]:
        expected = (
            ("Ada", "Ada", ada)
            if item["diarizationSpeaker"] == who["Ada"]
            else (item["diarizationSpeaker"], None, None)
        )
        assert (item["speaker"], item["match"], item["speakerId"]) == expected
    assert (job["title"], job["kept"], job["hasVoices"], job["hasAudio"]) == ("Planning.ogg", False, True, True)
    assert team.get(f"/v1/speakers/{ada}").json()["lastHeardAt"] == job["completedAt"]

    # The unknown voices are named from the recording, one by its voice and one by a stretch of it.
    listed = team.get(f"/v1/jobs/{job['jobId']}/voices").json()["items"]
    assert [item["speaker"] for item in listed] == [item["speaker"] for item in output["voiceprints"]]
    ben = person(team, "Ben", sample={"jobId": job["jobId"], "speaker": who["Ben"]})
    clip = team.get(f"/v1/jobs/{job['jobId']}/voices/{who['Ben']}/audio")
    assert clip.headers["content-type"] == "audio/ogg"
    with av.open(io.BytesIO(clip.content)) as container:
        assert 2 < container.duration / 1e6 < 9
    turn = max(
        (item for item in output["exclusiveDiarization"] if item["speaker"] == who["Dan"]),
        key=lambda item: item["end"] - item["start"],
    )
    dan = person(team, "Dan")
    stretch = {"jobId": job["jobId"], "start": turn["start"], "end": turn["end"]}
    answer = team.post(f"/v1/speakers/{dan}/samples", json=stretch)
    assert answer.status_code == 202, answer.text
    enrolment = finished(team, answer.json()["jobId"])
    assert enrolment["status"] == "succeeded", enrolment
    assert math.isclose(enrolment["duration"], turn["end"] - turn["start"], abs_tol=0.02)
    sample = team.get(f"/v1/speakers/{dan}").json()["samples"][0]
    assert (sample["source"], sample["jobId"], sample["hasClip"]) == ("job", job["jobId"], True)

    # The old result learns the names, everywhere it is shown.
    answer = team.post(f"/v1/jobs/{job['jobId']}/rematch", json={})
    assert answer.status_code == 200, answer.text
    again = answer.json()
    assert again == team.get(f"/v1/jobs/{job['jobId']}").json()
    assert named(again["output"]) == {"Ada": "Ada", "Ben": "Ben", "Callum": None, "Dan": "Dan"}
    assert again["output"]["diarization"] == output["diarization"]
    assert again["output"]["gallery"]["version"] > output["gallery"]["version"]
    for kind in ("rttm", "srt", "vtt", "csv", "audacity", "textgrid"):
        text = team.get(f"/v1/jobs/{job['jobId']}/output.{kind}", params={"exclusive": True}).text
        assert "Ben" in text
        assert who["Ben"] not in text
        assert who["Callum"] in text
    (item,) = team.get("/v2/jobs", params={"speaker": ben}).json()["items"]
    assert item["id"] == job["jobId"]
    assert item["speakers"] == [
        {"speakerId": ada, "name": "Ada"}, {"speakerId": ben, "name": "Ben"}, {"speakerId": dan, "name": "Dan"},
    ]  # fmt: skip
    assert [each["title"] for each in team.get("/v2/jobs", params={"q": "plann"}).json()["items"]] == ["Planning.ogg"]
    assert team.get("/v2/jobs", params={"q": "nothing"}).json()["items"] == []

    # A new recording knows them by itself.
    assert named(identified(team, speakers="all")["output"]) == named(again["output"])


@pytest.mark.exhaustive
def test_who_is_erased_is_unknown_again_wherever_they_were_named(team):
    ben = enrolled(team, "Ben")
    for _ in range(2):
        assert named(identified(team, speakers="all")["output"])["Ben"] == "Ben"
    assert team.delete(f"/v1/speakers/{ben}").json() == {"speakerId": ben, "deleted": True}
    jobs = [each["id"] for each in team.get("/v2/jobs").json()["items"] if each["type"] == "identify"]
    assert len(jobs) == 2
    for job in jobs:
        told = team.get(f"/v1/jobs/{job}")
        assert set(named(told.json()["output"]).values()) == {None}
        for left in (ben, '"Ben"'):
            assert left not in told.text
    assert team.get("/v2/jobs", params={"speaker": ben}).json()["items"] == []


def test_a_diarization_is_named_later(team):
    job = finished(team, submit(team, "diarize", url=upload(team, CONVERSATION)))
    assert "identification" not in job["output"]
    enrolled(team, "Callum")
    answer = team.post(f"/v1/jobs/{job['jobId']}/rematch", json={"speakers": "all"}).json()
    assert named(answer["output"]) == {"Ada": None, "Ben": None, "Callum": "Callum", "Dan": None}
    assert answer["type"] == "diarize"


@pytest.mark.exhaustive
def test_only_people_who_are_meant_are_named_and_voiceprints_beside_them(team):
    ada = enrolled(team, "Ada", tags=["board"])
    ben = enrolled(team, "Ben", tags=["staff"])
    callum = finished(team, submit(team, "voiceprint", url=upload(team, voice("Callum"))))["output"]["voiceprint"]
    sent = [{"label": "Visitor", "voiceprint": callum}]
    output = identified(team, speakers={"tags": ["staff"]}, voiceprints=sent)["output"]
    assert named(output) == {"Ada": None, "Ben": "Ben", "Callum": "Visitor", "Dan": None}
    for item in output["voiceprints"]:
        assert set(item["confidence"]) == {"Visitor", "Ben"}
        assert [each["speakerId"] for each in item["candidates"]] == [ben]
        assert item["speakerId"] == (ben if item["match"] == "Ben" else None)
    assert named(identified(team, speakers=[ada])["output"]) == dict.fromkeys(VOICES) | {"Ada": "Ada"}


@pytest.mark.exhaustive
def test_a_stranger_among_sixty_people_stays_unknown(team):
    """And somebody who is among them is found, however many they are."""
    enrolled(team, "Ada")
    space = Voiceprint.from_text(
        finished(team, submit(team, "voiceprint", url=upload(team, voice("Ada"))))["output"]["voiceprint"]
    )
    drawn = np.random.default_rng(1)
    for number in range(60):
        vector = drawn.normal(size=(1, space.prototypes.shape[1])).astype(np.float32)
        made = Voiceprint(
            prototypes=(vector / np.linalg.norm(vector)).astype(np.float16).astype(np.float32),
            seconds=(20.0,),
            space=space.space,
        )
        person(team, f"Person {number}", sample={"voiceprint": str(made)})
    output = identified(team, speakers="all")["output"]
    assert output["gallery"]["people"] == 61
    assert named(output) == {"Ada": "Ada", "Ben": None, "Callum": None, "Dan": None}
    for item in output["voiceprints"]:
        assert len(item["candidates"]) == 5
    nobody = identified(team, speakers="all", matching={"threshold": 100})["output"]
    assert set(named(nobody).values()) == {None}


def test_nobody_to_recognise(team):
    output = identified(team, speakers="all")["output"]
    assert output["gallery"] == {"version": 0, "people": 0}
    assert set(named(output).values()) == {None}
    assert all(item["candidates"] == [] and item["confidence"] == {} for item in output["voiceprints"])


def test_what_is_asked_wrongly(team, server):
    ada = enrolled(team, "Ada")
    voiceprint = finished(team, submit(team, "voiceprint", url=upload(team, voice("Ada"))))["output"]["voiceprint"]
    job = finished(team, submit(team, "diarize", url=upload(team, CONVERSATION)))["jobId"]
    with new_team(server) as other:
        stranger = person(other, "Zoe")
    url = "media://Ada.flac"
    for path, body, field in (
        ("/v1/identify", {"url": url}, "voiceprints"),
        ("/v1/identify", {"url": url, "speakers": "everybody"}, "speakers"),
        ("/v1/identify", {"url": url, "speakers": [ada, UNKNOWN]}, "speakers.1"),
        ("/v1/identify", {"url": url, "speakers": [stranger]}, "speakers.0"),
        (
            "/v1/identify",
            {"url": url, "speakers": "all", "voiceprints": [{"label": "aDA", "voiceprint": voiceprint}]},
            "voiceprints.0.label",
        ),
        ("/v1/identify", {"url": url, "speakers": "all", "title": "x" * 201}, "title"),
        (f"/v1/jobs/{job}/rematch", {"speakers": [stranger]}, "speakers.0"),
        (f"/v1/jobs/{job}/rematch", {"matching": {"threshold": 101}}, "matching.threshold"),
        (f"/v1/jobs/{job}/voices/merge", {"into": "SPEAKER_00"}, "from"),
        (f"/v1/jobs/{job}/voices/merge", {"into": "SPEAKER_00", "from": ["SPEAKER_00"]}, "from.0"),
        (f"/v1/jobs/{job}/voices/merge", {"into": "Ada", "from": ["SPEAKER_00"]}, "into"),
        (f"/v1/speakers/{ada}/samples", {"jobId": job, "start": 10, "end": 5}, "end"),
        (f"/v1/speakers/{ada}/samples", {"jobId": job, "start": 0, "end": 31}, "end"),
        (f"/v1/speakers/{ada}/samples", {"jobId": job, "start": 110, "end": 130}, "end"),
    ):
        answer = team.post(path, json=body)
        assert answer.status_code == 400, (path, body, answer.text)
        assert [error["field"] for error in answer.json()["errors"]] == [field], answer.text
    assert team.patch(f"/v1/jobs/{job}", json={"kept": "yes"}).status_code == 400
    # A label that is nobody's name is no fault without `speakers`.
    sent = [{"label": "Ada", "voiceprint": voiceprint}]
    assert team.post("/v1/identify", json={"url": url, "voiceprints": sent}).status_code == 200
    missing = team.post(f"/v1/jobs/{job}/voices/merge", json={"into": "SPEAKER_00", "from": ["SPEAKER_99"]})
    assert [error["field"] for error in missing.json()["errors"]] == ["from.0"]


def test_scopes(server):
    with new_team(server, "jobs:read", "jobs:write", "media:write") as client:
        url = upload(client, CONVERSATION)
        job = finished(client, submit(client, "diarize", url=url))["jobId"]
        refused = (
            client.post("/v1/identify", json={"url": url, "speakers": "all"}),
            client.post(f"/v1/jobs/{job}/rematch", json={}),
            client.get(f"/v1/jobs/{job}/audio"),
            client.get(f"/v1/jobs/{job}/voices/SPEAKER_00/audio"),
        )
        assert [answer.status_code for answer in refused] == [403] * 4
        assert client.get(f"/v1/jobs/{job}/voices").status_code == 200
        assert client.patch(f"/v1/jobs/{job}", json={"kept": True}).status_code == 200


def test_another_team_finds_nothing(team, server):
    enrolled(team, "Ada")
    job = identified(team, speakers="all")["jobId"]
    before = team.get(f"/v1/jobs/{job}").json()
    with new_team(server) as other:
        stranger = person(other, "Zoe")
        for method, path, body in (
            ("GET", f"/v1/jobs/{job}/voices", None),
            ("GET", f"/v1/jobs/{job}/voices/SPEAKER_00/audio", None),
            ("GET", f"/v1/jobs/{job}/audio", None),
            ("GET", f"/v1/jobs/{job}/peaks", None),
            ("POST", f"/v1/jobs/{job}/rematch", {}),
            ("POST", f"/v1/jobs/{job}/voices/merge", {"into": "SPEAKER_00", "from": ["SPEAKER_01"]}),
            ("PATCH", f"/v1/jobs/{job}", {"kept": True, "title": "mine"}),
            ("POST", f"/v1/speakers/{stranger}/samples", {"jobId": job, "speaker": "SPEAKER_00"}),
            ("POST", f"/v1/speakers/{stranger}/samples", {"jobId": job, "start": 1, "end": 5}),
        ):
            theirs = other.request(method, path, json=body)
            nobody = other.request(method, path.replace(job, UNKNOWN), json=json_with(body, job))
            assert theirs.status_code == nobody.status_code == 404, (path, theirs.text)
            assert theirs.json()["message"] == nobody.json()["message"]
        assert other.get("/v2/jobs").json()["items"] == []
    assert team.get(f"/v1/jobs/{job}").json() == before


def json_with(body: dict[str, Any] | None, job: str) -> dict[str, Any] | None:
    return None if body is None else json.loads(json.dumps(body).replace(job, UNKNOWN))


def test_listening_to_a_recording(team):
    url = upload(team, CONVERSATION)
    job = finished(team, submit(team, "diarize", url=url))["jobId"]
    content = CONVERSATION.read_bytes()
    whole = team.get(f"/v1/jobs/{job}/audio")
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["content-type"] == "audio/ogg"
    assert whole.headers["content-disposition"] == "inline"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["x-content-type-options"] == "nosniff"
    for asked, start, stop in (
        ("100-199", 100, 200),
        ("100-", 100, len(content)),
        ("-50", len(content) - 50, len(content)),
    ):
        part = team.get(f"/v1/jobs/{job}/audio", headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, content[start:stop])
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"
    beyond = team.get(f"/v1/jobs/{job}/audio", headers={"Range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")
    peaks = team.get(f"/v1/jobs/{job}/peaks").json()
    assert math.isclose(peaks["duration"], 118.8, abs_tol=0.1)
    assert 1000 < len(peaks["peaks"]) <= 2000
    assert 50 < max(peaks["peaks"]) <= 255
    failed = finished(team, submit(team, "diarize", url="media://nothing"))["jobId"]
    assert team.get(f"/v1/jobs/{failed}/audio").status_code == 404
    assert team.get(f"/v1/jobs/{failed}/peaks").status_code == 404
    # What is no sound is never served as anything that a browser opens.
    link = team.post("/v1/media/input", json={"url": "media://page"}).json()["url"]
    assert httpx.put(link, content=b"<script>alert(1)</script>", headers={"Content-Type": "text/html"}).is_success
    page = finished(team, submit(team, "diarize", url="media://page"))["jobId"]
    assert team.get(f"/v1/jobs/{page}/audio").headers["content-type"] == "application/octet-stream"


@pytest.mark.exhaustive
def test_a_person_who_is_erased_while_they_are_enrolled(team):
    ada = person(team, "Ada")
    url = upload(team, voice("Ada"))
    slow = [submit(team, "diarize", url=upload(team, CONVERSATION)) for _ in range(3)]  # the lane is busy
    answer = team.post(f"/v1/speakers/{ada}/samples", json={"url": url})
    assert answer.status_code == 202
    assert team.delete(f"/v1/speakers/{ada}").status_code == 200
    job = finished(team, answer.json()["jobId"])
    assert job["status"] == "failed"
    assert "erased" in job["output"]["error"]
    assert team.get("/v1/speakers").json()["items"] == []
    for each in slow:
        finished(team, each)


def test_recordings_that_nobody_can_be_learned_from(team):
    ada = person(team, "Ada")
    for body, reason in (
        ({"url": upload(team, CONVERSATION)}, "nobody much longer than the others"),
        ({"url": "media://nothing"}, "nothing is kept"),
    ):
        answer = team.post(f"/v1/speakers/{ada}/samples", json=body)
        job = finished(team, answer.json()["jobId"])
        assert job["status"] == "failed"
        assert reason in job["output"]["error"]
    assert team.get(f"/v1/speakers/{ada}").json()["samples"] == []
    refused = finished(team, submit(team, "voiceprint", url=upload(team, CONVERSATION)))
    assert "at most 30 s; cut it, or add it to a person by POST /v1/speakers/" in refused["output"]["error"]


class Receiver(BaseHTTPRequestHandler):
    """Takes no webhook until it is told to."""

    taken: list[dict[str, Any]]
    willing: threading.Event

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.willing.is_set():
            self.taken.append(json.loads(body))
        self.send_response(204 if self.willing.is_set() else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def failed_twice(client: httpx.Client, job: str) -> str | None:
    (delivery,) = client.get("/v1/webhooks/deliveries", params={"jobId": job}).json()["items"]
    return delivery["id"] if len(delivery["attempts"]) > 1 else None


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def test_a_webhook_that_comes_late_names_nobody_who_was_erased_meanwhile(team):
    Receiver.taken, Receiver.willing = [], threading.Event()
    ada = enrolled(team, "Ada")
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        job = identified(team, speakers="all", webhook=f"http://127.0.0.1:{listener.server_port}/")
        assert named(job["output"])["Ada"] == "Ada"
        # The first attempt and its retry have failed; the next one is due in a minute.
        delivery = until(lambda: failed_twice(team, job["jobId"]))
        team.delete(f"/v1/speakers/{ada}")
        Receiver.willing.set()
        team.post(f"/v1/webhooks/deliveries/{delivery}/replay")
        until(lambda: Receiver.taken)
        listener.shutdown()
    for event in Receiver.taken:
        assert event["jobId"] == job["jobId"]
        assert '"Ada"' not in json.dumps(event)
        assert set(named(event["output"]).values()) == {None}
