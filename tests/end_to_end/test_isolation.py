"""Two teams on one server: whatever one tries with what belongs to the other, it learns nothing and changes nothing.

Another team's id answers like an unknown one, and the owner gets at the same thing by the same request. How long an
answer takes is not compared.
"""

from __future__ import annotations

import base64
import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from server import CONVERSATION, Server, finished, submit, upload, voice

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
SHARED = "isolation/voice.flac"  # a name that both teams use
FORMATS = ("rttm", "srt", "vtt", "textgrid", "audacity", "csv", "json")
VARYING = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "content-length"}


@dataclass
class Team:
    client: httpx.Client
    voice: str  # whose recording lies under the shared name
    key: str  # of media that only this team has
    job: str  # a finished diarization
    delivery: str

    def link(self, kind: str, key: str = SHARED) -> str:
        answer = self.client.post(f"/v1/media/{kind}", json={"url": f"media://{key}"})
        assert answer.status_code == 201, answer.text
        return answer.json()["url"]

    def state(self) -> list[Any]:
        """Everything that the other team must leave alone."""
        asked = (f"/v1/jobs/{self.job}", f"/v1/jobs/{self.job}/output.json", "/v2/jobs", "/v1/webhooks/deliveries")
        return [*(self.client.get(path).json() for path in asked), httpx.get(self.link("output")).content]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """The address of somebody who takes every webhook."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as listener:
        thread = Thread(target=listener.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listener.server_port}/"
        listener.shutdown()
        thread.join()


def delivered(client: httpx.Client, attempts: int) -> dict[str, Any]:
    """A team's only delivery, once so many attempts are over."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        items = client.get("/v1/webhooks/deliveries").json()["items"]
        if items and items[0]["state"] == "delivered" and len(items[0]["attempts"]) == attempts:
            assert len(items) == 1
            return items[0]
        time.sleep(0.02)
    raise AssertionError(f"not delivered: {items}")


@pytest.fixture(scope="module")
def teams(server: Server, receiver: str) -> Iterator[tuple[Team, Team]]:
    """Left and right, each with a recording under the shared name, one of its own, a job and a delivery."""
    made = []
    for name, person in (("left", "Ada"), ("right", "Ben")):
        client = server.client(server.run("keys", "create", "isolation", "--team", f"isolation-{name}").split()[-1])
        upload(client, voice(person), SHARED)
        recording = upload(client, CONVERSATION, f"isolation/{name}.ogg")
        job = submit(client, "diarize", url=recording, exclusive=True, webhook=receiver)
        assert finished(client, job)["status"] == "succeeded"
        made.append(Team(client, person, f"isolation/{name}.ogg", job, delivered(client, 1)["id"]))
    yield made[0], made[1]
    for team in made:
        team.client.close()


def plain(answer: httpx.Response) -> tuple[int, dict, dict]:
    """What an answer says, without what is different in any two."""
    said = {name: value for name, value in answer.json().items() if name != "requestId"}
    return answer.status_code, said, {name: text for name, text in answer.headers.items() if name not in VARYING}


JOB_REQUESTS = [
    ("GET", "/v1/jobs/{}"),
    ("GET", "/v1/jobs/{}?wait=1"),
    ("GET", "/v1/jobs/{}/events"),
    *(("GET", f"/v1/jobs/{{}}/output.{name}") for name in FORMATS),
    ("GET", "/v1/jobs/{}/output.rttm?exclusive=true"),
    ("DELETE", "/v1/jobs/{}"),
]


@pytest.mark.parametrize(("method", "path"), JOB_REQUESTS, ids=[f"{method} {path}" for method, path in JOB_REQUESTS])
def test_a_job_of_another_team_is_unknown(teams, method, path):
    left, right = teams
    before = left.state()
    theirs = right.client.request(method, path.format(left.job))
    assert theirs.status_code == 404
    assert plain(theirs) == plain(right.client.request(method, path.format(UNKNOWN)))
    assert left.job not in theirs.text
    assert left.state() == before
    if method == "GET":  # its owner is answered
        assert left.client.request(method, path.format(left.job)).status_code == 200


@pytest.mark.parametrize("text", ["{}", "{{{}}}", "urn:uuid:{}"])
def test_other_ways_to_write_an_id_lead_no_further(teams, text):
    left, right = teams
    for job in (left.job, left.job.upper(), left.job.replace("-", "")):
        assert right.client.get(f"/v1/jobs/{text.format(job)}").status_code == 404


def test_a_job_that_runs_is_not_canceled_by_another_team(teams, server):
    left, right = teams
    with httpx.Client(base_url=server.address, headers=left.client.headers, timeout=60) as client:
        job = submit(client, "diarize", url=f"media://{left.key}")
        assert right.client.delete(f"/v1/jobs/{job}").status_code == 404
        assert finished(client, job)["status"] == "succeeded"


def test_lists_hold_the_jobs_of_the_team_alone(teams):
    left, right = teams
    own = submit(right.client, "diarize", url="media://isolation/nothing")
    finished(right.client, own)
    mine = {item["id"] for item in right.client.get("/v2/jobs", params={"limit": 100}).json()["items"]}
    assert {own, right.job} <= mine
    assert left.job not in mine
    old = right.client.get("/v1/jobs", params={"take": 100}).json()
    assert {item["id"] for item in old["items"]} == mine
    assert old["total"] == len(mine)
    # The right team's first job is younger than the left one's: a cursor of the left team's finds nothing before it,
    # and one that is younger than all finds the right team's own.
    assert right.client.get("/v2/jobs", params={"cursor": left.job}).json() == {"items": [], "nextCursor": None}
    younger = submit(left.client, "diarize", url="media://isolation/nothing")
    finished(left.client, younger)
    page = right.client.get("/v2/jobs", params={"cursor": younger, "limit": 100}).json()
    assert {item["id"] for item in page["items"]} == mine
    assert page["nextCursor"] is None


def test_archives_and_reviews_hold_what_is_the_teams_alone(teams):
    left, right = teams
    before = left.state()
    jobs = [left.job, right.job]

    def post(path: str, **body: Any) -> httpx.Response:
        return right.client.post(f"/v1/{path}", json=body)

    changed = post("archive/change", jobs=jobs, addTags=["ours"]).json()
    assert changed == {"changed": [right.job], "missing": [left.job]}
    assert right.client.get("/v1/archive/tags").json() == {"items": [{"tag": "ours", "jobs": 1}]}
    assert left.client.get("/v1/archive/tags").json() == {"items": []}
    with zipfile.ZipFile(io.BytesIO(post("archive/export", jobs=jobs).content)) as packed:
        assert packed.namelist() == [f"{right.job}.json", "left-out.txt"]
        assert packed.read("left-out.txt").startswith(left.job.encode())
    assert post("archive/export", jobs=[left.job]).status_code == 404
    assert post("archive/delete", jobs=[left.job]).json() == {"deleted": [], "canceled": [], "missing": [left.job]}
    rules = right.client.patch("/v1/archive/keeping", json={"web": 1, "tags": {"ours": 1}})
    assert rules.json()["over"] == 0
    assert left.client.get("/v1/archive/keeping").json()["tags"] == {}
    theirs = {voice["jobId"] for group in right.client.get("/v1/review").json()["groups"] for voice in group["voices"]}
    assert right.job in theirs
    assert left.job not in theirs
    voices = [{"jobId": left.job, "speaker": "SPEAKER_00"}]
    assert post("review/decide", kind="nobody", voices=voices).status_code == 404
    person = left.client.post("/v1/speakers", json={"name": "Ours alone"}).json()["id"]
    assert right.client.get(f"/v1/speakers/{person}/recordings").status_code == 404
    refused = post(
        "review/decide", kind="name", voices=[{"jobId": right.job, "speaker": "SPEAKER_00"}], speakerId=person
    )
    assert refused.status_code == 400
    left.client.delete(f"/v1/speakers/{person}")
    assert left.state() == before


def test_one_name_holds_the_media_of_each_team(teams):
    for team in teams:
        assert httpx.get(team.link("output")).content == voice(team.voice).read_bytes()
    left, right = teams
    upload(right.client, voice("Dan"), SHARED)
    assert httpx.get(left.link("output")).content == voice(left.voice).read_bytes()
    assert httpx.get(right.link("output")).content == voice("Dan").read_bytes()
    upload(right.client, voice(right.voice), SHARED)


def test_media_of_another_team_is_unknown(teams):
    left, right = teams
    status, said, headers = plain(right.client.post("/v1/media/output", json={"url": f"media://{left.key}"}))
    assert status == 404
    unknown = right.client.post("/v1/media/output", json={"url": "media://isolation/none.ogg"})
    said["message"] = said["message"].replace(left.key, "isolation/none.ogg")
    assert (status, said, headers) == plain(unknown)
    assert left.client.post("/v1/media/output", json={"url": f"media://{left.key}"}).status_code == 201


def test_a_job_hears_the_media_of_its_own_team(teams):
    left, right = teams
    theirs = finished(right.client, submit(right.client, "diarize", url=f"media://{left.key}"))
    assert theirs["status"] == "failed"
    none = finished(right.client, submit(right.client, "diarize", url="media://isolation/none.ogg"))
    assert theirs["output"]["error"].replace(left.key, "isolation/none.ogg") == none["output"]["error"]
    prints = []
    for team in teams:
        job = finished(team.client, submit(team.client, "voiceprint", url=f"media://{SHARED}"))
        prints.append({"label": team.voice, "voiceprint": job["output"]["voiceprint"]})
    heard = finished(left.client, submit(left.client, "identify", url=f"media://{SHARED}", voiceprints=prints))
    (found,) = heard["output"]["voiceprints"]
    assert found["match"] == left.voice


class Link:
    """A link to media, to be tampered with."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        *start, self.team, self.name = self._parts.path.split("/")
        self._start = "/".join(start)
        self.query = {name: value[0] for name, value in parse_qs(self._parts.query).items()}

    def url(self, **changes: str) -> str:
        team, name = changes.pop("team", self.team), changes.pop("name", self.name)
        path = f"{self._start}/{team}/{name}"
        return urlunsplit(self._parts._replace(path=path, query=urlencode({**self.query, **changes})))


def encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def tampered(left: Team, right: Team, kind: str) -> Iterator[tuple[str, str]]:
    """Links that the right team makes out of its own to get at the left team's media."""
    own, theirs = Link(right.link(kind)), Link(left.link(kind))
    signature = own.query["signature"]
    later = str(int(own.query["expires"]) + 3600)
    other_kind = Link(right.link("output" if kind == "input" else "input"))
    yield "another team", own.url(team=theirs.team)
    yield "another team, written with dashes", own.url(team="-".join((theirs.team[:8], theirs.team[8:])))
    yield "another team, escaped", own.url(team="".join(f"%{ord(letter):02x}" for letter in theirs.team))
    yield "a way out of the own team", own.url(team=f"{own.team}/../{theirs.team}")
    yield "another name", own.url(name=encoded(left.key))
    yield "both", own.url(team=theirs.team, name=theirs.name)
    yield "an expiry that was put off", own.url(expires=later)
    yield "an expiry with a sign", own.url(expires=f"+{own.query['expires']}")
    yield "no expiry", own.url(expires="")
    yield "the signature for the other method", own.url(signature=other_kind.query["signature"])
    yield "no signature", own.url(signature="")
    yield "part of a signature", own.url(signature=signature[:-1])
    yield "a signature with something behind it", own.url(signature=f"{signature}0")
    yield "a signature in capitals", own.url(signature=signature.upper())
    yield "a signature that is no hex", own.url(signature="é" * 64)
    yield "a signature of zeros", theirs.url(signature="0" * 64)
    yield "the own signature on their link", theirs.url(signature=signature, expires=own.query["expires"])


@pytest.mark.parametrize("kind", ["input", "output"])
def test_links_cannot_be_bent_to_another_team(teams, kind):
    left, right = teams
    before = left.state()
    method = "PUT" if kind == "input" else "GET"
    for how, url in tampered(left, right, kind):
        answer = httpx.request(method, url, content=b"bent" if method == "PUT" else None)
        assert answer.status_code in {403, 404} if "/../" in url else answer.status_code == 403, how
        assert set(answer.json()) == {"requestId", "message"}, how
    own = right.link(kind)
    other = "GET" if method == "PUT" else "PUT"
    assert httpx.request(other, own, content=b"bent" if other == "PUT" else None).status_code == 403
    assert left.state() == before
    assert httpx.get(right.link("output")).content == voice(right.voice).read_bytes()
    # As it was handed out, it works.
    untouched = httpx.request(method, own, content=voice(right.voice).read_bytes() if method == "PUT" else None)
    assert untouched.status_code == 200


def test_deliveries_of_another_team_are_unknown(teams):
    left, right = teams
    before = left.state()
    theirs = right.client.post(f"/v1/webhooks/deliveries/{left.delivery}/replay")
    assert theirs.status_code == 404
    assert plain(theirs) == plain(right.client.post(f"/v1/webhooks/deliveries/{UNKNOWN}/replay"))
    for asked in ({"jobId": left.job}, {"jobId": UNKNOWN}, {"cursor": left.delivery}):
        page = right.client.get("/v1/webhooks/deliveries", params=asked)
        assert page.json() == {"items": [], "nextCursor": None}, asked
    assert {item["jobId"] for item in right.client.get("/v1/webhooks/deliveries").json()["items"]} == {right.job}
    assert left.state() == before
    # Their owner can have them again, and the other team still has but one.
    assert left.client.post(f"/v1/webhooks/deliveries/{left.delivery}/replay").status_code == 204
    delivered(left.client, 2)
    delivered(right.client, 1)


def test_usage_counts_the_jobs_of_the_team_alone(teams):
    def used(team: Team) -> tuple[int, float]:
        usage = team.client.get("/v1/usage").json()
        return usage["jobs"], usage["seconds"]

    left, right = teams
    before = used(left), used(right)
    heard = finished(right.client, submit(right.client, "diarize", url=f"media://{right.key}"))
    assert used(left) == before[0]
    jobs, seconds = used(right)
    assert jobs == before[1][0] + 1
    assert seconds == pytest.approx(before[1][1] + heard["duration"], abs=0.01)
    keys = [{item["keyId"] for item in team.client.get("/v1/usage").json()["keys"]} for team in teams]
    assert len(keys[0]) == len(keys[1]) == 1
    assert keys[0] != keys[1]


def test_an_idempotency_key_counts_once_in_each_team(teams):
    headers = {"Idempotency-Key": "isolation: the same text"}

    def ask(team: Team, url: str) -> httpx.Response:
        return team.client.post("/v1/diarize", json={"url": url}, headers=headers)

    left, right = teams
    first = ask(left, "media://isolation/one")
    other = ask(right, "media://isolation/two")
    assert first.status_code == other.status_code == 200
    assert first.json()["jobId"] != other.json()["jobId"]
    assert "idempotency-replayed" not in other.headers
    for team, url, answer in ((left, "media://isolation/one", first), (right, "media://isolation/two", other)):
        again = ask(team, url)
        assert again.json()["jobId"] == answer.json()["jobId"]
        assert again.headers["idempotency-replayed"] == "true"
    assert ask(left, "media://isolation/two").status_code == 409


def test_keys_of_one_team_share_everything(server, teams):
    left, _ = teams
    with server.client(server.run("keys", "create", "second", "--team", "isolation-left").split()[-1]) as second:
        assert second.get(f"/v1/jobs/{left.job}").json() == left.client.get(f"/v1/jobs/{left.job}").json()
        link = second.post("/v1/media/output", json={"url": f"media://{left.key}"})
        assert httpx.get(link.json()["url"]).content == CONVERSATION.read_bytes()
