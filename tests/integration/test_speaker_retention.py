"""People whom no recording names are erased after months, but nobody without a notice a week before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from database import Service, opened

from server import Server
from timbre.service.accounts import audit
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery
from timbre.service.people.retention import SpeakerRetention
from timbre.store.embedded import EmbeddedPostgres

WEEK = timedelta(days=7)
YEAR = timedelta(days=366)


@dataclass(frozen=True)
class People:
    """A team's people, of some age."""

    here: Service
    gallery: Gallery

    async def add(self, name: str, *, made: timedelta = timedelta(), heard: timedelta | None = None) -> UUID:
        """Somebody who was made, and heard, so long ago."""
        person = await self.gallery.create(self.here.caller.team, name=name)
        await self.here.rows(
            "UPDATE speakers SET created_at = now() - %(made)s, heard_at = now() - %(heard)s::interval"
            " WHERE id = %(id)s",
            made=made, heard=heard, id=person,
        )  # fmt: skip
        return person

    async def sweep(self, months: int) -> int:
        return await self.retention(months).sweep()

    async def pass_(self, time: timedelta) -> None:
        """Let time pass since the notices."""
        await self.here.rows("UPDATE speakers SET notice_at = notice_at - %(time)s", time=time)

    async def names(self) -> set[str]:
        return {row["name"] for row in await self.here.rows("SELECT name FROM speakers")}

    def retention(self, months: int) -> SpeakerRetention:
        settings = self.here.settings.model_copy(update={"speaker_months": months})
        return SpeakerRetention(self.here.database, self.gallery.erase, settings)

    async def report(self, months: int) -> tuple[set[str], set[str], set[str]]:
        report = await self.retention(months).report(self.here.caller.team)
        lists = (report.due_now, report.due_soon, report.review_due)
        now, soon, review = ({row["name"] for row in rows} for rows in lists)
        return now, soon, review


@pytest.fixture
def at(url: str, tmp_path: Path) -> Callable[[Callable[[People], Awaitable[None]]], None]:
    def run(act: Callable[[People], Awaitable[None]]) -> None:
        async def started() -> None:
            async with opened(url, tmp_path) as here:
                protection = Protection(here.database, here.settings)
                await act(People(here, Gallery(here.database, protection, Packs(here.settings))))

        asyncio.run(started())

    return run


def test_nobody_is_erased_unless_it_is_set(at):
    async def act(people: People):
        await people.add("Ada", made=10 * YEAR)
        assert await people.sweep(0) == 0
        await people.pass_(YEAR)
        assert await people.sweep(0) == 0
        assert await people.names() == {"Ada"}
        assert await people.report(0) == (set(), set(), set())

    at(act)


def test_who_is_due_gets_a_notice_and_is_erased_a_week_later(at):
    async def act(people: People):
        old = await people.add("Ada", made=YEAR)
        await people.add("Ben", made=YEAR, heard=timedelta(days=20))
        await people.add("Cem")
        assert await people.sweep(12) == 0
        (notice,) = await audit.page(people.here.database, people.here.caller.team, action="speaker.notice")
        assert (notice["subject"], notice["details"], notice["key_id"]) == (old, {"months": 12}, None)
        await people.pass_(WEEK - timedelta(minutes=1))
        assert await people.sweep(12) == 0
        await people.pass_(timedelta(minutes=2))
        assert await people.sweep(12) == 1
        assert await people.names() == {"Ben", "Cem"}
        entries = await audit.page(people.here.database, people.here.caller.team, subject=old)
        assert [entry["action"] for entry in entries] == ["speaker.erased", "speaker.notice", "speaker.created"]
        assert "Ada" not in str(entries)
        assert await people.sweep(12) == 0

    at(act)


def test_who_is_heard_again_stays_and_gets_another_notice_some_day(at):
    async def act(people: People):
        person = await people.add("Ada", made=YEAR, heard=YEAR)
        await people.sweep(12)
        await people.pass_(2 * WEEK)
        await people.here.rows("UPDATE speakers SET heard_at = now()")
        assert await people.sweep(12) == 0
        await people.here.rows("UPDATE speakers SET heard_at = now() - %(time)s", time=YEAR)
        assert await people.sweep(12) == 0  # the notice of then does not count
        notices = await audit.page(people.here.database, people.here.caller.team, subject=person)
        assert [entry["action"] for entry in notices].count("speaker.notice") == 2
        assert await people.names() == {"Ada"}

    at(act)


@pytest.mark.parametrize("before", [0, 24])
def test_a_setting_that_was_changed_erases_nobody_before_a_week_is_over(at, before):
    async def act(people: People):
        await people.add("Ada", made=YEAR)
        await people.sweep(before)
        await people.pass_(YEAR)
        assert await people.sweep(6) == 0
        assert await people.names() == {"Ada"}
        await people.pass_(WEEK)
        assert await people.sweep(6) == 1

    at(act)


def test_a_setting_that_was_taken_back_takes_the_notices_back(at):
    async def act(people: People):
        await people.add("Ada", made=YEAR)
        await people.sweep(6)
        await people.pass_(2 * WEEK)
        assert await people.sweep(0) == 0
        assert await people.sweep(6) == 0
        assert await people.names() == {"Ada"}

    at(act)


def test_a_server_that_was_off_for_long_erases_nobody_when_it_starts(at):
    async def act(people: People):
        for name in ("Ada", "Ben"):
            await people.add(name, made=YEAR, heard=timedelta(days=100))
        await people.sweep(6)
        await people.here.rows("UPDATE speakers SET heard_at = heard_at - %(time)s", time=YEAR)  # nobody heard anybody
        assert await people.sweep(6) == 0
        assert await people.names() == {"Ada", "Ben"}

    at(act)


def test_the_report_says_who_goes_when(at):
    async def act(people: People):
        await people.add("due", made=YEAR)
        await people.add("soon", made=timedelta(days=170))
        await people.add("later", made=timedelta(days=100))
        await people.here.rows("UPDATE speakers SET review_on = current_date - 1 WHERE name = 'later'")
        await people.here.rows("UPDATE speakers SET review_on = current_date + 1 WHERE name = 'soon'")
        assert await people.report(6) == ({"due"}, {"soon"}, {"later"})
        assert await people.report(0) == (set(), set(), {"later"})
        (row,) = (await people.retention(6).report(people.here.caller.team)).due_now
        (clock,) = await people.here.rows("SELECT now() AS now")
        assert abs(row["erased_from"] - clock["now"] - WEEK) < timedelta(minutes=1)  # were the notice given now
        await people.sweep(6)
        await people.pass_(timedelta(days=3))
        (row,) = (await people.retention(6).report(people.here.caller.team)).due_now
        assert abs(row["erased_from"] - clock["now"] - timedelta(days=4)) < timedelta(minutes=1)

    at(act)


def test_two_workers_give_one_notice(at):
    async def act(people: People):
        await people.add("Ada", made=YEAR)
        await asyncio.gather(*(people.sweep(12) for _ in range(4)))
        assert len(await audit.page(people.here.database, people.here.caller.team, action="speaker.notice")) == 1
        await people.pass_(WEEK)
        assert sum(await asyncio.gather(*(people.sweep(12) for _ in range(4)))) == 1

    at(act)


@pytest.mark.database
def test_a_server_reports_gives_notice_and_erases(tmp_path):
    settings = {"TIMBRE_SPEAKER_MONTHS": "12", "TIMBRE_SWEEP_SECONDS": "1"}
    with Server(tmp_path, settings) as server, server.client() as client:
        address = EmbeddedPostgres(server.folder / "postgres").url()

        def execute(query: str) -> list[Any]:
            with psycopg.connect(address) as connection:
                cursor = connection.execute(query.encode())
                return cursor.fetchall() if cursor.description else []

        person = client.post("/v1/speakers", json={"name": "Ada", "reviewDate": "2020-01-01"}).json()["id"]
        execute("UPDATE speakers SET created_at = now() - interval '2 years'")
        report = client.get("/v1/speakers/retention").json()
        assert report["months"] == 12
        assert [item["speakerId"] for item in report["dueNow"]] == [person]
        assert report["reviewDue"] == [{"speakerId": person, "name": "Ada", "reviewDate": "2020-01-01"}]
        printed = server.run("speakers", "retention")
        assert "Ada" in printed
        assert "erased from" in printed
        assert server.run("speakers", "retention", "--months", "0", "--json") != ""
        wait(lambda: execute("SELECT 1 FROM speakers WHERE notice_at IS NOT NULL"))
        assert "people are due to be erased" in "".join(path.read_text() for path in (server.folder / "log").iterdir())
        execute("UPDATE speakers SET notice_at = now() - interval '8 days'")
        wait(lambda: client.get(f"/v1/speakers/{person}").status_code == 404)
        assert [entry["action"] for entry in client.get("/v1/audit").json()["items"]] == [
            "speaker.erased", "speaker.notice", "speaker.created",
        ]  # fmt: skip


def wait(until: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 30
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)
