"""Naming again: names follow people, nothing is lost when many change one job, and nobody who is erased stays."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from database import opened
from heard import LINK, Rooms, asking, rooms, sample, talk
from people import MASTER_KEY

from timbre.errors import JobUnknown, RequestInvalid, VoicesMissing
from timbre.service.accounts.teams import Teams
from timbre.service.jobs.jobs import Filter
from timbre.service.jobs.requests import ChangeRequest, RematchRequest
from timbre.service.requests.submissions import DiarizeRequest, IdentifyRequest
from timbre.service.results import outputs
from timbre.service.upkeep.retention import Retention

ALL = RematchRequest()
Act = Callable[[Rooms], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:
    """Runs a test's body with all rooms on a database of its own."""

    def run(act: Act, **settings: Any) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", **{"master_key": MASTER_KEY, **settings}) as here:
                await act(rooms(here))

        asyncio.run(body())

    return run


async def erase(here: Rooms, person: Any) -> None:
    await here.gallery.erase(here.team, person)


# Names


def test_an_old_result_is_named_when_people_become_known(run):
    async def act(here):
        output = {**talk(2), "confidence": {"score": [1, 2], "resolution": 0.02}, "warning": "Hiss"}
        job = await here.heard([1, 2], output=output)
        assert "identification" not in await here.output(job)
        ada = await here.enrol("Ada", 1)
        await here.rematch.rematch(here.team, job, ALL)
        named = await here.output(job)
        assert await here.names(job) == ["Ada", "SPEAKER_01"]
        assert {key: named[key] for key in output} == output
        assert named["gallery"] == {"version": await here.gallery.version(here.team), "people": 1}
        first, second = named["voiceprints"]
        assert (first["speaker"], first["match"], first["speakerId"]) == ("SPEAKER_00", "Ada", str(ada))
        assert first["confidence"] == {"Ada": first["candidates"][0]["confidence"]}
        assert first["confidence"]["Ada"] > 90
        assert (second["match"], second["speakerId"]) == (None, None)
        assert [(turn["match"], turn["speakerId"]) for turn in named["identification"]] == [
            ("Ada", str(ada)),
            (None, None),
        ]
        assert await here.mentioned(job) == {ada: True}
        ben = await here.enrol("Ben", 2)
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada", "Ben"]
        assert await here.mentioned(job) == {ada: True, ben: True}
        row = await here.here.row(job)
        for person in (ada, ben):
            assert (await here.gallery.get(here.team, person)).heard_at == row["completed_at"]
        assert row["type"] == "diarize"

    run(act)


def test_only_those_are_named_who_are_meant(run):
    async def act(here):
        job = await here.heard([1, 2])
        ada = await here.enrol("Ada", 1, tags=("board",))
        await here.enrol("Ben", 2, tags=("staff",))
        for speakers, expected in (
            ([str(ada)], ["Ada", "SPEAKER_01"]),
            ({"tags": ["staff", "guests"]}, ["SPEAKER_00", "Ben"]),
            ({"tags": ["guests"]}, ["SPEAKER_00", "SPEAKER_01"]),
            ("all", ["Ada", "Ben"]),
        ):
            await here.rematch.rematch(here.team, job, RematchRequest(speakers=speakers))
            assert await here.names(job) == expected

    run(act)


def test_the_five_best_candidates_of_many_are_told(run):
    async def act(here):
        people = [await here.enrol(f"Person {seed}", seed) for seed in range(1, 9)]
        job = await here.heard([3])
        await here.rematch.rematch(here.team, job, ALL)
        (voice,) = (await here.output(job))["voiceprints"]
        assert voice["match"] == "Person 3"
        assert len(voice["candidates"]) == 5
        assert voice["candidates"][0]["speakerId"] == str(people[2])
        told = [candidate["confidence"] for candidate in voice["candidates"]]
        assert told == sorted(told, reverse=True)
        assert voice["confidence"] == {each["name"]: each["confidence"] for each in voice["candidates"]}
        assert sorted((await here.mentioned(job)).values()) == [False] * 4 + [True]

    run(act)


def test_voiceprints_that_came_with_a_job_are_looked_for_again(run):
    async def act(here):
        sent = {"label": "Cleo", "voiceprint": str(sample(here.space, 2))}
        request = IdentifyRequest.model_validate({"url": LINK, "voiceprints": [sent]})
        job = await here.heard([1, 2], request=request)
        await here.enrol("Ada", 1)
        await here.rematch.rematch(here.team, job, RematchRequest(voiceprints=[sent]))
        assert await here.names(job) == ["Ada", "Cleo"]
        cleo = (await here.output(job))["voiceprints"][1]
        assert (cleo["match"], cleo["speakerId"]) == ("Cleo", None)
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada", "Cleo"]  # they were kept, sealed
        # Who has become a person is one; their name means nobody else.
        person = await here.enrol("cleo", 2)
        await here.rematch.rematch(here.team, job, ALL)
        assert (await here.output(job))["voiceprints"][1]["speakerId"] == str(person)
        with pytest.raises(RequestInvalid) as refused:
            await here.rematch.rematch(here.team, job, RematchRequest(voiceprints=[sent]))
        assert refused.value.errors[0][0] == "voiceprints.0.label"
        # Nor does it come back once they are erased.
        await here.gallery.erase(here.team, person)
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada", "SPEAKER_01"]

    run(act)


def test_who_is_not_there_is_refused(run):
    async def act(here):
        job = await here.heard([1])
        ada = await here.enrol("Ada", 1)
        await erase(here, ada)
        with pytest.raises(RequestInvalid) as refused:
            await here.rematch.rematch(here.team, job, RematchRequest(speakers=[str(ada)]))
        assert refused.value.errors == (("speakers.0", str(refused.value.errors[0][1])),)
        with pytest.raises(RequestInvalid):
            await here.here.jobs.submit(here.here.caller, asking(speakers=[str(ada)]))

    run(act)


def test_without_a_master_key_jobs_work_and_keep_no_voices(run):
    async def act(here):
        job = await here.heard([1])
        assert await here.output(job) == talk(1)
        assert not (await here.here.jobs.get(here.team, job))["has_voices"]
        with pytest.raises(VoicesMissing):
            await here.rematch.rematch(here.team, job, ALL)

    run(act, master_key=None)


def test_another_team_sees_nothing(run):
    async def act(here):
        job = await here.heard([1])
        teams = Teams(here.here.database)
        other = (await teams.authenticate(f"Bearer {await teams.create_key('k', team='other')}")).team
        for ask in (
            here.rematch.rematch(other, job, ALL),
            here.decisions.history(other, job),
            here.rematch.voices(other, job),
            here.rematch.clip(other, job, "SPEAKER_00"),
            here.enrolment.voice_of_job(other, job, "SPEAKER_00"),
            here.here.jobs.change(other, job, ChangeRequest(kept=True)),
            here.here.jobs.peaks(other, job),
            here.here.jobs.recording(other, job),
        ):
            with pytest.raises(JobUnknown):
                await ask
        # And its people are named in no job of ours.
        stranger = await here.gallery.create(other, name="Zoe")
        await here.gallery.add_sample(other, stranger, sample(here.space, 1), source="voiceprint")
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["SPEAKER_00"]

    run(act)


# People who change


def test_erasing_a_person_takes_the_name_out_of_every_output(run):
    async def act(here):
        ada, ben = await here.enrol("Ada Lovelace", 1), await here.enrol("Ben", 2)
        jobs = [await here.heard([1, 2]), await here.heard([2])]
        for job in jobs:
            await here.rematch.rematch(here.team, job, ALL)
        assert await here.mentioned(jobs[1]) == {ada: False, ben: True}
        await erase(here, ada)
        for job in jobs:
            body, _ = await here.here.jobs.output(job)
            text = gzip.decompress(body).decode()
            assert "Lovelace" not in text
            assert str(ada) not in text
            assert await here.mentioned(job) == {ben: True}
        assert await here.names(jobs[0]) == ["SPEAKER_00", "Ben"]
        voice = (await here.output(jobs[0]))["voiceprints"][0]
        assert (voice["match"], voice["speakerId"]) == (None, None)
        assert [each["name"] for each in voice["candidates"]] == ["Ben"]

    run(act)


def test_names_and_merges_of_people_are_followed(run):
    async def act(here):
        ada, twin = await here.enrol("Ada", 1), await here.enrol("Twin", 2)
        job = await here.heard([1, 2])
        await here.rematch.rematch(here.team, job, ALL)
        await here.gallery.update(here.team, ada, name="Countess")
        assert await here.names(job) == ["Countess", "Twin"]
        await here.gallery.merge(here.team, ada, [twin])
        assert await here.names(job) == ["Countess", "Countess"]
        assert await here.mentioned(job) == {ada: True}
        assert {voice["speakerId"] for voice in (await here.output(job))["voiceprints"]} == {str(ada)}

    run(act)


def test_a_result_that_is_written_while_its_people_change_has_them_as_they_are_then(run):
    async def act(here):
        ada, ben = await here.enrol("Ada", 1), await here.enrol("Ben", 2)
        first = await here.heard([1, 2])
        await here.rematch.rematch(here.team, first, ALL)
        found = await here.output(first)  # as a worker has it that looked people up some time ago
        job = (await here.here.jobs.submit(here.here.caller, asking())).id
        attempt = await here.here.attempts.begin(job, "waiting")
        await erase(here, ada)
        await here.gallery.update(here.team, ben, name="Benjamin")
        assert await here.succeed(attempt, [1, 2], output=found)
        assert await here.names(job) == ["SPEAKER_00", "Benjamin"]
        assert await here.mentioned(job) == {ben: True}
        assert "Ada" not in json.dumps(await here.output(job))
        # At the very same time, both ways round, again and again.
        for number in range(6):
            person = await here.enrol(f"Dora {number}", 1)
            named = json.loads(json.dumps(found).replace(str(ada), str(person)).replace('"Ada"', f'"Dora {number}"'))
            job = (await here.here.jobs.submit(here.here.caller, asking())).id
            attempt = await here.here.attempts.begin(job, "waiting")
            await asyncio.gather(here.succeed(attempt, [1, 2], output=named), erase(here, person))
            assert "Dora" not in json.dumps(await here.output(job))

    run(act)


# Several at once


def test_many_rematches_at_once_all_come_to_an_end(run):
    async def act(here):
        ada = await here.enrol("Ada", 1)
        await here.enrol("Ben", 2)
        job = await here.heard([1, 2])
        wishes = [RematchRequest(speakers=[str(ada)]), ALL] * 4
        await asyncio.gather(*(here.rematch.rematch(here.team, job, wish) for wish in wishes))
        names = await here.names(job)
        assert names in (["Ada", "SPEAKER_01"], ["Ada", "Ben"])
        # What is noted, what is kept and what is said are of the same one.
        assert (await here.mentioned(job)).get(ada) is True
        voices = await here.voices.get(here.team, job)
        assert voices.asked is not None
        assert (voices.asked.selection.ids is None) is (names[1] == "Ben")

    run(act)


@pytest.mark.parametrize("order", range(4))
def test_a_rematch_and_the_end_of_a_job_do_each_other_no_harm(run, order):
    async def act(here):
        ada = await here.enrol("Ada", 1)
        deleted, expired, erased = [await here.heard([1]) for _ in range(3)]
        await here.rematch.rematch(here.team, erased, ALL)
        await here.here.rows("UPDATE jobs SET completed_at = now() - interval '2 days' WHERE id = %(job)s", job=expired)
        sweep = Retention(here.here.database, here.here.storage, here.here.settings)
        acts = [
            *(here.rematch.rematch(here.team, job, ALL) for job in (deleted, expired, erased)),
            here.here.jobs.delete(here.team, deleted),
            sweep.sweep(),
            erase(here, ada),
        ]
        acts = acts[order:] + acts[:order]
        ends = await asyncio.gather(*acts, return_exceptions=True)
        assert {type(end) for end in ends if isinstance(end, BaseException)} <= {JobUnknown, VoicesMissing}
        assert await here.here.jobs.output(deleted) is None
        await sweep.sweep()
        for job in (expired, deleted):
            assert not await here.here.rows("SELECT 1 FROM job_voices WHERE job_id = %(job)s", job=job)
            assert not await here.mentioned(job)
        assert await here.here.jobs.output(expired) is None
        assert await here.names(erased) == ["SPEAKER_00"]
        assert "Ada" not in json.dumps(await here.output(erased))

    run(act)


def test_a_rematch_and_a_new_title_are_both_kept(run):
    async def act(here):
        await here.enrol("Ada", 1)
        job = await here.heard([1])
        await asyncio.gather(
            here.rematch.rematch(here.team, job, ALL),
            *(here.here.jobs.change(here.team, job, ChangeRequest(title=f"{number}")) for number in range(5)),
        )
        assert await here.names(job) == ["Ada"]
        assert (await here.here.jobs.get(here.team, job))["title"] in set("01234")

    run(act)


# Voices of a job


def test_voices_are_listed_and_listened_to(run):
    async def act(here):
        ada = await here.enrol("Ada", 1)
        job = await here.heard([1, 2])
        first, second = await here.rematch.voices(here.team, job)
        assert first == {
            "speaker": "SPEAKER_00", "seconds": 20.0, "hasClip": True,
            "match": None, "speakerId": None, "candidates": [], "learned": False,
        }  # fmt: skip
        await here.rematch.rematch(here.team, job, ALL)
        first, second = await here.rematch.voices(here.team, job)
        assert (first["match"], first["speakerId"]) == ("Ada", str(ada))
        assert second["candidates"][0]["name"] == "Ada"
        assert await here.rematch.clip(here.team, job, "SPEAKER_01") == b"clip 2"
        with pytest.raises(VoicesMissing):
            await here.rematch.clip(here.team, job, "SPEAKER_02")
        silent = await here.heard([1], clips=False)
        assert [voice["hasClip"] for voice in await here.rematch.voices(here.team, silent)] == [False]
        with pytest.raises(VoicesMissing):
            await here.rematch.clip(here.team, silent, "SPEAKER_00")

    run(act)


def test_a_voice_of_a_job_becomes_a_sample(run):
    async def act(here):
        job = await here.heard([1])
        voice = await here.enrolment.voice_of_job(here.team, job, "SPEAKER_00")
        assert voice.clip == b"clip 1"
        assert voice.voiceprint.speech_seconds == 20.0
        person = await here.gallery.create(here.team, name="Ada")
        await here.gallery.add_sample(
            here.team, person, voice.voiceprint, source="job", job=job, clip=voice.clip, key=here.here.caller.key
        )
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada"]
        with pytest.raises(VoicesMissing):
            await here.enrolment.voice_of_job(here.team, job, "SPEAKER_01")

    run(act)


def test_what_is_rewritten_is_counted(run):
    async def act(here):
        ada = await here.enrol("Ada", 1)
        jobs = [await here.heard([1]) for _ in range(3)]
        for job in jobs[:2]:
            await here.rematch.rematch(here.team, job, ALL)
        async with here.here.database.transaction() as connection:
            assert await outputs.rename(connection, here.team, ada, "Countess") == 2
            assert await outputs.forget(connection, here.team, ada) == 2
            assert await outputs.forget(connection, here.team, ada) == 0

    run(act)


# Keeping and finding


def test_jobs_are_called_something_and_found(run):
    async def act(here):
        async def listed(**filters: Any) -> list[Any]:
            return [row["id"] for row in await here.here.jobs.page(here.team, limit=10, only=Filter(**filters))]

        ada = await here.enrol("Ada", 1)
        first = await here.heard([1], request=DiarizeRequest(url=LINK, title="Board 100%.ogg"))
        second = await here.heard([2])
        assert await listed(part="boARD 100%") == [first]
        assert await listed(part="board_100") == []
        assert await listed(speaker=ada) == []
        for job in (first, second):
            await here.rematch.rematch(here.team, job, ALL)
        assert await listed(speaker=ada) == [first]  # of the second they are a candidate alone
        row = next(row for row in await here.here.jobs.page(here.team, limit=9) if row["id"] == first)
        assert row["speakers"] == [{"speakerId": str(ada), "name": "Ada"}]
        assert (row["title"], row["kept"]) == ("Board 100%.ogg", False)
        changed = await here.here.jobs.change(here.team, first, ChangeRequest(title="", kept=True))
        assert (changed["title"], changed["kept"]) == (None, True)
        assert (await here.here.jobs.change(here.team, first, ChangeRequest()))["kept"] is True

    run(act)
