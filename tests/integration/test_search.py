"""Search: whom it finds is whom a plain comparison with everybody finds, whatever way it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from database import Service, opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from timbre.service.keys.master_key import MasterKeys
from timbre.service.keys.template_protection import Protection
from timbre.service.people.search import Found, Search
from timbre.service.requests.selection import Selection
from timbre.store.identifiers import new_id

SPACE = "0123456789abcdef"
OTHER_SPACE = "fedcba9876543210"
EVERYBODY = Selection()
MANY = 1200  # people, more than the least that `index_from` may be
ROUNDING = 2e-3  # what a cosine of vectors in 16 bits may be off


class People:
    """The people of some teams, with voices that are written as the gallery writes them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.protection = Protection(service.database, service.settings)
        self.search = Search(service.database, self.protection, service.settings)
        self.team = service.caller.team

    async def add(
        self, vectors: np.ndarray, *, team: UUID | None = None, space: str = SPACE, tags: Sequence[str] = ()
    ) -> list[UUID]:
        team = team or self.team
        turned = (await self.protection.cipher(team)).turn(vectors)
        ids = [new_id() for _ in vectors]
        async with self.service.database.transaction() as connection:
            cursor = connection.cursor()
            async with cursor.copy("COPY speakers (id, team_id, name, tags) FROM STDIN") as copy:
                for person in ids:
                    await copy.write_row((person, team, f"person {person}", list(tags)))
            async with cursor.copy("COPY speaker_vectors (speaker_id, team_id, space, vector) FROM STDIN") as copy:
                for person, vector in zip(ids, turned.tolist(), strict=True):
                    await copy.write_row((person, team, space, str(vector)))
            await connection.execute("UPDATE teams SET gallery_version = gallery_version + 1 WHERE id = %s", (team,))
        return ids

    async def drop(self, ids: Sequence[UUID]) -> None:
        await self.service.rows("DELETE FROM speakers WHERE id = ANY(%(ids)s)", ids=list(ids))

    async def other_team(self) -> UUID:
        team = new_id()
        await self.service.rows("INSERT INTO teams (id, name) VALUES (%(id)s, %(name)s)", id=team, name=str(team))
        return team

    async def nearest(self, asked: np.ndarray, selection: Selection = EVERYBODY, limit: int = 10, **given: Any) -> Any:
        arguments = {"team": self.team, "space": SPACE} | given
        return await self.search.nearest(vectors=asked, selection=selection, limit=limit, **arguments)

    async def indexes(self) -> dict[str, bool]:
        """Whether each graph is valid, by name."""
        rows = await self.service.rows(
            "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index"
            " JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam WHERE amname = 'hnsw'"
        )
        return {row["name"]: row["indisvalid"] for row in rows}

    def index(self, team: UUID | None = None, dimension: int = 32) -> str:
        return f"people_{(team or self.team).hex}_{SPACE}_{dimension}"


Act = Callable[[People], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:
    """Runs the body of a test with people on a database of its own, indexed from `MANY` on."""

    def run(act: Act, *, patience: int = 20_000, **given: Any) -> None:
        # `patience` is how many people the database looks at in an index before it gives up.
        address = f"{url}&options=-c%20hnsw.max_scan_tuples%3D{patience}"

        async def body() -> None:
            async with opened(address, tmp_path / "data", **{"index_from": MANY} | given) as service:
                MasterKeys.make(service.settings)
                await act(People(service))

        asyncio.run(body())

    return run


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the database carried out every search, as it said itself, on the same connection, just before."""
    seen: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def explained(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if "LATERAL" in repr(query):
            cursor = await execute(self, SQL("EXPLAIN ") + query, params, prepare=False)
            rows = await cursor.fetchall()
            seen.append("\n".join(row["QUERY PLAN"] for row in rows))
        return await execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", explained)
    return seen


def voices(count: int, dimension: int = 32, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dimension)))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def compare(found: list[list[Found]], asked: np.ndarray, known: np.ndarray, ids: Sequence[UUID], limit: int) -> None:
    """Make sure that these are the nearest, each with its own cosine, up to the rounding of the rows."""
    place = {person: at for at, person in enumerate(ids)}
    assert len(found) == len(asked)
    for vector, people in zip(asked, found, strict=True):
        cosines = known @ vector
        best = np.sort(cosines)[::-1][:limit]
        said = [person.cosine for person in people]
        assert said == sorted(said, reverse=True)
        assert len({person.speaker for person in people}) == len(best)
        np.testing.assert_allclose(said, best, atol=ROUNDING)
        np.testing.assert_allclose(said, [cosines[place[person.speaker]] for person in people], atol=ROUNDING)


def recall(found: list[list[Found]], asked: np.ndarray, known: np.ndarray, ids: Sequence[UUID], limit: int) -> float:
    """Which share of the true nearest is found."""
    right = 0
    for vector, people in zip(asked, found, strict=True):
        true = {ids[at] for at in np.argsort(-(known @ vector))[:limit]}
        right += len(true & {person.speaker for person in people})
    return right / (limit * len(asked))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 60), st.integers(0, 4), st.sampled_from([2, 3, 32, 192])),
    limit=st.integers(1, 50),
    chosen=st.sampled_from(["all", "ids", "tags"]),
)
def test_few_people_are_ranked_as_by_a_plain_comparison(run, seed, shape, limit, chosen):
    people, asked, dimension = shape

    async def act(here: People) -> None:
        known, wanted = voices(people, dimension, seed), voices(asked, dimension, seed + 1)
        here.team = await here.other_team()
        half = people // 2
        ids = await here.add(known[:half], tags=["choir"]) + await here.add(known[half:], tags=["board", "bass"])
        everywhere = {
            "all": (EVERYBODY, slice(None)),
            "ids": (Selection(ids=tuple(ids[: half + 1])), slice(half + 1)),
            "tags": (Selection(tags=("bass", "none")), slice(half, None)),
        }
        selection, part = everywhere[chosen]
        compare(await here.nearest(wanted, selection, limit), wanted, known[part], ids[part], limit)
        assert await here.search.count(here.team, SPACE, selection) == len(ids[part])

    run(act)


def test_what_is_asked_and_what_is_kept_must_be_of_one_space_and_length(run):
    async def act(here: People) -> None:
        known = voices(5)
        await here.add(known, space=OTHER_SPACE)
        await here.add(voices(3, 16))
        (ours,) = await here.add(known[:1])
        assert [[one.speaker for one in found] for found in await here.nearest(known[:1])] == [[ours]]
        assert await here.nearest(voices(1, 8)) == [[]]
        assert await here.nearest(known[:1], space="0" * 16) == [[]]
        assert await here.search.count(here.team, SPACE, EVERYBODY) == 4
        assert await here.search.count(here.team, "0" * 16, EVERYBODY) == 0

    run(act)


def test_teams_never_mix(run):
    async def act(here: People) -> None:
        known = voices(MANY)
        teams = [here.team, await here.other_team(), await here.other_team()]
        ids = {team: await here.add(known if team != teams[2] else known[:9], team=team) for team in teams}
        for tended in (False, True):
            if tended:
                await here.search.tend_indexes()
                assert await here.indexes() == {here.index(team): True for team in teams[:2]}
            for team in teams:
                found = await here.nearest(known[:9], team=team)
                assert {person.speaker for people in found for person in people} <= set(ids[team])
                assert [people[0].speaker for people in found] == ids[team][:9]
        strangers = Selection(ids=tuple(ids[teams[1]][:20]))
        assert await here.nearest(known[:1], strangers) == [[]]
        assert await here.search.count(here.team, SPACE, strangers) == 0

    run(act)


@pytest.mark.exhaustive
def test_an_index_of_20000_people_finds_99_of_100_of_the_nearest(run, plans):
    async def act(here: People) -> None:
        # As voices are: few dimensions hold most of the differences between people.
        spread = 0.93 ** np.arange(256)
        drawn = np.random.default_rng(0).normal(size=(20_000, 256)) * spread
        known = unit(drawn)
        asked = unit(drawn[:100] + np.random.default_rng(1).normal(size=(100, 256)) * 0.7 * spread)
        ids = await here.add(known)
        compare(await here.nearest(asked[:5]), asked[:5], known, ids, 10)
        await here.search.tend_indexes()
        assert here.index(dimension=256) not in plans[-1]
        found = await here.nearest(asked)
        assert f"Index Scan using {here.index(dimension=256)}" in plans[-1]
        assert recall(found, asked, known, ids, 10) >= 0.99
        said = {person.speaker: person.cosine for person in found[0]}
        true = dict(zip(ids, (known @ asked[0]).tolist(), strict=True))
        assert all(abs(cosine - true[person]) < ROUNDING for person, cosine in said.items())

    run(act, index_from=1000)


def test_the_index_is_used_however_often_it_is_asked(run, plans):
    async def act(here: People) -> None:
        known = voices(MANY)
        ids = await here.add(known)
        await here.search.tend_indexes()
        for at in range(12):  # a connection prepares what it was asked a few times
            (found,) = await here.nearest(known[at : at + 1], limit=3)
            assert found[0].speaker == ids[at]
        assert all(f"Index Scan using {here.index()}" in plan for plan in plans)

    run(act)


def test_selections_are_found_with_an_index_too(run, plans):
    async def act(here: People) -> None:
        known = voices(4 * MANY)
        few = await here.add(known[:50], tags=["few"])
        half = await here.add(known[50 : 2 * MANY], tags=["half"])
        rest = await here.add(known[2 * MANY :])
        ids = few + half + rest
        await here.search.tend_indexes()
        asked = voices(20, seed=5)
        for selection, part, by_index in (
            (Selection(tags=("few",)), slice(50), False),
            (Selection(ids=tuple(ids[::3])), slice(None, None, 3), False),
            (Selection(tags=("half", "few")), slice(2 * MANY), True),
        ):
            plans.clear()
            found = await here.nearest(asked, selection)
            assert (here.index() in plans[0]) is by_index
            assert recall(found, asked, known[part], ids[part], 10) >= 0.99
            assert await here.search.count(here.team, SPACE, selection) == len(ids[part])

    run(act)


@pytest.mark.exhaustive
def test_people_who_are_far_from_what_is_asked_are_found_among_the_many_who_are_near(run, plans):
    async def act(here: People) -> None:
        towards = np.eye(1, 32, dtype=np.float32)
        near, far = unit(voices(10 * MANY, seed=1) + 5 * towards), unit(voices(MANY, seed=2) - 5 * towards)
        await here.add(near)
        ids = await here.add(far, tags=["far"])
        await here.search.tend_indexes()
        found = await here.nearest(towards, Selection(tags=("far",)))
        compare(found, towards, far, ids, 10)
        assert here.index() in plans[0]

    run(act, patience=500)


def test_indexes_come_and_go_with_the_people(run):
    async def act(here: People) -> None:
        ids = await here.add(voices(MANY - 1))
        await here.search.tend_indexes()
        assert await here.indexes() == {}
        ids += await here.add(voices(1, seed=1))
        await here.search.tend_indexes()
        assert await here.indexes() == {here.index(): True}
        await here.drop(ids[: MANY // 2 - 1])
        await here.search.tend_indexes()
        assert await here.indexes() == {here.index(): True}
        await here.drop(ids[: MANY // 2 + 1])
        await here.search.tend_indexes()
        assert await here.indexes() == {}

    run(act)


def test_an_index_of_a_team_that_is_gone_goes(run):
    async def act(here: People) -> None:
        team = await here.other_team()
        await here.add(voices(MANY), team=team)
        await here.search.tend_indexes()
        assert await here.indexes() == {here.index(team): True}
        await here.service.rows("DELETE FROM teams WHERE id = %(id)s", id=team)
        await here.search.tend_indexes()
        assert await here.indexes() == {}
        assert await here.service.empty("speaker_vectors", "gallery_sizes")

    run(act)


def test_who_is_erased_is_found_no_more_and_who_changes_is_found_as_they_are_now(run):
    async def act(here: People) -> None:
        known = voices(2 * MANY)
        ids = await here.add(known)
        await here.search.tend_indexes()
        asked = known[:1]
        gone = np.argsort(-(known @ asked[0]))[:500]
        await here.drop([ids[at] for at in gone])
        left = np.setdiff1d(np.arange(len(ids)), gone)
        for cleaned in (False, True):
            if cleaned:
                async with here.service.database.apart() as connection:
                    await connection.execute("VACUUM speaker_vectors")
            (found,) = await here.nearest(asked, limit=50)
            assert recall([found], asked, known[left], [ids[at] for at in left], 50) >= 0.98
        turned = (await here.protection.cipher(here.team)).turn(asked)
        moved = ids[left[0]]
        await here.service.rows(
            "UPDATE speaker_vectors SET vector = %(vector)s::text::halfvec WHERE speaker_id = %(id)s",
            vector=str(turned[0].tolist()),
            id=moved,
        )
        ((first, *_),) = await here.nearest(asked)
        assert first.speaker == moved
        assert first.cosine == pytest.approx(1, abs=ROUNDING)
        assert await here.search.count(here.team, SPACE, EVERYBODY) == 2 * MANY - 500

    run(act)


async def until(here: People, condition: str) -> None:
    """Wait until some session of the database is as this condition on pg_stat_activity says."""
    query = f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {condition}"  # noqa: S608
    async with asyncio.timeout(30):
        while not await here.service.rows(query):
            await asyncio.sleep(0.02)


BUILDING = "query LIKE 'CREATE INDEX%%' AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("death", ["of the worker", "of the database's process"])
def test_an_index_that_was_left_unfinished_is_made_again(run, death):
    async def act(here: People) -> None:
        known = voices(MANY)
        ids = await here.add(known)
        async with here.service.database.apart() as old:
            # Building waits for transactions that may not see the new index.
            await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            await old.execute("SELECT FROM speaker_vectors LIMIT 1")
            building = asyncio.create_task(here.search.tend_indexes())
            await until(here, BUILDING)
            async with asyncio.timeout(10):
                await here.search.tend_indexes()  # another worker, which leaves it to the first
            assert (await here.nearest(known[:1]))[0][0].speaker == ids[0]
            if death == "of the worker":
                building.cancel()
            else:
                await here.service.rows(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {BUILDING}"  # noqa: S608
                )
            await asyncio.wait([building])
            assert building.cancelled() or building.exception() is not None
            assert await here.indexes() == {here.index(): False}
            assert (await here.nearest(known[:1]))[0][0].speaker == ids[0]
        await here.search.tend_indexes()
        assert await here.indexes() == {here.index(): True}
        assert (await here.nearest(known[:1]))[0][0].speaker == ids[0]

    run(act)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A machine on which no index can be built by several processes."""
    execute = psycopg.AsyncConnection.execute
    helpers: list[str] = []

    async def refuse(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if params and "helpers" in params:
            helpers.append(params["helpers"])
        if "CREATE INDEX" in repr(query) and helpers[-1]:
            raise psycopg.errors.DiskFull("could not resize shared memory segment: No space left on device")
        return await execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", refuse)
    return helpers


def test_an_index_is_built_alone_where_there_is_no_memory_for_helpers(run, little_memory):
    async def act(here: People) -> None:
        await here.add(voices(MANY))
        await here.search.tend_indexes()
        assert await here.indexes() == {here.index(): True}
        assert little_memory == [1, 0]

    run(act)


def test_bearers_of_tags_are_counted_anew_when_people_change(run):
    async def act(here: People) -> None:
        tagged = Selection(tags=("choir",))
        await here.add(voices(3), tags=["choir"])
        assert await here.search.count(here.team, SPACE, tagged) == 3
        ids = await here.add(voices(2), tags=["choir"])
        assert await here.search.count(here.team, SPACE, tagged) == 5
        assert await here.search.count(here.team, SPACE, Selection(ids=(*ids, *ids, uuid4()))) == 2

    run(act)
