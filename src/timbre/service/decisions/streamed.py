"""Names that people gave to voices while a recording was a live stream: they become decisions about its result."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

import structlog
from pydantic import ValidationError

from timbre.errors import ServiceError
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.decisions.decisions import Decisions
from timbre.service.decisions.requests import DecisionRequest
from timbre.service.jobs.jobs import Once
from timbre.service.jobs.streamed import Streamed
from timbre.service.people.gallery import Gallery
from timbre.service.results.outputs import unpacked
from timbre.store.database import Database, Row
from timbre.store.queries import queries
from timbre.turns import Turn

_SQL: Final = queries("streamed")
_log: Final = structlog.get_logger("timbre.live")


class StreamedNames:
    """Decides what was said of the voices of streams, once their recordings have been heard."""

    def __init__(self, database: Database, decisions: Decisions, gallery: Gallery) -> None:
        self._database = database
        self._decisions = decisions
        self._gallery = gallery

    async def sweep(self) -> None:
        """Decide for jobs that have ended and whose names are still to be decided: their worker has died."""
        for row in await self._database.all(_SQL["waiting"]):
            await self._settle(row)

    async def settle(self, job: UUID) -> None:
        """Decide for a job that has just succeeded."""
        row = await self._database.one(_SQL["of"], {"id": job})
        if row is not None:
            await self._settle(row)

    async def _settle(self, row: Row) -> None:
        streamed = Streamed.from_json(row["streamed"])
        output = unpacked(row["body"])
        heard = [Turn(start=turn["start"], end=turn["end"], speaker=turn["speaker"]) for turn in output["diarization"]]
        caller = Caller(team=row["team_id"], key=row["key_id"], scopes=streamed.scopes)
        for voice, name in streamed.of(heard).items():
            once = Once(key=f"stream {voice}", digest=hashlib.sha256(name.encode()).digest())
            try:
                await self._decisions.decide(caller, row["id"], await self._said(caller, voice, name), once)
            except (ServiceError, ValidationError) as error:
                # Such as a key that may not change people: the result stands without this name.
                _log.warning("a name of a stream does not stand", job=str(row["id"]), voice=voice, reason=str(error))
        await self._database.one(_SQL["done"], {"id": row["id"]})

    async def _said(self, caller: Caller, voice: str, name: str) -> DecisionRequest:
        known = await self._gallery.find(caller.team, name)
        if known is None:
            return DecisionRequest(kind="name", voice=voice, name=name)
        learn = None if Scope.SPEAKERS_WRITE in caller.scopes else False
        return DecisionRequest(kind="name", voice=voice, speaker_id=known.id, learn=learn)
