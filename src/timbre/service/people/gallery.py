"""The gallery: the people of a team, and how they sound.

    speakers ──► samples          a voiceprint of one prototype each, encrypted
        └──────► speaker_vectors  the mean of a person's samples in one space, turned in secret: what is searched

Every change of a team's people holds the team's row until its transaction ends, so that changes come one after the
other: no name is given twice, no sample gets lost in a merge, and the vector is always that of the samples. It raises
`teams.gallery_version`. Where a transaction takes other locks as well, the order is team, people, jobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, Final, Unpack
from uuid import UUID

from psycopg.types.json import Jsonb

from timbre.errors import NameTaken, SampleUnknown, SpeakerUnknown
from timbre.identification.quality import Quality
from timbre.identification.voiceprint import Voiceprint
from timbre.service.accounts import audit
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.person import Changes, Consent, Person, Sample, Source
from timbre.service.people.samples import CLIP, Origin, Samples, read_texts, read_voiceprints
from timbre.service.people.spaces import settled_space
from timbre.service.results import outputs
from timbre.store.database import Connection, Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

_SQL: Final = queries("speakers")


class Gallery:
    """The people of every team."""

    def __init__(self, database: Database, protection: Protection, packs: Packs) -> None:
        self._database = database
        self._protection = protection
        self._packs = packs
        self._samples = Samples(protection)

    async def space(self, team: UUID, connection: Connection | None = None) -> str | None:
        """The space in which the people of a team are compared; whoever has no samples of it is not found.

        The server's own where nobody is enrolled; None where it has no model either.
        """
        return await settled_space(self._database, self._packs, team, connection) or self._packs.space()

    async def create(
        self,
        team: UUID,
        *,
        name: str,
        tags: Sequence[str] = (),
        consent: Consent | None = None,
        review_on: date | None = None,
        key: UUID | None = None,
        person: UUID | None = None,
        connection: Connection | None = None,
    ) -> UUID:
        """Make room for a person, who has no samples yet.

        Args:
            team: Whose gallery.
            name: As results will name them; nobody else of the team has it, in whatever case.
            tags: Words to choose people by.
            consent: Why their voice may be kept.
            review_on: When it is to be asked whether they may stay.
            key: The API key that asks for it.
            person: The id they had before, where they come back.
            connection: In whose transaction; one of its own if left out, as everywhere here.

        Raises:
            NameTaken: somebody has this name.
        """
        person = person or new_id()
        async with self.changing(team, connection) as changing:
            row = {"id": person, "team": team, "name": name, **_columns(tags, consent, review_on)}
            if await one(changing, _SQL["create"], row) is None:
                raise NameTaken(f"Another person is called {name} already; a name means one person.")
            await self.note(changing, team, "speaker.created", person, key)
        return person

    async def get(self, team: UUID, speaker: UUID, connection: Connection | None = None) -> Person:
        """A person.

        Raises:
            SpeakerUnknown: the team has none of this id.
        """
        if connection is None:
            async with self._database.transaction() as own:
                return await self.get(team, speaker, own)
        row = await one(connection, _SQL["get"], {"id": speaker, "team": team})
        if row is None:
            raise SpeakerUnknown
        return (await _people(connection, [row]))[0]

    async def find(self, team: UUID, name: str, connection: Connection | None = None) -> Person | None:
        """The person of a name, in whatever case."""
        if connection is None:
            async with self._database.transaction() as own:
                return await self.find(team, name, own)
        row = await one(connection, _SQL["named"], {"team": team, "name": name})
        return None if row is None else (await _people(connection, [row]))[0]

    async def page(
        self,
        team: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        tag: str | None = None,
        part: str | None = None,
    ) -> tuple[list[Person], int]:
        """The newest people, or those before one of them, and how many there are on all pages.

        Args:
            team: Whose gallery.
            limit: At most so many.
            before: Only people who were made before this one.
            tag: Only people who have it.
            part: Only people in whose name it is, in whatever case.
        """
        asked = {"team": team, "limit": limit, "before": before, "tag": tag, "part": part}
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_SQL["page"], asked)).fetchall()
            count = await one(connection, _SQL["count"], asked)
            return await _people(connection, rows), count["total"] if count else 0

    async def walk(self, team: UUID, pace: int) -> AsyncIterator[list[Person]]:
        """Everybody, the oldest first, so many at a time."""
        after = None
        while True:
            asked = {"team": team, "after": after, "limit": pace}
            async with self._database.transaction() as connection:
                rows = await (await connection.execute(_SQL["walk"], asked)).fetchall()
                people = await _people(connection, rows)
            if people:
                yield people
            if len(people) < pace:
                return
            after = people[-1].id

    async def update(
        self,
        team: UUID,
        speaker: UUID,
        *,
        key: UUID | None = None,
        connection: Connection | None = None,
        **changes: Unpack[Changes],
    ) -> None:
        """Change what is known of a person beside their voice.

        Raises:
            SpeakerUnknown: the team has none of this id.
            NameTaken: somebody else has this name.
        """
        async with self.changing(team, connection) as changing:
            person = await self.get(team, speaker, changing)
            now = Changes(name=person.name, tags=person.tags, consent=person.consent, review_on=person.review_on)
            after = now | changes
            after["tags"] = tuple(dict.fromkeys(after["tags"]))
            if after == now:
                return
            row = {
                "id": speaker,
                "team": team,
                "name": after["name"],
                **_columns(after["tags"], after["consent"], after["review_on"]),
            }
            if await one(changing, _SQL["change"], row) is None:
                raise NameTaken(f"Another person is called {after['name']} already; a name means one person.")
            if after["name"] != person.name:
                await outputs.rename(changing, team, speaker, after["name"])
            await self.note(changing, team, "speaker.changed", speaker, key)

    async def erase(self, team: UUID, speaker: UUID, *, key: UUID | None = None) -> None:
        """Erase a person: templates, samples, clips, what search looks through, the record, and the name in results.

        Raises:
            SpeakerUnknown: the team has none of this id.
        """
        async with self.changing(team) as connection:
            await self.get(team, speaker, connection)
            await outputs.forget(connection, team, speaker)
            await connection.execute(_SQL["erase"], {"ids": [speaker], "team": team})
            await self.note(connection, team, "speaker.erased", speaker, key)

    async def erase_unheard(
        self, team: UUID, speaker: UUID, *, key: UUID | None = None, connection: Connection
    ) -> None:
        """Erase a person in the transaction of a connection, unless they have a sample, or are gone."""
        async with self.changing(team, connection):
            try:
                if (await self.get(team, speaker, connection)).samples:
                    return
            except SpeakerUnknown:
                return
            await outputs.forget(connection, team, speaker)
            await connection.execute(_SQL["erase"], {"ids": [speaker], "team": team})
            await self.note(connection, team, "speaker.erased", speaker, key)

    async def merge(self, team: UUID, into: UUID, others: Iterable[UUID], *, key: UUID | None = None) -> None:
        """Make one person of several: samples and tags come together, and the others are gone.

        Of consent, the one of `into` stays where there is any; the earliest date of a review counts.

        Raises:
            SpeakerUnknown: the team has none of one of these ids.
            SamplesFull: together they have more samples than one person can have.
        """
        gone = list(dict.fromkeys(other for other in others if other != into))
        async with self.changing(team) as connection:
            person = await self.get(team, into, connection)
            rest = [await self.get(team, other, connection) for other in gone]
            if not rest:
                return
            everybody = [person, *rest]
            moving = {"into": into, "ids": gone, "team": team}
            await outputs.move(connection, team, gone, into, person.name)
            await connection.execute(_SQL["move_jobs"], moving)
            await connection.execute(_SQL["move_samples"], moving)
            await connection.execute(_SQL["move_withdrawn"], moving)
            await connection.execute(_SQL["erase"], moving)
            reviews = [one_.review_on for one_ in everybody if one_.review_on is not None]
            heard = [one_.heard_at for one_ in everybody if one_.heard_at is not None]
            await connection.execute(
                _SQL["join"],
                {
                    "id": into,
                    "heard_at": max(heard, default=None),
                    **_columns(
                        [tag for one_ in everybody for tag in one_.tags],
                        next((one_.consent for one_ in everybody if one_.consent is not None), None),
                        min(reviews, default=None),
                    ),
                },
            )
            for space in {sample.space for one_ in everybody for sample in one_.samples}:
                await self._samples.refresh(connection, team, into, space)
            await self.note(connection, team, "speaker.merged", into, key, others=" ".join(map(str, gone)))

    async def add_sample(
        self,
        team: UUID,
        speaker: UUID,
        voiceprint: Voiceprint,
        *,
        source: Source,
        job: UUID | None = None,
        quality: Quality | None = None,
        clip: bytes | None = None,
        key: UUID | None = None,
        connection: Connection | None = None,
    ) -> UUID:
        """Add what a recording tells of a person's voice; what they have already changes nothing.

        Args:
            team: Whose gallery.
            speaker: The person.
            voiceprint: Each of its prototypes becomes a sample.
            source: Where it is from.
            job: The job whose recording it is from.
            quality: What was measured on the recording; that of the voiceprint if left out.
            clip: Some seconds to listen to, as a file.
            key: The API key that asks for it.
            connection: In whose transaction.

        Returns:
            The id of the sample, the first of several.

        Raises:
            SpeakerUnknown: the team has none of this id.
            SamplesFull: there is no room for it.
            VoiceprintMalformed: the voiceprint is damaged.
            MasterKeyMissing, TemplateUnreadable: it cannot be protected.
        """
        origin = Origin(source=source, job=job, quality=quality, clip=clip)
        async with self.changing(team, connection) as changing:
            return (await self.add_samples(changing, team, speaker, voiceprint, origin, key=key))[0]

    async def add_samples(
        self,
        connection: Connection,
        team: UUID,
        speaker: UUID,
        voiceprint: Voiceprint,
        origin: Origin,
        *,
        key: UUID | None = None,
    ) -> tuple[UUID, int]:
        """Add samples while the team is held by `changing`; return the id of the first, and how many were new.

        Raises:
            as `add_sample`
        """
        if await one(connection, _SQL["get"], {"id": speaker, "team": team}) is None:
            raise SpeakerUnknown
        self._packs.check_dimension(voiceprint)
        space = await settled_space(self._database, self._packs, team, connection)
        if space is None:  # the first person decides, who may come from another server
            space = voiceprint.space if self._packs.fault_of(voiceprint.space) is None else self._packs.space()
        await connection.execute(_SQL["settle"], {"team": team, "space": space})
        sample, added = await self._samples.add(connection, team, speaker, voiceprint, origin)
        if added:
            await connection.execute(_SQL["touch"], {"id": speaker})
            await self.note(connection, team, "sample.added", speaker, key, samples=added)
        return sample, added

    async def remove_sample(self, team: UUID, speaker: UUID, sample: UUID, *, key: UUID | None = None) -> None:
        """Erase a sample.

        Raises:
            SpeakerUnknown: the team has none of this id.
            SampleUnknown: the person has none of this id.
        """
        async with self.changing(team) as connection:
            if await one(connection, _SQL["get"], {"id": speaker, "team": team}) is None:
                raise SpeakerUnknown
            arguments = {"id": sample, "speaker": speaker, "team": team}
            row = await one(connection, _SQL["remove_sample"], arguments)
            if row is None:
                raise SampleUnknown
            await self._samples.refresh(connection, team, speaker, row["space"])
            await connection.execute(_SQL["touch"], {"id": speaker})
            await self.note(connection, team, "sample.removed", speaker, key, sample=str(sample))

    async def clip(self, team: UUID, speaker: UUID, sample: UUID) -> bytes:
        """The file of some seconds of a sample to listen to.

        Raises:
            SampleUnknown: there is no such sample, or it has none.
        """
        async with self._protection.reading(team) as (connection, cipher):
            row = await one(connection, _SQL["clip"], {"id": sample, "speaker": speaker, "team": team})
            if row is None:
                raise SampleUnknown
            if row["clip"] is None:
                raise SampleUnknown("Nothing of this sample was kept to listen to.")
            return cipher.open(row["clip"], sample, part=CLIP)

    async def voiceprints(self, team: UUID, space: str, ids: Sequence[UUID]) -> dict[UUID, tuple[str, Voiceprint]]:
        """Names and voiceprints of people in a space; those who have no sample in it are left out.

        Raises:
            MasterKeyMissing, TemplateUnreadable: they cannot be read.
        """
        async with self._protection.reading(team) as (connection, cipher):
            return await read_voiceprints(connection, cipher, team, space, ids)

    async def version(self, team: UUID) -> int:
        """How often the people of a team have changed."""
        row = await self._database.one(_SQL["version"], {"team": team})
        return row["gallery_version"] if row else 0

    async def templates(self, team: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
        """The voiceprints of all samples of people as text, by the ids of the samples.

        Raises:
            MasterKeyMissing, TemplateUnreadable: they cannot be read.
        """
        async with self._protection.reading(team) as (connection, cipher):
            return await read_texts(connection, cipher, team, ids)

    @asynccontextmanager
    async def changing(self, team: UUID, connection: Connection | None = None) -> AsyncIterator[Connection]:
        """A transaction in which nobody else changes the people of a team."""
        if connection is None:
            async with self._database.transaction() as own, self.changing(team, own) as changing:
                yield changing
        else:
            await connection.execute(_SQL["hold"], {"team": team})
            yield connection

    async def note(
        self, connection: Connection, team: UUID, action: str, speaker: UUID, key: UUID | None, **details: audit.Detail
    ) -> None:
        """Do what belongs to every change."""
        await connection.execute(_SQL["raise_version"], {"team": team})
        await audit.record(connection, team, action, subject=speaker, key=key, details=details)


async def _people(connection: Connection, rows: Sequence[Row]) -> list[Person]:
    ids = [row["id"] for row in rows]
    samples = dict[UUID, list[Sample]]()
    for row in await (await connection.execute(_SQL["samples"], {"ids": ids})).fetchall():
        samples.setdefault(row["speaker_id"], []).append(Sample.from_row(row))
    return [Person.from_row(row, samples.get(row["id"], [])) for row in rows]


def _columns(tags: Iterable[str], consent: Consent | None, review_on: date | None) -> dict[str, Any]:
    return {
        "tags": list(dict.fromkeys(tags)),
        "consent": None if consent is None else Jsonb(consent.to_json()),
        "review_on": review_on,
    }
