"""Streams as they are kept: created by a key, opened once by whoever has the token, ended."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from timbre.errors import StreamRefused, StreamUnknown, TooManyRequests
from timbre.service.accounts.teams import Caller
from timbre.service.accounts.usage import Usage
from timbre.service.live.requests import StreamRequest
from timbre.service.live.spaces import space_of
from timbre.service.people.gallery import Gallery
from timbre.service.requests.selection import check_selection
from timbre.settings import Settings
from timbre.store.database import Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

_SQL: Final = queries("streams")
_TOKEN: Final = 24  # random bytes
SILENCE: Final = 30.0  # seconds after which a process that says nothing of its streams counts as dead
_RETRY: Final = 10  # seconds
_SCOPES, _WEB = "_scopes", "_web"  # of the caller, beside what was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStream:
    """A stream that can be opened once, with this token."""

    id: UUID
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStream:
    """A stream that was opened."""

    id: UUID
    team: UUID
    key: UUID | None
    request: StreamRequest
    scopes: frozenset[str]  # of whoever had it made
    web: bool  # whether that was a browser


class Streams:
    """The streams of all teams."""

    def __init__(self, database: Database, usage: Usage, gallery: Gallery, settings: Settings) -> None:
        self._database = database
        self._gallery = gallery
        self._usage = usage
        self._settings = settings

    async def create(self, caller: Caller, request: StreamRequest) -> NewStream:
        """Make a stream that whoever has its token can open once.

        Raises:
            BudgetSpent: nothing is left of the team's budget.
            TooManyRequests: as many streams as a team may have are running.
            RequestInvalid: somebody who shall be recognised is not there, or voiceprints do not compare.
        """
        await self._usage.check_budget(caller.team)
        row = await self._database.one(_SQL["running"], {"team": caller.team, "silence": SILENCE})
        if row and row["total"] >= self._settings.streams_per_team:
            raise TooManyRequests(_RETRY)
        if request.speakers is not None:
            labels = [voiceprint.label for voiceprint in request.voiceprints or ()]
            await check_selection(self._database, caller.team, request.speakers, labels)
        gallery = None if request.speakers is None else await self._gallery.space(caller.team)
        await asyncio.to_thread(space_of, request, gallery, self._settings)
        made = NewStream(id=new_id(), token=secrets.token_urlsafe(_TOKEN))
        whose = {_SCOPES: sorted(caller.scopes), _WEB: caller.web}
        asked = request.model_dump(mode="json", by_alias=True, exclude_none=True) | whose
        await self._database.one(
            _SQL["create"],
            {
                "id": made.id,
                "team": caller.team,
                "key": caller.key,
                "hash": _hash(made.token),
                "input": Jsonb(request.shown()),
                "asked": Jsonb(asked),
                "seconds": self._settings.stream_link_seconds,
            },
        )
        return made

    async def get(self, team: UUID, stream: UUID) -> Row:
        """A stream: `id`, `status`, `started_at`, `completed_at`, `input`, `seconds`, `error`, `job`.

        Raises:
            StreamUnknown: the team has none of this id.
        """
        row = await self._database.one(_SQL["get"], {"id": stream, "team": team, "silence": SILENCE})
        if row is None:
            raise StreamUnknown
        return row

    async def open(self, token: str) -> OpenStream:
        """Open a stream, which can be done once.

        Raises:
            StreamRefused: the token is wrong, was used or has expired, or the team has enough streams.
        """
        known = {"hash": _hash(token)}
        async with self._database.transaction() as connection:
            found = await one(connection, _SQL["find"], known)
            if found is None:
                raise StreamRefused("This token opens no stream; make one with POST /v1/live.")
            if found["status"] != "created":
                raise StreamRefused("This token was used already; make another stream with POST /v1/live.")
            if found["expired"]:
                raise StreamRefused("This token has expired; make another stream with POST /v1/live.")
            await connection.execute(_SQL["one_at_a_time"], {"team": found["team_id"]})
            running = await one(connection, _SQL["running"], {"team": found["team_id"], "silence": SILENCE})
            if running and running["total"] >= self._settings.streams_per_team:
                raise StreamRefused(
                    f"{self._settings.streams_per_team} streams are running, as many as a team may have; end one."
                )
            row = await one(connection, _SQL["open"], known)
            if row is None:
                raise StreamRefused("This token was used just now; make another stream with POST /v1/live.")
        asked = row["asked"]
        return OpenStream(
            id=row["id"],
            team=row["team_id"],
            key=row["key_id"],
            request=StreamRequest.model_validate(asked),
            scopes=frozenset(asked[_SCOPES]),
            web=asked[_WEB],
        )

    async def beat(self, stream: UUID, seconds: float) -> None:
        """Say that a stream is alive, and how much of it was heard."""
        await self._database.one(_SQL["beat"], {"id": stream, "seconds": seconds})

    async def end(self, stream: UUID, seconds: float, error: str | None) -> None:
        """End a stream: as its client wanted, or for a reason; count what was heard."""
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["end"], {"id": stream, "seconds": seconds, "error": error})
            if row is not None:
                await self._usage.count(connection, row, seconds)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
