"""Keys give way to others: nothing is lost wherever it breaks off, nobody mixes two keys, and what is forgotten is."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened

from timbre import Settings
from timbre.errors import MasterKeyInvalid, MasterKeyMissing, OptionError, TemplateUnreadable
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Teams
from timbre.service.keys.master_key import MasterKey, MasterKeys, key_file
from timbre.service.keys.template_protection import Protection, TeamCipher, check_master_key
from timbre.service.upkeep import key_rotation as rotation
from timbre.service.upkeep.key_rotation import Kept, drop_unused, forget_team, rotate_master, rotate_team
from timbre.store.database import Connection
from timbre.store.identifiers import new_id

DIMENSION = 32
OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@dataclass(frozen=True)
class Gallery:
    """A team with people, as the database has them."""

    here: Service
    protection: Protection
    team: UUID
    settings: Settings

    async def enrol(self, seed: int, *, team: UUID | None = None, connection: Connection | None = None) -> UUID:
        """Keep a person, with a sample, a clip and a search vector; the seed is their voice."""
        if connection is None:
            async with self.here.database.transaction() as own:
                return await self.enrol(seed, team=team, connection=own)
        team = team or self.team
        cipher = await self.protection.cipher(team, connection)
        person, sample = new_id(), new_id()
        await connection.execute(
            "INSERT INTO speakers (id, team_id, name) VALUES (%s, %s, %s)", (person, team, f"Person {person}")
        )
        await connection.execute(
            "INSERT INTO samples (id, speaker_id, team_id, source, space, seconds, template, clip)"
            " VALUES (%s, %s, %s, 'voiceprint', 'space', 9, %s, %s)",
            (
                sample,
                person,
                team,
                cipher.seal(b"template %d" % seed, sample),
                cipher.seal(b"clip", sample, part="clip") if seed % 2 else None,
            ),
        )
        vector = cipher.turn(voice(seed)).tolist()
        await connection.execute(
            "INSERT INTO speaker_vectors (speaker_id, team_id, space, vector)"
            " VALUES (%s, %s, 'space', %s::text::halfvec)",
            (person, team, str(vector)),
        )
        return person

    async def keep_voices(self, text: bytes) -> UUID:
        """Keep the voices of a job."""
        (row,) = await self.here.rows(
            "INSERT INTO jobs (id, team_id, type, model, params)"
            " VALUES (%(id)s, %(team)s, 'diarize', 'base', '{}') RETURNING id",
            id=new_id(),
            team=self.team,
        )
        sealed = (await self.protection.cipher(self.team)).seal(text, row["id"])
        await self.here.rows(
            "INSERT INTO job_voices (job_id, team_id, body) VALUES (%(id)s, %(team)s, %(body)s)",
            id=row["id"],
            team=self.team,
            body=sealed,
        )
        return row["id"]

    async def templates(self, team: UUID | None = None) -> set[bytes]:
        """What the samples of a team are, decrypted as a running server does."""
        cipher = await self.protection.cipher(team or self.team)
        rows = await self.here.rows("SELECT * FROM samples WHERE team_id = %(team)s", team=team or self.team)
        for row in rows:
            assert row["clip"] is None or cipher.open(row["clip"], row["id"], part="clip") == b"clip"
        return {cipher.open(row["template"], row["id"]) for row in rows}

    async def found(self, seed: int) -> tuple[int, float]:
        """How many people there are, and how near the nearest is to a voice."""
        async with self.protection.reading(self.team) as (connection, cipher):
            return await nearest(connection, self.team, cipher, seed)

    async def waiting(self) -> None:
        """Return as soon as somebody waits for a lock."""
        while not await self.here.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            await asyncio.sleep(0.01)


def voice(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


async def nearest(connection: Connection, team: UUID, cipher: TeamCipher, seed: int) -> tuple[int, float]:
    wanted = str(cipher.turn(voice(seed)).tolist())
    cursor = await connection.execute(
        "SELECT count(*) AS people, max(-(vector <#> %s::text::halfvec)) AS cosine FROM speaker_vectors"
        " WHERE team_id = %s",
        (wanted, team),
    )
    row = await cursor.fetchone()
    return row["people"], row["cosine"] or 0.0


@pytest.fixture
def at(url, tmp_path) -> Callable[..., None]:
    """Run something on a team with three people and one job's voices."""

    @asynccontextmanager
    async def place(**given: Any):
        async with opened(url, tmp_path, **given) as here:
            if here.settings.master_key is None:
                MasterKeys.make(here.settings)
            gallery = Gallery(here, Protection(here.database, here.settings), here.caller.team, here.settings)
            for seed in range(3):
                await gallery.enrol(seed)
            await gallery.keep_voices(b"voices")
            yield gallery

    def run(act: Callable[[Gallery], Awaitable[None]], **given: Any) -> None:
        async def started() -> None:
            async with place(**given) as gallery:
                await act(gallery)

        asyncio.run(started())

    return run


TEMPLATES = {b"template 0", b"template 1", b"template 2"}


def test_a_teams_key_is_replaced_under_a_running_server(at):
    async def act(gallery: Gallery):
        before = await gallery.here.rows("SELECT template FROM samples UNION ALL SELECT body FROM job_voices")
        old = await gallery.protection.cipher(gallery.team)
        kept = await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        assert kept == Kept(samples=3, vectors=3, voices=1)
        after = await gallery.here.rows("SELECT template FROM samples UNION ALL SELECT body FROM job_voices")
        assert not {row["template"] for row in before} & {row["template"] for row in after}
        assert await gallery.templates() == TEMPLATES
        people, cosine = await gallery.found(1)
        assert people == 3
        assert cosine == pytest.approx(1, abs=1e-3)
        (row,) = await gallery.here.rows("SELECT job_id, body FROM job_voices")
        assert (await gallery.protection.cipher(gallery.team)).open(row["body"], row["job_id"]) == b"voices"
        with pytest.raises(TemplateUnreadable):
            old.open(row["body"], row["job_id"])
        (entry,) = await audit.page(gallery.here.database, gallery.team)
        assert (entry["action"], entry["details"]) == ("team_key.rotated", {"samples": 3, "vectors": 3, "voices": 1})

    at(act)


def test_a_search_that_is_under_way_sees_the_vectors_of_its_own_key(at):
    async def act(gallery: Gallery):
        async with gallery.protection.reading(gallery.team) as (connection, cipher):
            await rotate_team(gallery.here.database, gallery.settings, gallery.team)
            people, cosine = await nearest(connection, gallery.team, cipher, 1)
            assert (people, cosine) == (3, pytest.approx(1, abs=1e-3))
        async with gallery.here.database.transaction() as connection:  # what a search without care would have found
            _, mixed = await nearest(connection, gallery.team, cipher, 1)
            assert mixed < 0.9
        assert (await gallery.found(1))[1] == pytest.approx(1, abs=1e-3)

    at(act)


def test_searches_and_rotations_at_once_never_mix(at):
    async def act(gallery: Gallery):
        done = asyncio.Event()
        cosines = []

        async def search() -> None:
            while not done.is_set():
                cosines.append(await gallery.found(1))

        searches = [asyncio.create_task(search()) for _ in range(4)]
        for _ in range(10):
            await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        done.set()
        await asyncio.gather(*searches)
        assert len(cosines) > 10
        assert all(found == (3, pytest.approx(1, abs=2e-3)) for found in cosines)

    at(act)


def test_a_rotation_waits_for_an_enrolment_and_takes_it_along(at):
    async def act(gallery: Gallery):
        async with gallery.here.database.transaction() as connection:
            await gallery.enrol(7, connection=connection)
            rotating = asyncio.create_task(rotate_team(gallery.here.database, gallery.settings, gallery.team))
            await gallery.waiting()
            assert not rotating.done()
        assert (await rotating).samples == 4
        assert await gallery.templates() == TEMPLATES | {b"template 7"}
        assert (await gallery.found(7))[1] == pytest.approx(1, abs=1e-3)

    at(act)


def test_an_enrolment_waits_for_a_rotation_and_takes_the_new_key(at, monkeypatch):
    async def act(gallery: Gallery):
        enrolling = []
        record = audit.record

        async def slowly(*arguments: Any, **named: Any) -> None:  # the last thing that a rotation does
            enrolling.append(asyncio.create_task(gallery.enrol(7)))
            await gallery.waiting()
            await record(*arguments, **named)

        monkeypatch.setattr(audit, "record", slowly)
        await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        await enrolling[0]
        assert await gallery.templates() == TEMPLATES | {b"template 7"}
        assert (await gallery.found(7))[1] == pytest.approx(1, abs=1e-3)

    at(act)


def test_a_rotation_that_breaks_off_changes_nothing(at, monkeypatch):
    async def act(gallery: Gallery):
        async def dies(*_: Any, **__: Any) -> None:
            raise ConnectionResetError

        monkeypatch.setattr(audit, "record", dies)
        with pytest.raises(ConnectionResetError):
            await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        assert await gallery.templates() == TEMPLATES
        assert (await gallery.found(1))[1] == pytest.approx(1, abs=1e-3)

    at(act)


def test_a_sample_that_was_damaged_stops_a_rotation_and_is_named(at):
    async def act(gallery: Gallery):
        (row,) = await gallery.here.rows(
            "UPDATE samples SET template = 'damaged' WHERE id = (SELECT max(id::text)::uuid FROM samples) RETURNING id"
        )
        with pytest.raises(TemplateUnreadable, match=str(row["id"])):
            await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        await gallery.here.rows("DELETE FROM samples WHERE id = %(id)s", id=row["id"])
        assert await gallery.templates() == TEMPLATES - {b"template 2"}

    at(act)


def test_more_than_one_batch_is_protected_anew(at, monkeypatch):
    monkeypatch.setattr(rotation, "_BATCH", 2)

    async def act(gallery: Gallery):
        for seed in range(3, 8):
            await gallery.enrol(seed)
        assert (await rotate_team(gallery.here.database, gallery.settings, gallery.team)).samples == 8
        assert len(await gallery.templates()) == 8

    at(act)


def test_another_teams_people_are_left_alone(at):
    async def act(gallery: Gallery):
        key = await Teams(gallery.here.database).create_key("other", team="other")
        other = (await Teams(gallery.here.database).authenticate(f"Bearer {key}")).team
        await gallery.enrol(8, team=other)
        await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        await forget_team(gallery.here.database, gallery.team)
        assert await gallery.templates(other) == {b"template 8"}
        assert await audit.page(gallery.here.database, other) == []

    at(act)


def test_the_master_key_of_a_file_is_replaced_under_a_running_server(at):
    async def act(gallery: Gallery):
        before = MasterKeys.load(gallery.settings)
        owner = key_file(gallery.settings).stat()
        assert await rotate_master(gallery.here.database, gallery.settings) == 1
        after = MasterKeys.load(gallery.settings)
        assert len(after.keys) == 1
        assert after.current != before.current
        now = key_file(gallery.settings).stat()
        assert (now.st_mode, now.st_uid, now.st_gid) == (owner.st_mode, owner.st_uid, owner.st_gid)
        assert await gallery.templates() == TEMPLATES
        assert await check_master_key(gallery.here.database, gallery.settings)
        (entry,) = await audit.page(gallery.here.database, gallery.team)
        assert entry["action"] == "master_key.rotated"

    at(act)


@pytest.mark.parametrize("point", ["before the file", "before the commit", "after the commit"])
def test_a_change_of_the_master_key_that_breaks_off_loses_nothing(at, monkeypatch, point):
    async def act(gallery: Gallery):
        async def dies(*_: Any, **__: Any) -> None:
            raise ConnectionResetError

        def dies_at_once(*_: Any) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as patched:
            match point:
                case "before the file":
                    patched.setattr(MasterKeys, "save", dies_at_once)
                case "before the commit":
                    patched.setattr(audit, "record", dies)
                case _:
                    patched.setattr(rotation, "drop_unused", dies)
            with pytest.raises(ConnectionResetError):
                await rotate_master(gallery.here.database, gallery.settings)
        there = {"before the file": 1, "before the commit": 2, "after the commit": 2}[point]
        assert len(MasterKeys.load(gallery.settings).keys) == there
        for protection in (gallery.protection, Protection(gallery.here.database, gallery.settings)):
            assert (await protection.cipher(gallery.team)) is not None
        assert await gallery.templates() == TEMPLATES
        assert await check_master_key(gallery.here.database, gallery.settings)
        await drop_unused(gallery.here.database, gallery.settings)  # as a server does that starts
        assert len(MasterKeys.load(gallery.settings).keys) == (2 if point == "before the commit" else 1)
        assert await gallery.templates() == TEMPLATES
        await rotate_master(gallery.here.database, gallery.settings)  # once more, and all is in order
        assert len(MasterKeys.load(gallery.settings).keys) == 1
        assert await gallery.templates() == TEMPLATES

    at(act)


def test_a_team_that_is_new_meanwhile_gets_the_new_master_key(at, monkeypatch):
    async def act(gallery: Gallery):
        key = await Teams(gallery.here.database).create_key("other", team="other")
        other = (await Teams(gallery.here.database).authenticate(f"Bearer {key}")).team
        enrolling = []
        record = audit.record

        async def slowly(*arguments: Any, **named: Any) -> None:
            enrolling.append(asyncio.create_task(gallery.enrol(8, team=other)))
            await gallery.waiting()
            await record(*arguments, **named)

        monkeypatch.setattr(audit, "record", slowly)
        await rotate_master(gallery.here.database, gallery.settings)
        await enrolling[0]
        assert await check_master_key(gallery.here.database, gallery.settings)
        assert await gallery.templates(other) == {b"template 8"}

    at(act)


def test_a_master_key_that_is_set_gives_way_to_the_one_before_it(at):
    async def act(gallery: Gallery):
        with pytest.raises(OptionError, match="before the one in TIMBRE_MASTER_KEY, on every machine"):
            await rotate_master(gallery.here.database, gallery.settings)
        both = Settings(data_dir=gallery.settings.data_dir, master_key=f"{NEW},{OLD}")
        assert await rotate_master(gallery.here.database, both) == 1
        new = Settings(data_dir=gallery.settings.data_dir, master_key=NEW)
        assert await check_master_key(gallery.here.database, new)
        (row,) = await gallery.here.rows("SELECT * FROM team_keys")
        assert row["master"] == MasterKey(bytes([2]) * 32).fingerprint
        with pytest.raises(TemplateUnreadable):
            await Protection(gallery.here.database, gallery.settings).cipher(gallery.team)
        with pytest.raises(MasterKeyInvalid):
            await check_master_key(gallery.here.database, gallery.settings)
        assert await Protection(gallery.here.database, new).cipher(gallery.team)

    at(act, master_key=OLD)


def test_a_file_that_several_machines_have_is_not_written(at, url):
    async def act(gallery: Gallery):
        file = key_file(gallery.settings)
        before = file.read_bytes()
        with pytest.raises(OptionError, match=str(file)):
            await rotate_master(gallery.here.database, gallery.settings)
        assert file.read_bytes() == before

    at(act, database_url=url)


def test_what_a_forgotten_key_sealed_cannot_be_read_again(at):
    async def act(gallery: Gallery):
        copies = await gallery.here.rows("SELECT id, template FROM samples")
        version = await gallery.here.rows("SELECT gallery_version FROM teams WHERE id = %(id)s", id=gallery.team)
        assert await forget_team(gallery.here.database, gallery.team) == Kept(samples=3, vectors=3, voices=1)
        for table in ("team_keys", "samples", "speaker_vectors", "job_voices"):
            assert await gallery.here.rows(f"SELECT 1 FROM {table} WHERE team_id = %(id)s", id=gallery.team) == []  # noqa: S608
        assert len(await gallery.here.rows("SELECT 1 FROM speakers")) == 3
        assert (await gallery.found(1))[0] == 0
        after = await gallery.here.rows("SELECT gallery_version FROM teams WHERE id = %(id)s", id=gallery.team)
        assert after[0]["gallery_version"] == version[0]["gallery_version"] + 1
        (entry,) = await audit.page(gallery.here.database, gallery.team)
        assert (entry["action"], entry["details"]["samples"]) == ("team_key.forgotten", 3)
        await gallery.enrol(9)
        cipher = await gallery.protection.cipher(gallery.team)
        for row in copies:
            with pytest.raises(TemplateUnreadable):
                cipher.open(row["template"], row["id"])
        assert await gallery.templates() == {b"template 9"}

    at(act)


def test_a_key_that_was_lost_is_not_silently_replaced(at):
    async def act(gallery: Gallery):
        await gallery.here.rows("DELETE FROM team_keys")
        with pytest.raises(TemplateUnreadable, match="timbre keys forget-team"):
            await gallery.protection.cipher(gallery.team)
        with pytest.raises(TemplateUnreadable, match="timbre keys forget-team"):
            await gallery.enrol(9)
        with pytest.raises(TemplateUnreadable, match="timbre keys forget-team"):
            await gallery.found(1)
        with pytest.raises(OptionError):
            await rotate_team(gallery.here.database, gallery.settings, gallery.team)
        await forget_team(gallery.here.database, gallery.team)
        await gallery.enrol(9)
        assert await gallery.templates() == {b"template 9"}

    at(act)


def test_a_team_without_people_has_nothing_to_find_and_no_key(at):
    async def act(gallery: Gallery):
        key = await Teams(gallery.here.database).create_key("other", team="other")
        other = (await Teams(gallery.here.database).authenticate(f"Bearer {key}")).team
        async with gallery.protection.reading(other) as (connection, cipher):
            assert await nearest(connection, other, cipher, 1) == (0, 0.0)
        assert await gallery.here.rows("SELECT 1 FROM team_keys WHERE team_id = %(id)s", id=other) == []

    at(act)


def test_at_the_start_a_master_key_that_does_not_fit_is_told(at):
    async def act(gallery: Gallery):
        file, elsewhere = key_file(gallery.settings), key_file(gallery.settings).with_name("away")
        file.rename(elsewhere)
        assert not await check_master_key(gallery.here.database, gallery.settings)  # an API or a worker does without
        with pytest.raises(MasterKeyMissing):
            await Protection(gallery.here.database, gallery.settings).cipher(gallery.team)
        with pytest.raises(MasterKeyInvalid, match=f"The master key {file} is gone: the database holds .* of one team"):
            await check_master_key(gallery.here.database, gallery.settings, make=True)
        assert not file.exists()  # none was made that would hide it
        file.write_text(OLD)
        with pytest.raises(MasterKeyInvalid, match=f"The master key {file} does not fit: .*forget-team"):
            await check_master_key(gallery.here.database, gallery.settings)
        file.write_text(f"{OLD}\n{elsewhere.read_text()}")
        assert await check_master_key(gallery.here.database, gallery.settings)
        assert await gallery.templates() == TEMPLATES
        file.write_text("no key")
        with pytest.raises(MasterKeyInvalid):
            await check_master_key(gallery.here.database, gallery.settings)
        with pytest.raises(MasterKeyMissing, match="timbre doctor"):
            await Protection(gallery.here.database, gallery.settings).cipher(gallery.team)
        file.unlink()
        await forget_team(gallery.here.database, gallery.team)
        assert await check_master_key(gallery.here.database, gallery.settings, make=True)
        assert os.stat(file).st_mode & 0o777 == 0o600  # noqa: PTH116

    at(act)
