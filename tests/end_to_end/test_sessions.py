"""Signing browsers in: links that work once, keys, cookies that other sites cannot use, and how sessions end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest

from server import Server
from timbre.service.accounts.teams import Scope

OWN = {"X-Timbre-Web": "1"}
COOKIE = "timbre_session"


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    """Somebody who has no key, but keeps cookies."""
    with httpx.Client(base_url=server.address, timeout=30) as client:
        yield client


def link(server: Server, *options: str) -> str:
    return server.run("keys", "link", *options)


def token(server: Server, *options: str) -> str:
    return link(server, *options).rpartition("#sign-in=")[2]


def sign_in(browser: httpx.Client, **by: str) -> httpx.Response:
    return browser.post("/v1/session", json=by, headers=OWN)


def test_a_link_signs_in_once(server: Server, browser: httpx.Client):
    url = link(server)
    assert url.startswith(f"{server.address}/#sign-in=")
    secret = url.rpartition("=")[2]
    answer = sign_in(browser, token=secret)
    assert answer.status_code == 201
    assert answer.json()["team"] == "default"
    assert set(answer.json()["scopes"]) == set(Scope)
    assert browser.get("/v1/session").json() == answer.json()
    assert browser.get("/v2/jobs").status_code == 200

    with httpx.Client(base_url=server.address) as another:
        again = sign_in(another, token=secret)
        assert again.status_code == 403
        assert "used before" in again.json()["message"]
        assert "timbre keys link" in again.json()["message"]
        assert another.get("/v1/session").status_code == 401


def test_a_cookie_is_out_of_reach_of_scripts_and_sites(server: Server, browser: httpx.Client):
    answer = sign_in(browser, key=server.key)
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert morsel.key == COOKIE
    assert morsel["httponly"]
    assert morsel["samesite"].lower() == "strict"
    assert morsel["path"] == "/"
    assert not morsel["secure"]  # this server speaks plain http
    assert int(morsel["max-age"]) == 720 * 3600
    assert not morsel["domain"]
    behind_tls = browser.post("/v1/session", json={"key": server.key}, headers=OWN | {"X-Forwarded-Proto": "https"})
    assert "secure" in behind_tls.headers["set-cookie"].lower()


def test_a_key_signs_in_with_its_scopes(server: Server, browser: httpx.Client):
    key = server.run("keys", "create", "reader", "--scope", "jobs:read")
    assert sign_in(browser, key=key).json()["scopes"] == ["jobs:read"]
    assert browser.get("/v2/jobs").status_code == 200
    refused = browser.post("/v1/diarize", json={"url": "media://nothing"}, headers=OWN)
    assert refused.status_code == 403
    assert "jobs:write" in refused.json()["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"token": "a", "key": "b"}, "body"),
        ({"token": ""}, "token"),
        ({"key": 1}, "key"),
        ({"key": "k" * 201}, "key"),
        ({"key": "a\0b"}, "key"),
    ],
)
def test_what_signs_in_is_one_text(browser: httpx.Client, body: dict, field: str):
    answer = browser.post("/v1/session", json=body, headers=OWN)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_wrong_key_is_refused_and_not_repeated(browser: httpx.Client):
    answer = sign_in(browser, key="sk_never")
    assert answer.status_code == 403
    assert "sk_never" not in answer.text
    assert "set-cookie" not in answer.headers
    assert sign_in(browser, token="never").status_code == 403  # noqa: S106 - it is none


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        OWN | {"Origin": "http://evil.example"},
        OWN | {"Origin": "null"},
        OWN | {"Origin": "http://127.0.0.1:1"},
        OWN | {"Origin": "http://["},
    ],
    ids=["no header", "another site alone", "another site", "no site", "another port", "no address"],
)
def test_other_sites_change_nothing(server: Server, browser: httpx.Client, headers: dict[str, str]):
    refused = browser.post("/v1/session", json={"key": server.key}, headers=headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    sign_in(browser, key=server.key)
    for method, path in (("POST", "/v1/media/input"), ("DELETE", "/v1/session"), ("POST", "/v1/diarize")):
        answer = browser.request(method, path, json={"url": "media://x"} if method == "POST" else None, headers=headers)
        assert answer.status_code == 403, path
        assert answer.json()["message"]
    assert browser.get("/v1/session").status_code == 200  # it was not signed out


def test_our_own_pages_change_what_they_may(server: Server, browser: httpx.Client):
    sign_in(browser, key=server.key)
    for headers in (OWN, OWN | {"Origin": server.address}):
        assert browser.post("/v1/media/input", json={"url": "media://x"}, headers=headers).status_code == 201


def test_behind_https_only_pages_that_came_by_it_are_ours(server: Server, browser: httpx.Client):
    sign_in(browser, key=server.key)
    proxied = OWN | {"X-Forwarded-Proto": "https"}
    secure = server.address.replace("http:", "https:")
    for origin, status in ((server.address, 403), (secure, 201)):
        headers = proxied | {"Origin": origin}
        assert browser.post("/v1/media/input", json={"url": "media://x"}, headers=headers).status_code == status
    # One that does not say so still speaks HTTPS for us.
    assert browser.post("/v1/media/input", json={"url": "media://x"}, headers=OWN | {"Origin": secure}).is_success


def test_another_name_for_this_server_gets_nothing(server: Server, browser: httpx.Client):
    sign_in(browser, key=server.key)
    for path in ("/", "/v1/session", "/metrics", "/healthz"):
        refused = browser.get(path, headers={"Host": "rebound.example"})
        assert refused.status_code == 421
        assert "TIMBRE_ALLOWED_HOSTS" in refused.json()["message"]
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert browser.get("/v1/stream", headers={"Host": "rebound.example", **upgrade, **key}).status_code == 403


def test_a_key_needs_no_header_and_goes_before_a_cookie(server: Server, browser: httpx.Client):
    sign_in(browser, key=server.key)
    keyed = {"Authorization": f"Bearer {server.key}", "Origin": "http://elsewhere.example"}
    assert browser.post("/v1/media/input", json={"url": "media://x"}, headers=keyed).status_code == 201
    wrong = {"Authorization": "Bearer sk_wrong"}
    assert browser.get("/v2/jobs", headers=wrong).status_code == 401
    assert browser.get("/v1/session", headers=keyed).json()["expiresAt"] is None


def test_signing_out_ends_the_session(server: Server, browser: httpx.Client):
    sign_in(browser, key=server.key)
    cookie = browser.cookies[COOKIE]
    answer = browser.delete("/v1/session", headers=OWN)
    assert answer.status_code == 204
    assert COOKIE not in browser.cookies
    kept = httpx.get(f"{server.address}/v2/jobs", cookies={COOKIE: cookie})
    assert kept.status_code == 401
    assert "timbre keys link" in kept.json()["message"]


def test_revoking_a_key_ends_its_sessions(server: Server, browser: httpx.Client):
    key = server.run("keys", "create", "short")
    sign_in(browser, key=key)
    assert browser.get("/v2/jobs").status_code == 200
    server.run("keys", "revoke", key)
    assert browser.get("/v2/jobs").status_code == 401
    assert sign_in(browser, key=key).status_code == 403


def test_sessions_by_link_belong_to_one_key_that_can_be_revoked(server: Server, browser: httpx.Client):
    team = ("--team", "signers")
    server.run("keys", "create", "first", *team)
    sign_in(browser, token=token(server, *team))
    with httpx.Client(base_url=server.address) as other:
        sign_in(other, token=token(server, *team))
        listed = [line for line in server.run("keys", "list", *team).splitlines() if "web app" in line]
        assert len(listed) == 1
        server.run("keys", "revoke", listed[0].split()[0])
        assert browser.get("/v1/session").status_code == 401
        assert other.get("/v1/session").status_code == 401
        # The next link has a new key.
        assert sign_in(other, token=token(server, *team)).status_code == 201
        assert other.get("/v1/session").json()["team"] == "signers"


def test_a_session_sees_its_own_team_alone(server: Server, browser: httpx.Client):
    server.run("keys", "create", "first", "--team", "strangers")
    sign_in(browser, token=token(server, "--team", "strangers"))
    with server.client() as mine:
        job = mine.post("/v1/diarize", json={"url": "media://never/uploaded"}).json()["jobId"]
    assert browser.get(f"/v1/jobs/{job}").status_code == 404
    assert browser.get("/v2/jobs").json()["items"] == []


def test_the_audit_tells_of_sign_ins(server: Server, browser: httpx.Client):
    server.run("keys", "create", "first", "--team", "watched")
    sign_in(browser, token=token(server, "--team", "watched"))
    entry = browser.get("/v1/audit").json()["items"][0]
    assert (entry["action"], entry["keyName"], entry["details"]) == ("session.opened", "web app", {"by": "link"})


def test_a_link_of_no_team_says_so(server: Server):
    with pytest.raises(AssertionError, match="There is no team 'nobody'"):
        link(server, "--team", "nobody")


def test_no_secret_is_in_the_log(server: Server, browser: httpx.Client):
    secret = token(server)
    sign_in(browser, token=secret)
    cookie = browser.cookies[COOKIE]
    browser.get("/v2/jobs")
    for log in (server.folder / "log").iterdir():
        text = log.read_text()
        assert secret not in text
        assert cookie not in text
        assert not re.search(r"sk_\w{20}", text)


def test_a_link_can_be_somebodys_with_a_role(server: Server, browser: httpx.Client):
    server.run("keys", "create", "first", "--team", "persons")
    begun = sign_in(
        browser, token=token(server, "--team", "persons", "--name", "Ada Lovelace", "--role", "viewer")
    ).json()
    assert (begun["name"], begun["role"], begun["byProvider"]) == ("Ada Lovelace", "viewer", False)
    assert browser.get("/v1/session").json() == begun
    assert browser.get("/v2/jobs").status_code == 200
    for method, path in (
        ("POST", "/v1/media/input"),
        ("POST", "/v1/speakers"),
        ("POST", "/v1/live"),
        ("GET", "/v1/keys"),
    ):
        assert browser.request(method, path, json={}, headers=OWN).status_code == 403, path

    link(server, "--team", "persons", "--name", "Ada Lovelace", "--role", "admin")
    assert browser.get("/v1/session").json()["role"] == "admin"
    made = browser.post("/v1/keys", json={"name": "laptop"}, headers=OWN).json()["id"]
    assert [(key["name"], key["person"]) for key in browser.get("/v1/keys").json()["items"]] == [
        ("laptop", False),
        ("Ada Lovelace", True),
        ("first", False),
    ]
    entry = browser.get("/v1/audit").json()["items"][0]
    assert (entry["action"], entry["keyName"], entry["subjectName"]) == ("key.created", "Ada Lovelace", "laptop")
    browser.delete(f"/v1/keys/{made}", headers=OWN)
    assert browser.delete("/v1/session/provider", headers=OWN).json() == {"url": None}  # nobody else knows of it
    assert browser.get("/v1/session").status_code == 401


def test_a_role_is_somebodys(server: Server):
    with pytest.raises(AssertionError, match="say whose with --name"):
        link(server, "--role", "viewer")


def test_without_a_provider_nobody_is_sent_to_one(server: Server, browser: httpx.Client):
    assert browser.get("/v1/session/provider").json() == {"name": None}
    assert browser.post("/v1/session/provider", headers=OWN).status_code == 404
    assert browser.post("/v1/session/provider").status_code == 403
    assert browser.post("/v1/session", json={"code": "a", "state": "b"}, headers=OWN).status_code == 404
    assert browser.post("/v1/session", json={"code": "a"}, headers=OWN).status_code == 400
