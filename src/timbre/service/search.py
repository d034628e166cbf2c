"""Search: the people of a team whose voices are nearest to some vectors.

Few people are compared one by one. A team that has many gets an index of its own, a graph in which near voices are
neighbours (HNSW): vectors of several teams are turned differently, so one graph of all would mean nothing. Why it is
like that, and what it costs: docs/explanations/search.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import psycopg
import structlog
from psycopg.sql import SQL, Identifier, Literal

from timbre.service.protection import Protection
from timbre.service.selection import Selection
from timbre.settings import Settings
from timbre.store.database import Connection, Database, Row, one
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = {name: SQL(query.decode()) for name, query in queries("search").items()}
_BREADTH: Final = 400  # candidates that a search in an index keeps; more find more of the true nearest, and take longer
_BROADEST: Final = 1000  # that the database allows
_NEIGHBOURS: Final = 16  # of a voice in the graph
_CARE: Final = 64  # candidates that are looked at for the neighbours of a new voice
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


class Search:
    """Looks through the people of a team."""

    def __init__(self, database: Database, protection: Protection, settings: Settings) -> None:
        self._database = database
        self._protection = protection
        self._settings = settings
        self._counted: dict[tuple[UUID, str, tuple[str, ...]], tuple[int, int]] = {}

    async def count(self, team: UUID, space: str, selection: Selection) -> int:
        """How many people of a selection have a voice in this space."""
        if selection.tags is not None:
            return await self._count_tagged(team, space, selection)
        return await self._count(_scope(selection), _arguments(team, space, selection))

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
        turned = (await self._protection.cipher(team)).turn(vectors)
        arguments = _arguments(team, space, selection) | {"vectors": [_text(row) for row in turned], "limit": limit}
        breadth = await self._breadth(team, space, turned.shape[1], selection)
        if breadth is not None:
            found = await self._indexed(turned.shape, arguments, max(breadth, limit), selection)
            if all(len(people) == limit for people in found):
                return found
        query = _SQL["exact"].format(people=_SQL[_scope(selection)], dimension=Literal(turned.shape[1]))
        return _ranked(await self._database.all(query.as_bytes(), arguments), len(turned))

    async def _breadth(self, team: UUID, space: str, dimension: int, selection: Selection) -> int | None:
        """How many candidates to search an index with; None where everybody who is looked for is compared."""
        if selection.ids is not None:
            return None
        index = _index(team, space, dimension)
        row = await self._database.one(_SQL["is_indexed"].as_bytes(), {"index": index})
        if not row or not row["indexed"]:
            return None
        if selection.tags is None:
            return _BREADTH
        chosen = await self.count(team, space, selection)
        if chosen < self._settings.index_from:
            return None
        # The nearest of them lie among more who are not looked for.
        return min(_BROADEST, math.ceil(_BREADTH * await self.count(team, space, Selection()) / chosen))

    async def _indexed(
        self, shape: tuple[int, ...], arguments: dict[str, Any], breadth: int, selection: Selection
    ) -> list[list[Found]]:
        condition = _SQL["anybody" if selection.tags is None else "has_tag"]
        query = _SQL["indexed"].format(dimension=Literal(shape[1]), condition=condition)
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["tune"].as_bytes(), {"breadth": min(breadth, _BROADEST)})
            # Planned for these values each time: only then does the database see that the index is of this team.
            cursor = await connection.execute(query.as_bytes(), arguments, prepare=False)
            return _ranked(await cursor.fetchall(), shape[0])

    async def _count_tagged(self, team: UUID, space: str, selection: Selection) -> int:
        """Count the bearers of tags, once for each version of the gallery."""
        row = await self._database.one(_SQL["version"].as_bytes(), {"team": team})
        version = row["gallery_version"] if row else 0
        about = (team, space, selection.tags or ())
        before, people = self._counted.pop(about, (None, 0))
        if before != version:
            people = await self._count("by_tags", _arguments(team, space, selection))
        self._counted[about] = (version, people)
        while len(self._counted) > _MOST_COUNTED:
            del self._counted[next(iter(self._counted))]
        return people

    async def _count(self, scope: str, arguments: dict[str, Any]) -> int:
        query = _SQL["size"] if scope == "everybody" else _SQL["count"].format(people=_SQL[scope])
        row = await self._database.one(query.as_bytes(), arguments)
        return int(row["people"]) if row else 0

    async def tend_indexes(self) -> None:
        """Make indexes for teams that have become large, drop those of teams that no longer are.

        Searches and changes of people go on meanwhile. Only one worker does this at a time. What one left unfinished
        when it was stopped is dropped by the next, and made again.

        Raises:
            ServiceUnavailable: the database broke off.
        """
        async with self._database.apart() as connection:
            row = await one(connection, _SQL["alone"].as_bytes())
            if not row or not row["locked"]:
                return
            least = math.ceil(_KEPT_TO * self._settings.index_from)
            sizes = await (await connection.execute(_SQL["sizes"].as_bytes(), {"least": least})).fetchall()
            wanted = {_index(row["team_id"], row["space"], row["dimension"]): row for row in sizes}
            rows = await (await connection.execute(_SQL["indexes"].as_bytes())).fetchall()
            there = {row["name"] for row in rows if row["valid"] and row["name"] in wanted}
            for name in (row["name"] for row in rows if row["name"] not in there):
                await _drop(connection, name)
            for name, row in wanted.items():
                if row["people"] >= self._settings.index_from and name not in there:
                    await _make(connection, name, row)


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
        await connection.execute(_SQL["prepare_to_build"].as_bytes(), {"memory": memory, "helpers": helpers})
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
    return f"people_{team.hex}_{space}_{dimension}"


def _scope(selection: Selection) -> str:
    return "by_ids" if selection.ids is not None else "by_tags" if selection.tags is not None else "everybody"


def _arguments(team: UUID, space: str, selection: Selection) -> dict[str, Any]:
    chosen: dict[str, Sequence[UUID] | Sequence[str] | None] = {"ids": selection.ids, "tags": selection.tags}
    lists = {name: list(values) for name, values in chosen.items() if values is not None}
    return {"team": team, "space": space, **lists}


def _ranked(rows: Iterable[Row], places: int) -> list[list[Found]]:
    found: list[list[Found]] = [[] for _ in range(places)]
    for row in rows:
        found[row["place"] - 1].append(Found(speaker=row["speaker_id"], cosine=row["cosine"]))
    for people in found:
        people.sort(key=lambda person: (-person.cosine, person.speaker))
    return found


def _text(vector: NDArray[np.float32]) -> str:
    return f"[{','.join(f'{value:.6f}' for value in vector.tolist())}]"
