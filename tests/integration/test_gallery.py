"""The gallery's rules on a real database: what is true of people after whatever was done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import Service, opened
from people import MASTER_KEY, OTHER_SPACE, SPACE, assert_consistent, gallery, parsed, vector, voiceprint

from timbre.errors import NameTaken, SamplesFull, SampleUnknown, SpeakerUnknown, VoiceprintMalformed
from timbre.identification.quality import Quality
from timbre.identification.voiceprint import MOST_PROTOTYPES
from timbre.service.keys.template_protection import Protection
from timbre.service.people.gallery import Gallery
from timbre.service.people.person import Consent
from timbre.service.people.voice_map import draw

Act = Callable[[Service, Gallery, UUID], Awaitable[None]]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., None]:
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
        assert (await people.find(team, "aDA")).id == ada
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


def test_merging_keeps_every_sample_of_everybody(run):
    async def act(here, people, team):
        consent = Consent(basis="form")
        ada = await people.create(team, name="Ada", tags=("a",), review_on=date(2027, 5, 1))
        alias = await people.create(team, name="A.", tags=("b", "a"), consent=consent, review_on=date(2027, 2, 1))
        third = await people.create(team, name="Third")
        await people.add_sample(team, ada, voiceprint(1, 2), source="voiceprint")
        await people.add_sample(team, alias, voiceprint(2, 3), source="voiceprint")
        await people.add_sample(team, alias, voiceprint(4, space=OTHER_SPACE), source="voiceprint")
        await people.merge(team, ada, [alias, third, alias, ada])
        person = await people.get(team, ada)
        assert (person.name, person.tags, person.consent) == ("Ada", ("a", "b"), consent)
        assert person.review_on == date(2027, 2, 1)
        ((_, here_now),) = (await people.voiceprints(team, SPACE, [ada])).values()
        ((_, there),) = (await people.voiceprints(team, OTHER_SPACE, [ada])).values()
        np.testing.assert_array_equal(here_now.prototypes, voiceprint(1, 2, 3).prototypes)
        np.testing.assert_array_equal(there.prototypes, voiceprint(4).prototypes)
        for gone in (alias, third):
            with pytest.raises(SpeakerUnknown):
                await people.get(team, gone)
        assert len(await here.rows("TABLE speaker_vectors")) == 2
        with pytest.raises(SpeakerUnknown):
            await people.merge(team, ada, [alias])

    run(act)


def test_nobody_is_lost_when_many_act_at_once(run):
    async def act(here, people, team):
        ada, alias = [await people.create(team, name=name) for name in ("Ada", "Alias")]
        outcomes = await asyncio.gather(
            *(people.add_sample(team, ada, voiceprint(number), source="voiceprint") for number in range(8)),
            *(people.add_sample(team, alias, voiceprint(number), source="voiceprint") for number in range(8, 16)),
            people.merge(team, ada, [alias]),
            people.merge(team, alias, [ada]),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, UUID | SpeakerUnknown | None) for outcome in outcomes), outcomes
        assert outcomes[-2:].count(None) == 1
        added = sum(isinstance(outcome, UUID) for outcome in outcomes)
        (left,), _ = await people.page(team, limit=10)
        assert len(left.samples) == added > 0
        await assert_consistent(here, people, team)

    run(act)


def test_a_sample_that_comes_too_late_is_not_kept(run):
    async def act(here, people, team):
        ada = await people.create(team, name="Ada")
        outcomes = await asyncio.gather(
            *(people.add_sample(team, ada, voiceprint(number), source="voiceprint") for number in range(6)),
            people.erase(team, ada),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, UUID | SpeakerUnknown | None) for outcome in outcomes)
        assert await here.empty("samples", "speaker_vectors", "speakers")

    run(act)


def test_nothing_of_a_team_is_there_for_another(run):
    async def act(here, people, team):
        other = await other_team(here)
        ada = await people.create(team, name="Ada", tags=("board",))
        sample = await people.add_sample(team, ada, voiceprint(1), source="job", clip=b"OggS clip")
        theirs = await people.create(other, name="Ben")
        before = await people.get(team, ada)
        assert await people.clip(team, ada, sample) == b"OggS clip"
        for act in (
            people.get(other, ada),
            people.update(other, ada, name="Mine"),
            people.erase(other, ada),
            people.merge(other, theirs, [ada]),
            people.merge(other, ada, [theirs]),
            people.add_sample(other, ada, voiceprint(2), source="voiceprint"),
            people.remove_sample(other, ada, sample),
        ):
            with pytest.raises(SpeakerUnknown):
                await act
        with pytest.raises(SampleUnknown):
            await people.clip(other, ada, sample)
        assert await people.find(other, "Ada") is None
        assert [person.id for person in (await people.page(other, limit=9))[0]] == [theirs]
        assert await people.voiceprints(other, SPACE, [ada]) == {}
        assert await people.templates(other, [ada]) == {}
        assert await draw(here.database, other, SPACE, 9) == []
        assert await people.get(team, ada) == before
        assert (await people.version(other), await people.version(team)) == (1, 2)

    run(act)


def test_pages_count_and_narrow(run):
    async def act(here, people, team):
        made = [
            await people.create(team, name=f"Person {number} %_\\", tags=("even",) if number % 2 == 0 else ())
            for number in range(7)
        ]

        async def ids(**asked):
            found, total = await people.page(team, **asked)
            return [made.index(person.id) for person in found], total

        assert await ids(limit=3) == ([6, 5, 4], 7)
        assert await ids(limit=3, before=made[4]) == ([3, 2, 1], 7)
        assert await ids(limit=9, tag="even") == ([6, 4, 2, 0], 4)
        assert await ids(limit=9, part="SON 3") == ([3], 1)
        assert await ids(limit=9, part="%_\\") == ([6, 5, 4, 3, 2, 1, 0], 7)
        assert await ids(limit=9, part="%%") == ([], 0)

    run(act)


def test_measurements_and_origins_are_kept(run):
    async def act(here, people, team):
        ada = await people.create(team, name="Ada")
        quality = Quality(seconds=20.5, speech_seconds=6.0, level=-50.0, clipped=0.0, snr=None, single_speaker=97)
        await people.add_sample(team, ada, voiceprint(1, telephone=0.9), source="recording", quality=quality)
        await people.add_sample(team, ada, voiceprint(2, telephone=None), source="job", job=UUID(int=5))
        first, second = (await people.get(team, ada)).samples
        assert (first.quality, first.telephone, first.source) == (quality, pytest.approx(0.9), "recording")
        assert (second.quality, second.telephone, second.job) == (None, None, None)  # there is no such job
        assert first.created_at <= second.created_at

    run(act)


@pytest.mark.parametrize("fault", ["zero", "long", "negative", "dimension"])
def test_vectors_that_no_encoder_makes_are_refused(run, fault):
    async def act(here, people, team):
        ada, ben = [await people.create(team, name=name) for name in ("Ada", "Ben")]
        await people.add_sample(team, ada, voiceprint(1), source="voiceprint")
        good = voiceprint(2)
        bad = {
            "zero": replace(good, prototypes=good.prototypes * 0),
            "long": replace(good, prototypes=good.prototypes * 2),
            "negative": replace(good, seconds=(-1.0,)),
            "dimension": voiceprint(2, dimension=16),
        }[fault]
        with pytest.raises(VoiceprintMalformed):
            await people.add_sample(team, ben, bad, source="voiceprint")
        assert len(await here.rows("TABLE samples")) == 1

    run(act)


def test_a_first_sample_is_of_the_dimension_of_its_space(run):
    async def act(here, people, team):
        space = people._packs.space()
        ada = await people.create(team, name="Ada")
        forged = replace(voiceprint(1, dimension=16), space=space)
        with pytest.raises(VoiceprintMalformed):
            await people.add_sample(team, ada, forged, source="voiceprint")
        assert await here.empty("samples")
        await people.add_sample(team, ada, replace(voiceprint(1, dimension=256), space=space), source="voiceprint")

    run(act)


def test_opposite_voices_have_no_mean_to_search_for(run):
    async def act(here, people, team):
        ada = await people.create(team, name="Ada")
        one = voiceprint(1)
        await people.add_sample(team, ada, one, source="voiceprint")
        await people.add_sample(team, ada, replace(one, prototypes=-one.prototypes), source="voiceprint")
        assert await here.empty("speaker_vectors")
        await people.add_sample(team, ada, voiceprint(2), source="voiceprint")
        assert not await here.empty("speaker_vectors")

    run(act)


def test_the_map_is_always_the_same_and_keeps_near_what_is_near(run):
    async def act(here, people, team):
        assert await draw(here.database, team, SPACE, 9) == []
        names = ["Ada", "Ada's twin", "Ben", "Cy"]
        base = {"Ada": vector(1), "Ada's twin": vector(1) + 0.05 * vector(9), "Ben": vector(2), "Cy": vector(3)}
        for number, name in enumerate(names):
            person = await people.create(team, name=name)
            given = (base[name] / np.linalg.norm(base[name])).astype(np.float16).astype(np.float32)
            single = replace(voiceprint(number), prototypes=given[np.newaxis])
            await people.add_sample(team, person, single, source="voiceprint")
            if number == 0:
                (alone,) = await draw(here.database, team, SPACE, 9)
                assert (alone.name, alone.x, alone.y) == ("Ada", 0, 0)
        points = await draw(here.database, team, SPACE, 9)
        assert points == await draw(here.database, team, SPACE, 9)
        assert [point.name for point in points] == names[::-1]
        place = {point.name: np.array([point.x, point.y]) for point in points}
        assert np.linalg.norm(place["Ada"] - place["Ada's twin"]) < 0.1
        assert min(np.linalg.norm(place["Ada"] - place[other]) for other in ("Ben", "Cy")) > 0.5
        assert len(await draw(here.database, team, SPACE, 2)) == 2
        assert await draw(here.database, team, OTHER_SPACE, 9) == []

    run(act)
