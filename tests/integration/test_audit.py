"""The audit: an entry for what was done, if and only if it was done; each team sees its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg
from database import opened

from server import Server
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Teams
from timbre.store.database import open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id


def test_an_entry_is_written_with_what_it_tells_of(url, tmp_path):
    async def act():
        async with opened(url, tmp_path) as here:
            person = new_id()
            async with here.database.transaction() as connection:
                await audit.record(
                    connection, here.caller.team, "speaker.erased", subject=person, key=here.caller.key,
                    details={"samples": 3},
                )  # fmt: skip
            with suppress(ZeroDivisionError):  # it was not done after all
                async with here.database.transaction() as connection:
                    await audit.record(connection, here.caller.team, "speaker.merged", details={"samples": 2})
                    raise ZeroDivisionError
            (entry,) = await audit.page(here.database, here.caller.team)
            assert (entry["action"], entry["subject"], entry["details"]) == ("speaker.erased", person, {"samples": 3})
            assert (entry["key_id"], entry["key_name"]) == (here.caller.key, "test")
            assert await audit.page(here.database, new_id()) == []

    asyncio.run(act())


def test_pages_are_newest_first_and_can_be_narrowed(url, tmp_path):
    async def act():
        async with opened(url, tmp_path) as here:
            people = [new_id() for _ in range(2)]
            for number in range(6):
                async with here.database.transaction() as connection:
                    action = "sample.added" if number % 2 else "speaker.created"
                    await audit.record(
                        connection, here.caller.team, action, subject=people[number // 3], details={"number": number}
                    )
                await asyncio.sleep(0.002)  # ids are ordered by the millisecond

            async def numbers(**asked):
                rows = await audit.page(here.database, here.caller.team, **asked)
                return [row["details"]["number"] for row in rows]

            assert await numbers() == [5, 4, 3, 2, 1, 0]
            assert await numbers(action="sample.added") == [5, 3, 1]
            assert await numbers(subject=people[0]) == [2, 1, 0]
            first = await audit.page(here.database, here.caller.team, limit=2)
            assert await numbers(before=first[-1]["id"], limit=2) == [3, 2]

    asyncio.run(act())


def test_the_audit_is_for_administrators_of_the_team(server: Server):
    key = server.run("keys", "create", "boss", "--team", "audited")
    plain = server.run("keys", "create", "hand", "--team", "audited", "--scope", "speakers:write")
    other = server.run("keys", "create", "other", "--team", "audited too")
    address = EmbeddedPostgres(server.folder / "postgres").url()

    async def act():
        async with open_database(address, connections=1, application="test") as database:
            team = (await Teams(database).team("audited"))["id"]
            async with database.transaction() as connection:
                await audit.record(connection, team, "speaker.created", subject=team)
            return team

    team = asyncio.run(act())
    with server.client(key) as client:
        answer = client.get("/v1/audit")
        assert answer.status_code == 200
        (entry,) = answer.json()["items"]
        assert entry["action"] == "speaker.created"
        assert (entry["keyId"], entry["keyName"], entry["details"]) == (None, None, {})
        assert client.get("/v1/audit", params={"action": "speaker.created\0"}).status_code == 400
        assert client.get("/v1/audit", params={"action": "speaker.erased"}).json()["items"] == []
    with server.client(plain) as client:
        assert client.get("/v1/audit").status_code == 403
    with server.client(other) as client:
        assert client.get("/v1/audit").json() == {"items": [], "nextCursor": None}
    with psycopg.connect(address) as connection:  # other tests share the server
        connection.execute("DELETE FROM audit WHERE team_id = %s", (team,))
