"""A team's settings over HTTP: keys, secrets of webhooks, models and the server itself; nothing crosses teams."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

import timbre
from server import Server
from timbre.models.catalogue import catalogue
from timbre.service.accounts.teams import Scope
from timbre.store.schema import HEAD

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"


@pytest.fixture
def team(server: Server) -> Iterator[httpx.Client]:
    """A client of a team of its own."""
    with server.client(server.run("keys", "create", "first", "--team", f"admin-{uuid4().hex[:8]}")) as client:
        yield client


def keys(client: httpx.Client) -> list[dict[str, Any]]:
    answer = client.get("/v1/keys")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_key_is_shown_once_and_may_do_what_it_was_made_for(server, team):
    made = team.post("/v1/keys", json={"name": "reader", "scopes": ["jobs:read", "admin", "jobs:read"]})
    assert made.status_code == 201
    new = made.json()
    assert new["key"].startswith("sk_")
    assert new["scopes"] == ["admin", "jobs:read"]
    assert new["hint"] == new["key"][-6:]
    with server.client(new["key"]) as client:
        assert client.get("/v2/jobs").status_code == 200
        assert client.delete(f"/v1/jobs/{UNKNOWN}").status_code == 403
        assert [(key["name"], key["current"]) for key in keys(client)] == [("reader", True), ("first", False)]
    assert [(key["name"], key["current"]) for key in keys(team)] == [("reader", False), ("first", True)]
    assert new["key"] not in team.get("/v1/keys").text


def test_a_key_may_do_everything_unless_it_is_said(team):
    assert team.post("/v1/keys", json={"name": "all"}).json()["scopes"] == sorted(Scope)
    assert team.post("/v1/keys", json={"name": "all", "scopes": None}).json()["scopes"] == sorted(Scope)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "\u202eright to left"}, "name"),
        ({"name": 3}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": "admin"}, "scopes"),
        ({"name": "x", "scopes": ["jobs:read", "jobs:erase"]}, "scopes.1"),
        ({"name": "x", "scopes": [["admin"]]}, "scopes.0"),
    ],
)
def test_keys_that_cannot_be_made(team, body, field):
    refused = team.post("/v1/keys", json=body)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert len(keys(team)) == 1


def test_a_revoked_key_is_refused_and_stays_in_the_list(server, team):
    new = team.post("/v1/keys", json={"name": "laptop"}).json()
    revoked = team.delete(f"/v1/keys/{new['id']}")
    assert revoked.status_code == 200
    assert revoked.json()["id"] == new["id"]
    with server.client(new["key"]) as client:
        assert client.get("/v1/test").status_code == 401
    found = {key["id"]: key["revokedAt"] for key in keys(team)}
    assert found.pop(new["id"]) == revoked.json()["revokedAt"]
    assert list(found.values()) == [None]
    assert team.delete(f"/v1/keys/{new['id']}").json() == revoked.json()  # once more changes nothing


def test_nobody_locks_themselves_out(team):
    (own,) = keys(team)
    refused = team.delete(f"/v1/keys/{own['id']}")
    assert refused.status_code == 409
    assert "with another one" in refused.json()["message"]
    assert team.get("/v1/test").status_code == 200


def test_a_key_of_another_team_is_unknown(team, server):
    theirs = server.run("keys", "create", "theirs", "--team", f"admin-{uuid4().hex[:8]}")
    with server.client(theirs) as client:
        (key,) = keys(client)
        refused, unknown = team.delete(f"/v1/keys/{key['id']}"), team.delete(f"/v1/keys/{UNKNOWN}")
        assert refused.status_code == unknown.status_code == 404
        assert refused.json()["message"] == unknown.json()["message"]
        assert client.get("/v1/test").status_code == 200
        assert [item["id"] for item in keys(client)] == [key["id"]]
    assert team.delete("/v1/keys/none").status_code == 404


def test_secrets_of_webhooks_change(team):
    before = team.get("/v1/webhooks/secrets").json()["items"]
    assert [secret["expiresAt"] for secret in before] == [None]
    new = team.post("/v1/webhooks/secrets", json={})
    assert new.status_code == 201
    assert new.json()["secret"].startswith("whsec_")
    old, latest = team.get("/v1/webhooks/secrets").json()["items"]
    assert old["secret"] == before[0]["secret"]
    assert old["expiresAt"] is not None
    assert latest == new.json()
    last = team.post("/v1/webhooks/secrets", json={"atOnce": True}).json()
    assert team.get("/v1/webhooks/secrets").json()["items"] == [last]


def test_secrets_are_those_of_the_team(server, team):
    with server.client() as client:
        theirs = client.get("/v1/webhooks/secrets").json()["items"]
        mine = team.post("/v1/webhooks/secrets", json={}).json()["secret"]
        assert client.get("/v1/webhooks/secrets").json()["items"] == theirs
        assert mine not in {secret["secret"] for secret in theirs}


def test_models_are_listed_with_what_is_on_disk(team):
    models = team.get("/v1/models").json()
    assert models["model"] == os.environ["TIMBRE_MODEL"]
    packs = {pack["name"]: pack for pack in models["packs"]}
    assert list(packs) == list(catalogue().packs)
    base = packs["base"]
    assert base["complete"]
    assert packs[models["default"]]["complete"]
    assert base["licences"] == ["Apache-2.0", "MIT"]
    assert base["bytes"] == sum(file["bytes"] for file in base["files"])
    assert all(file["onDisk"] and file["shipped"] for file in base["files"])
    assert packs["best"]["bytes"] is None
    assert {file["kind"] for file in packs["standard"]["files"]} == {"vad", "segmenter", "encoder"}


def test_a_pack_that_is_there_is_checked_and_one_that_is_none_is_unknown(team):
    begun = team.post("/v1/models/base/pull")
    assert begun.status_code == 202
    for _ in range(100):
        pull = next(pack["pull"] for pack in team.get("/v1/models").json()["packs"] if pack["name"] == "base")
        if pull["state"] != "running":
            break
    assert (pull["state"], pull["fraction"], pull["error"]) == ("succeeded", 1, None)
    assert pull["endedAt"] >= pull["startedAt"]
    unknown = team.post("/v1/models/none/pull")
    assert unknown.status_code == 404
    assert "GET /v1/models" in unknown.json()["message"]


def test_the_server_says_what_it_is(server, team):
    said = team.get("/v1/server").json()
    assert said["version"] == timbre.__version__
    assert said["schema"] == HEAD
    assert said["defaultPack"] == team.get("/v1/models").json()["default"]
    assert said["workers"] == 1
    assert said["people"] == 0
    assert said["storage"] == "folder"
    kept = {rule["name"]: (rule["value"], rule["unit"]) for rule in said["retention"]}
    assert kept["output_hours"] == (24, "hours")
    assert str(server.folder) not in str(said)


def test_what_administrators_do_is_noted_without_secrets(team):
    new = team.post("/v1/keys", json={"name": "laptop"}).json()
    team.delete(f"/v1/keys/{new['id']}")
    secret = team.post("/v1/webhooks/secrets", json={"atOnce": True}).json()["secret"]
    team.post("/v1/models/base/pull")
    answer = team.get("/v1/audit")
    entries = answer.json()["items"]
    assert [entry["action"] for entry in entries] == [
        "model.pulled",
        "webhook_secret.rotated",
        "key.revoked",
        "key.created",
    ]
    assert entries[-1]["subject"] == entries[-2]["subject"] == new["id"]
    assert entries[0]["details"] == {"pack": "base"}
    assert entries[-1]["subjectName"] == "laptop"
    for text in (new["key"], secret):
        assert text not in answer.text
