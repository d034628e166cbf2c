"""Jobs that cannot get lost, and are done once: the rules on a real database, without HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import psycopg
import pytest
from database import Line, Service, opened
from procrastinate.exceptions import ConnectorException

from timbre.errors import Canceled, IdempotencyConflict, JobUnknown, ServiceUnavailable
from timbre.http.routes.jobs.jobs import JobStatus
from timbre.service.files.media import object_name
from timbre.service.jobs.attempts import Attempt
from timbre.service.jobs.jobs import CANCELED, FINAL, Once
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.requests.body import parse
from timbre.service.requests.submissions import DiarizeRequest, VoiceprintRequest
from timbre.service.worker.suspects import Suspects
from timbre.store.queue import DELIVER_TASK, HEAR_TASK, Lane

HOOK = "http://127.0.0.1:1/hook"
LINK = "https://example.com/conversation.ogg"
OUTPUT = b'{"diarization":[]}'
STATES = get_args(JobStatus)

Act = Callable[[Service], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:
    """Runs a test's body with a service on a database of its own."""

    def run(act: Act, **settings: Any) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", **settings) as here:
                await act(here)

        asyncio.run(body())

    return run


async def submit(here: Service, once: Once | None = None, **body: Any) -> UUID:
    request, _ = parse(DiarizeRequest, json.dumps({"url": LINK, **body}).encode(), webhook_http=True)
    return (await here.jobs.submit(here.caller, request, once=once)).id


async def begun(here: Service, job: UUID, stage: str = "waiting") -> Attempt:
    attempt = await here.attempts.begin(job, stage)
    assert attempt
    return attempt


async def stored(here: Service) -> str:
    """The name of an object that is in the storage."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"sound"

    name = object_name()
    await here.storage.put(name, chunks(), most_bytes=10)
    return name


async def take(here: Service, *, dead: bool = False) -> None:
    """Take every entry as a worker does that is alive, or died long ago."""
    manager = here.queue.app.job_manager
    worker = await manager.register_worker()
    while await manager.fetch_job(queues=None, worker_id=worker):
        pass
    if dead:
        await here.rows("UPDATE procrastinate_workers SET last_heartbeat = '-infinity' WHERE id = %(id)s", id=worker)


async def silence(here: Service, job: UUID) -> None:
    """Let an hour pass in which nobody hears of a job."""
    await here.rows("UPDATE jobs SET alive_at = alive_at - interval '1 hour' WHERE id = %(job)s", job=job)
    await here.rows("UPDATE procrastinate_events SET at = at - interval '1 hour'")


# Submitting


def test_a_job_comes_with_its_entry_and_its_key_or_not_at_all(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        once = Once(key="k", digest=b"1")
        await here.rows("ALTER TABLE procrastinate_jobs ADD CONSTRAINT refused CHECK (task_name <> 'fetch')")
        with pytest.raises(ConnectorException):
            await submit(here, once)
        assert await here.empty("jobs", "procrastinate_jobs", "idempotency_keys")
        await here.rows("ALTER TABLE procrastinate_jobs DROP CONSTRAINT refused")
        job = await submit(here, once)
        assert await here.entries() == [("fetch", "todo")]
        assert [row["job_id"] for row in await here.rows("SELECT job_id FROM idempotency_keys")] == [job]

    run(act)


def test_a_database_that_breaks_off_in_the_middle_of_a_submit_is_no_fault_of_ours(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        await here.rows(
            "CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        await here.rows(
            "CREATE TRIGGER break_off BEFORE INSERT ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION break_off()"
        )
        with pytest.raises(ServiceUnavailable):
            await submit(here)
        assert await here.empty("jobs")

    run(act)


def test_the_same_key_twenty_times_at_once_is_one_job(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        request, _ = parse(DiarizeRequest, json.dumps({"url": LINK}).encode(), webhook_http=True)
        once = Once(key="k", digest=b"1")
        answers = await asyncio.gather(*(here.jobs.submit(here.caller, request, once=once) for _ in range(20)))
        assert len({answer.id for answer in answers}) == 1
        assert sum(answer.replayed for answer in answers) == 19
        assert len(await here.rows("SELECT * FROM jobs")) == 1
        assert await here.entries() == [("fetch", "todo")]

    run(act)


def test_the_same_key_for_another_request_is_refused(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        await submit(here, Once(key="k", digest=b"1"))
        with pytest.raises(IdempotencyConflict):
            await submit(here, Once(key="k", digest=b"2"))
        assert len(await here.rows("SELECT * FROM jobs")) == 1

    run(act)


def test_who_gets_no_answer_and_asks_again_gets_the_same_job(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        line = Line(url, tmp_path)
        async with line.open(), opened(line.url, tmp_path / "data") as here:
            line.cuts = 1
            with pytest.raises(ServiceUnavailable):
                await submit(here, Once(key="k", digest=b"1"))
            job = await submit(here, Once(key="k", digest=b"1"))
            assert [row["id"] for row in await here.rows("SELECT id FROM jobs")] == [job]
            assert await here.entries() == [("fetch", "todo")]

    asyncio.run(act())


# Attempts


def test_an_attempt_that_was_taken_over_changes_nothing(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        first, second = await begun(here, job), await begun(here, job)
        assert (first.number, second.number) == (1, 2)
        before = await here.row(job)
        for said in (
            here.attempts.report(first, "segmentation", 0.5),
            here.attempts.keep_alive(first),
        ):
            with pytest.raises(Canceled):
                await said
        assert not await here.attempts.succeed(first, b'{"wrong":1}', 60)
        assert not await here.attempts.fail(first, "wrong")
        await here.attempts.pause(first)
        await here.attempts.hand_over(first, object_name(), 5)
        assert await here.row(job) == before
        assert await here.empty("webhook_deliveries", "usage")

        assert await here.attempts.succeed(second, OUTPUT, 119)
        assert not await here.attempts.succeed(second, OUTPUT, 119)
        assert not await here.attempts.fail(second, "too late")
        (output,) = await here.rows("SELECT * FROM job_outputs")
        assert gzip.decompress(output["body"]) == OUTPUT
        assert output["length"] == len(OUTPUT)
        (used,) = await here.usage.report(here.caller.team, datetime.now(UTC).date())
        assert (used["jobs"], used["seconds"], used["type"]) == (1, 119, "diarize")
        assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1
        assert await here.entries() == [("fetch", "todo"), ("webhooks", "todo")]

    run(act)


def test_many_attempts_that_end_at_once_end_the_job_once(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        attempts = [await begun(here, job), await begun(here, job)] * 10
        ended = await asyncio.gather(
            *(here.attempts.succeed(attempt, OUTPUT, 10) for attempt in attempts),
            *(here.attempts.fail(attempt, "no") for attempt in attempts),
        )
        assert sum(ended) == 1
        assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1
        assert sum(row["jobs"] for row in await here.rows("SELECT jobs FROM usage")) == ended[:20].count(True)

    run(act)


def test_a_job_is_canceled_before_it_begins(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        assert await here.jobs.delete(here.caller.team, job)
        row = await here.row(job)
        assert (row["status"], row["error"], row["completed_at"] is None) == ("canceled", CANCELED, False)
        assert await here.attempts.begin(job, "fetching") is None
        assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1
        assert await here.empty("usage")

    run(act)


def test_canceling_twice_does_not_erase(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        for _ in range(3):  # its answer may have been lost
            assert await here.jobs.delete(here.caller.team, job)
        assert (await here.row(job))["status"] == "canceled"
        assert not await here.jobs.delete(here.caller.team, job, canceled=True)
        assert await here.empty("jobs")
        with pytest.raises(JobUnknown):
            await here.jobs.delete(here.caller.team, job)

    run(act)


def test_a_job_is_canceled_while_it_runs(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        attempt = await begun(here, job)
        assert await here.jobs.delete(here.caller.team, job)
        with pytest.raises(Canceled):
            await here.attempts.report(attempt, "segmentation", 0.1)
        with pytest.raises(Canceled):
            await here.attempts.keep_alive(attempt)
        assert not await here.attempts.succeed(attempt, OUTPUT, 1)
        assert (await here.row(job))["status"] == "canceled"
        assert await here.empty("usage", "job_outputs")

    run(act)


def test_an_ended_job_is_erased_with_all_that_is_kept_of_it(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, Once(key="k", digest=b"1"), webhook=HOOK)
        name = await stored(here)
        await here.attempts.hand_over(await begun(here, job, "fetching"), name, 5)
        assert await here.attempts.succeed(await begun(here, job), OUTPUT, 1)
        assert await here.storage.size(name) == 5
        assert not await here.jobs.delete(here.caller.team, job)
        assert await here.storage.size(name) is None
        assert await here.empty("jobs", "job_outputs", "idempotency_keys", "webhook_deliveries")
        assert [row["jobs"] for row in await here.rows("SELECT jobs FROM usage")] == [1]
        with pytest.raises(JobUnknown):
            await here.jobs.delete(here.caller.team, job)

    run(act)


def test_a_job_that_kills_its_workers_is_given_up(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        for number in (1, 2):
            assert (await begun(here, job)).number == number
        assert await here.attempts.begin(job, "waiting") is None
        row = await here.row(job)
        assert row["status"] == "failed"
        assert "died 2 times" in row["error"]
        assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1

    run(act, job_attempts=2)


def test_a_job_whose_decoder_is_ended_from_outside_is_tried_again_and_then_told_why(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        assert await here.attempts.break_off(await begun(here, job), "signal 9")
        assert (await here.row(job))["status"] == "created"
        assert not await here.attempts.break_off(await begun(here, job), "signal 9")
        row = await here.row(job)
        assert (row["status"], row["error"]) == ("failed", "Given up after 2 attempts. signal 9")
        assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1

    run(act, job_attempts=2)


def test_a_job_is_not_blamed_for_a_worker_that_dies_while_it_waits_for_another_suspect(
    run: Callable[..., None],
) -> None:
    async def act(here: Service) -> None:
        async def ask(say: Callable[[Attempt], Awaitable[None]], attempt: Attempt) -> None:
            await say(attempt)

        async def blamed(attempt: Attempt) -> int:
            return (await here.row(attempt.job))["unfinished"]

        jobs = [await submit(here) for _ in range(3)]
        for job in jobs:
            assert not (await begun(here, job)).suspect
        killer, innocent, long = [await begun(here, job) for job in jobs]
        assert killer.suspect
        suspects, went = Suspects(here.attempts, ask), asyncio.Event()

        async def hear(attempt: Attempt, *, short: bool) -> None:
            async with suspects.apart(attempt, short=short):
                went.set()

        async with suspects.apart(killer, short=True) as leave:
            assert await blamed(killer) == 2
            waiting = [asyncio.create_task(hear(one, short=one is innocent)) for one in (innocent, long)]
            while [await blamed(one) for one in (innocent, long)] != [1, 1]:
                await asyncio.sleep(0.01)
            waiting[0].cancel()  # it stops: what follows counts again
            await asyncio.wait(waiting[:1])
            assert await blamed(innocent) == 2
            assert not went.is_set()
            leave()
            await waiting[1]
            assert await blamed(long) == 2

    run(act)


def test_what_is_to_be_known_of_an_output_stands_beside_what_the_submission_told(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        plain, told = await submit(here), await submit(here)
        await here.rows("UPDATE jobs SET warning = 'Ignored unknown keys: x' WHERE id = %(id)s", id=told)
        for job in (plain, told):
            assert await here.attempts.succeed(await begun(here, job), OUTPUT, 1, warning="3.0 s are silent")
        assert (await here.row(plain))["warning"] == "3.0 s are silent"
        assert (await here.row(told))["warning"] == "Ignored unknown keys: x; 3.0 s are silent"

    run(act)


def test_attempts_that_end_with_a_word_do_not_count_against_a_job(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await here.attempts.hand_over(await begun(here, job, "fetching"), object_name(), 5)
        for _ in range(5):
            await here.attempts.pause(await begun(here, job))
            assert (await here.row(job))["status"] == "created"
        assert await here.attempts.succeed(await begun(here, job), OUTPUT, 1)

    run(act, job_attempts=1)


def test_what_was_fetched_is_not_fetched_again(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        name = object_name()
        attempt = await begun(here, job, "fetching")
        await here.attempts.hand_over(attempt, name, 5)
        await here.attempts.hand_over(attempt, object_name(), 5)  # its first answer was lost
        assert await here.attempts.knows(attempt, name)
        assert await here.entries() == [("fetch", "todo"), ("short", "todo")]
        assert await here.attempts.begin(job, "fetching") is None  # nor does it fence out who hears it
        assert (await here.row(job))["attempt"] == 1

    run(act)


@pytest.mark.parametrize(("size", "lane"), [(5, "short"), (200 << 20, "long")])
def test_size_decides_on_the_lane(run: Callable[..., None], size: int, lane: str) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await here.attempts.hand_over(await begun(here, job, "fetching"), object_name(), size)
        assert (await here.entries())[-1] == (lane, "todo")
        await take(here, dead=True)
        await begun(here, job)
        await silence(here, job)
        assert await here.attempts.recover(30) == 1
        assert await here.entries() == [(lane, "todo")]

    run(act)


def test_the_database_may_be_away_when_a_job_ends(url: str, tmp_path: Path) -> None:
    """An answer that is lost looks like a database that is away; whoever repeats himself ends the job once."""

    async def act() -> None:
        line = Line(url, tmp_path)
        async with line.open(), opened(line.url, tmp_path / "data") as here:
            job = await submit(here, webhook=HOOK)
            attempt = await begun(here, job)
            line.cuts = 1
            with pytest.raises(ServiceUnavailable):
                await here.attempts.succeed(attempt, OUTPUT, 7)
            assert not await here.attempts.succeed(attempt, OUTPUT, 7)
            assert (await here.row(job))["status"] == "succeeded"
            assert [row["seconds"] for row in await here.rows("SELECT seconds FROM usage")] == [7]
            assert len(await here.rows("SELECT * FROM webhook_deliveries")) == 1

    asyncio.run(act())


# Recovery


def test_silent_jobs_are_taken_up(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await take(here, dead=True)
        await begun(here, job, "fetching")
        assert await here.attempts.recover(30) == 0  # it was heard of just now
        await silence(here, job)
        assert await here.attempts.recover(30) == 1
        assert await here.entries() == [("fetch", "todo")]  # that of the dead worker is gone
        assert await here.attempts.recover(30) == 0
        assert (await begun(here, job, "fetching")).number == 2

    run(act)


def test_a_clock_that_is_set_back_keeps_no_job_waiting(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        left, put_off = await submit(here), await submit(here)
        manager = here.queue.app.job_manager
        worker = await manager.register_worker()
        await manager.fetch_job(queues=None, worker_id=worker)
        await begun(here, left, "fetching")
        # As it was said before the clock was set back.
        await here.rows("UPDATE jobs SET alive_at = now() + interval '1 hour' WHERE id = %(id)s", id=left)
        await here.rows("UPDATE procrastinate_events SET at = now() + interval '1 hour'")
        await here.rows("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE status = 'todo'")
        assert await manager.fetch_job(queues=None, worker_id=worker) is None
        async with here.database.transaction() as connection:
            for minutes in (4, 60):
                at = datetime.now(UTC) + timedelta(minutes=minutes)
                arguments = {"team": here.caller.team, "at": at, "delivery": str(put_off), "number": minutes}
                await here.queue.defer(connection, Lane.WEBHOOKS, DELIVER_TASK, **arguments)
        await here.queue.hurry(30, longest=300)
        webhooks = await here.rows(
            "SELECT scheduled_at <= now() AS due FROM procrastinate_jobs WHERE args ? 'delivery' ORDER BY id"
        )
        assert [row["due"] for row in webhooks] == [False, True]  # it may have been put off by as much as four minutes
        await here.rows("DELETE FROM procrastinate_jobs WHERE args ? 'delivery'")
        assert (await manager.fetch_job(queues=None, worker_id=worker)).task_kwargs["job"] == str(put_off)
        assert await here.attempts.recover(30) == 1
        assert (await manager.fetch_job(queues=None, worker_id=worker)).task_kwargs["job"] == str(left)

    run(act)


@pytest.mark.parametrize("ahead", [-1, 1])
def test_what_is_tried_again_waits_by_the_clock_of_the_database(
    url: str, tmp_path: Path, run: Callable[..., None], ahead: int
) -> None:
    """The clocks of workers may be others."""
    with psycopg.connect(url) as database:
        clock = f"SELECT pg_catalog.clock_timestamp() + interval '{ahead} hour'"
        database.execute(f"CREATE FUNCTION now() RETURNS timestamptz STABLE LANGUAGE sql AS $$ {clock} $$")
        (name,) = database.execute("SELECT current_database()").fetchone()
        database.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")

    async def act(here: Service) -> None:
        job = await submit(here, webhook=HOOK)
        manager = here.queue.app.job_manager
        entry = await manager.fetch_job(queues=None, worker_id=await manager.register_worker())
        await manager.retry_job(entry, retry_at=datetime.now(UTC) + timedelta(seconds=3))
        await here.attempts.fail(await begun(here, job), "no reason")
        (delivery,) = await here.rows("SELECT id FROM webhook_deliveries")
        async with outgoing_client(here.settings) as client:
            await here.webhooks.deliver(client, delivery["id"], 0, 0)
        waits = await here.rows(
            "SELECT extract(epoch FROM scheduled_at - now())::float AS seconds FROM procrastinate_jobs"
            " WHERE scheduled_at IS NOT NULL ORDER BY id"
        )
        assert [row["seconds"] for row in waits] == [pytest.approx(3, abs=3), pytest.approx(60, abs=30)]

    run(act, allowed_networks="127.0.0.0/8", webhook_http=True, webhook_retries=(60,))


def test_a_job_that_is_taken_up_is_before_those_that_came_after_it(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await take(here, dead=True)
        await begun(here, job, "fetching")
        await silence(here, job)
        other = await submit(here)
        assert await here.attempts.recover(30) == 1
        ahead = [(await here.jobs.get(here.caller.team, each))["ahead"] for each in (job, other)]
        assert ahead == [None, 1]  # the first is still said to run
        manager = here.queue.app.job_manager
        worker = await manager.register_worker()
        taken = [await manager.fetch_job(queues=["fetch"], worker_id=worker) for _ in range(2)]
        assert [entry.task_kwargs["job"] for entry in taken] == [str(job), str(other)]

    run(act)


def test_a_job_whose_worker_died_before_it_began_is_taken_up(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await take(here, dead=True)
        await silence(here, job)
        assert await here.attempts.recover(30) == 1
        assert await here.entries() == [("fetch", "todo")]

    run(act)


def test_a_job_that_is_taken_after_a_long_wait_is_not_taken_up_by_another(run: Callable[..., None]) -> None:
    """Between taking its entry and beginning, its worker has not said anything yet."""

    async def act(here: Service) -> None:
        job = await submit(here)
        await silence(here, job)
        await take(here)
        assert await here.attempts.recover(30) == 0
        await here.rows("UPDATE jobs SET alive_at = '-infinity'")  # its worker was seen to die
        assert await here.attempts.recover(30) == 1

    run(act)


def test_a_job_without_an_entry_is_taken_up(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        job = await submit(here)
        await here.rows("DELETE FROM procrastinate_jobs")
        await silence(here, job)
        assert await here.attempts.recover(30) == 1
        assert await here.entries() == [("fetch", "todo")]

    run(act)


def test_a_job_that_waits_in_its_lane_is_left_there(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        waiting, handed_over = await submit(here), await submit(here)
        await here.rows("DELETE FROM procrastinate_jobs WHERE args ->> 'job' = %(job)s", job=str(handed_over))
        await here.attempts.hand_over(await begun(here, handed_over, "fetching"), object_name(), 5)
        for job in (waiting, handed_over):
            await silence(here, job)
        before = await here.entries()
        assert await here.attempts.recover(30) == 0
        assert await here.entries() == before == [("fetch", "todo"), ("short", "todo")]

    run(act)


def test_a_long_queue_does_not_hide_a_forgotten_job(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        first = await submit(here)
        await here.rows(
            "INSERT INTO jobs SELECT (jsonb_populate_record(job, jsonb_build_object("
            "'id', gen_random_uuid(), 'alive_at', '2020-01-01'))).* FROM jobs AS job, generate_series(1, 1500)"
        )
        await here.rows(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) SELECT 'fetch', 'fetch',"
            " jsonb_build_object('job', id) FROM jobs WHERE id <> %(first)s",
            first=first,
        )
        last = await submit(here)
        await here.rows("DELETE FROM procrastinate_jobs WHERE args ->> 'job' = %(job)s", job=str(last))
        await silence(here, last)
        assert await here.attempts.recover(30) == 1

    run(act)


def test_ended_jobs_are_not_taken_up(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        for state in sorted(FINAL):
            job = await reach(here, state)
            await silence(here, job)
        await here.rows("DELETE FROM procrastinate_jobs")
        assert await here.attempts.recover(30) == 0

    run(act)


def test_entries_that_were_not_put_away_are_dropped(run: Callable[..., None]) -> None:
    """A worker that ended a job and died, or lost the database, before it could put the entry away."""

    async def act(here: Service) -> None:
        ended, erased, running = [await submit(here, webhook=HOOK) for _ in range(3)]
        await take(here)
        assert await here.attempts.succeed(await begun(here, ended), OUTPUT, 1)
        await here.attempts.succeed(await begun(here, erased), OUTPUT, 1)
        await here.jobs.delete(here.caller.team, erased)
        await begun(here, running)
        await take(here)  # the deliveries, one of a job that is gone
        assert len(await here.entries()) == 5
        await here.queue.drop_ended(30)
        assert await here.entries() == [("fetch", "doing"), ("fetch", "doing"), ("webhooks", "doing")]
        await here.rows("UPDATE jobs SET completed_at = now() - interval '1 minute' WHERE id = %(job)s", job=ended)
        await here.queue.drop_ended(30)
        assert await here.entries() == [("fetch", "doing"), ("webhooks", "doing")]
        (delivery,) = await here.rows("UPDATE webhook_deliveries SET state = 'delivered' RETURNING id")
        await here.rows(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args)"
            " SELECT queue_name, task_name, 'doing', args || '{\"number\": 1}' FROM procrastinate_jobs"
            " WHERE queue_name = 'webhooks'"
        )  # one that nobody makes an attempt for any more
        await here.rows(
            "INSERT INTO webhook_attempts (delivery_id, round, number, seconds, at)"
            " VALUES (%(id)s, 0, 0, 1, now() - interval '20 seconds')",
            id=delivery["id"],
        )
        await here.queue.drop_ended(30)
        assert await here.entries() == [("fetch", "doing"), ("webhooks", "doing")]
        await here.queue.drop_ended(10)
        assert await here.entries() == [("fetch", "doing")]

    run(act)


# The states


async def reach(here: Service, state: str) -> UUID:
    """A job in this state, whose first attempt is the last that was made."""
    job = await submit(here)
    attempt = await begun(here, job)
    match state:
        case "created":
            await here.attempts.pause(attempt)
        case "pending":
            await here.rows("UPDATE jobs SET status = 'pending' WHERE id = %(job)s", job=job)
        case "succeeded":
            await here.attempts.succeed(attempt, OUTPUT, 1)
        case "failed":
            await here.attempts.fail(attempt, "no")
        case "canceled":
            await here.jobs.delete(here.caller.team, job)
    assert (await here.row(job))["status"] == state
    return job


async def _recover(here: Service, attempt: Attempt) -> None:
    await silence(here, attempt.job)
    await here.attempts.recover(30)


# Whoever holds the last attempt makes every call that there is.
CALLS: dict[str, Callable[[Service, Attempt], Awaitable[object]]] = {
    "begin": lambda here, attempt: here.attempts.begin(attempt.job, "waiting"),
    "report": lambda here, attempt: here.attempts.report(attempt, "segmentation", 0.5),
    "keep_alive": lambda here, attempt: here.attempts.keep_alive(attempt),
    "pause": lambda here, attempt: here.attempts.pause(attempt),
    "hand_over": lambda here, attempt: here.attempts.hand_over(attempt, object_name(), 5),
    "succeed": lambda here, attempt: here.attempts.succeed(attempt, OUTPUT, 1),
    "fail": lambda here, attempt: here.attempts.fail(attempt, "no"),
    "delete": lambda here, attempt: here.jobs.delete(here.caller.team, attempt.job),
    "recover": _recover,
}
# State, call: the state after it. What is not here changes nothing of a job.
CHANGES = {
    **{(state, "begin"): "running" for state in ("pending", "created", "running")},
    **{(state, "delete"): "canceled" for state in ("pending", "created", "running")},
    **{(state, "delete"): "gone" for state in FINAL - {"canceled"}},
    ("running", "report"): "running",
    ("running", "hand_over"): "running",
    ("running", "pause"): "created",
    ("running", "succeed"): "succeeded",
    ("running", "fail"): "failed",
}


def test_states_are_those_of_the_interface(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        (row,) = await here.rows(
            "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'jobs_status_check'"
        )
        assert sorted(STATES) == sorted(state for state in row["text"].split("'")[1::2])
        assert set(STATES) >= FINAL

    run(act)


@pytest.mark.parametrize("state", STATES)
def test_only_the_drawn_changes_of_state_exist(run: Callable[..., None], state: str) -> None:
    async def act(here: Service) -> None:
        for call, made in CALLS.items():
            job = await reach(here, state)
            before = await here.row(job)
            attempt = Attempt(
                job=job,
                team=here.caller.team,
                type="diarize",
                model="base",
                params={},
                media=None,
                object=None,
                number=before["attempt"],
            )
            try:
                await made(here, attempt)
            except Canceled:
                assert (state, call) not in CHANGES
            rows = await here.rows("SELECT * FROM jobs WHERE id = %(job)s", job=job)
            after = rows[0]["status"] if rows else "gone"
            expected = CHANGES.get((state, call), state)
            assert after == expected, (state, call)
            if (state, call) not in CHANGES:
                assert {**rows[0], "alive_at": None} == {**before, "alive_at": None}, (state, call)

    run(act)


@pytest.mark.parametrize("state", STATES)
def test_an_older_attempt_changes_nothing_in_any_state(run: Callable[..., None], state: str) -> None:
    async def act(here: Service) -> None:
        job = await reach(here, state)
        await here.rows("UPDATE jobs SET attempt = attempt + 1 WHERE id = %(job)s", job=job)
        row = await here.row(job)
        fake = Attempt(
            job=job,
            team=here.caller.team,
            type="diarize",
            model="base",
            params={},
            media=None,
            object=None,
            number=row["attempt"] - 1,
        )
        for call in ("report", "keep_alive", "pause", "hand_over", "succeed", "fail"):
            for attempt in (fake, replace(fake, number=row["attempt"] + 1)):
                try:
                    await CALLS[call](here, attempt)
                except Canceled:
                    assert call in {"report", "keep_alive"}
                assert await here.row(job) == row, call

    run(act)


def test_a_voiceprint_is_never_a_long_job(run: Callable[..., None]) -> None:
    async def act(here: Service) -> None:
        request, _ = parse(VoiceprintRequest, json.dumps({"url": LINK}).encode(), webhook_http=True)
        job = (await here.jobs.submit(here.caller, request)).id
        attempt = await begun(here, job, "fetching")
        await here.attempts.hand_over(attempt, object_name(), 200 << 20)
        assert (await here.entries())[-1] == (Lane.SHORT, "todo")
        rows = await here.rows("SELECT task_name FROM procrastinate_jobs ORDER BY id")
        assert rows[-1]["task_name"] == HEAR_TASK

    run(act)
