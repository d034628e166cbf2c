"""What people are taught by decisions about results, and what goes when those do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from timbre.service.keys.template_protection import Protection
from timbre.service.people.gallery import Gallery
from timbre.service.people.samples import Samples
from timbre.store.database import Connection
from timbre.store.queries import queries

_SQL: Final = queries("speakers")
_DECISIONS: Final = queries("decisions")


class Learning:
    """Withdraws samples, and people; whoever calls holds the team by `Gallery.changing`."""

    def __init__(self, gallery: Gallery, protection: Protection) -> None:
        self._gallery = gallery
        self._samples = Samples(protection)

    async def withdraw(
        self, connection: Connection, team: UUID, job: UUID, revisions: Collection[int], *, key: UUID | None
    ) -> None:
        """Erase the samples that decisions of a job have taught, whoever has them by now."""
        wanted = {"team": team, "job": job, "decisions": list(revisions)}
        rows = await (await connection.execute(_SQL["withdraw_samples"], wanted)).fetchall()
        for speaker, space in sorted({(row["speaker_id"], row["space"]) for row in rows}):
            await self._samples.refresh(connection, team, speaker, space)
            await connection.execute(_SQL["touch"], {"id": speaker})
            await self._gallery.note(connection, team, "sample.removed", speaker, key, decision=str(job))

    async def bare(self, connection: Connection, team: UUID, job: UUID, people: Collection[UUID]) -> list[UUID]:
        """Of people whom decisions of a job made, those of whom nothing else is known."""
        wanted = {"team": team, "job": job, "people": list(people)}
        rows = await (await connection.execute(_DECISIONS["bare"], wanted)).fetchall()
        return [row["id"] for row in rows]

    async def remove(self, connection: Connection, team: UUID, people: Sequence[UUID], *, key: UUID | None) -> None:
        """Erase people whom no output mentions."""
        await connection.execute(_SQL["erase"], {"ids": list(people), "team": team})
        for person in people:
            await self._gallery.note(connection, team, "speaker.erased", person, key)
