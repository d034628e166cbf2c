"""Whatever is done to people, in whatever order: the gallery holds what a plain model of it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import MASTER_KEY, OTHER_SPACE, SPACE, assert_consistent, gallery, voiceprint

from timbre.errors import NameTaken
from timbre.service.people.gallery import Gallery
from timbre.service.people.transfer import GalleryTransfer
from timbre.store.identifiers import new_id

NAMES = ("Ada", "ADA", "Ben", "Élise", "élise", "名前")
SPACES = (SPACE, OTHER_SPACE)
which = st.integers(0, 99)  # of those there are, counted round
seeds = st.lists(st.integers(0, 5), min_size=1, max_size=3)
steps = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), which, st.sampled_from(NAMES)),
    st.tuples(st.just("tag"), which, st.lists(st.sampled_from("xyz"), max_size=3)),
    st.tuples(st.just("add"), which, seeds, st.sampled_from(SPACES)),
    st.tuples(st.just("remove"), which, which),
    st.tuples(st.just("merge"), which, which),
    st.tuples(st.just("erase"), which),
)


@dataclass
class Known:
    """A person of the model."""

    id: UUID
    name: str
    tags: set[str] = field(default_factory=set)
    voices: dict[str, set[int]] = field(default_factory=lambda: {space: set() for space in SPACES})


@pytest.mark.exhaustive
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(steps, min_size=3, max_size=18))
def test_the_gallery_holds_what_was_done_to_it(url: str, tmp_path: Path, taken: list[tuple]) -> None:
    async def body() -> None:
        async with opened(url, tmp_path, master_key=MASTER_KEY) as here:
            people = gallery(here)
            team, other = [await new_team(here) for _ in range(2)]
            both = Both(people, team)
            for step in taken:
                before = await people.version(team)
                changed = await both.take(*step)
                assert await people.version(team) == before + changed, step
            await assert_consistent(here, people, team)
            await assert_like(people, team, both.model)
            assert (await people.page(other, limit=9), await people.version(other)) == (([], 0), 0)
            await assert_moves(here, people, team, other)

    asyncio.run(body())


@dataclass
class Both:
    """The gallery and its model: each step is done to both, and tells how often people changed by it."""

    people: Gallery
    team: UUID
    model: list[Known] = field(default_factory=list)

    async def take(self, step: str, *arguments) -> int:
        if step != "create":
            if not self.model:
                return 0
            arguments = self.model[arguments[0] % len(self.model)], *arguments[1:]
        return await getattr(self, step)(*arguments)

    async def create(self, name: str) -> int:
        free = self.is_free(name)
        try:
            self.model.append(Known(await self.people.create(self.team, name=name), name))
        except NameTaken:
            assert not free
            return 0
        assert free
        return 1

    async def rename(self, known: Known, name: str) -> int:
        free, before = self.is_free(name, known), known.name
        try:
            await self.people.update(self.team, known.id, name=name)
        except NameTaken:
            assert not free
            return 0
        assert free
        known.name = name
        return int(name != before)

    async def tag(self, known: Known, tags: list[str]) -> int:
        before = (await self.people.get(self.team, known.id)).tags
        await self.people.update(self.team, known.id, tags=tuple(tags))
        known.tags = set(tags)
        return int(before != tuple(dict.fromkeys(tags)))

    async def add(self, known: Known, seeds: list[int], space: str) -> int:
        await self.people.add_sample(self.team, known.id, voiceprint(*seeds, space=space), source="voiceprint")
        new = set(seeds) - known.voices[space]
        known.voices[space] |= new
        return int(bool(new))

    async def remove(self, known: Known, number: int) -> int:
        samples = (await self.people.get(self.team, known.id)).samples
        if not samples:
            return 0
        sample = samples[number % len(samples)]
        text = (await self.people.templates(self.team, [known.id]))[sample.id]
        theirs = known.voices[sample.space]
        (seed,) = [seed for seed in theirs if str(voiceprint(seed, space=sample.space)) == text]
        await self.people.remove_sample(self.team, known.id, sample.id)
        theirs.remove(seed)
        return 1

    async def merge(self, known: Known, number: int) -> int:
        gone = self.model[number % len(self.model)]
        await self.people.merge(self.team, known.id, [gone.id])
        if gone is known:
            return 0
        self.model.remove(gone)
        known.tags |= gone.tags
        for space in SPACES:
            known.voices[space] |= gone.voices[space]
        return 1

    async def erase(self, known: Known) -> int:
        await self.people.erase(self.team, known.id)
        self.model.remove(known)
        return 1

    def is_free(self, name: str, whose: Known | None = None) -> bool:
        return all(known is whose or known.name.lower() != name.lower() for known in self.model)


async def assert_like(people: Gallery, team: UUID, model: list[Known]) -> None:
    found, _ = await people.page(team, limit=100)
    assert {person.id: (person.name, set(person.tags)) for person in found} == {
        known.id: (known.name, known.tags) for known in model
    }
    for space in SPACES:
        voices = await people.voiceprints(team, space, [known.id for known in model])
        for known in model:
            made = voices[known.id][1].prototypes if known.id in voices else []
            assert {row.tobytes() for row in made} == {
                voiceprint(seed).prototypes[0].tobytes() for seed in known.voices[space]
            }


async def assert_moves(here: Service, people: Gallery, team: UUID, other: UUID) -> None:
    """What is exported and imported elsewhere is the same people, who sound the same; once more changes nothing."""
    transfer = GalleryTransfer(here.database, people)

    async def lines() -> AsyncIterator[bytes]:
        text = b"".join([line async for line in transfer.export(team)])
        for start in range(0, len(text), 1000):  # cut anywhere
            yield text[start : start + 1000]

    there, total = await people.page(team, limit=100)
    imported = await transfer.import_(other, lines())
    assert (imported.created, imported.failed) == (total, 0)
    assert imported.samples == sum(len(person.samples) for person in there)
    await assert_consistent(here, people, other)
    version = await people.version(other)
    again = await transfer.import_(other, lines())
    assert (again.created, again.updated, again.samples, again.failed) == (0, 0, 0, 0)
    assert await people.version(other) == version
    moved, _ = await people.page(other, limit=100)
    assert {(person.name, person.tags) for person in moved} == {(person.name, person.tags) for person in there}
    by_name = {person.name: person.id for person in moved}
    for space in SPACES:
        old = await people.voiceprints(team, space, [person.id for person in there])
        new = await people.voiceprints(other, space, list(by_name.values()))
        assert len(old) == len(new)
        for name, made in old.values():
            np.testing.assert_array_equal(new[by_name[name]][1].prototypes, made.prototypes)
        if old:
            means = [made.embedding for _, made in old.values()]
            moved_means = [new[by_name[name]][1].embedding for name, _ in old.values()]
            np.testing.assert_allclose(
                np.stack(means) @ np.stack(means).T, np.stack(moved_means) @ np.stack(moved_means).T
            )


async def new_team(here: Service) -> UUID:
    team = new_id()
    await here.rows("INSERT INTO teams (id, name) VALUES (%(id)s, %(id)s::text)", id=team)
    return team
