"""Jobs that enrol people, jobs that look for people, and the way from the engine's thread to the database and back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import opened
from heard import Rooms, asking, rooms, sample, talk
from people import MASTER_KEY

from media import wav
from server import CONVERSATION, voice
from timbre.audio.decoding import open_recording
from timbre.errors import (
    Canceled,
    DecodingInterrupted,
    MasterKeyMissing,
    MediaUnknown,
    RequestInvalid,
    ServiceUnavailable,
    SpeakerUnknown,
    TemplateUnreadable,
)
from timbre.identification.voiceprint import MOST_PROTOTYPES
from timbre.service.decisions.streamed import StreamedNames
from timbre.service.models.packs import Engines
from timbre.service.naming.enrolment import Stretch
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.worker.tasks import Work
from timbre.service.worker.thread_bridge import Bridge, Interrupted
from timbre.service.worker.words import Words
from timbre.settings import Settings

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


async def uploaded(here: Rooms, path: Path, name: str | None = None) -> str:
    async def chunks() -> Any:
        yield path.read_bytes()

    await here.here.media.receive(here.team, name or path.name, chunks())
    return f"media://{name or path.name}"


async def worked(here: Rooms, job: UUID, engines: Engines | None = None) -> Any:
    """Do a job as a worker does; return its record."""
    async with AsyncExitStack() as stack:
        work = Work(
            here.here.attempts,
            media=here.here.media,
            storage=here.here.storage,
            engines=engines or Engines(here.here.settings),
            candidates=here.candidates,
            persistence=here.persistence,
            client=await stack.enter_async_context(outgoing_client(here.here.settings)),
            words=Words(None, here.here.settings),
            streamed=StreamedNames(here.here.database, here.decisions, here.gallery),
            settings=here.here.settings,
        )
        await work.hear(job)
    return await here.here.row(job)


# Samples


def test_a_sample_and_the_end_of_its_job_commit_together_or_not_at_all(run):
    async def act(here):
        ada = await here.gallery.create(here.team, name="Ada")
        made = await here.enrolment.submit_enrol(here.here.caller, ada, url=await uploaded(here, voice("Ada")))
        await here.here.rows("ALTER TABLE job_outputs ADD CONSTRAINT refused CHECK (length < 0)")
        assert (await worked(here, made.id))["status"] == "failed"
        assert await here.here.empty("samples", "speaker_vectors", "job_outputs")
        await here.here.rows("ALTER TABLE job_outputs DROP CONSTRAINT refused")
        again = await here.enrolment.submit_enrol(here.here.caller, ada, url=await uploaded(here, voice("Ada")))
        row = await worked(here, again.id)
        assert (row["status"], row["type"], row["duration"]) == ("succeeded", "enrol", pytest.approx(20.5, abs=1.5))
        (kept,) = (await here.gallery.get(here.team, ada)).samples
        output = await here.output(again.id)
        assert (output["speakerId"], output["sampleId"]) == (str(ada), str(kept.id))
        assert (kept.source, kept.job, kept.has_clip) == ("recording", None, True)
        (entry,) = await here.here.rows("SELECT key_id FROM audit WHERE action = 'sample.added'")
        assert entry["key_id"] == here.here.caller.key
        (usage,) = await here.here.rows("SELECT type, jobs FROM usage")
        assert (usage["type"], usage["jobs"]) == ("enrol", 1)

    run(act)


def test_nobody_is_there_whose_first_sample_was_refused(run, tmp_path):
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav(bytes(96_000), rate=16_000))

    async def act(here):
        url = await uploaded(here, silence)
        people = {name: await here.gallery.create(here.team, name=name) for name in ("Ada", "Ben", "Cleo")}
        first = await here.enrolment.submit_enrol(here.here.caller, people["Ada"], url=url, first=True)
        later = await here.enrolment.submit_enrol(here.here.caller, people["Ben"], url=url)
        other = await here.enrolment.submit_enrol(here.here.caller, people["Cleo"], url=url, first=True)
        await here.gallery.add_sample(here.team, people["Cleo"], sample(here.space, 1), source="voiceprint")
        for job in (first, later, other):
            row = await worked(here, job.id)
            assert (row["status"], row["error"][:19]) == ("failed", "No speech was found")
        there, _ = await here.gallery.page(here.team, limit=10)
        assert sorted(person.name for person in there) == ["Ben", "Cleo"]

    run(act)


def test_of_a_long_recording_the_best_part_becomes_the_sample(run, tmp_path):
    rate = 16_000
    with open_recording(voice("Ada"), settings=Settings()) as recording:
        ada = recording.pcm(0, recording.samples)
    long = tmp_path / "long.wav"
    long.write_bytes(wav(np.concatenate([ada // 50, ada // 50, ada, ada]).tobytes(), rate=rate))

    async def act(here):
        person = await here.gallery.create(here.team, name="Ada")
        made = await here.enrolment.submit_enrol(here.here.caller, person, url=await uploaded(here, long))
        assert (await worked(here, made.id))["status"] == "succeeded"
        output = await here.output(made.id)
        told = re.search(r"best 30.0 s were taken, from (\d+\.\d) s", output["warning"])
        assert told
        assert float(told[1]) >= 2 * len(ada) / rate
        assert output["quality"]["seconds"] == 30

    run(act)


def test_a_job_whose_decoder_was_ended_from_outside_is_left_for_another_attempt(run, monkeypatch):
    async def act(here):
        made = await here.here.jobs.submit(
            here.here.caller, DiarizeRequest(url=await uploaded(here, CONVERSATION), model=None)
        )
        engines = Engines(here.here.settings)
        engine = await engines.get((await here.here.row(made.id))["model"])
        monkeypatch.setattr(engine, "diarize", ended)
        with pytest.raises(DecodingInterrupted):
            await worked(here, made.id, engines)
        assert (await here.here.row(made.id))["status"] == "created"
        row = await worked(here, made.id, engines)
        assert (row["status"], row["error"]) == ("failed", "Given up after 2 attempts. signal 9")

    def ended(*_arguments: object, **_named: object) -> None:
        raise DecodingInterrupted("signal 9")

    run(act, job_attempts=2)


def test_a_worker_that_lost_its_job_adds_no_sample(run):
    async def act(here):
        ada = await here.gallery.create(here.team, name="Ada")
        made = await here.enrolment.submit_enrol(here.here.caller, ada, url="https://example.com/ada.flac")
        lost = await here.here.attempts.begin(made.id, "waiting")
        assert await here.here.attempts.begin(made.id, "waiting")

        async def within(connection: Any) -> bytes:
            await here.gallery.add_sample(
                here.team, ada, sample(here.space, 1), source="recording", connection=connection
            )
            return b"{}"

        assert not await here.here.attempts.succeed(lost, b"{}", 1.0, within=within)
        assert await here.here.empty("samples", "job_outputs")

    run(act)


@pytest.mark.parametrize("obstacle", ["erased", "full", "key"])
def test_a_sample_that_cannot_be_added_ends_its_job_with_the_reason(run, obstacle):
    async def act(here):
        ada = await here.gallery.create(here.team, name="Ada")
        made = await here.enrolment.submit_enrol(here.here.caller, ada, url=await uploaded(here, voice("Ada")))
        expected = "This person was erased before the recording was heard; nothing of it was kept."
        if obstacle == "erased":
            await here.gallery.erase(here.team, ada)
        elif obstacle == "full":
            expected = "24 samples"
            for seed in range(MOST_PROTOTYPES):
                await here.gallery.add_sample(here.team, ada, sample(here.space, seed), source="voiceprint")
        else:
            expected = "master key"
            await here.here.rows(
                "INSERT INTO team_keys (team_id, wrapped, master) VALUES (%(team)s, '\\x00', 'another')", team=here.team
            )
        before = await here.here.rows("SELECT id FROM samples")
        row = await worked(here, made.id)
        assert row["status"] == "failed"
        assert expected in row["error"]
        assert await here.here.rows("SELECT id FROM samples") == before

    run(act)


def test_a_stretch_is_of_a_recording_that_is_kept(run):
    async def act(here):
        ada = await here.gallery.create(here.team, name="Ada")
        caller = here.here.caller
        fetched = await here.heard([1])
        with pytest.raises(MediaUnknown):
            await here.enrolment.submit_enrol(caller, ada, stretch=Stretch(job=fetched, start=0.0, end=5.0))
        source = await uploaded(here, CONVERSATION)
        job = await here.heard([1] * 12, request=DiarizeRequest(url=source))  # says that it lasts two minutes
        for start, end in ((5.0, 5.0), (0.0, 30.5), (110.0, 120.5)):
            with pytest.raises(RequestInvalid):
                await here.enrolment.submit_enrol(caller, ada, stretch=Stretch(job=job, start=start, end=end))
        with pytest.raises(SpeakerUnknown):
            await here.enrolment.submit_enrol(caller, job, url=source)
        good = await here.enrolment.submit_enrol(caller, ada, stretch=Stretch(job=job, start=51.3, end=63.0))
        # The recording is needed until then, whatever its time.
        await here.here.rows("UPDATE media SET expires_at = now() - interval '1 hour'")
        row = await worked(here, good.id)
        assert (row["status"], row["error"]) == ("succeeded", None)
        assert row["duration"] == pytest.approx(11.7, abs=0.01)
        with pytest.raises(MediaUnknown):
            await here.enrolment.submit_enrol(caller, ada, stretch=Stretch(job=job, start=0.0, end=5.0))

    run(act)


def test_a_stretch_whose_recording_is_gone_says_so(run):
    async def act(here):
        ada = await here.gallery.create(here.team, name="Ada")
        job = await here.heard([1], request=DiarizeRequest(url=await uploaded(here, CONVERSATION)))
        made = await here.enrolment.submit_enrol(here.here.caller, ada, stretch=Stretch(job=job, start=0.0, end=9.0))
        assert ("short", "todo") in await here.here.entries()
        await here.here.rows("DELETE FROM media")
        row = await worked(here, made.id)
        assert row["status"] == "failed"
        assert "not kept any more" in row["error"]

    run(act)


# People who are looked for while a recording is heard


def test_a_job_without_a_master_key_is_refused_at_once(run):
    async def act(here):
        with pytest.raises(MasterKeyMissing):
            await here.here.jobs.submit(here.here.caller, asking())

    run(act, master_key=None)


def test_a_gallery_that_cannot_be_read_ends_the_job(run):
    async def act(here):
        await here.enrol("Ada", 1)
        made = await here.here.jobs.submit(here.here.caller, asking(url=await uploaded(here, CONVERSATION)))
        await here.here.rows("UPDATE team_keys SET wrapped = '\\x00'")
        row = await worked(rooms(here.here), made.id)
        assert row["status"] == "failed"
        assert "cannot be decrypted" in row["error"]

    run(act)


def test_voices_that_cannot_be_sealed_are_left_out(run):
    async def act(here):
        await here.heard([1])  # the team has a key from now on
        await here.here.rows("UPDATE team_keys SET wrapped = '\\x00'")
        job = await rooms(here.here).heard([1])
        assert (await here.here.row(job))["status"] == "succeeded"
        assert await here.output(job) == talk(1)
        assert not (await here.here.jobs.get(here.team, job))["has_voices"]

    run(act)


def test_a_database_that_is_away_for_a_moment_is_waited_for(run):
    async def act(here):
        await here.enrol("Ada", 1)
        pool = await here.candidates.pool(here.team, here.space, asking().speakers)
        answers = iter([ServiceUnavailable(), ServiceUnavailable(), None])

        async def near() -> dict[str, Any]:
            if error := next(answers):
                raise error
            return await here.candidates.near(pool, sample(here.space, 1).prototypes)

        bridge = Bridge(asyncio.get_running_loop(), Event())
        found = await asyncio.to_thread(bridge.ask, near)
        assert [name for name, _ in found.values()] == ["Ada"]

    run(act)


@pytest.mark.parametrize(("how", "error"), [("stop", Interrupted), ("cancel", Canceled)])
def test_nobody_waits_for_an_answer_that_is_no_longer_wanted(how, error):
    async def body() -> None:
        stopping, asked = Event(), asyncio.Event()
        canceled = False

        async def never() -> None:
            nonlocal canceled
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                canceled = True
                raise

        loop = asyncio.get_running_loop()
        bridge = Bridge(loop, stopping)
        with ThreadPoolExecutor() as pool:
            waiting = loop.run_in_executor(pool, bridge.ask, never)
            await asked.wait()
            if how == "stop":
                stopping.set()
            else:
                bridge.close()
            with pytest.raises(error):
                await waiting
        await asyncio.sleep(0)
        assert canceled

    asyncio.run(body())


@pytest.mark.parametrize("error", [MasterKeyMissing(), TemplateUnreadable(), ValueError("x")])
def test_what_will_not_go_away_is_not_waited_for(error):
    async def body() -> None:
        async def fails() -> None:
            raise error

        with pytest.raises(type(error)):
            await asyncio.to_thread(Bridge(asyncio.get_running_loop(), Event()).ask, fails)

    asyncio.run(body())
