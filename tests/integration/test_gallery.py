"""The gallery's rules on a real database: what is true of people after whatever was done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened, postgres, url  # noqa: F401 - two are fixtures
from people import MASTER_KEY, OTHER_SPACE, SPACE, gallery, parsed, vector, voiceprint

from timbre.errors import NameTaken, SamplesFull, SampleUnknown, SpeakerUnknown
from timbre.identification.voiceprint import MOST_PROTOTYPES
from timbre.service.gallery import Gallery
from timbre.service.people import Consent
from timbre.service.protection import Protection

Act = Callable[[Service, Gallery, UUID], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:  # noqa: F811
    """Runs a test's body with a gallery on a database of its own, and a team."""

    def run(act: Act, **settings: Any) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY, **settings) as here:
                await act(here, gallery(here), here.caller.team)

        asyncio.run(body())

    return run


async def other_team(here: Service) -> UUID:
    return (await here.rows("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'other') RETURNING id"))[0]["id"]


def test_a_person_is_made_found_changed_and_erased(run):
    async def act(here, people, team):
        consent = Consent(basis="signed form", given_on=date(2026, 1, 2), note="shelf 3")
        ada = await people.create(team, name="Ada", tags=("board", "board", "uk"), consent=consent, key=here.caller.key)
        person = await people.get(team, ada)
        assert (person.name, person.tags, person.consent, person.samples) == ("Ada", ("board", "uk"), consent, ())
        assert (await people.named(team, "aDA")).id == ada
        await people.update(team, ada, name="Ada L.", consent=None, review_on=date(2027, 1, 1))
        person = await people.get(team, ada)
        assert (person.name, person.tags, person.consent) == ("Ada L.", ("board", "uk"), None)
        assert person.review_on == date(2027, 1, 1)
        await people.erase(team, ada)
        with pytest.raises(SpeakerUnknown):
            await people.get(team, ada)
        assert await here.empty("speakers", "samples", "speaker_vectors")
        assert [row["action"] for row in await here.rows("SELECT action FROM audit ORDER BY id")] == [
            "speaker.created",
            "speaker.changed",
            "speaker.erased",
        ]
        assert "Ada" not in str(await here.rows("TABLE audit"))

    run(act)


def test_what_is_searched_is_the_mean_of_the_samples_turned(run):
    async def act(here, people, team):
        ada = await people.create(team, name="Ada")
        for seeds in ((1,), (2, 3)):
            await people.add_sample(team, ada, voiceprint(*seeds), source="voiceprint")
        cipher = await Protection(here.database, here.settings).cipher(team)
        (row,) = await here.rows("SELECT space, vector::text FROM speaker_vectors")
        mean = sum(vector(seed) for seed in (1, 2, 3))
        expected = cipher.turn((mean / np.linalg.norm(mean)).astype(np.float32))
        assert row["space"] == SPACE
        np.testing.assert_allclose(parsed(row["vector"]), expected, atol=5e-4)
        assert abs(parsed(row["vector"]) @ mean / np.linalg.norm(mean)) < 0.9  # turned indeed
        ((name, made),) = (await people.voiceprints(team, SPACE, [ada])).values()
        assert name == "Ada"
        np.testing.assert_array_equal(made.prototypes, voiceprint(1, 2, 3).prototypes)
        assert made.acoustics == voiceprint(1, 2, 3).acoustics
        first = (await people.get(team, ada)).samples[0]
        await people.remove_sample(team, ada, first.id)
        (row,) = await here.rows("SELECT vector::text FROM speaker_vectors")
        mean = vector(2) + vector(3)
        np.testing.assert_allclose(
            parsed(row["vector"]), cipher.turn((mean / np.linalg.norm(mean)).astype(np.float32)), atol=5e-4
        )
        for sample in (await people.get(team, ada)).samples:
            await people.remove_sample(team, ada, sample.id)
        assert await here.empty("samples", "speaker_vectors")
        with pytest.raises(SampleUnknown):
            await people.remove_sample(team, ada, first.id)

    run(act)


def test_a_recording_that_is_there_already_changes_nothing(run):
    async def act(here, people, team):
        ada = await people.create(team, name="Ada")
        first = await people.add_sample(team, ada, voiceprint(1), source="voiceprint")
        version = await people.version(team)
        assert await people.add_sample(team, ada, voiceprint(1), source="job") == first
        assert await people.version(team) == version
        second = await people.add_sample(team, ada, voiceprint(2, 1, 2), source="voiceprint")
        assert [sample.id for sample in (await people.get(team, ada)).samples] == [first, second]
        assert await people.version(team) == version + 1

    run(act)


def test_there_is_room_for_so_many_samples_of_a_model(run):
    async def act(here, people, team):
        ada, ben = [await people.create(team, name=name) for name in ("Ada", "Ben")]
        await people.add_sample(team, ada, voiceprint(*range(MOST_PROTOTYPES)), source="voiceprint")
        await people.add_sample(team, ada, voiceprint(1, space=OTHER_SPACE), source="voiceprint")
        before = await people.get(team, ada), await people.version(team)
        with pytest.raises(SamplesFull):
            await people.add_sample(team, ada, voiceprint(99), source="voiceprint")
        await people.add_sample(team, ben, voiceprint(3, 99), source="voiceprint")
        with pytest.raises(SamplesFull):
            await people.merge(team, ada, [ben])
        assert (await people.get(team, ada)).samples == before[0].samples
        assert len((await people.get(team, ben)).samples) == 2

    run(act)


def test_names_mean_one_person_whoever_is_first(run):
    async def act(here, people, team):
        outcomes = await asyncio.gather(
            *(people.create(team, name=name) for name in ("Ada", "ada", "ADA", "Ben")), return_exceptions=True
        )
        assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 2
        made = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
        renamed = await asyncio.gather(
            *(people.update(team, person, name="Cy") for person in made), return_exceptions=True
        )
        assert sum(isinstance(outcome, NameTaken) for outcome in renamed) == 1
        other = await other_team(here)
        await people.create(other, name="Cy")

    run(act)
