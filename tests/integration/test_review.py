"""Reviews: likely names and unknown voices over recordings, decided about at once, and named again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from database import opened
from heard import Rooms, asking, rooms, sample
from people import MASTER_KEY

from timbre.errors import JobUnknown, NameTaken, RequestInvalid, VoiceDecided
from timbre.service.accounts.teams import Teams
from timbre.service.jobs.requests import RematchRequest
from timbre.service.keys.template_protection import Protection
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.review.requests import RenameRequest, ReviewRequest
from timbre.service.review.review import Review, Said, Waiting
from timbre.service.upkeep.key_rotation import rotate_team
from timbre.service.upkeep.retention import Retention
from timbre.service.upkeep.summaries import Summaries

ALL = RematchRequest()
NOW = RenameRequest()
Act = Callable[[Rooms, Review], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[[Act], None]:
    """Runs a test's body with all rooms on a database of its own."""

    def run(act: Act) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY, temp_dir=tmp_path) as service:
                here = rooms(service)
                review = Review(
                    service.database,
                    decisions=here.decisions,
                    rematch=here.rematch,
                    gallery=here.gallery,
                    voices=here.voices,
                    candidates=here.candidates,
                    settings=service.settings,
                )
                await act(here, review)

        asyncio.run(body())

    return run


async def named(here: Rooms, *seeds: int, title: str = "Talk") -> UUID:
    """A recording that was named by the people there are."""
    job = await here.heard(seeds, request=asking(title=title))
    await here.rematch.rematch(here.team, job, ALL)
    return job


def voice(job: UUID, number: int = 0) -> dict[str, str]:
    return {"jobId": str(job), "speaker": f"SPEAKER_{number:02}"}


async def say(here: Rooms, review: Review, kind: str, *voices: dict[str, str], **more: Any) -> list[Said]:
    request = ReviewRequest.model_validate({"kind": kind, "voices": list(voices), **more})
    return (await review.decide(here.here.caller, request))[1]


async def waiting(here: Rooms, review: Review, **more: Any) -> Waiting:
    return await review.waiting(here.team, 50, **more)


def matched(found: Waiting) -> list[tuple[UUID, str, str]]:
    return [(row["job_id"], row["speaker"], row["name"]) for row in found.matches]


def heard_in(found: Waiting) -> list[set[tuple[UUID, str]]]:
    return [{(row["job_id"], row["speaker"]) for row in group.voices} for group in found.groups]


def test_likely_names_wait_until_somebody_says_yes_or_no(run):
    async def act(here, review):
        ada, ben = await here.enrol("Ada", 1), await here.enrol("Ben", 2)
        first, second = await named(here, 1, 2), await named(here, 1, 3, title="Board")
        found = await waiting(here, review)
        assert set(matched(found)) == {
            (first, "SPEAKER_00", "Ada"),
            (first, "SPEAKER_01", "Ben"),
            (second, "SPEAKER_00", "Ada"),
        }
        assert found.matches_total == 3
        (row,) = [row for row in found.matches if row["job_id"] == second]
        assert (row["title"], row["seconds"], row["starts"], row["doubtful"]) == ("Board", 9.5, 0.0, False)
        assert row["confidence"] > 90
        await say(here, review, "name", voice(first), speakerId=str(ada))
        await say(here, review, "reject", voice(first, 1), speakerId=str(ben))
        assert matched(await waiting(here, review)) == [(second, "SPEAKER_00", "Ada")]
        assert await here.names(first) == ["Ada", "SPEAKER_01"]
        # Undone, they wait again.
        await here.undo(first)
        assert (first, "SPEAKER_01", "Ben") in matched(await waiting(here, review))
        # Whoever looked at all turns of a voice has seen the name.
        await here.decide(second, "check", turns=["0"])
        assert second not in {job for job, _, _ in matched(await waiting(here, review))}

    run(act)


def test_unknown_voices_are_grouped_over_recordings_and_named_in_one_go(run):
    async def act(here, review):
        jobs = [await here.heard([seed, 10 + at]) for at, seed in enumerate((5, 5, 6, 5))]
        both = await here.heard([5, 5])  # whoever heard it has told these two apart
        found = await waiting(here, review)
        first, *others = heard_in(found)
        assert {job for job, _ in first} == {jobs[0], jobs[1], jobs[3], both}
        assert found.groups_total == len(found.groups) == 7
        assert sorted(map(len, others)) == [1] * 6
        assert heard_in(await waiting(here, review, least=2)) == [first]
        said = await say(
            here,
            review,
            "name",
            *({"jobId": str(job), "speaker": label} for job, label in sorted(first)),
            name="Cleo",
            consent={"basis": "signed form"},
        )
        assert [each.error for each in said] == [None] * 4
        person = await here.gallery.find(here.team, "cleo")
        assert person is not None
        assert person.consent is not None
        assert len(person.samples) == 1  # the same vector four times is one
        assert (await here.names(jobs[0]))[0] == "Cleo"
        # What sounds like her now is said to, and is not she where somebody said so.
        found = await waiting(here, review)
        (mine,) = [group for group in found.groups if group.voices[0]["job_id"] == both]
        assert (mine.candidates[0].name, mine.candidates[0].confidence > 90) == ("Cleo", True)
        await say(here, review, "reject", voice(both, int(mine.voices[0]["speaker"][-1])), speakerId=str(person.id))
        (mine,) = [group for group in (await waiting(here, review)).groups if group.voices[0]["job_id"] == both]
        assert mine.candidates == ()
        await say(here, review, "nobody", voice(both, int(mine.voices[0]["speaker"][-1])))
        assert both not in {job for group in heard_in(await waiting(here, review)) for job, _ in group}

    run(act)


def test_people_who_have_changed_are_one_action_for_all_recordings(run):
    async def act(here, review):
        await here.enrol("Zoe", 9)
        jobs = [await named(here, 1, 2) for _ in range(3)]
        by_hand = await named(here, 1)
        await here.decide(by_hand, "nobody", voice="SPEAKER_00")
        plain = await here.heard([1], request=DiarizeRequest(url="https://example.com/talk.ogg"))
        assert (await waiting(here, review)).affected == 0
        await here.enrol("Ada", 1)
        assert (await waiting(here, review)).affected == 3  # not what is decided, nor what nobody asked to be named
        done = await review.rename(here.team, RenameRequest(seconds=0.001))
        assert (done.named, done.changed, done.left) == (1, 1, 2)
        done = await review.rename(here.team, NOW)
        assert (done.named, done.changed, done.passed_over, done.left) == (2, 2, 0, 0)
        for job in jobs:
            assert await here.names(job) == ["Ada", "SPEAKER_01"]
        assert "identification" not in await here.output(plain)
        assert (await waiting(here, review)).affected == 0
        # A name that changes says nothing about a voice.
        ada = await here.gallery.find(here.team, "Ada")
        await here.gallery.update(here.team, ada.id, name="Ada Lovelace")
        assert (await waiting(here, review)).affected == 0

    run(act)


def test_names_that_stand_on_a_withdrawn_sample_are_listed_and_given_again(run):
    async def act(here, review):
        wrong = await here.heard([1])
        ada = await here.enrol("Ada", 20)
        before = await named(here, 20)
        await here.decide(wrong, "name", voice="SPEAKER_00", speaker_id=str(ada), learn=True)  # it is somebody else
        after = [await named(here, 1), await named(here, 1, 2)]
        for job in after:
            assert (await here.names(job))[0] == "Ada"
        rows, talk = await here.here.jobs.heard(here.team, ada, limit=9)
        assert {row["id"] for row in rows} == {wrong, before, *after}
        assert (talk["recordings"], talk["turns"], talk["seconds"]) == (4, 4, 38.0)
        assert not any(row["doubtful"] for row in rows)
        await here.undo(wrong)
        rows, _ = await here.here.jobs.heard(here.team, ada, limit=9)
        assert {row["id"]: row["doubtful"] for row in rows} == {before: False, after[0]: True, after[1]: True}
        assert [row["doubtful"] for row in (await waiting(here, review)).matches] == [True, True, False]
        done = await review.rename(here.team, RenameRequest(speaker_id=str(ada)))
        assert (done.named, done.changed, done.left) == (2, 2, 0)
        rows, _ = await here.here.jobs.heard(here.team, ada, limit=9)
        assert {row["id"]: row["doubtful"] for row in rows} == {before: False}
        # Likewise a sample that is erased by hand, and after people were made one.
        (kept,) = (await here.gallery.get(here.team, ada)).samples
        other = await here.enrol("Ada L.")
        await here.gallery.remove_sample(here.team, ada, kept.id)
        await here.gallery.merge(here.team, other, [ada])
        rows, _ = await here.here.jobs.heard(here.team, other, limit=9)
        assert [(row["id"], row["doubtful"]) for row in rows] == [(before, True)]

    run(act)


def test_who_comes_second_is_told_and_what_is_gone_is_said(run):
    async def act(here, review):
        ada, ben = await here.enrol("Ada", 1), await here.enrol("Ben", 2)
        job, gone = await named(here, 1, 2), await named(here, 1)
        # Two people at once about one voice: one is told.
        both = await asyncio.gather(
            say(here, review, "name", voice(job), speakerId=str(ada)),
            say(here, review, "name", voice(job), speakerId=str(ben)),
            return_exceptions=True,
        )
        assert sorted(isinstance(each, VoiceDecided) for each in both) == [False, True]
        assert "Somebody has said meanwhile who SPEAKER_00 is" in str(
            next(x for x in both if isinstance(x, VoiceDecided))
        )
        # About two voices of one result: both are kept.
        job = await named(here, 1, 2)
        await asyncio.gather(
            say(here, review, "name", voice(job), speakerId=str(ada)),
            say(here, review, "name", voice(job, 1), speakerId=str(ben)),
        )
        assert [entry["kind"] for entry in await here.decisions.history(here.team, job)] == ["name", "name"]
        # A recording that was deleted, by itself and among others.
        await here.here.jobs.delete(here.team, gone)
        with pytest.raises(JobUnknown):
            await say(here, review, "name", voice(gone), speakerId=str(ada))
        other = await named(here, 1)
        first, second = await say(here, review, "name", voice(gone), voice(other), speakerId=str(ada))
        assert isinstance(first.error, JobUnknown)
        assert second.made is not None
        # Somebody who was erased, a voice that is not there, a name that is taken.
        await here.gallery.erase(here.team, ben)
        other = await named(here, 2)
        for said in ({"speakerId": str(ben)}, {"name": "Ada"}):
            with pytest.raises((RequestInvalid, NameTaken)):
                await say(here, review, "name", voice(other), **said)
        with pytest.raises(RequestInvalid):
            await say(here, review, "nobody", voice(other, 7))
        assert await here.decisions.history(here.team, other) == []

    run(act)


def test_another_team_is_in_no_review(run):
    async def act(here, review):
        job = await here.heard([1])
        ada = await here.enrol("Ada", 1)
        await here.rematch.rematch(here.team, job, ALL)
        await here.heard([5])
        teams = Teams(here.here.database)
        other = await teams.authenticate(f"Bearer {await teams.create_key('k', team='other')}")
        stranger = await here.gallery.create(other.team, name="Zoe")
        await here.gallery.add_sample(other.team, stranger, sample(here.space, 5), source="voiceprint")
        theirs = await review.waiting(other.team, 50)
        assert (theirs.matches, theirs.groups, theirs.affected) == ([], [], 0)
        ours = await waiting(here, review)
        assert (len(ours.matches), next(group.candidates for group in ours.groups)) == (1, ())
        request = ReviewRequest.model_validate({"kind": "name", "voices": [voice(job)], "speakerId": str(ada)})
        with pytest.raises(JobUnknown):
            await review.decide(other, request)
        assert (await review.rename(other.team, NOW)).named == 0
        assert (await here.here.jobs.heard(other.team, ada, limit=9))[0] == []

    run(act)


def test_what_reviews_go_by_goes_with_the_result_and_the_person_and_lives_through_a_new_key(run):
    async def act(here, review):
        ada = await here.enrol("Ada", 1)
        job, other = await named(here, 1, 5), await named(here, 5)
        await rotate_team(here.here.database, here.here.settings, here.team)
        protection = Protection(here.here.database, here.here.settings)
        assert [len(group) for group in heard_in(await waiting(here, review))] == [2]
        # Results of an earlier version are made known.
        await here.here.rows("DELETE FROM heard")
        await here.here.rows("UPDATE job_voices SET vectors = NULL, space = NULL")
        assert (await waiting(here, review)).matches == []
        assert await Summaries(here.here.database, protection).sweep() == 2
        assert matched(await waiting(here, review)) == [(job, "SPEAKER_00", "Ada")]
        assert [len(group) for group in heard_in(await waiting(here, review))] == [2]
        await here.gallery.erase(here.team, ada)
        found = await waiting(here, review)
        assert (found.matches, sorted(map(len, heard_in(found)))) == ([], [1, 2])
        await here.here.rows("UPDATE jobs SET completed_at = now() - interval '1 year' WHERE id = %(job)s", job=job)
        await Retention(here.here.database, here.here.storage, here.here.settings).sweep()
        assert heard_in(await waiting(here, review)) == [{(other, "SPEAKER_00")}]
        await here.here.jobs.delete(here.team, other)
        assert await here.here.empty("heard", "heard_voices", "withdrawn_samples")

    run(act)
