"""What a person says, stands: in results, in what people are known by, and for whoever says something meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from database import opened
from heard import Rooms, rooms, sample, talk
from people import MASTER_KEY

from timbre.errors import (
    IdempotencyConflict,
    NameTaken,
    NothingToStep,
    OutputMissing,
    RequestInvalid,
    RevisionStale,
    ScopeMissing,
    VoicesMissing,
)
from timbre.service.accounts.teams import Scope
from timbre.service.decisions.requests import DecisionRequest, StepRequest
from timbre.service.jobs.jobs import Once
from timbre.service.jobs.requests import RematchRequest
from timbre.service.naming.agreement import Agreement
from timbre.service.outside.webhooks import _body
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.results.exports import export
from timbre.service.upkeep.retention import Retention
from timbre.store.queries import queries

ALL = RematchRequest()
V0, V1, V2 = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
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


async def people(here: Rooms) -> dict[str, int]:
    """Everybody, with how many samples they have."""
    everybody, _ = await here.gallery.page(here.team, limit=100)
    return {person.name: len(person.samples) for person in everybody}


async def known(here: Rooms, name: str, seed: int) -> Any:
    """Somebody who is known from another recording."""
    person = await here.gallery.create(here.team, name=name)
    await here.gallery.add_sample(here.team, person, sample(here.space, seed, 12.0), source="voiceprint")
    return person


async def named(here: Rooms, job: Any) -> dict[str, str | None]:
    return {voice["speaker"]: voice["match"] for voice in (await here.output(job))["voiceprints"]}


# The three stories


def test_a_wrong_name_is_corrected_and_leaves_nobody_behind(run):
    async def act(here):
        job = await here.heard([1, 2])
        made = await here.decide(job, "name", voice=V0, name="Paula", consent={"basis": "form"})
        assert (made.revision, made.learned, made.doubt) == (1, True, None)
        assert await people(here) == {"Paula": 1}
        assert await here.decide(job, "name", voice=V0, name="Quentin")
        assert await named(here, job) == {V0: "Quentin", V1: None}
        assert await people(here) == {"Quentin": 1}  # Paula went with the decision that made her
        voice = (await here.output(job))["voiceprints"][0]
        assert voice["decided"] is True
        assert "Paula" not in json.dumps(await here.output(job))
        # And back again, as they were.
        await here.undo(job)
        assert await named(here, job) == {V0: "Paula", V1: None}
        assert await people(here) == {"Paula": 1}
        person = (await here.gallery.page(here.team, limit=1))[0][0]
        assert person.consent is not None
        await here.undo(job)
        assert await people(here) == {}
        assert await here.output(job) == talk(2)
        assert not await here.mentioned(job)
        await here.redo(job)
        await here.redo(job)
        assert await named(here, job) == {V0: "Quentin", V1: None}
        assert await people(here) == {"Quentin": 1}
        with pytest.raises(NothingToStep):
            await here.redo(job)

    run(act)


def test_one_person_who_was_heard_as_two_voices_has_both(run):
    async def act(here):
        ada = await known(here, "Ada", 9)
        job = await here.heard([1, 2, 3])
        await here.decide(job, "name", voice=V0, speakerId=str(ada), learn=True)
        await here.decide(job, "name", voice=V1, speakerId=str(ada), learn=True)
        assert await named(here, job) == {V0: "Ada", V1: "Ada", V2: None}
        assert len(await here.samples(ada)) == 3
        # The machine does not give the name to a third voice that nobody touched, nor takes it away.
        await here.rematch.rematch(here.team, job, ALL)
        assert await named(here, job) == {V0: "Ada", V1: "Ada", V2: None}
        await here.decide(job, "join", into=V0, **{"from": [V1]})
        assert await named(here, job) == {V0: "Ada", V2: None}
        assert len(await here.samples(ada)) == 3
        assert [voice["speaker"] for voice in await here.rematch.voices(here.team, job)] == [V0, V2]
        assert (await here.rematch.voices(here.team, job))[0]["seconds"] == 40.0
        with pytest.raises(VoicesMissing):
            await here.rematch.clip(here.team, job, V1)
        await here.undo(job)
        assert [voice["speaker"] for voice in await here.rematch.voices(here.team, job)] == [V0, V1, V2]

    run(act)


def test_a_mistake_does_not_spoil_a_person(run):
    async def act(here):
        paula, quentin = await known(here, "Paula", 1), await known(here, "Quentin", 2)
        job = await here.heard([5])  # a stranger
        await here.decide(job, "name", voice=V0, speakerId=str(paula), learn=True)
        assert len(await here.samples(paula)) == 2
        await here.decide(job, "name", voice=V0, speakerId=str(quentin), learn=True)
        assert [len(await here.samples(person)) for person in (paula, quentin)] == [1, 2]
        # The next recording of the stranger is not Paula.
        following = await here.heard([5])
        await here.rematch.rematch(here.team, following, ALL)
        assert await here.names(following) == ["Quentin"]
        await here.decide(job, "nobody", voice=V0)
        assert [len(await here.samples(person)) for person in (paula, quentin)] == [1, 1]
        assert await people(here) == {"Paula": 1, "Quentin": 1}

    run(act)


# Learning


def test_what_does_not_sound_like_the_person_is_not_learned_unasked(run):
    async def act(here):
        ada, ben, eve = await known(here, "Ada", 1), await known(here, "Ben", 2), await here.enrol("Eve")
        job = await here.heard([1, 2, 3])
        assert (await here.decide(job, "name", voice=V0, speakerId=str(ada))).learned is True
        strange = await here.decide(job, "name", voice=V2, speakerId=str(ada))
        assert (strange.learned, strange.doubt.reason, strange.doubt.final) == (False, "unlike", False)
        assert "of 100" in strange.doubt.words
        other = await here.decide(job, "name", voice=V1, speakerId=str(ada))
        assert (other.learned, other.doubt.reason) == (False, "another")
        assert other.doubt.likelier[:2] == (ben, "Ben")
        assert await named(here, job) == {V0: "Ada", V1: "Ada", V2: "Ada"}  # as it was said, all the same
        assert len(await here.samples(ada)) == 2
        # Whoever insists is believed, and can take it back.
        assert (await here.decide(job, "learn", voice=V2, learn=True)).learned is True
        assert len(await here.samples(ada)) == 3
        await here.decide(job, "learn", voice=V2, learn=False)
        assert len(await here.samples(ada)) == 2
        assert await named(here, job) == {V0: "Ada", V1: "Ada", V2: "Ada"}
        # Somebody of whom there is no sample cannot sound wrong.
        assert (await here.decide(job, "name", voice=V2, speakerId=str(eve))).learned is True
        # A new person who is somebody known already is doubted, too.
        twin = await here.decide(job, "name", voice=V1, name="Bernard")
        assert (twin.learned, twin.doubt.reason, twin.doubt.likelier[0]) == (False, "another", ben)

    run(act)


def test_nothing_is_learned_where_there_is_too_little_or_nothing_is_kept(run):
    async def act(here):
        job = await here.heard([1])
        voices = await here.voices.heard(here.team, job)
        short = replace(voices, voices=tuple(replace(voice, seconds=1.0) for voice in voices.voices))
        async with here.here.database.transaction() as connection:
            cipher = await here.voices.cipher(here.team, connection)
            await here.voices.keep(connection, cipher, here.team, job, short)
        made = await here.decide(job, "name", voice=V0, name="Ada", learn=True)
        assert (made.learned, made.doubt.reason, made.doubt.final) == (False, "short", True)
        assert await people(here) == {"Ada": 0}
        with pytest.raises(RequestInvalid) as refused:
            await here.decide(job, "learn", voice=V0, learn=True)
        assert "1.0 s of clean speech" in refused.value.errors[0][1]
        await here.decide(job, "give", turns=["0"])
        made = await here.decide(job, "name", voice=V1, name="Ben")
        assert (made.learned, made.doubt.reason) == (False, "unkept")

    run(act)


def test_a_sample_goes_with_the_turns_it_was_heard_in(run):
    async def act(here):
        ada = await known(here, "Ada", 1)
        job = await here.heard([1, 2])
        await here.decide(job, "name", voice=V0, speakerId=str(ada))
        assert len(await here.samples(ada)) == 2
        await here.decide(job, "give", turns=["0"], voice=V1)
        assert len(await here.samples(ada)) == 1
        await here.undo(job)
        assert len(await here.samples(ada)) == 2

    run(act)


def test_a_sample_that_disagrees_with_the_others_is_seen(run):
    async def act(here):
        agreement = Agreement(here.gallery, here.here.settings)
        ada = await known(here, "Ada", 1)
        assert await agreement.of(here.team, ada) == {}
        job = await here.heard([1, 3])
        await here.decide(job, "name", voice=V0, speakerId=str(ada))
        assert min((await agreement.of(here.team, ada)).values()) > 90
        await here.decide(job, "name", voice=V1, speakerId=str(ada), learn=True)
        samples = {sample.id: sample.job for sample in (await here.gallery.get(here.team, ada)).samples}
        told = await agreement.of(here.team, ada)
        (odd,) = [sample for sample, alike in told.items() if alike < 20]
        assert samples[odd] == job
        await here.undo(job)
        assert min((await agreement.of(here.team, ada)).values()) > 90

    run(act)


def test_decisions_work_without_a_master_key_and_teach_nothing(run):
    async def act(here):
        job = await here.heard([1, 2])
        made = await here.decide(job, "name", voice=V0, name="Ada")
        assert (made.learned, made.doubt.reason) == (False, "unkept")
        assert await named(here, job) == {V0: "Ada", V1: None}
        await here.undo(job)
        assert await people(here) == {}

    run(act, master_key=None)


# People who change


def test_whoever_is_renamed_merged_or_erased_is_so_in_what_stands(run):
    async def act(here):
        ada, twin = await known(here, "Ada", 1), await known(here, "Twin", 2)
        job = await here.heard([1, 2])
        await here.rematch.rematch(here.team, job, ALL)
        proposed = await here.output(job)
        assert await here.names(job) == ["Ada", "Twin"]
        await here.decide(job, "name", voice=V0, speakerId=str(twin), learn=False)
        assert await here.mentioned(job) == {ada: False, twin: True}  # Ada is in the proposal still
        await here.gallery.update(here.team, twin, name="Zwilling")
        assert await here.names(job) == ["Zwilling", "Zwilling"]
        await here.undo(job)
        assert await here.names(job) == ["Ada", "Zwilling"]
        await here.redo(job)
        await here.gallery.merge(here.team, ada, [twin])
        assert await here.names(job) == ["Ada", "Ada"]
        await here.gallery.erase(here.team, ada)
        assert await here.names(job) == [V0, V1]
        for row in await here.here.rows("SELECT body, proposal FROM job_outputs"):
            for column in ("body", "proposal"):
                text = gzip.decompress(row[column]).decode()
                assert not any(word in text for word in ("Ada", "Twin", "Zwilling", str(ada), str(twin)))
        history = await here.decisions.history(here.team, job)
        assert (history[0]["speakerId"], history[0]["name"]) == (None, None)
        assert not await here.here.rows("SELECT 1 FROM job_decisions WHERE speaker_id IS NOT NULL")
        # Undoing it leaves what the machine found, without her.
        await here.undo(job)
        assert (await here.output(job))["diarization"] == proposed["diarization"]
        assert await here.names(job) == [V0, V1]

    run(act)


def test_a_name_that_waits_for_a_redo_is_erased_with_whoever_bears_it(run):
    async def act(here):
        job = await here.heard([1, 2])
        await here.decide(job, "name", voice=V0, name="Adalgunde")
        await here.undo(job)
        assert await here.here.rows("SELECT 1 FROM job_decisions WHERE body::text LIKE '%%Adalgunde%%'")
        other = await here.gallery.create(here.team, name="ADALGUNDE")
        with pytest.raises(NameTaken):
            await here.redo(job)
        await here.gallery.erase(here.team, other)
        assert not await here.here.rows("SELECT 1 FROM job_decisions WHERE body::text LIKE '%%dalgunde%%'")
        # Nor does what cannot be redone any more keep a name.
        await here.decide(job, "name", voice=V1, name="Berthold")
        await here.undo(job)
        await here.decide(job, "nobody", voice=V1)
        assert not await here.here.rows("SELECT 1 FROM job_decisions WHERE body::text LIKE '%%Berthold%%'")

    run(act)


def test_somebody_made_by_a_naming_stays_where_more_is_known_of_them(run):
    async def act(here):
        job, other = await here.heard([1]), await here.heard([2])
        await here.decide(job, "name", voice=V0, name="Ada")
        (ada,) = (await here.gallery.page(here.team, limit=1))[0]
        await here.decide(other, "name", voice=V0, speakerId=str(ada.id), learn=False)
        await here.undo(job)
        assert await people(here) == {"Ada": 0}
        assert await named(here, other) == {V0: "Ada"}

    run(act)


# The machine


def test_a_rematch_proposes_around_what_was_decided(run):
    async def act(here):
        ada = await known(here, "Ada", 1)
        job = await here.heard([1, 2, 1])
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada", V1, V2]
        await here.decide(job, "reject", voice=V0, speakerId=str(ada))
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == [V0, V1, "Ada"]
        await here.decide(job, "name", voice=V1, speakerId=str(ada), learn=False)
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == [V0, "Ada", V2]
        await here.decide(job, "nobody", voice=V2)
        await here.undo(job)
        await here.undo(job)
        await here.undo(job)
        await here.rematch.rematch(here.team, job, ALL)
        assert await here.names(job) == ["Ada", V1, V2]

    run(act)


def test_joined_voices_are_named_as_one(run):
    async def act(here):
        await known(here, "Ada", 1)
        job = await here.heard([3, 2, 1])
        await here.decide(job, "join", into=V0, **{"from": [V2]})
        await here.rematch.rematch(here.team, job, ALL)
        output = await here.output(job)
        assert [turn["diarizationSpeaker"] for turn in output["identification"]] == [V0, V1, V0]
        assert output["diarization"] == talk(3)["diarization"]
        assert {turn["diarizationSpeaker"] for turn in output["exclusiveIdentification"]} == {V0, V1}
        await here.undo(job)
        assert await here.names(job) == [V0, V1, "Ada"]

    run(act)


# Several at once


def test_who_has_not_seen_the_latest_is_told_what_it_is(run):
    async def act(here):
        job = await here.heard([1, 2])
        await here.decide(job, "name", voice=V0, name="Ada", revision=0, by="Grace")
        with pytest.raises(RevisionStale) as stale:
            await here.decide(job, "name", voice=V0, name="Ben", revision=0)
        assert stale.value.revision == 1
        (change,) = stale.value.changes
        assert (change["kind"], change["by"], change["voice"], change["name"]) == ("name", "Grace", V0, "Ada")
        assert "name by Grace" in str(stale.value)
        assert await people(here) == {"Ada": 1}
        with pytest.raises(RevisionStale):
            await here.decisions.step(here.here.caller, job, "undo", StepRequest(revision=7))

    run(act)


def test_of_many_who_saw_the_same_one_is_heard_and_all_others_are_told(run):
    async def act(here):
        job = await here.heard([1, 2, 3])
        wishes = [here.decide(job, "name", voice=V0, name=f"Person {number}", revision=0) for number in range(6)]
        ends = await asyncio.gather(*wishes, return_exceptions=True)
        assert sum(isinstance(end, RevisionStale) for end in ends) == 5
        assert list((await people(here)).values()) == [1]
        # Who does not say what they saw is heard, one after the other; a rematch among them changes nothing.
        turns = [here.decide(job, "check", turns=[str(number % 3)]) for number in range(5)]
        ends = await asyncio.gather(*turns, here.rematch.rematch(here.team, job, ALL), return_exceptions=True)
        assert [end for end in ends if isinstance(end, BaseException)] == []
        assert (await here.here.jobs.get(here.team, job))["revision"] == 6
        assert len(await here.decisions.history(here.team, job)) == 6
        assert all(turn["checked"] for turn in (await here.output(job))["identification"])

    run(act)


def test_what_is_sent_twice_counts_once(run):
    async def act(here):
        job = await here.heard([1])
        wish = DecisionRequest(kind="name", voice=V0, name="Ada")
        once = Once(key="k", digest=b"1")
        caller = here.here.caller
        ends = await asyncio.gather(*(here.decisions.decide(caller, job, wish, once) for _ in range(4)))
        assert {end.revision for end in ends} == {1}
        assert sorted(end.replayed for end in ends) == [False, True, True, True]
        with pytest.raises(IdempotencyConflict):
            await here.decisions.decide(caller, job, wish, Once(key="k", digest=b"2"))
        assert await people(here) == {"Ada": 1}

    run(act)


# What follows


def test_exports_labels_and_webhooks_follow(run):
    async def act(here):
        hooked = {"url": "https://example.com/a.ogg", "webhook": "https://example.com/hook", "webhookRevisions": True}
        job = await here.heard([1, 2], request=DiarizeRequest.model_validate(hooked))
        await here.decide(job, "name", voice=V0, name="Ada")
        await here.decide(job, "cut", turn="0", at=4.0)
        await here.decide(job, "give", turns=["0.2"], voice=V1)
        row, text = await here.here.jobs.output_text(here.team, job)
        for exclusive in (False, True):
            lines = export(text, row, "csv", exclusive=exclusive).decode().splitlines()
            assert [line.split(",")[-1] for line in lines[1:]] == ["Ada", V1, V1], lines
        kinds = await here.here.rows("SELECT revised, state FROM webhook_deliveries ORDER BY id")
        assert kinds[0]["revised"] is False
        assert {row["revised"] for row in kinds[1:]} == {True}
        (delivery,) = await here.here.rows("SELECT id, round FROM webhook_deliveries ORDER BY id DESC LIMIT 1")
        row = await here.here.database.one(
            queries("webhooks")["begin"], {"id": delivery["id"], "round": delivery["round"]}
        )
        sent = json.loads(_body(row))
        assert (sent["event"], sent["status"], sent["revision"]) == ("job.revised", "succeeded", 3)
        assert sent["output"] == await here.output(job)
        quiet = await here.heard([1])
        await here.decide(quiet, "nobody", voice=V0)
        assert not await here.here.rows("SELECT 1 FROM webhook_deliveries WHERE job_id = %(job)s", job=quiet)

    run(act)


def test_the_history_tells_who_said_what_and_what_became_of_it(run):
    async def act(here):
        job = await here.heard([1, 2])
        await here.decide(job, "name", voice=V0, name="Ada", by="Grace")
        await here.decide(job, "cut", turn="1", at=12.5)
        await here.undo(job)
        await here.decide(job, "nobody", voice=V1)
        await here.undo(job)
        told = await here.decisions.history(here.team, job)
        assert [(item["revision"], item["kind"], item["by"], item.get("state")) for item in told] == [
            (1, "name", "Grace", "stands"), (2, "cut", "test", "dropped"), (3, "undo", "test", None),
            (4, "nobody", "test", "undone"), (5, "undo", "test", None),
        ]  # fmt: skip
        assert (told[1]["turns"], told[1]["cutAt"]) == (["1"], 12.5)

    run(act)


def test_what_is_not_there_is_refused_before_anything_happens(run):
    async def act(here):
        job = await here.heard([1, 2])
        ada = await known(here, "Ada", 1)
        await here.gallery.erase(here.team, ada)
        for field, kind, said in (
            ("speakerId", "name", {"voice": V0, "speakerId": str(ada)}),
            ("voice", "name", {"voice": "SPEAKER_09", "name": "Eve"}),
            ("voice", "give", {"turns": ["0"], "voice": "SPEAKER_09"}),
            ("turns.0", "delete", {"turns": ["7"]}),
            ("end", "retime", {"turn": "0", "end": 400.0}),
            ("at", "cut", {"turn": "0", "at": 9.5}),
            ("voice", "learn", {"voice": V0, "learn": True}),
        ):
            with pytest.raises(RequestInvalid) as refused:
                await here.decide(job, kind, **said)
            assert [fault[0] for fault in refused.value.errors] == [field]
        assert await people(here) == {}
        assert (await here.here.jobs.get(here.team, job))["revision"] == 0
        with pytest.raises(NothingToStep):
            await here.undo(job)
        learned = await here.heard([1], output={"voiceprint": "VE1C"})
        with pytest.raises(OutputMissing):
            await here.decide(learned, "nobody", voice=V0)

    run(act)


def test_a_key_that_may_not_change_people_changes_none(run):
    async def act(here):
        ada = await known(here, "Ada", 1)
        job = await here.heard([1, 2])
        weak = replace(here.here.caller, scopes=frozenset({Scope.JOBS_WRITE, Scope.SPEAKERS_READ}))
        wish = DecisionRequest(kind="name", voice=V0, speaker_id=str(ada))
        with pytest.raises(ScopeMissing):
            await here.decisions.decide(weak, job, wish)
        await here.decisions.decide(weak, job, wish.model_copy(update={"learn": False}))
        assert await named(here, job) == {V0: "Ada", V1: None}
        assert len(await here.samples(ada)) == 1

    run(act)


def test_decisions_go_with_the_result_and_samples_stay(run):
    async def act(here):
        job = await here.heard([1])
        await here.decide(job, "name", voice=V0, name="Ada")
        await here.here.rows("UPDATE jobs SET completed_at = now() - interval '2 days'")
        await Retention(here.here.database, here.here.storage, here.here.settings).sweep()
        assert await here.here.empty("job_decisions", "job_outputs", "job_speakers")
        assert await people(here) == {"Ada": 1}
        with pytest.raises(OutputMissing):
            await here.decide(job, "nobody", voice=V0)

    run(act)


def test_a_sample_of_before_is_not_the_decisions_to_withdraw(run):
    async def act(here):
        job = await here.heard([1])
        ada = await here.gallery.create(here.team, name="Ada")
        voice = await here.enrolment.voice_of_job(here.team, job, V0)
        await here.gallery.add_sample(here.team, ada, voice.voiceprint, source="job", job=job)
        await here.decide(job, "name", voice=V0, speakerId=str(ada))
        await here.undo(job)
        assert len(await here.samples(ada)) == 1

    run(act)
