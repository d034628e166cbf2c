"""Sessions in the database: what is kept of them, and how they and links end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from database import Service, opened

from timbre.errors import KeyRejected, SignInRejected
from timbre.service.accounts.sessions import Sessions
from timbre.service.upkeep.retention import Retention

Run = Callable[[Callable[[Service, Sessions, str], Awaitable[None]]], None]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """Run a test with the service, its sessions, and the name of a team."""

    async def inside(act: Callable[[Service, Sessions, str], Awaitable[None]]) -> None:
        async with opened(url, tmp_path) as service:
            (team,) = await service.rows("SELECT name FROM teams")
            await act(service, Sessions(service.database, service.settings), team["name"])

    return lambda act: asyncio.run(inside(act))


def test_only_hashes_are_kept(run: Run) -> None:
    async def act(service: Service, sessions: Sessions, team: str) -> None:
        link = await sessions.link(team)
        (kept,) = await service.rows("SELECT * FROM sign_in_links")
        assert link not in str(kept)
        token, session = await sessions.begin_with_link(link)
        assert await service.empty("sign_in_links")
        (kept,) = await service.rows("SELECT * FROM sessions")
        assert token not in str(kept)
        assert kept["key_id"] == session.caller.key
        assert (await sessions.get(token)).caller == session.caller

    run(act)


def test_a_link_is_used_by_one_of_many(run: Run) -> None:
    async def act(service: Service, sessions: Sessions, team: str) -> None:
        link = await sessions.link(team)
        came = await asyncio.gather(*(sessions.begin_with_link(link) for _ in range(8)), return_exceptions=True)
        assert sum(isinstance(each, tuple) for each in came) == 1
        assert sum(isinstance(each, SignInRejected) for each in came) == 7

    run(act)


def test_many_sign_ins_make_one_key(run: Run) -> None:
    async def act(service: Service, sessions: Sessions, team: str) -> None:
        links = [await sessions.link(team) for _ in range(6)]
        await asyncio.gather(*(sessions.begin_with_link(link) for link in links))
        assert len(await service.rows("SELECT id FROM api_keys WHERE name = 'web app'")) == 1
        assert len(await service.rows("SELECT hash FROM sessions")) == 6

    run(act)


def test_what_is_over_signs_nobody_in_and_is_swept(run: Run) -> None:
    async def act(service: Service, sessions: Sessions, team: str) -> None:
        old, new = await sessions.link(team), await sessions.link(team)
        token, _ = await sessions.begin_with_link(new)
        revoked, session = await sessions.begin_with_link(await sessions.link(team))
        valid, _ = await sessions.begin_with_link(await sessions.link(team))
        assert session.caller.key
        await service.rows("UPDATE sign_in_links SET expires_at = now() - interval '1 second'")
        await service.rows(
            "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE hash = sha256(%(token)s::bytea)",
            token=token.encode(),
        )
        with pytest.raises(SignInRejected):
            await sessions.begin_with_link(old)
        with pytest.raises(KeyRejected):
            await sessions.get(token)
        retention = Retention(service.database, service.storage, service.settings)
        await retention.sweep()
        assert await service.empty("sign_in_links")
        assert len(await service.rows("SELECT hash FROM sessions")) == 2
        assert await sessions.get(valid)

        await service.rows("UPDATE api_keys SET revoked_at = now() WHERE name = 'web app'")
        for each in (revoked, valid):
            with pytest.raises(KeyRejected):
                await sessions.get(each)
        await retention.sweep()
        assert await service.empty("sessions")

    run(act)
