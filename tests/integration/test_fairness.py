"""One team's work does not hold up another's: whose turn it is, and which lane a recording is heard in."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from database import Service, opened
from test_queue import work_on

from media import encoded
from timbre.audio.decoding import open_recording
from timbre.audio.outputs import check_room
from timbre.errors import DiskFull, FetchFailed, QuotaSpent, StorageFull, TooManyRequests, UploadRefused
from timbre.http.errors import status_of
from timbre.service.files.media import object_name
from timbre.service.files.pace import paced
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.requests.body import parse
from timbre.service.requests.submissions import DiarizeRequest
from timbre.settings import Settings
from timbre.store.identifiers import new_id
from timbre.store.queue import FETCH_TASK, HEAR_TASK, Lane, Queue

LONG = 11 * 60  # seconds: longer than what is heard in the lane for short recordings


# Whose turn it is


async def wait_in(here: Service, lane: Lane, team: UUID, *names: str) -> None:
    async with here.database.transaction() as connection:
        for name in names:
            await here.queue.defer(connection, lane, HEAR_TASK, team=team, job=name)


async def taken(queue: Queue, worker: int, lane: Lane = Lane.SHORT) -> str | None:
    job = await queue.app.job_manager.fetch_job(queues=[lane], worker_id=worker)
    return None if job is None else str(job.task_kwargs["job"])


async def sharing(here: Service, **most: int) -> Queue:
    queue = Queue(here.database, {Lane(lane): share for lane, share in most.items()})
    await queue.open()
    return queue


def test_whoever_brings_much_waits_for_whoever_brings_little(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path) as here:
            worker = await here.queue.app.job_manager.register_worker()
            greedy, modest, late = new_id(), new_id(), new_id()
            await wait_in(here, Lane.SHORT, greedy, *(f"greedy {number}" for number in range(200)))
            assert await taken(here.queue, worker) == "greedy 0"
            await wait_in(here, Lane.SHORT, modest, "modest 0", "modest 1")
            await wait_in(here, Lane.SHORT, late, "late 0")
            order = [await taken(here.queue, worker) for _ in range(5)]
            assert set(order[:2]) == {"modest 0", "late 0"}  # before the team that has had a turn
            assert set(order[2:4]) == {"greedy 1", "modest 1"}
            assert order[4] == "greedy 2"
            assert await taken(here.queue, worker, Lane.LONG) is None

    asyncio.run(act())


def test_a_team_leaves_places_of_every_worker_to_others(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path) as here:
            queue = await sharing(here, short=2)
            first, second = [await queue.app.job_manager.register_worker() for _ in range(2)]
            greedy, modest = new_id(), new_id()
            await wait_in(here, Lane.SHORT, greedy, *map(str, range(9)))
            assert [await taken(queue, first) for _ in range(3)] == ["0", "1", None]
            assert [await taken(queue, second) for _ in range(3)] == ["2", "3", None]
            await wait_in(here, Lane.SHORT, modest, "modest")
            assert await taken(queue, first) == "modest"
            # What has ended makes room, and whoever found nothing is told of it.
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as listening:
                await listening.execute('LISTEN "procrastinate_queue_v1#short"')
                await here.rows("DELETE FROM procrastinate_jobs WHERE args ->> 'job' = '0'")
                told = [note.payload async for note in listening.notifies(timeout=30, stop_after=1)]
            assert json.loads(told[0])["type"] == "job_inserted"
            assert await taken(queue, first) == "4"

    asyncio.run(act())


def test_what_is_due_later_or_belongs_to_no_team_takes_nobody_s_turn(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path) as here:
            worker = await here.queue.app.job_manager.register_worker()
            await wait_in(here, Lane.WEBHOOKS, new_id(), "later")
            await here.rows("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
            await wait_in(here, Lane.WEBHOOKS, new_id(), "now")
            await here.rows(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                " VALUES ('webhooks', 'deliver', '{\"job\": \"of an earlier version\"}')"
            )
            order = [await taken(here.queue, worker, Lane.WEBHOOKS) for _ in range(3)]
            assert sorted(map(str, order)) == ["None", "now", "of an earlier version"]
            assert order[2] is None

    asyncio.run(act())


def test_a_job_is_told_how_many_come_before_it(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path) as here:
            jobs = [await submitted(here, "https://example.com/a.wav") for _ in range(3)]
            async with here.database.transaction() as connection:
                other = new_id()
                for _ in range(9):
                    await here.queue.defer(connection, Lane.FETCH, FETCH_TASK, team=other, job=str(new_id()))
            # Nobody has had a turn yet: before the third come its own two, and as many of the other team at least.
            assert [(await here.jobs.get(here.caller.team, job))["ahead"] for job in jobs] == [0, 2, 4]
            worker = await here.queue.app.job_manager.register_worker()
            while await taken(here.queue, worker, Lane.FETCH) != str(jobs[0]):
                pass
            assert (await here.jobs.get(here.caller.team, jobs[0]))["ahead"] is None
            assert (await here.jobs.get(here.caller.team, jobs[1]))["ahead"] <= 1

    asyncio.run(act())


# How long a recording is


async def submitted(here: Service, address: str, **body: Any) -> UUID:
    request, _ = parse(DiarizeRequest, json.dumps({"url": address, **body}).encode(), webhook_http=True)
    return (await here.jobs.submit(here.caller, request)).id


async def kept(here: Service, sound: bytes) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield sound

    await here.media.receive(here.caller.team, "silence.flac", chunks())
    return "media://silence.flac"


@pytest.fixture(scope="module")
def silence() -> bytes:
    """A recording of eleven silent minutes that is small: two channels, which can be heard each by itself."""
    samples = np.zeros((2, LONG * 8_000), np.float32)
    samples[:, 4_000:] = 0.25  # an offset is silence too
    return encoded(samples, 8_000, container="flac", codec="flac", layout="stereo")


@pytest.mark.parametrize("options", [{}, {"channels": "separate"}], ids=["mixed", "channels"])
def test_a_long_recording_of_few_bytes_leaves_the_short_lane(
    url: str, tmp_path: Path, silence: bytes, options: dict[str, str]
) -> None:
    assert len(silence) < 1 << 20

    async def act() -> None:
        async with opened(url, tmp_path, threads=1) as here, outgoing_client(here.settings) as client:
            job = await submitted(here, await kept(here, silence), **options)
            assert await here.entries() == [("short", "todo")]
            work = work_on(here, client)
            await work.hear(job, short=True)
            assert (await here.entries())[-1] == ("long", "todo")
            row = await here.row(job)
            assert (row["status"], row["unfinished"]) == ("created", 0)
            await work.hear(job)
            row = await here.row(job)
            assert (row["status"], row["duration"]) == ("succeeded", LONG)

    asyncio.run(act())


def test_hearing_may_take_its_time_and_no_longer(url: str, tmp_path: Path, silence: bytes) -> None:
    async def act() -> None:
        settings = {"threads": 1, "hear_seconds": 1e-9, "hear_pace": 0}
        async with opened(url, tmp_path, **settings) as here, outgoing_client(here.settings) as client:
            job = await submitted(here, await kept(here, silence))
            await work_on(here, client).hear(job)
            row = await here.row(job)
            assert row["status"] == "failed"
            assert "took longer than 0 s" in row["error"]
            assert "TIMBRE_HEAR_PACE" in row["error"]

    asyncio.run(act())


def test_silence_takes_no_room_on_the_disk() -> None:
    samples = np.zeros(60 * 8_000, np.float32)
    samples[8_000:16_000] = 0.5 * np.sin(np.arange(8_000))
    sound = encoded(samples, 8_000, container="flac", codec="flac")
    with open_recording(sound, settings=Settings()) as recording:
        assert recording.samples == 60 * 16_000
        assert os.fstat(recording._file.fileno()).st_blocks * 512 < 4 * 2 * 16_000
        heard = recording.read(0, recording.samples)
    assert np.abs(heard[17_000:31_000]).max() > 0.4
    assert not heard[:15_000].any()
    assert not heard[40_000:].any()


def test_room_is_asked_for_before_it_is_used(tmp_path: Path) -> None:
    with (tmp_path / "sound").open("wb") as file:
        check_room([file], 1)
        with pytest.raises(DiskFull, match=r"MiB are needed, and \d+ are free\); make room, or set TIMBRE_TEMP_DIR"):
            check_room([file] * 8, 1 << 50)


# Room for recordings, and how they arrive


async def sound(size: int) -> AsyncIterator[bytes]:
    for _ in range(size):
        yield b"\0" * (1 << 20)


def test_a_team_keeps_what_it_may_and_leaves_the_rest_to_others(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path, team_gb=5 / 1024) as here:
            mine = here.caller.team
            async with here.database.transaction() as connection:
                other = new_id()
                await connection.execute("INSERT INTO teams (id, name) VALUES (%s, 'other')", (other,))
            await here.media.receive(mine, "kept", sound(2))
            job = await submitted(here, "https://example.com/a.wav")
            fetching = await here.attempts.begin(job, "fetching")
            assert fetching
            await here.attempts.hand_over(fetching, object_name(), 2 << 20)  # counts until it has been heard
            with pytest.raises(QuotaSpent) as refusal:
                await here.media.receive(mine, "too much", sound(2))
            assert status_of(refusal.value) == 413
            await here.media.receive(mine, "the rest", sound(1))
            assert await here.media.upload_link(mine, "full, and no more")
            await here.media.receive(other, "of others", sound(5))
            assert await here.media.find(mine, "too much") is None

    asyncio.run(act())


def test_what_the_disks_have_no_room_for_is_refused_or_waits(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        settings = {"free_gb": 1e9, "threads": 1}
        async with opened(url, tmp_path, **settings) as here, outgoing_client(here.settings) as client:
            for refused in (
                here.media.upload_link(here.caller.team, "any"),
                here.media.receive(here.caller.team, "any", sound(1)),
            ):
                with pytest.raises(StorageFull) as refusal:
                    await refused
                assert status_of(refusal.value) == 507
            job = await submitted(here, "https://example.com/a.wav")
            for act in (work_on(here, client).fetch, work_on(here, client).hear):
                with pytest.raises(StorageFull):
                    await act(job)
                row = await here.row(job)
                assert (row["status"], row["unfinished"]) == ("created", 0)  # it waits for room
                await here.rows("UPDATE jobs SET object = 'aa/bb'")

    asyncio.run(act())


def test_a_team_leaves_places_for_uploads_to_others(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path, upload_places=4) as here:
            greedy, modest = new_id(), new_id()
            with here.media.uploading(greedy, "a"), here.media.uploading(greedy, "b"):
                with pytest.raises(TooManyRequests), here.media.uploading(greedy, "c"):
                    pass
                with here.media.uploading(modest, "a"), pytest.raises(UploadRefused), here.media.uploading(modest, "a"):
                    pass
            with here.media.uploading(greedy, "c"):
                pass

    asyncio.run(act())


def test_whoever_sends_next_to_nothing_is_not_waited_for() -> None:
    async def act() -> None:
        def refusal() -> Exception:
            return FetchFailed("too slow")

        assert len([piece async for piece in paced(sound(3), 1.0, refusal, window=0)]) == 3
        with pytest.raises(FetchFailed, match="too slow"):
            async for _ in paced(sound(3), float("inf"), refusal, window=0):
                pass
        assert len([piece async for piece in paced(sound(3), float("inf"), refusal)]) == 3  # not for a moment

    asyncio.run(act())
