"""Results of earlier versions, made known to lists and reviews, which go by what is noted of each."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import UUID

from timbre.errors import MasterKeyMissing, TemplateUnreadable
from timbre.service.keys.template_protection import Protection
from timbre.service.results.heard import Summary, note_heard, summary
from timbre.service.results.outputs import unpacked
from timbre.service.results.voices import Voices, seal_vectors
from timbre.store.database import Database, Row, one
from timbre.store.queries import queries

_HEARD: Final = queries("heard")
_VOICES: Final = queries("voices")
_EMPTY: Final = Summary(gallery=None, voices=())


class Summaries:
    """Notes what results say that no version noted yet."""

    def __init__(self, database: Database, protection: Protection) -> None:
        self._database = database
        self._protection = protection

    async def sweep(self) -> int:
        """Note what is missing; return of how many results."""
        done = 0
        while rows := await self._database.all(_HEARD["unnoted"]):
            for row in rows:
                done += await self._note(row)
        with suppress(MasterKeyMissing):
            while rows := await self._database.all(_VOICES["without_vectors"]):
                for row in rows:
                    await self._seal(row["job_id"], row["team_id"], row["body"])
        return done

    async def _note(self, row: Row) -> bool:
        found = await asyncio.to_thread(lambda: summary(unpacked(row["body"])))
        async with self._database.transaction() as connection:
            seen = {"job": row["id"], "seen": row["updated_at"]}
            if await one(connection, _HEARD["unchanged"], seen) is None:
                return False  # whoever changed it has noted it
            await note_heard(connection, row["team_id"], row["id"], found or _EMPTY)
        return True

    async def _seal(self, job: UUID, team: UUID, body: bytes) -> None:
        note = {"job": job, "body": body, "vectors": b"", "space": ""}  # of those that nobody can read
        async with self._database.transaction() as connection:
            with suppress(TemplateUnreadable):
                cipher = await self._protection.cipher(team, connection)
                voices = Voices.from_bytes(cipher.open(body, job))
                note |= {"vectors": seal_vectors(cipher, job, voices), "space": voices.space}
            await connection.execute(_VOICES["note_vectors"], note)
