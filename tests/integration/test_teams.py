"""Teams and keys: what a key may do, what is kept of it, and what becomes of one that is revoked."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest

from server import Server
from timbre.errors import KeyRejected, KeyUnknown, OptionError
from timbre.service.accounts.teams import Scope, Teams
from timbre.store.database import open_database
from timbre.store.embedded import EmbeddedPostgres

ID = uuid4()
NEEDED = {
    "testKey": None,
    "getSession": None,
    "signOut": None,
    "signOutAtProvider": None,
    "diarize": Scope.JOBS_WRITE,
    "identify": Scope.JOBS_WRITE,
    "voiceprint": Scope.JOBS_WRITE,
    "getJobById": Scope.JOBS_READ,
    "deleteJob": Scope.JOBS_WRITE,
    "followJob": Scope.JOBS_READ,
    "exportJob": Scope.JOBS_READ,
    "changeJob": Scope.JOBS_WRITE,
    "getJobAudio": Scope.MEDIA_READ,
    "getJobPeaks": Scope.JOBS_READ,
    "label": Scope.JOBS_READ,
    "handInTranscript": Scope.JOBS_WRITE,
    "removeTranscript": Scope.JOBS_WRITE,
    "audioDiarization": Scope.JOBS_WRITE,
    "audioTranscription": Scope.JOBS_WRITE,
    "createStream": Scope.STREAM_WRITE,
    "getStream": Scope.STREAM_READ,
    "getJobVoices": Scope.JOBS_READ,
    "getJobVoiceAudio": Scope.MEDIA_READ,
    "mergeJobVoices": Scope.JOBS_WRITE,
    "rematchJob": Scope.JOBS_WRITE,
    "getDecisions": Scope.JOBS_READ,
    "decide": Scope.JOBS_WRITE,
    "undoDecision": Scope.JOBS_WRITE,
    "redoDecision": Scope.JOBS_WRITE,
    "getHistory": Scope.JOBS_READ,
    "listTags": Scope.JOBS_READ,
    "changeJobs": Scope.JOBS_WRITE,
    "deleteJobs": Scope.JOBS_WRITE,
    "exportJobs": Scope.JOBS_READ,
    "getKeeping": Scope.JOBS_READ,
    "changeKeeping": Scope.ADMIN,
    "getReview": Scope.JOBS_READ,
    "decideReview": Scope.JOBS_WRITE,
    "renameRecordings": Scope.JOBS_WRITE,
    "listSpeakerRecordings": Scope.SPEAKERS_READ,
    "getJobsByTeam": Scope.JOBS_READ,
    "getJobsByTeamV2": Scope.JOBS_READ,
    "getMediaUploadURL": Scope.MEDIA_WRITE,
    "getMediaDownloadURL": Scope.MEDIA_READ,
    "listDeliveries": Scope.JOBS_READ,
    "replayDelivery": Scope.JOBS_WRITE,
    "listSpeakers": Scope.SPEAKERS_READ,
    "createSpeaker": Scope.SPEAKERS_WRITE,
    "getSpeaker": Scope.SPEAKERS_READ,
    "updateSpeaker": Scope.SPEAKERS_WRITE,
    "eraseSpeaker": Scope.SPEAKERS_WRITE,
    "mergeSpeakers": Scope.SPEAKERS_WRITE,
    "mapSpeakers": Scope.SPEAKERS_READ,
    "exportSpeakers": Scope.ADMIN,
    "importSpeakers": Scope.SPEAKERS_WRITE,
    "addSample": Scope.SPEAKERS_WRITE,
    "removeSample": Scope.SPEAKERS_WRITE,
    "listenToSample": Scope.SPEAKERS_READ,
    "getUsage": Scope.JOBS_READ,
    "listKeys": Scope.ADMIN,
    "createKey": Scope.ADMIN,
    "revokeKey": Scope.ADMIN,
    "listSecrets": Scope.ADMIN,
    "rotateSecret": Scope.ADMIN,
    "listModels": Scope.JOBS_READ,
    "pullModel": Scope.ADMIN,
    "getServer": Scope.ADMIN,
    "listAudit": Scope.ADMIN,
    "getSpeakerRetention": Scope.SPEAKERS_READ,
    "getGalleryUpgrade": Scope.SPEAKERS_READ,
    "upgradeGallery": Scope.SPEAKERS_WRITE,
    "searchSpeakers": Scope.SPEAKERS_READ,
}

BESIDES = {  # what names people, or tells of their recordings, needs a second one
    "rematchJob": Scope.SPEAKERS_READ,
    "getReview": Scope.SPEAKERS_READ,
    "renameRecordings": Scope.SPEAKERS_READ,
    "listSpeakerRecordings": Scope.JOBS_READ,
    "audioDiarization": Scope.JOBS_READ,
    "audioTranscription": Scope.JOBS_READ,
}


def address(server: Server) -> str:
    return EmbeddedPostgres(server.folder / "postgres").url()


def ask(server: Server, act: Callable[[Teams], Awaitable]):
    async def run():
        async with open_database(address(server), connections=2, application="test") as database:
            return await act(Teams(database))

    return asyncio.run(run())


def make(server: Server, *scopes: str, team: str = "scoped") -> str:
    return ask(server, lambda teams: teams.create_key("made", team=team, scopes=scopes or tuple(Scope)))


@pytest.fixture(scope="module")
def operations(server) -> dict[str, tuple[str, str]]:
    """Method and path of every operation that takes a key."""
    with server.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    return {
        operation["operationId"]: (method, re.sub(r"\{(format|pack)\}", "rttm", re.sub(r"\{\w+Id\}", str(ID), path)))
        for path, methods in paths.items()
        for method, operation in methods.items()
        if operation.get("security")
    }


@pytest.fixture(scope="module")
def keys(server) -> dict[Scope, tuple[str, str]]:
    """For each scope, a key with that alone, and one with all others."""
    return {
        scope: (make(server, scope), make(server, *(other for other in Scope if other is not scope))) for scope in Scope
    }


@pytest.fixture(scope="module")
def client(server) -> Iterator[httpx.Client]:
    """One without a key."""
    with httpx.Client(base_url=server.address) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def message_of(refused: httpx.Response) -> str:
    """What a refusal says, in the shape of the API or, of the endpoints that speak OpenAI's, in theirs."""
    body = refused.json()
    if refused.url.path.startswith("/v1/audio/"):
        assert set(body) == {"error"}
        return body["error"]["message"]
    assert set(body) == {"requestId", "message"}
    return body["message"]


def test_every_operation_has_its_scope_here(operations):
    assert set(operations) == set(NEEDED)


@pytest.mark.parametrize(("operation", "scope"), NEEDED.items())
def test_a_key_without_the_scope_is_refused(client, operations, keys, operation, scope):
    method, path = operations[operation]
    needed = {scope, BESIDES.get(operation)} - {None}
    for other, (alone, without) in keys.items():
        by_that_alone = client.request(method, path, headers=bearer(alone))
        assert (by_that_alone.status_code == 403) is (not needed <= {other})
        by_all_others = client.request(method, path, headers=bearer(without))
        assert (by_all_others.status_code == 403) is (other in needed)
        for refused in (by_that_alone, by_all_others):
            if refused.status_code == 403:
                assert any(f"scope {one};" in message_of(refused) for one in needed)


@pytest.mark.parametrize("operation", NEEDED)
def test_a_key_that_is_none_is_refused(client, operations, operation):
    method, path = operations[operation]
    for given in (None, "sk_none", "Basic c2s6", "Bearer", "Bearer sk_none"):
        refused = client.request(method, path, headers={"Authorization": given} if given else {})
        assert refused.status_code == 401
        assert message_of(refused)
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_nothing_that_is_kept_holds_the_key(server):
    key = make(server)
    with psycopg.connect(address(server)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        kept = [str(row) for (table,) in tables for row in connection.execute(f"SELECT t::text FROM {table} AS t")]  # noqa: S608
    text = "\n".join(kept)
    for form in (key, key.removeprefix("sk_"), key.encode().hex(), key[:-6]):
        assert form not in text
    assert hashlib.sha256(key.encode()).hexdigest() in text
    assert len(key) == len("sk_") + 43
    assert key[3:].isalnum()


@pytest.mark.parametrize("named", ["id", "hint", "key"])
def test_a_revoked_key_is_refused_at_once(server, named):
    team = f"revoked-{uuid4().hex[:8]}"
    key, other = make(server, team=team), make(server, team=team)
    row = next(row for row in ask(server, lambda teams: teams.keys(team)) if row["hint"] == key[-6:])
    with server.client(key) as client, server.client(other) as second:
        assert client.get("/v1/test").status_code == 200
        name = {"id": str(row["id"]), "hint": row["hint"], "key": key}[named]
        assert ask(server, lambda teams: teams.revoke(name)) == "made"
        assert client.get("/v1/test").status_code == 401
        assert second.get("/v1/test").status_code == 200
    revoked = {row["hint"]: row["revoked_at"] for row in ask(server, lambda teams: teams.keys(team))}
    assert revoked[key[-6:]] is not None
    assert revoked[other[-6:]] is None
    ask(server, lambda teams: teams.revoke(name))  # once more changes nothing
    again = {row["hint"]: row["revoked_at"] for row in ask(server, lambda teams: teams.keys(team))}
    assert again == revoked


def test_the_message_about_a_key_that_is_none_does_not_hold_it(server):
    with pytest.raises(KeyUnknown, match="timbre keys list") as caught:
        ask(server, lambda teams: teams.revoke("sk_" + "x" * 43))
    assert "xxx" not in str(caught.value)
    with pytest.raises(KeyUnknown, match="'123456'"):
        ask(server, lambda teams: teams.revoke("123456"))


@pytest.mark.parametrize(
    ("scopes", "told"),
    [(["jobs:read", "jobs:erase"], "jobs:erase"), (["JOBS:READ"], "JOBS:READ"), ([""], "there are"), ([], "jobs:read")],
)
def test_a_scope_that_is_none(server, scopes, told):
    with pytest.raises(OptionError, match=told):
        ask(server, lambda teams: teams.create_key("x", scopes=scopes))


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines", "nul\0", "\x1b[31m", "\udc80"])
def test_a_name_that_is_none(server, name):
    for options in ({"name": name}, {"name": "x", "team": name}):
        with pytest.raises(OptionError, match="printable"):
            ask(server, lambda teams, options=options: teams.create_key(**options))


def test_a_team_is_made_once_whoever_is_first(server):
    name = f"once-{uuid4().hex[:8]}"

    async def act(teams):
        await asyncio.gather(*(teams.create_key(f"key {number}", team=name) for number in range(8)))
        return [team for team in await teams.teams() if team["name"] == name], await teams.keys(name)

    async def run():
        async with open_database(address(server), connections=8, application="test") as database:
            return await act(Teams(database))

    teams, keys = asyncio.run(run())
    assert len(teams) == 1
    assert len(keys) == 8
    with psycopg.connect(address(server)) as connection:
        query = "SELECT count(*) FROM webhook_secrets WHERE team_id = %s"
        assert connection.execute(query, [teams[0]["id"]]).fetchone() == (1,)


def test_the_first_key_is_made_once(server):
    assert ask(server, lambda teams: teams.first_key()) is None


def test_a_key_is_asked_for_as_the_standard_says(server):
    for header in (f"Bearer {server.key}", f"bearer {server.key}", f"Bearer   {server.key} "):
        assert ask(server, lambda teams, header=header: teams.authenticate(header)).scopes == set(Scope)
    with pytest.raises(KeyRejected):
        ask(server, lambda teams: teams.authenticate(f"Bearer {server.key}x"))


def test_whoever_may_not_read_jobs_learns_and_finds_no_voice_of_theirs(server):
    job = "01234567-89ab-7def-8123-456789abcdef"
    people_only = {"Authorization": f"Bearer {make(server, 'speakers:read', 'speakers:write')}"}
    sample = {"jobId": job, "speaker": "SPEAKER_00"}
    with httpx.Client(base_url=server.address, headers=people_only) as client:
        person = client.post("/v1/speakers", json={"name": "Zoe"}).json()["id"]
        for path, body in (
            ("/v1/speakers", {"name": "Yan", "sample": sample}),
            (f"/v1/speakers/{person}/samples", sample),
            (f"/v1/speakers/{person}/samples", {"jobId": job, "start": 0, "end": 5}),
            ("/v1/speakers/search", sample),
        ):
            answer = client.post(path, json=body)
            assert answer.status_code == 403, (path, answer.text)
            assert "scope jobs:read;" in answer.json()["message"]
        assert [item["name"] for item in client.get("/v1/speakers").json()["items"]] == ["Zoe"]
        assert client.delete(f"/v1/speakers/{person}").is_success
