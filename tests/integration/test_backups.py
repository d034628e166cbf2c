"""A backup of a server that runs, restored elsewhere: all of it comes back, but what was erased since."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from database import named, opened
from heard import Rooms, rooms
from people import MASTER_KEY

from timbre.errors import BackupError, BackupMissing, BackupUnreadable, RestoreRefused, SchemaOutdated
from timbre.service.backups.backup import drop_old, make_backup, note_erasures
from timbre.service.backups.contents import Contents, contents_of, database_of
from timbre.service.backups.place import Place, backups_among, erasures_among, open_backups
from timbre.service.backups.restoring import Restored, choose, restore
from timbre.service.backups.verification import readable, verify
from timbre.service.files.storage import open_storage
from timbre.service.jobs.requests import ChangeRequest
from timbre.service.keys.master_key import MasterKeys
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.upkeep.key_rotation import forget_team
from timbre.settings import Settings

SOUND = bytes(range(256)) * 9000  # more than two parts
OF_A_RUN = {"upkeep", "procrastinate_workers", "sessions", "sign_in_links"}  # tables that a restore changes
Act = Callable[["Backing"], Awaitable[None]]


class Backing:
    """A server with people and recordings, and a place for its backups."""

    def __init__(self, here: Rooms, url: str, postgres: str, folder: Path) -> None:
        self.here = here
        self.url = url
        self.postgres = postgres
        self.folder = folder
        self.place = self.place_with(MASTER_KEY)
        self.made: list[str] = []

    def place_with(self, key: str) -> Place:
        return open_backups(str(self.folder / "backups"), MasterKeys.load(Settings(master_key=key)))

    async def back_up(self) -> Contents:
        service = self.here.here
        return await make_backup(
            service.database, self.url, service.storage, self.place, version="1", progress=lambda _done, _total: None
        )

    def empty(self) -> str:
        """The address of a new database."""
        self.made.append(f"restored_{uuid4().hex}")
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.made[-1]}")
        return named(self.postgres, self.made[-1])

    def drop(self) -> None:
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            for name in self.made:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def restore(self, url: str, backup: str | None = None, *, key: str = MASTER_KEY) -> Restored:
        settings = Settings(data_dir=self.folder / "restored", master_key=key)
        contents = await choose(self.place, backup)
        return await restore(
            url,
            contents,
            self.place,
            storage=open_storage(settings),
            settings=settings,
            progress=lambda _done, _total: None,
        )

    async def recording(self, name: str, *, kept: bool) -> UUID:
        """Hear a recording, and keep it or not."""

        async def sound() -> AsyncIterator[bytes]:
            yield SOUND + name.encode()

        await self.here.here.media.receive(self.here.team, name, sound())
        job = await self.here.heard([1, 2], request=DiarizeRequest(url=f"media://{name}"))
        await self.here.here.jobs.change(self.here.team, job, ChangeRequest(kept=kept))
        return job


@pytest.fixture
def run(url: str, postgres: str, tmp_path: Path) -> Callable[[Act], None]:
    """Runs a test's body on a server of its own."""

    def run(act: Act) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY, temp_dir=tmp_path) as here:
                backing = Backing(rooms(here), url, postgres, tmp_path)
                try:
                    await act(backing)
                finally:
                    backing.drop()

        asyncio.run(body())

    return run


def digests(url: str) -> dict[str, Any]:
    """What is in each table, in whatever order."""
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        query = "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {} AS t"
        return {name: connection.execute(query.format(name)).fetchone() for name in set(tables) - OF_A_RUN}


def test_all_that_is_kept_comes_back(run):
    async def act(server):
        ada = await server.here.enrol("Ada", 1)
        voices = await server.here.gallery.templates(server.here.team, [ada])
        kept = await server.recording("kept", kept=True)
        await server.recording("passing", kept=False)
        contents = await server.back_up()
        assert [each.bytes for each in contents.media] == [len(SOUND) + 4]
        await verify(contents, server.place, server.folder, lambda _done, _total: None)
        # What happens while and after it is made is not in it.
        before = digests(server.url)
        await server.here.enrol("Ben", 2)

        url = server.empty()
        done = await server.restore(url)
        assert (done.contents, done.recordings, done.erased) == (contents, 1, Counter())
        assert digests(url) == before
        async with opened(url, server.folder / "restored", master_key=MASTER_KEY) as there:
            again = rooms(there)
            people, _ = await again.gallery.page(server.here.team, limit=10)
            assert [person.id for person in people] == [ada]
            assert await again.gallery.templates(server.here.team, [ada]) == voices
            recording = await there.jobs.recording(server.here.team, kept)
            assert b"".join([piece async for piece in there.storage.chunks(recording.object)]) == SOUND + b"kept"
        with pytest.raises(RestoreRefused):  # it is nobody's to overwrite
            await server.restore(url)

    run(act)


def test_a_backup_copies_only_recordings_that_are_new(run):
    async def act(server):
        await server.recording("first", kept=True)
        first = await server.back_up()
        names = await server.place.names()
        await server.recording("second", kept=True)
        second = await server.back_up()
        after = await server.place.names()
        assert [each.object for each in first.media] == [each.object for each in second.media if each.name in names]
        assert all(after[name] == names[name] for name in names)
        assert len([name for name in after if name.startswith("media/")]) == 2
        assert [contents.id for contents in await readable(server.place)] == [first.id, second.id]

    run(act)


def test_what_was_erased_since_stays_erased(run):
    async def act(server):
        here = server.here.here
        ada, ben = await server.here.enrol("Ada", 1), await server.here.enrol("Ben", 2)
        job = await server.recording("erased", kept=True)
        (key,) = await here.rows("SELECT id FROM api_keys")
        gone = await server.here.enrol("Zoe", 3)
        await server.here.gallery.erase(server.here.team, gone)
        old = await server.back_up()
        await server.here.gallery.erase(server.here.team, ada)
        assert await note_erasures(here.database, server.place) > 0
        assert not await here.jobs.delete(server.here.team, job)
        await here.rows("UPDATE api_keys SET revoked_at = now()")
        sample = (await server.here.gallery.get(server.here.team, ben)).samples[0].id
        await server.here.gallery.remove_sample(server.here.team, ben, sample)
        await server.back_up()

        url = server.empty()
        done = await server.restore(url, old.id)
        assert done.erased == Counter(person=1, job=1, sample=1, key=1)
        assert done.recordings == 0
        async with opened(url, server.folder / "restored", master_key=MASTER_KEY) as there:
            people, _ = await rooms(there).gallery.page(server.here.team, limit=10)
            assert [(person.id, person.samples) for person in people] == [(ben, ())]
            assert await there.empty("jobs", "job_outputs", "job_voices")
            (revoked,) = await there.rows("SELECT revoked_at FROM api_keys WHERE id = %(id)s", id=key["id"])
            assert revoked["revoked_at"]
        assert not any(path.is_file() for path in (server.folder / "restored" / "media").rglob("*"))

    run(act)


def test_voices_that_were_enrolled_after_a_team_was_forgotten_come_back(run):
    async def act(server):
        await server.here.enrol("Ada", 1)
        before = await server.back_up()
        await forget_team(server.here.here.database, server.here.team)
        await server.here.enrol("Ben", 2)
        await server.back_up()
        url = server.empty()
        assert (await server.restore(url)).erased == Counter()
        async with opened(url, server.folder / "restored", master_key=MASTER_KEY) as there:
            people, _ = await rooms(there).gallery.page(server.here.team, limit=10)
            assert {person.name: len(person.samples) for person in people} == {"Ada": 0, "Ben": 1}
        url = server.empty()
        assert (await server.restore(url, before.id)).erased == Counter(voices=1)

    run(act)


def test_a_restore_that_was_broken_off_goes_on(run):
    async def act(server):
        await server.recording("kept", kept=True)
        contents = await server.back_up()
        (kept,) = contents.media
        file = server.folder / "backups" / kept.name
        file.rename(file.with_suffix(".away"))
        url = server.empty()
        with pytest.raises(BackupMissing):
            await server.restore(url)
        file.with_suffix(".away").rename(file)
        assert (await server.restore(url)).recordings == 1
        with pytest.raises(RestoreRefused):
            await server.restore(url)

    run(act)


def test_what_was_changed_cut_or_moved_is_found(run):
    async def act(server):
        await server.recording("kept", kept=True)
        contents = await server.back_up()
        whole = server.folder / "backups" / contents.media[0].name
        text = whole.read_bytes()
        database = (server.folder / "backups" / database_of(contents.id)).read_bytes()
        part = 64 + (1 << 20) + 16
        for damaged in (
            text[:100] + bytes([text[100] ^ 1]) + text[101:],
            text[:-1],
            text[:part],  # whole parts are missing
            text[:64] + text[part : 2 * part - 64] + text[64:part] + text[2 * part - 64 :],
            database,
            b"",
        ):
            whole.write_bytes(damaged)
            with pytest.raises(BackupUnreadable, match=contents.media[0].name):
                await verify(contents, server.place, server.folder, lambda _done, _total: None)
        whole.unlink()
        with pytest.raises(BackupMissing, match="not whole"):
            await verify(contents, server.place, server.folder, lambda _done, _total: None)

    run(act)


def test_nothing_can_be_read_with_another_master_key(run):
    async def act(server):
        contents = await server.back_up()
        other = server.place_with("A" * 43 + "=")
        with pytest.raises(BackupUnreadable, match="another master key"):
            await choose(other, None)
        both = server.place_with(f"{'A' * 43}=,{MASTER_KEY}")
        assert (await choose(both, None)).id == contents.id
        for path in (server.folder / "backups").rglob("*"):
            assert not path.is_file() or b"procrastinate" not in path.read_bytes()

    run(act)


def test_old_backups_go_with_the_recordings_that_only_they_had(run):
    async def act(server):
        job = await server.recording("old", kept=True)
        old = await server.back_up()
        await server.here.here.jobs.delete(server.here.team, job)
        await server.recording("new", kept=True)
        new = await server.back_up()
        place = server.place
        assert await drop_old(place, 30) == 0
        assert await drop_old(place, 0) == 1
        names = await place.names()
        assert backups_among(names) == [new.id]
        assert database_of(old.id) not in names
        # A recording that no backup names may belong to one that is being made.
        assert len([name for name in names if name.startswith("media/")]) == 2
        assert erasures_among(names)

    run(act)


def test_two_backups_of_a_server_are_not_made_at_once(run):
    async def act(server):
        async with server.here.here.database.apart() as connection:
            await connection.execute("SELECT pg_advisory_lock(7595436)")
            with pytest.raises(BackupError, match="Another backup"):
                await server.back_up()

    run(act)


def test_what_is_not_there_says_what_is(run):
    async def act(server):
        with pytest.raises(BackupMissing, match="timbre backup"):
            await choose(server.place, None)
        contents = await server.back_up()
        with pytest.raises(BackupMissing, match=contents.id):
            await choose(server.place, "yesterday")
        newer = Contents.from_bytes(contents.to_bytes().replace(contents.schema.encode(), b"9999"))
        await server.place.write(contents_of(contents.id), newer.to_bytes())
        with pytest.raises(SchemaOutdated, match="newer version"):
            await server.restore(server.empty())

    run(act)
