"""Search: the people of a team whose voices are nearest to some vectors.

Few people are compared one by one. A team that has many gets an index of its own, a graph in which near voices are
neighbours (HNSW): vectors of several teams are turned differently, so one graph of all would mean nothing. Why it is
like that, and what it costs: docs/explanations/search.md.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import psycopg
import structlog
from psycopg.sql import SQL, Composed, Identifier, Literal

from timbre.service.keys.template_protection import Protection
from timbre.service.requests.selection import Selection
from timbre.settings import Settings
from timbre.store.database import Connection, Database, Row
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = {name: SQL(query.decode()) for name, query in queries("search").items()}
# Candidates that a walk through an index keeps: more find more of the true nearest, and take longer. For the same share
# of them a larger gallery needs more; this much finds 99 of 100 of the ten nearest (benchmarks/gallery.py).
_MILLION: Final = 1e6
_BREADTH: Final = 800  # among a million
_GROWTH: Final = 0.5  # power of the number of people
_LEAST: Final = 200
_BROADEST: Final = 1000  # that the database allows
_NEIGHBOURS: Final = 16  # of a voice in the graph; twice as many find more, and take twice as long to look through
_CARE: Final = 128  # candidates that are looked at for the neighbours of a new voice
_KEPT_TO: Final = 0.5  # part of `index_from` below which an index goes, so that it is not made and dropped in turns
_HELPERS: Final = 1  # processes that help to build; the other cores are for those who search meanwhile
_NODE: Final = 1024  # bytes of a voice in a graph that is being built, beside its vector
_MEMORY: Final = (64 << 10, 4 << 20)  # KiB, least and most to build in; what does not fit is built far slower
_MOST_COUNTED: Final = 256  # selections whose size is remembered
_log: Final = structlog.get_logger("timbre.search")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person who is near."""

    speaker: UUID
    cosine: float


@dataclass(frozen=True, slots=True)
class _Scope:
    """Who is looked for."""

    team: UUID
    space: str
    selection: Selection

    @property
    def query(self) -> SQL:
        """Their ids and vectors."""
        chosen = self.selection
        return _SQL["by_ids" if chosen.ids is not None else "by_tags" if chosen.tags is not None else "everybody"]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the query needs."""
        chosen = self.selection
        some: dict[str, Any] = {} if chosen.ids is None else {"ids": list(chosen.ids)}
        return {"team": self.team, "space": self.space} | (some if chosen.tags is None else {"tags": list(chosen.tags)})


class Search:
    """Looks through the people of a team."""

    def __init__(self, database: Database, protection: Protection, settings: Settings) -> None:
        self._database = database
        self._protection = protection
        self._settings = settings
        self._counted: dict[tuple[UUID, str, tuple[str, ...]], tuple[int, int]] = {}

    async def count(self, team: UUID, space: str, selection: Selection) -> int:
        """How many people of a selection have a voice in this space."""
        async with self._database.transaction() as connection:
            return await self._count(connection, _Scope(team, space, selection))

    async def nearest(
        self, team: UUID, space: str, vectors: NDArray[np.float32], selection: Selection, limit: int
    ) -> list[list[Found]]:
        """The people nearest to each vector, best first.

        Args:
            team: Whose people.
            space: What the vectors belong to; people without samples in it are not found.
            vectors: Unit rows `[n, dimension]`.
            selection: Who is looked for.
            limit: At most so many for each vector.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: the team's key was wrapped by another master key.
        """
        if not len(vectors):
            return []
        scope, dimension = _Scope(team, space, selection), vectors.shape[1]
        # The team's key may be replaced at any time: its cipher and the vectors have to be of one moment.
        async with self._protection.reading(team) as (connection, cipher):
            turned = cipher.turn(vectors)
            arguments = scope.arguments | {"vectors": [_text(row) for row in turned], "limit": limit}
            if breadth := await self._breadth(connection, scope, dimension):
                condition = _SQL["anybody" if selection.tags is None else "has_tag"]
                query = _SQL["indexed"].format(dimension=Literal(dimension), condition=condition)
                async with connection.pipeline():
                    await connection.execute(_SQL["tune"], _tuning(max(breadth, limit), selection))
                    # Planned for these values each time: only so the database sees that the index is of this team.
                    cursor = await connection.execute(query, arguments, prepare=False)
                found = _ranked(await cursor.fetchall(), len(vectors))
                if all(len(people) == limit for people in found):
                    return found
                await connection.execute(_SQL["tune_back"])
            query = _SQL["exact"].format(people=scope.query, dimension=Literal(dimension))
            cursor = await connection.execute(query, arguments, prepare=False)
            return _ranked(await cursor.fetchall(), len(vectors))

    async def _breadth(self, connection: Connection, scope: _Scope, dimension: int) -> int:
        """How many candidates to search an index with; 0 where everybody who is looked for is compared."""
        if scope.selection.ids is not None:
            return 0
        index = {"dimension": dimension, "index": _index(scope.team, scope.space, dimension)}
        people = await _number(connection, _SQL["indexed_people"], scope.arguments | index)
        if not people:
            return 0
        breadth = max(_LEAST, _BREADTH * math.pow(people / _MILLION, _GROWTH))
        if scope.selection.tags is None:
            return math.ceil(breadth)
        chosen = await self._count(connection, scope)
        # The nearest of them lie among more who are not looked for.
        return math.ceil(breadth * people / chosen) if chosen >= self._settings.index_from else 0

    async def _count(self, connection: Connection, scope: _Scope) -> int:
        if scope.selection.ids is not None:
            return await _number(connection, _SQL["count"].format(people=scope.query), scope.arguments)
        if scope.selection.tags is None:
            return await _number(connection, _SQL["size"], scope.arguments)
        # Bearers of tags may be many, and are counted once for each version of the gallery.
        version = await _number(connection, _SQL["version"], scope.arguments)
        about = (scope.team, scope.space, scope.selection.tags)
        before, people = self._counted.pop(about, (None, 0))
        if before != version:
            people = await _number(connection, _SQL["count"].format(people=scope.query), scope.arguments)
        self._counted[about] = (version, people)
        while len(self._counted) > _MOST_COUNTED:
            del self._counted[next(iter(self._counted))]
        return people

    async def tend_indexes(self) -> None:
        """Make indexes for teams that have become large, drop those of teams that no longer are.

        Searches and changes of people go on meanwhile. Only one worker does this at a time. What one left unfinished
        when it was stopped is dropped by the next, and made again.

        Raises:
            ServiceUnavailable: the database broke off.
        """
        async with self._database.apart() as connection:
            if not await _number(connection, _SQL["alone"], {}):
                return
            least = math.ceil(_KEPT_TO * self._settings.index_from)
            sizes = await (await connection.execute(_SQL["sizes"], {"least": least})).fetchall()
            wanted = {_index(row["team_id"], row["space"], row["dimension"]): row for row in sizes}
            rows = await (await connection.execute(_SQL["indexes"])).fetchall()
            there = {row["name"] for row in rows if row["valid"] and row["name"] in wanted}
            for name in (row["name"] for row in rows if row["name"] not in there):
                await _drop(connection, name)
            for name, row in wanted.items():
                if row["people"] >= self._settings.index_from and name not in there:
                    await _make(connection, name, row)

    @asynccontextmanager
    async def without_indexes(self, team: UUID | None = None) -> AsyncIterator[None]:
        """Drop the indexes of a team, or of all, and have none made while the block runs; a worker makes them again.

        For whoever changes every vector, which takes far longer where each has to find its place in a graph.

        Raises:
            ServiceUnavailable: the database broke off.
        """
        async with self._database.apart() as connection:
            await connection.execute(_SQL["wait_alone"])
            for row in await (await connection.execute(_SQL["indexes"])).fetchall():
                if team is None or row["name"].startswith(_indexes_of(team)):
                    await _drop(connection, row["name"])
            yield


async def _make(connection: Connection, name: str, row: Row) -> None:
    query = _SQL["make_index"].format(
        index=Identifier(name),
        team=Literal(row["team_id"]),
        space=Literal(row["space"]),
        dimension=Literal(row["dimension"]),
        neighbours=Literal(_NEIGHBOURS),
        care=Literal(_CARE),
    )
    least, most = _MEMORY
    memory = min(max(row["people"] * (2 * row["dimension"] + _NODE) >> 10, least), most)
    for helpers in (_HELPERS, 0):
        _log.info("indexing", index=name, people=row["people"])
        await connection.execute(_SQL["prepare_to_build"], {"memory": memory, "helpers": helpers})
        try:
            await connection.execute(query)
        except psycopg.Error as error:
            if connection.broken:
                raise
            _log.warning("an index was not made", index=name, error=str(error))
            await _drop(connection, name)
            # Helpers need shared memory, of which containers have little; alone it is slower, but may work.
            if not isinstance(error, psycopg.errors.DiskFull | psycopg.errors.OutOfMemory):
                return
        else:
            _log.info("indexed", index=name)
            return


async def _drop(connection: Connection, name: str) -> None:
    await connection.execute(_SQL["drop_index"].format(index=Identifier(name)))
    _log.info("index dropped", index=name)


def _index(team: UUID, space: str, dimension: int) -> str:
    return f"{_indexes_of(team)}{space}_{dimension}"


def _indexes_of(team: UUID) -> str:
    return f"people_{team.hex}_"


def _tuning(breadth: int, selection: Selection) -> dict[str, Any]:
    """How to walk a graph: among the bearers of tags it goes on until enough of them are found."""
    return {"breadth": min(breadth, _BROADEST), "going_on": "off" if selection.tags is None else "relaxed_order"}


async def _number(connection: Connection, query: SQL | Composed, arguments: dict[str, Any]) -> int:
    row = await (await connection.execute(query, arguments)).fetchone()
    return int(row["number"]) if row else 0


def _ranked(rows: Iterable[Row], places: int) -> list[list[Found]]:
    found: list[list[Found]] = [[] for _ in range(places)]
    for row in rows:
        found[row["place"] - 1].append(Found(speaker=row["speaker_id"], cosine=row["cosine"]))
    for people in found:
        people.sort(key=lambda person: (-person.cosine, person.speaker))
    return found


def _text(vector: NDArray[np.float32]) -> str:
    return f"[{','.join(f'{value:.6f}' for value in vector.tolist())}]"
