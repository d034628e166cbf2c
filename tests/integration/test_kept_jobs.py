"""Jobs that are kept: nothing of them goes before they are let go, and then all of it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from database import opened
from heard import Rooms, rooms
from people import MASTER_KEY

from server import CONVERSATION
from timbre.errors import JobUnknown, MediaUnknown, VoicesMissing
from timbre.service.jobs.requests import ChangeRequest, RematchRequest
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.upkeep.retention import Retention, Swept

KEEP, LET_GO = ChangeRequest(kept=True), ChangeRequest(kept=False)
Act = Callable[[Rooms, Retention], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:
    """Runs a test's body with all rooms on a database of its own."""

    def run(act: Act) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY, temp_dir=tmp_path) as here:
                await act(rooms(here), Retention(here.database, here.storage, here.settings))

        asyncio.run(body())

    return run


async def uploaded(here: Rooms, name: str = "talk.ogg") -> str:
    async def chunks() -> Any:
        yield CONVERSATION.read_bytes()

    await here.here.media.receive(here.team, name, chunks())
    return f"media://{name}"


async def a_year_passes(here: Rooms) -> None:
    await here.here.rows("UPDATE jobs SET completed_at = completed_at - interval '1 year'")
    await here.here.rows("UPDATE media SET expires_at = expires_at - interval '1 year'")


async def named(here: Rooms) -> UUID:
    job = await here.heard([1, 2], request=DiarizeRequest(url=await uploaded(here)))
    await here.rematch.rematch(here.team, job, RematchRequest())
    return job


def test_with_the_output_goes_all_that_is_kept_beside_it(run):
    async def act(here, retention):
        await here.enrol("Ada", 1)
        job = await named(here)
        young = await named(here)
        await here.here.rows("UPDATE jobs SET completed_at = now() - interval '25 hours' WHERE id = %(job)s", job=job)
        assert (await retention.sweep()).outputs == 1
        for table in ("job_outputs", "job_voices", "job_speakers"):
            assert [row["job_id"] for row in await here.here.rows(f"SELECT job_id FROM {table}")] == [young]  # noqa: S608
        assert not (await here.here.jobs.get(here.team, job))["has_voices"]
        for ask in (here.rematch.voices(here.team, job), here.rematch.rematch(here.team, job, RematchRequest())):
            with pytest.raises(VoicesMissing):
                await ask

    run(act)


def test_a_job_that_is_kept_stays_with_its_recording(run):
    async def act(here, retention):
        ada = await here.enrol("Ada", 1)
        kept, other = await named(here), await here.heard([1])
        assert (await here.here.jobs.change(here.team, kept, KEEP))["kept"]
        await uploaded(here)  # another recording under the same name
        await a_year_passes(here)
        assert await retention.sweep() == Swept(outputs=1, jobs=1, media=1)
        with pytest.raises(JobUnknown):
            await here.here.jobs.get(here.team, other)
        row = await here.here.jobs.get(here.team, kept)
        assert (row["has_voices"], row["has_audio"]) == (True, True)
        assert await here.names(kept) == ["Ada", "SPEAKER_01"]
        recording = await here.here.jobs.recording(here.team, kept)
        assert recording.bytes == len(CONVERSATION.read_bytes())
        assert await here.mentioned(kept) == {ada: True}
        # Let go, all of it is over its time.
        assert not (await here.here.jobs.change(here.team, kept, LET_GO))["has_audio"]
        with pytest.raises(MediaUnknown):
            await here.here.jobs.recording(here.team, kept)
        assert await retention.sweep() == Swept(outputs=1, jobs=1, media=1)
        assert await here.here.empty("jobs", "job_outputs", "job_voices", "job_speakers", "media")

    run(act)


def test_a_job_that_is_kept_can_be_erased(run):
    async def act(here, retention):
        job = await named(here)
        await here.here.jobs.change(here.team, job, KEEP)
        await a_year_passes(here)
        assert not await here.here.jobs.delete(here.team, job)
        assert (await retention.sweep()).media == 1
        assert await here.here.empty("jobs", "job_outputs", "job_voices", "media")

    run(act)


def test_a_recording_is_not_kept_longer_than_its_time_for_a_job_that_is_not(run):
    async def act(here, retention):
        job = await named(here)
        assert (await here.here.jobs.get(here.team, job))["has_audio"]
        await here.here.rows("UPDATE media SET expires_at = now()")
        assert not (await here.here.jobs.get(here.team, job))["has_audio"]
        assert (await retention.sweep()).media == 1

    run(act)


def test_whoever_keeps_a_job_while_it_is_swept_has_all_of_it_or_is_told_that_it_is_gone(run):
    async def act(here, retention):
        for _ in range(5):
            job = await here.heard([1])
            await here.here.rows("UPDATE jobs SET completed_at = now() - interval '25 hours' WHERE NOT kept")
            await asyncio.gather(here.here.jobs.change(here.team, job, KEEP), retention.sweep())
            row = await here.here.jobs.get(here.team, job)
            assert row["kept"]
            assert row["has_voices"] is (await here.here.jobs.output(job) is not None)
            await retention.sweep()
            assert (await here.here.jobs.get(here.team, job))["has_voices"] is row["has_voices"]

    run(act)
