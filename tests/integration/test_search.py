"""Search: whom it finds is whom a plain comparison with everybody finds, whatever way it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened, postgres, url  # noqa: F401 - two are fixtures

from timbre.service.identifiers import new_id
from timbre.service.protection import MasterKey, Protection
from timbre.service.search import Search
from timbre.service.selection import Selection

SPACE = "0123456789abcdef"
OTHER_SPACE = "fedcba9876543210"
EVERYBODY = Selection()


class People:
    """Voices of a team's people, written as the gallery writes them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        MasterKey.load_or_make(service.settings)
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
                for one in ids:
                    await copy.write_row((one, team, f"person {one}", list(tags)))
            async with cursor.copy("COPY speaker_vectors (speaker_id, team_id, space, vector) FROM STDIN") as copy:
                for one, vector in zip(ids, turned.tolist(), strict=True):
                    await copy.write_row((one, team, space, str(vector)))
        return ids


def voices(count: int, dimension: int = 32, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def people(url, tmp_path):  # noqa: F811
    """Open the service for one act on its people."""

    @asynccontextmanager
    async def open_(**given: object):
        async with opened(url, tmp_path, **given) as service:
            yield People(service)

    return open_


def test_everybody_is_ranked_by_cosine(people):
    async def run():
        async with people() as here:
            known = voices(300)
            ids = await here.add(known)
            asked = voices(7, seed=1)
            found = await here.search.nearest(here.team, SPACE, asked, EVERYBODY, 10)
            cosines = asked @ known.T
            for row, ranked in zip(cosines, found, strict=True):
                best = np.argsort(-row)[:10]
                np.testing.assert_allclose([one.cosine for one in ranked], row[best], atol=2e-3)
                assert [one.speaker for one in ranked][:1] == [ids[best[0]]]

    asyncio.run(run())
