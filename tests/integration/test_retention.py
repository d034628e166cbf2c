"""Retention: what is over its time goes, from the database and from the storage; what is needed stays."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from data_folder import DATABASE, put_database
from far_server import far_server
from media import wav
from server import LOOPBACK, Server, finished, submit, upload
from server import voice as enrolment
from timbre import Settings
from timbre.errors import JobUnknown, ServiceUnavailable
from timbre.service.accounts.teams import Caller, Teams
from timbre.service.accounts.usage import Usage
from timbre.service.files.media import Media, Recording
from timbre.service.files.storage import Storage, open_storage
from timbre.service.jobs.attempts import Attempts
from timbre.service.jobs.jobs import Jobs, Once
from timbre.service.keys.secrets import Secrets
from timbre.service.models.packs import Packs
from timbre.service.outside.webhooks import Webhooks
from timbre.service.requests.submissions import VoiceprintRequest
from timbre.service.upkeep.retention import Retention, Swept
from timbre.store.database import Database, open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.queue import Queue

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    # Not in pytest's own folder, which is closed to the user that root's database runs as.
    with TemporaryDirectory() as folder:
        put_database(Path(folder))
        postgres = EmbeddedPostgres(Path(folder, DATABASE))
        try:
            yield postgres.start()
        finally:
            postgres.stop()


@dataclass(frozen=True)
class Place:
    """A server's parts, without its processes."""

    folder: Path  # of the media
    database: Database
    storage: Storage
    media: Media
    jobs: Jobs
    attempts: Attempts
    retention: Retention
    caller: Caller

    async def rows(self, query: str, **arguments: Any) -> list[dict]:
        async with self.database.transaction() as connection:
            cursor = await connection.execute(query, arguments)
            return await cursor.fetchall() if cursor.description else []

    async def upload(self, key: str, content: bytes = b"sound") -> Recording:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        await self.media.receive(self.caller.team, key, chunks())
        found = await self.media.find(self.caller.team, key)
        assert found is not None
        return found

    async def submit(self, url: str, once: Once | None = None, **options: Any) -> UUID:
        request = VoiceprintRequest(url=url, **options)
        return (await self.jobs.submit(self.caller, request, once=once)).id

    async def succeed(self, job: UUID, output: bytes = b'{"voiceprint":"x"}') -> None:
        attempt = await self.attempts.begin(job, "hearing")
        assert await self.attempts.succeed(attempt, output, 20.0)

    async def age(self, table: str, column: str, id_: UUID, by: timedelta) -> None:
        await self.rows(f"UPDATE {table} SET {column} = now() - %(by)s WHERE id = %(id)s", id=id_, by=by)  # noqa: S608

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def at(address, tmp_path) -> Callable[..., Any]:
    """Runs a coroutine function on an empty server."""

    def run(act: Callable[[Place], Awaitable], **settings: Any) -> Any:
        async def inside() -> Any:
            async with _place(address, tmp_path, settings) as place:
                return await act(place)

        return asyncio.run(inside())

    return run


@asynccontextmanager
async def _place(url: str, folder: Path, given: dict[str, Any]) -> AsyncIterator[Place]:
    settings = Settings(**{"data_dir": folder, "temp_dir": folder, **given})
    async with open_database(url, connections=4, application="test") as database:
        queue = Queue(database)
        await queue.open()
        async with database.transaction() as connection:
            await connection.execute("TRUNCATE teams, procrastinate_jobs CASCADE")
        teams = Teams(database)
        caller = await teams.authenticate(f"Bearer {await teams.create_key('test')}")
        storage = open_storage(settings)
        media = Media(database, storage, Secrets(database), settings)
        usage, webhooks = Usage(database), Webhooks(database, queue, settings)
        jobs = Jobs(
            database,
            queue,
            media=media,
            storage=storage,
            packs=Packs(settings),
            usage=usage,
            webhooks=webhooks,
            settings=settings,
        )
        yield Place(
            folder=folder / "media",
            database=database,
            storage=storage,
            media=media,
            jobs=jobs,
            attempts=Attempts(database, queue, usage=usage, webhooks=webhooks, settings=settings),
            retention=Retention(database, storage, settings),
            caller=caller,
        )


def test_an_empty_server_has_nothing_to_sweep(at):
    assert at(lambda here: here.retention.sweep()) == Swept()


def test_outputs_go_when_their_time_is_over(at):
    async def act(here):
        old, young = [await here.submit("media://a") for _ in range(2)]
        for job, hours in ((old, 3), (young, 1)):
            await here.succeed(job)
            await here.age("jobs", "completed_at", job, timedelta(hours=hours))
        assert await here.retention.sweep() == Swept(outputs=1)
        assert [row["job_id"] for row in await here.rows("SELECT job_id FROM job_outputs")] == [young]
        for job in (old, young):
            assert (await here.jobs.get(here.caller.team, job))["status"] == "succeeded"
        assert await here.jobs.output(old) is None
        assert await here.jobs.output(young)

    at(act, output_hours=2)


def test_jobs_go_with_all_that_is_kept_of_them(at):
    async def act(here):
        old, young, waiting = [await here.submit("media://a", webhook="https://far.example/hook") for _ in range(3)]
        for job, days in ((old, 8), (young, 6)):
            await here.succeed(job)
            await here.age("jobs", "completed_at", job, timedelta(days=days))
        await here.age("jobs", "created_at", waiting, timedelta(days=100))
        assert await here.retention.sweep() == Swept(outputs=2, jobs=1)
        assert {row["id"] for row in await here.rows("SELECT id FROM jobs")} == {young, waiting}
        assert [row["job_id"] for row in await here.rows("SELECT job_id FROM webhook_deliveries")] == [young]
        with pytest.raises(JobUnknown):
            await here.jobs.get(here.caller.team, old)

    at(act, job_days=7)


def test_media_goes_with_its_file_when_its_time_is_over(at):
    async def act(here):
        old = await here.upload("old.wav")
        young = await here.upload("young.wav")
        await here.age("media", "expires_at", old.id, timedelta(seconds=1))
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == [young.object]
        assert [row["key"] for row in await here.rows("SELECT key FROM media")] == ["young.wav"]

    at(act)


def test_media_lives_as_long_as_the_setting_says(at):
    async def act(here):
        recording = await here.upload("a.wav")
        (row,) = await here.rows("SELECT expires_at - created_at AS life FROM media WHERE id = %(id)s", id=recording.id)
        assert row["life"] == timedelta(hours=30)

    at(act, media_hours=30)


def test_media_stays_while_a_job_needs_it(at):
    async def act(here):
        recording = await here.upload("a.wav")
        waiting, running = [await here.submit("media://a.wav") for _ in range(2)]
        attempt = await here.attempts.begin(running, "hearing")
        await here.age("media", "expires_at", recording.id, DAY)
        assert await here.retention.sweep() == Swept()
        assert await here.attempts.fail(attempt, "no speech")
        assert await here.retention.sweep() == Swept()
        assert await here.media.get(recording.id) == recording
        await here.jobs.delete(here.caller.team, waiting)
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == []
        assert len(await here.rows("SELECT id FROM jobs")) == 2

    at(act)


def test_media_that_came_after_its_job_stays_while_it_is_heard(at):
    async def act(here):
        job = await here.submit("media://late.wav")
        first = await here.upload("late.wav")
        attempt = await here.attempts.begin(job, "hearing")
        assert attempt.media is None
        second = await here.upload("late.wav")
        assert await here.retention.sweep() == Swept()
        assert here.files() == sorted([first.object, second.object])
        await here.attempts.fail(attempt, "no speech")
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == [second.object]

    at(act)


def test_a_version_that_was_replaced_goes_unless_a_job_needs_it(at):
    async def act(here):
        first = await here.upload("a.wav", b"first")
        job = await here.submit("media://a.wav")
        second = await here.upload("a.wav", b"second")
        third = await here.upload("a.wav", b"third")
        other = await here.upload("b.wav", b"other")
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == sorted([first.object, third.object, other.object])
        assert await here.media.get(second.id) is None
        await here.succeed(job)
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == sorted([third.object, other.object])

    at(act)


def test_links_that_nobody_used_hide_no_recording(at):
    async def act(here):
        recording = await here.upload("a.wav")
        for number in range(30):
            await here.rows(
                "INSERT INTO media (id, team_id, key, object, expires_at)"
                " VALUES (gen_random_uuid(), %(team)s, 'a.wav', %(object)s, now() + interval '1 hour')",
                team=here.caller.team,
                object=f"ab/{number}",
            )
        assert await here.media.find(here.caller.team, "a.wav") == recording
        assert await here.retention.sweep() == Swept()
        assert await here.media.find(here.caller.team, "a.wav") == recording

    at(act)


def test_more_than_one_batch_goes_in_one_sweep(at):
    async def act(here):
        await here.rows(
            "INSERT INTO media (id, team_id, key, object, bytes, expires_at)"
            " SELECT gen_random_uuid(), %(team)s, 'k', 'ab/' || n, 1, now() - interval '1 s'"
            " FROM generate_series(1, 1001) AS n",
            team=here.caller.team,
        )
        assert (await here.retention.sweep()).media == 1001

    at(act)


def test_what_was_fetched_for_a_job_goes_when_it_has_ended(at):
    async def act(here):
        ended, old, running = [await here.submit("https://far.example/a.wav") for _ in range(3)]
        names = {}
        for job in (ended, old, running):
            attempt = await here.attempts.begin(job, "fetching")
            names[job] = f"ab/{job.hex}"
            await here.storage.put(names[job], _one(b"fetched"), most_bytes=10)
            await here.attempts.hand_over(attempt, names[job], 7)
            assert await here.attempts.knows(attempt, names[job])
        for job in (ended, old):
            attempt = await here.attempts.begin(job, "hearing")
            await here.attempts.fail(attempt, "no speech")
        await here.age("jobs", "completed_at", old, timedelta(days=100))
        # One that is old enough to go as well takes what was fetched along.
        assert await here.retention.sweep() == Swept(objects=2, jobs=1)
        assert here.files() == [names[running]]
        assert (await here.rows("SELECT object FROM jobs WHERE id = %(id)s", id=ended)) == [{"object": None}]

    at(act)


def test_what_was_fetched_for_a_job_goes_when_it_is_erased(at):
    async def act(here):
        job = await here.submit("https://far.example/a.wav")
        attempt = await here.attempts.begin(job, "fetching")
        await here.storage.put("ab/fetched", _one(b"fetched"), most_bytes=10)
        await here.attempts.hand_over(attempt, "ab/fetched", 7)
        await here.attempts.fail(await here.attempts.begin(job, "hearing"), "no speech")
        assert here.files() == ["ab/fetched"]
        assert not await here.jobs.delete(here.caller.team, job)
        assert here.files() == []

    at(act)


def test_files_that_no_row_knows_go_when_they_are_old(at):
    async def act(here):
        known = await here.upload("a.wav")
        old, young, other = (f"ab/{digit * 32}" for digit in "012")
        names = [old, young, other, "backups/2026-01-01"]  # the last is somebody else's, in the same bucket
        for name in names:
            await here.storage.put(name, _one(b"stray"), most_bytes=10)
        for name in (old, other, "backups/2026-01-01", known.object):
            _age_file(here.folder / name, DAY + timedelta(minutes=1))
        _age_file(here.folder / young, DAY - timedelta(minutes=1))
        assert await here.retention.sweep() == Swept(objects=2)
        assert here.files() == sorted([young, "backups/2026-01-01", known.object])

    at(act)


def test_what_a_killed_process_left_half_written_goes_when_it_is_old(at):
    async def act(here):
        (here.folder / "ab").mkdir()
        old, young = here.folder / "ab" / "upload#1", here.folder / "ab" / "upload#2"
        old_copy, young_copy = here.folder.parent / "timbre-media-old", here.folder.parent / "timbre-media-young"
        for path in (old, young, old_copy, young_copy):
            path.write_bytes(b"half")
        for path in (old, old_copy):
            _age_file(path, DAY + timedelta(minutes=1))
        assert await here.retention.sweep() == Swept(unfinished=2)
        assert not old.exists()
        assert not old_copy.exists()
        assert young.exists()
        assert young_copy.exists()

    at(act)


def test_idempotency_keys_go_after_a_day(at):
    async def act(here):
        once, other = (Once(key=key, digest=b"d") for key in ("old", "young"))
        old, young = [await here.submit("media://a", once=one) for one in (once, other)]
        await here.rows("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'")
        await here.retention.sweep()
        assert await here.submit("media://a", once=other) == young
        assert await here.submit("media://a", once=once) != old

    at(act)


def test_secrets_of_webhooks_go_when_they_are_not_valid_any_more(at):
    async def act(here):
        await here.rows(
            "INSERT INTO webhook_secrets (id, team_id, secret, expires_at)"
            " SELECT gen_random_uuid(), %(team)s, n || ' h', now() + make_interval(hours => n)"
            " FROM generate_series(-1, 1, 2) AS n",
            team=here.caller.team,
        )
        await here.retention.sweep()
        left = [row["secret"] for row in await here.rows("SELECT secret FROM webhook_secrets")]
        assert "1 h" in left
        assert "-1 h" not in left
        assert len(left) == 2

    at(act)


def test_outputs_go_in_time_although_the_storage_is_away(at):
    async def act(here):
        job = await here.submit("media://a")
        await here.succeed(job)
        await here.age("jobs", "completed_at", job, 2 * DAY)
        recording = await here.upload("a.wav")
        await here.age("media", "expires_at", recording.id, DAY)
        away = here.folder.with_name("away")
        here.folder.rename(away)
        here.folder.write_bytes(b"no folder")
        with pytest.raises(ServiceUnavailable):
            await here.retention.sweep()
        assert await here.jobs.output(job) is None
        here.folder.unlink()
        away.rename(here.folder)
        assert await here.retention.sweep() == Swept(media=1)
        assert here.files() == []

    at(act)


def test_one_sweeps_at_a_time(at, address):
    async def act(here):
        recording = await here.upload("a.wav")
        await here.age("media", "expires_at", recording.id, DAY)
        with psycopg.connect(address) as other:
            other.execute("SELECT pg_advisory_xact_lock(7595435)")
            assert await here.retention.sweep() == Swept()
        assert await here.retention.sweep() == Swept(media=1)

    at(act)


@pytest.mark.parametrize("ending", ["succeeded", "failed", "canceled"])
def test_voiceprints_transcripts_and_addresses_are_forgotten_when_a_job_ends(at, ending):
    async def act(here):
        job = await here.submit("https://far.example/a.wav?X-Amz-Signature=secret")
        await here.rows(
            """UPDATE jobs SET params = params || '{"voiceprints": [{"label": "Ada", "voiceprint": "whose voice"}],
                                                   "transcript": "whose words"}'"""
        )
        attempt = await here.attempts.begin(job, "hearing")
        assert attempt.params["voiceprints"]
        match ending:
            case "succeeded":
                await here.attempts.succeed(attempt, b"{}", 1.0)
            case "failed":
                await here.attempts.fail(attempt, "no speech")
            case _:
                await here.jobs.delete(here.caller.team, job)
        (row,) = await here.rows("SELECT status, params FROM jobs")
        assert row["status"] == ending
        assert not {"url", "voiceprints", "transcript"} & set(row["params"])
        kept = await _everything(here.database.pool.conninfo)
        assert "secret" not in kept.replace("webhook_secrets", "").replace("server_secrets", "")
        assert "whose voice" not in kept
        assert "whose words" not in kept

    at(act)


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _age_file(path: Path, by: timedelta) -> None:
    moment = (datetime.now(UTC) - by).timestamp()
    os.utime(path, (moment, moment))


async def _everything(url: str) -> str:
    return await asyncio.to_thread(kept_in, url)


def kept_in(url: str) -> str:
    """The text of every row of every table, unpacked where it is packed."""
    lines: list[str] = []
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            columns = connection.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", (table,)
            ).fetchall()
            # Python has no date for "for ever".
            read = [f'"{name}"::text' if kind.startswith("timestamp") else f'"{name}"' for name, kind in columns]
            rows = connection.execute(f"SELECT {', '.join(read)} FROM {table}")  # noqa: S608 - names of the database
            lines += [f"{table} {[_unpacked(value) for value in row]}" for row in rows]
    return "\n".join(lines)


def _unpacked(value: Any) -> str:
    if isinstance(value, bytes):
        return gzip.decompress(value).decode() if value.startswith(b"\x1f\x8b") else value.hex()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so after {seconds:g} s"
        time.sleep(0.05)


@pytest.mark.exhaustive
@pytest.mark.database
def test_a_server_keeps_to_its_settings(tmp_path):
    settings = {
        **LOOPBACK,
        "TIMBRE_OUTPUT_HOURS": "0.0005",  # two seconds
        "TIMBRE_MEDIA_HOURS": "0.001",  # four
        "TIMBRE_SWEEP_SECONDS": "1",
    }
    with Server(tmp_path, settings) as server, server.client() as client:
        recording = upload(client, enrolment("Ada"))
        assert len(_files(server)) == 1
        job = submit(client, "voiceprint", url=recording)
        detail = finished(client, job)
        assert detail["output"]["voiceprint"]
        until(lambda: "output" not in client.get(f"/v1/jobs/{job}").json())
        after = client.get(f"/v1/jobs/{job}")
        assert after.status_code == 200
        gone = {"output", "hasAudio"}  # the recording goes soon, too
        assert {name: after.json()[name] for name in detail if name not in gone} == {
            name: value for name, value in detail.items() if name not in gone
        }
        assert client.get(f"/v1/jobs/{job}/output.json").status_code == 404
        until(lambda: not _files(server))
        assert client.post("/v1/media/output", json={"url": recording}).status_code == 404
        assert detail["output"]["voiceprint"] not in kept_in(EmbeddedPostgres(server.folder / "postgres").url())


def test_a_job_that_is_erased_is_gone_to_the_last_byte(server, voice, tmp_path):
    # Cut where no other test cuts, so that nothing of theirs is the same.
    ada, ben = tmp_path / "ada.wav", tmp_path / "ben.wav"
    for path, name in ((ada, "Ada"), (ben, "Ben")):
        path.write_bytes(wav((voice(name)[: 15 * 16_000 + 7] * 32_767).astype("<i2").tobytes(), rate=16_000))
    content = ben.read_bytes()
    with server.client() as client, far_server() as far:
        recording = upload(client, ada, "retention/ada.wav")
        made = finished(client, submit(client, "voiceprint", url=recording))
        voiceprint = made["output"]["voiceprint"]
        far.routes |= {
            "/ben.wav": lambda request: request.answer(body=content),
            "/hook": lambda request: request.answer(),
        }
        body = {
            "url": f"{far.url}/ben.wav",
            "voiceprints": [{"label": "Ada", "voiceprint": voiceprint}],
            "webhook": f"{far.url}/hook",
        }
        answer = client.post("/v1/identify", json=body, headers={"Idempotency-Key": uuid4().hex})
        job = answer.json()["jobId"]
        assert finished(client, job)["status"] == "succeeded"
        far.wait("/hook")
        url = EmbeddedPostgres(server.folder / "postgres").url()
        before = kept_in(url)
        assert job in before
        assert f"job_outputs ['{job}'" in before
        for id_ in (job, made["jobId"]):
            assert client.delete(f"/v1/jobs/{id_}").json() == {"jobId": id_, "deleted": True}
            assert client.get(f"/v1/jobs/{id_}").status_code == 404

    def gone() -> bool:  # the worker puts its entry of the webhook away when it is done
        # The audit has the ids of what was erased, so that it is erased again after a restore, and nothing else of it.
        kept = "\n".join(line for line in kept_in(url).splitlines() if not line.startswith("audit "))
        return not any(text in kept for text in (job, made["jobId"], voiceprint, f"{far.url}/ben.wav"))

    until(gone)
    assert all(content not in path.read_bytes() for path in _files(server))


def _files(server: Server) -> list[Path]:
    return [path for path in (server.folder / "media").rglob("*") if path.is_file()]
