"""Search: the people of a team whose voices are nearest to some vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from psycopg.sql import SQL

from timbre.service.protection import Protection
from timbre.service.selection import Selection
from timbre.settings import Settings
from timbre.store.database import Database
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = {name: SQL(query.decode()) for name, query in queries("search").items()}


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

    async def count(self, team: UUID, space: str, selection: Selection) -> int:
        """How many people of a selection have a voice in this space."""
        query = _SQL["count"].format(people=_SQL[_scope(selection)])
        row = await self._database.one(query.as_bytes(), _arguments(team, space, selection))
        return int(row["people"]) if row else 0

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
        found: list[list[Found]] = [[] for _ in vectors]
        if not found:
            return found
        turned = (await self._protection.cipher(team)).turn(vectors)
        arguments = _arguments(team, space, selection) | {
            "vectors": [_text(row) for row in turned],
            "dimension": turned.shape[1],
            "limit": limit,
        }
        query = _SQL["exact"].format(people=_SQL[_scope(selection)])
        for row in await self._database.all(query.as_bytes(), arguments):
            found[row["place"] - 1].append(Found(speaker=row["speaker_id"], cosine=row["cosine"]))
        return found

    async def tend_indexes(self) -> None:
        """Make and drop the indexes of teams as their size asks for."""


def _scope(selection: Selection) -> str:
    return "by_ids" if selection.ids is not None else "by_tags" if selection.tags is not None else "everybody"


def _arguments(team: UUID, space: str, selection: Selection) -> dict[str, Any]:
    chosen: dict[str, Sequence[UUID] | Sequence[str] | None] = {"ids": selection.ids, "tags": selection.tags}
    lists = {name: list(values) for name, values in chosen.items() if values is not None}
    return {"team": team, "space": space, **lists}


def _text(vector: NDArray[np.float32]) -> str:
    return f"[{','.join(f'{value:.6f}' for value in vector.tolist())}]"
