"""Galleries that are brought to another encoder, on a database: what breaks off, what happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened
from people import MASTER_KEY

from timbre import Engine
from timbre.errors import Canceled, UpgradeRefused
from timbre.service.files.clips import encoded
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery
from timbre.service.people.search import Search
from timbre.service.requests.selection import Selection
from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade
from timbre.service.upkeep.key_rotation import forget_team, rotate_team

EARLIER, NOW = "ge2e", "base"
NAMES = ("Ada", "Ben", "Callum", "Dan")


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let a test be a coroutine."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, Engine]:
    """One that people were enrolled with, and the server's own."""
    return Engine(EARLIER), Engine(NOW)


@dataclass(frozen=True, kw_only=True)
class Rooms:
    here: Service
    gallery: Gallery
    upgrade: GalleryUpgrade
    search: Search
    engines: tuple[Engine, Engine]
    voice: object

    @property
    def team(self) -> UUID:
        return self.here.caller.team

    async def enrol(self, name: str, *, clip: bool = True) -> UUID:
        """A person, enrolled with the encoder that the gallery is of."""
        samples = self.voice(name)
        space = await self.gallery.space(self.team) if await self.people() else self.engines[0].space
        made = self.engines[1].of_space(space).voiceprint((samples, 16_000))
        person = await self.gallery.create(self.team, name=name)
        kept = encoded((samples[: 8 * 16_000] * 32_767).astype(np.int16)) if clip else None
        await self.gallery.add_sample(self.team, person, made, source="recording", clip=kept)
        return person

    async def people(self) -> int:
        return (await self.gallery.page(self.team, limit=1))[1]

    async def found(self, name: str) -> str | None:
        """Who is nearest to a voice, in the space that the gallery is of."""
        space = await self.gallery.space(self.team)
        made = self.engines[1].of_space(space).voiceprint((self.voice(name), 16_000))
        ((*near,),) = await self.search.nearest(self.team, space, made.embedding[None], Selection(), 1)
        return (await self.gallery.get(self.team, near[0].speaker)).name if near else None


@asynccontextmanager
async def rooms(url: str, folder: Path, engines: tuple[Engine, Engine], voice: object) -> AsyncIterator[Rooms]:
    async with opened(url, folder, model=NOW, master_key=MASTER_KEY) as here:
        protection, packs = Protection(here.database, here.settings), Packs(here.settings)
        gallery = Gallery(here.database, protection, packs)
        yield Rooms(
            here=here,
            gallery=gallery,
            upgrade=GalleryUpgrade(here.database, protection, gallery, packs),
            search=Search(here.database, protection, here.settings),
            engines=engines,
            voice=voice,
        )


@pytest.mark.exhaustive
@in_a_loop
async def test_what_happens_meanwhile_is_not_lost(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        await at.enrol("Ada")
        erased = await at.enrol("Ben")
        run = await at.upgrade.ask(at.team)
        later = list[str]()

        def meanwhile(done: int, total: int) -> None:
            later.append(f"{done} of {total}")

        # It breaks off after the first samples; the gallery is as it was, and what is done is kept.
        looks = iter((False, True))
        await at.enrol("Callum")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("timbre.service.upkeep.gallery_upgrade._CLIPS", 1)
            with pytest.raises(Canceled):
                await at.upgrade.run(run, engines[1], stopping=lambda: next(looks), progress=meanwhile)
            assert later == ["1 of 3"]
            assert await at.gallery.space(at.team) == engines[0].space
            assert [await at.found(name) for name in ("Ada", "Ben", "Callum")] == ["Ada", "Ben", "Callum"]
            assert (await at.upgrade.standing(at.team)).run["state"] == "running"

            # Who is erased meanwhile is gone, also from what was made of them; whose key is replaced is not.
            await at.gallery.erase(at.team, erased)
            await rotate_team(at.here.database, at.here.settings, at.team)
            await at.enrol("Dan")
            assert await at.gallery.space(at.team) == engines[0].space
            done = await at.upgrade.run(run, engines[1], progress=meanwhile)
        assert (done.samples, done.people, done.behind) == (3, 3, 0)
        assert await at.gallery.space(at.team) == engines[1].space
        assert [await at.found(name) for name in ("Ada", "Callum", "Dan")] == ["Ada", "Callum", "Dan"]
        assert await at.here.empty("sample_successors")
        assert len(await at.here.rows("SELECT speaker_id FROM speaker_vectors")) == 3
        standing = await at.upgrade.standing(at.team)
        assert (standing.run["state"], standing.needed, standing.earlier) == ("succeeded", False, ())
        assert await at.upgrade.run(run, engines[1]) is None  # it is over
        assert await at.upgrade.ask(at.team) is None  # there is nothing to do


@pytest.mark.exhaustive
@in_a_loop
async def test_who_has_no_clip_stops_it_or_stays_behind(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        await at.enrol("Ada")
        behind = await at.enrol("Ben", clip=False)
        with pytest.raises(UpgradeRefused, match="Of Ben no clip"):
            await at.upgrade.ask(at.team)
        assert (await at.upgrade.standing(at.team)).run is None
        # Somebody without a clip who comes while it runs stops it as well, before anything changes.
        await at.gallery.erase(at.team, behind)
        run = await at.upgrade.ask(at.team)
        behind = await at.enrol("Ben", clip=False)
        assert await at.upgrade.run(run, engines[1]) is None
        failed = (await at.upgrade.standing(at.team)).run
        assert failed["state"] == "failed"
        assert "Of Ben no clip" in failed["error"]
        assert await at.found("Ben") == "Ben"
        run = await at.upgrade.ask(at.team, without_them=True)
        done = await at.upgrade.run(run, engines[1])
        assert (done.samples, done.people, done.behind) == (1, 1, 1)
        assert len((await at.gallery.get(at.team, behind)).samples) == 1
        assert await at.found("Ben") == "Ada"  # nobody else is compared
        assert [row["name"] for row in (await at.upgrade.standing(at.team)).without_clip] == ["Ben"]
        # Back again, nobody has to stay behind: Ben's sample is of that encoder.
        back = GalleryUpgrade(
            at.here.database,
            Protection(at.here.database, at.here.settings),
            at.gallery,
            Packs(at.here.settings.model_copy(update={"model": EARLIER})),
        )
        done = await back.run(await back.ask(at.team), engines[0])
        assert (done.samples, done.people, done.behind) == (1, 2, 0)
        assert await at.found("Ben") == "Ben"


@in_a_loop
async def test_a_clip_that_tells_nothing_is_none(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        person = await at.enrol("Ada", clip=False)
        made = engines[0].voiceprint((voice("Ada")[: 6 * 16_000], 16_000))
        await at.gallery.add_sample(at.team, person, made, source="recording", clip=b"no sound at all")
        assert await at.upgrade.run(await at.upgrade.ask(at.team), engines[1]) is None
        assert "Of Ada no clip" in (await at.upgrade.standing(at.team)).run["error"]


@in_a_loop
async def test_a_run_that_died_is_taken_up(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        await at.enrol("Ada")
        run = await at.upgrade.ask(at.team, queue=at.here.queue)
        assert await at.upgrade.ask(at.team, queue=at.here.queue) is None  # one is enough
        with pytest.raises(UpgradeRefused, match="Another process"):
            await at.upgrade.ask(at.team)
        assert await at.upgrade.take_up(at.here.queue, 0) == 0  # it waits for a worker
        await at.here.rows("UPDATE procrastinate_jobs SET status = 'doing'")
        assert await at.upgrade.take_up(at.here.queue, 0) == 1
        assert await at.upgrade.run(run, engines[1]) is None  # the worker that was silent may do no more
        (row,) = await at.here.rows("SELECT id FROM gallery_upgrades")
        await at.here.queue.drop_ended(0)
        assert await at.here.entries() == [("upgrades", "todo")]
        assert (await at.upgrade.run(row["id"], engines[1])).samples == 1


@in_a_loop
async def test_what_nobody_can_read_is_gone_with_the_key(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        await at.enrol("Ada")
        run = await at.upgrade.ask(at.team)
        looks = iter((False, True))
        await at.enrol("Ben")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("timbre.service.upkeep.gallery_upgrade._CLIPS", 1)
            with pytest.raises(Canceled):
                await at.upgrade.run(run, engines[1], stopping=lambda: next(looks))
        assert not await at.here.empty("sample_successors")
        await forget_team(at.here.database, at.team)
        assert await at.here.empty("sample_successors", "samples", "speaker_vectors")


@in_a_loop
async def test_a_gallery_takes_the_space_of_whoever_comes_first(url, tmp_path, engines, voice):
    async with rooms(url, tmp_path, engines, voice) as at:
        assert await at.gallery.space(at.team) == engines[1].space
        person = await at.enrol("Ada")  # by a voiceprint of the earlier encoder, as from another server
        assert await at.gallery.space(at.team) == engines[0].space
        newer = engines[1].voiceprint((voice("Ada"), 16_000))
        await at.gallery.add_sample(at.team, person, newer, source="voiceprint")
        assert await at.gallery.space(at.team) == engines[0].space
        await at.gallery.erase(at.team, person)
        assert await at.gallery.space(at.team) == engines[1].space  # nobody is left
