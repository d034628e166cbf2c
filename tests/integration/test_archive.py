"""An archive: how long recordings are kept, by rules and by hand, how they are found, and many of them at once."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from database import opened
from heard import LINK, Rooms, asking, rooms
from people import MASTER_KEY

from server import CONVERSATION
from timbre.errors import OutputMissing, RequestInvalid
from timbre.service.accounts.teams import Teams
from timbre.service.jobs.archive import Archive
from timbre.service.jobs.jobs import Filter
from timbre.service.jobs.requests import ChangeJobsRequest, ExportJobsRequest, JobsRequest, RematchRequest
from timbre.service.requests.submissions import DiarizeRequest, VoiceprintRequest
from timbre.service.upkeep.keeping import Keeping, Rules
from timbre.service.upkeep.keeping_requests import KeepingRequest
from timbre.service.upkeep.retention import Retention

Act = Callable[[Rooms, Archive, Keeping, Retention], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[[Act], None]:
    """Runs a test's body with all rooms on a database of its own."""

    def run(act: Act) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY, temp_dir=tmp_path) as here:
                await act(
                    rooms(here),
                    Archive(here.database, here.jobs, here.storage),
                    Keeping(here.database, here.settings),
                    Retention(here.database, here.storage, here.settings),
                )

        asyncio.run(body())

    return run


async def taken(archive: Archive, team: UUID, wanted: ExportJobsRequest) -> BytesIO:
    return BytesIO(b"".join([piece async for piece in await archive.export(team, wanted)]))


async def added(here: Rooms, *, web: bool, request: Any = None, seeds: tuple[int, ...] = (1,), **more: Any) -> UUID:
    """A recording that came through the web app, or through the API."""
    caller = replace(here.here.caller, web=web)
    request = request or DiarizeRequest(url=LINK, **more)
    job = (await here.here.jobs.submit(caller, request)).id
    attempt = await here.here.attempts.begin(job, "waiting")
    assert attempt
    assert await here.succeed(attempt, seeds)
    return job


async def days_pass(here: Rooms, days: int) -> None:
    earlier = {"days": days}
    await here.here.rows("UPDATE jobs SET completed_at = completed_at - make_interval(days => %(days)s)", **earlier)
    await here.here.rows("UPDATE media SET expires_at = expires_at - make_interval(days => %(days)s)", **earlier)


async def there(here: Rooms) -> set[UUID]:
    return {row["job_id"] for row in await here.here.rows("SELECT job_id FROM job_outputs")}


def rules(**said: Any) -> KeepingRequest:
    return KeepingRequest.model_validate(said)


def test_what_is_added_in_the_web_app_stays_and_what_comes_by_the_api_goes(run):
    async def act(here, archive, keeping, retention):
        async def chunks() -> Any:
            yield CONVERSATION.read_bytes()

        await here.here.media.receive(here.team, "talk.ogg", chunks())
        web = await added(here, web=True, request=DiarizeRequest(url="media://talk.ogg"))
        api = await added(here, web=False)
        enrolled = await added(here, web=True, request=VoiceprintRequest(url=LINK))
        assert await keeping.rules(here.team) == Rules(web="forever", api=None, tags={})
        await days_pass(here, 365)
        swept = await retention.sweep()
        assert (swept.outputs, swept.jobs, swept.media) == (2, 2, 0)
        assert await there(here) == {web}
        row = await here.here.jobs.get(here.team, web)
        assert (row["kept"], row["stays"], row["goes_at"], row["has_audio"]) == (False, True, None, True)
        assert (await here.here.jobs.recording(here.team, web)).bytes
        assert {api, enrolled}.isdisjoint(await there(here))

    run(act)


def test_rules_say_how_long_by_how_it_came_and_by_tag(run):
    async def act(here, archive, keeping, retention):
        caller = here.here.caller
        web = await added(here, web=True)
        await added(here, web=False)
        tagged = await added(here, web=False, tags=["calls", "board"])
        pinned = await added(here, web=True)
        await archive.change(here.team, ChangeJobsRequest.model_validate({"jobs": [str(pinned)], "kept": True}))
        await days_pass(here, 20)
        wanted = rules(web=30, api=10, tags={"calls": 15, "board": 25, "gone": 5})
        # 20 days old: the API's are over their time, and those of the longest tag are not.
        for preview in (True, False):
            now, over = await keeping.change(caller, wanted, preview=preview)
            assert now == Rules(web=30, api=10, tags={"board": 25, "calls": 15, "gone": 5})
            assert over == 1
            assert (await keeping.rules(here.team) == now) is not preview
        row = await here.here.jobs.get(here.team, web)
        assert (row["goes_at"] - row["completed_at"]).days == 30
        assert (await retention.sweep()).outputs == 1
        assert await there(here) == {web, tagged, pinned}
        # Without its tag it goes as it came; null takes a rule away, `server` that of the API.
        await archive.change(
            here.team, ChangeJobsRequest.model_validate({"jobs": [str(tagged)], "removeTags": ["board"]})
        )
        assert (await retention.sweep()).outputs == 1
        now, over = await keeping.change(caller, rules(web=1, api="server", tags={"calls": None, "gone": None}))
        assert (now, over) == (Rules(web=1, api=None, tags={"board": 25}), 1)
        assert (await retention.sweep()).outputs == 1
        assert await there(here) == {pinned}
        for wrong in ({"web": 0}, {"web": True}, {"web": "server"}, {"tags": {"": 3}}, {"tags": {"calls": 1.5}}):
            with pytest.raises(ValueError, match="Expected"):
                rules(**wrong)
        # Another team has rules of its own.
        other = await Teams(here.here.database).authenticate(
            f"Bearer {await Teams(here.here.database).create_key('k', team='other')}"
        )
        assert await keeping.rules(other.team) == Rules()
        _, over = await keeping.change(other, rules(web=1, tags={"board": 1}))
        assert over == 0
        assert (await keeping.rules(here.team)).tags == {"board": 25}

    run(act)


def test_recordings_are_found_by_what_is_known_of_them_in_any_order(run):
    async def act(here, archive, keeping, retention):
        async def listed(**more: Any) -> list[UUID]:
            page = {name: more.pop(name) for name in ("sort", "before") if name in more}
            return [row["id"] for row in await here.here.jobs.page(here.team, limit=9, only=Filter(**more), **page)]

        await here.enrol("Ada", 1)
        first = await here.heard([1], request=asking(title="Émile Straße.ogg", tags=["board"]))
        second = await here.heard([1, 2, 3], request=asking(title="abend.ogg"))
        third = await here.heard([2], request=asking(title="Zug.ogg"))
        for job in (first, second):
            await here.rematch.rematch(here.team, job, RematchRequest())
        assert await listed(part="emile strasse") == await listed(part="ÉMILE") == [first]
        assert await listed(tag="board") == [first]
        assert await listed(tag="boar") == []
        assert await listed(unnamed=True) == [third, second]
        assert await listed(unchecked=True) == [third, second, first]
        row = await here.here.row(second)
        assert await listed(since=row["created_at"]) == [third, second]
        assert await listed(until=row["created_at"]) == [first]
        for sort, order in {
            "newest": [third, second, first],
            "oldest": [first, second, third],
            "title": [second, first, third],
            "longest": [second, third, first],
        }.items():
            assert await listed(sort=sort) == order
            assert await listed(sort=sort, before=order[0]) == order[1:]
        # Decided about and looked at, they are neither unnamed nor unchecked.
        await here.decide(third, "nobody", voice="SPEAKER_00")
        await here.decide(first, "check", turns=["0"])
        assert await listed(unnamed=True) == [second]
        assert await listed(unchecked=True) == [second]
        assert [(row["tag"], row["jobs"]) for row in await archive.tags(here.team)] == [("board", 1)]
        people, total = await here.gallery.page(here.team, limit=9, part="ÁDÄ")
        assert ([person.name for person in people], total) == (["Ada"], 1)

    run(act)


def test_many_recordings_are_tagged_kept_taken_as_files_and_deleted(run):
    async def act(here, archive, keeping, retention):
        jobs = [
            await here.heard([1, 2], request=DiarizeRequest(url=LINK, title=f"a/{title}")) for title in ("X.ogg", "x")
        ]
        waiting = (await here.here.jobs.submit(here.here.caller, DiarizeRequest(url=LINK))).id
        teams = Teams(here.here.database)
        other = (await teams.authenticate(f"Bearer {await teams.create_key('k', team='other')}")).team
        every = [*map(str, jobs), str(waiting)]

        def asked(model: Any, **more: Any) -> Any:
            return model.model_validate({"jobs": every, **more})

        change = asked(ChangeJobsRequest, kept=True, addTags=["b", "a", "b"])
        assert await archive.change(other, change) == []
        assert set(await archive.change(here.team, change)) == {*jobs, waiting}
        await archive.change(here.team, asked(ChangeJobsRequest, addTags=["c", "a"], removeTags=["b"]))
        row = await here.here.jobs.get(here.team, jobs[0])
        assert (row["tags"], row["kept"]) == (["a", "c"], True)
        with pytest.raises(RequestInvalid):
            await archive.change(here.team, asked(ChangeJobsRequest, addTags=[str(each) for each in range(19)]))
        assert (await here.here.jobs.get(here.team, jobs[0]))["tags"] == ["a", "c"]

        wanted = asked(ExportJobsRequest, formats=["json", "rttm"])
        with zipfile.ZipFile(await taken(archive, here.team, wanted)) as packed:
            assert packed.namelist() == ["a-X.json", "a-X.rttm", "a-x (2).json", "a-x (2).rttm", "left-out.txt"]
            assert json.loads(packed.read("a-X.json")) == await here.output(jobs[0])
            assert packed.read("a-X.rttm").count(b"\n") == 2
            assert packed.read("left-out.txt").startswith(f"{waiting}: This job has no output yet".encode())
        with pytest.raises(OutputMissing):
            await archive.export(other, wanted)

        assert (await archive.delete(other, asked(JobsRequest).jobs)).missing == (*jobs, waiting)
        done = await archive.delete(here.team, asked(JobsRequest).jobs)
        assert (done.deleted, done.canceled, done.missing) == (tuple(jobs), (waiting,), ())
        for wrong in (
            {"jobs": []},
            {"jobs": ["x"]},
            {"jobs": every, "formats": ["mp3"]},
            {"jobs": every, "formats": []},
        ):
            with pytest.raises(ValueError, match="Expected"):
                ExportJobsRequest.model_validate(wrong)

    run(act)


def test_recordings_are_taken_with_their_results(run):
    """In parts, as they were uploaded; one that is not kept any more is left out and named."""

    async def act(here: Rooms, archive: Archive, keeping: Keeping, retention: Retention) -> None:
        sound = b"OggS" + bytes(range(256)) * 12_000  # three pieces of it at a time

        async def chunks() -> AsyncIterator[bytes]:
            yield sound

        jobs = []
        for title in ("Monday.mp3", "Monday", "Gone.wav"):
            await here.here.media.receive(here.team, title, chunks())
            jobs.append(await here.heard([1], request=DiarizeRequest(url=f"media://{title}", title=title)))
        gone = await here.here.jobs.recording(here.team, jobs[2])
        await here.here.database.one(b"UPDATE media SET expires_at = now() WHERE id = %(id)s", {"id": gone.id})
        wanted = ExportJobsRequest.model_validate({"jobs": list(map(str, jobs)), "recordings": True})
        pieces = [piece async for piece in await archive.export(here.team, wanted)]
        assert max(map(len, pieces)) < len(sound) / 2
        with zipfile.ZipFile(BytesIO(b"".join(pieces))) as packed:
            assert packed.testzip() is None
            assert packed.namelist() == [
                "Monday.json", "Monday.mp3", "Monday (2).json", "Monday (2).ogg", "Gone.json", "left-out.txt",
            ]  # fmt: skip
            assert packed.read("Monday.mp3") == packed.read("Monday (2).ogg") == sound
            assert packed.read("left-out.txt").startswith(f"{jobs[2]}: The recording of this job is not kept".encode())
        # Whoever goes away in the middle leaves nothing open.
        begun = await archive.export(here.team, wanted)
        await anext(begun)
        await begun.aclose()

    run(act)
