"""Sessions of browsers: the web app signs in by a link that works once, or by an API key, and then has a cookie.

    timbre serve ── prints ──► link ──┐
                                      ├──► session ── may do what its key may, as long as that is valid
    somebody ── types ──► API key ────┘

A link's session belongs to a key that the web app has for itself; revoking a key ends its sessions. Of links and
sessions, as of keys, only hashes are kept.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from timbre.errors import KeyRejected, OptionError, SignInRejected
from timbre.service.accounts import audit
from timbre.service.accounts.teams import FIRST_TEAM, Caller, Scope, Teams
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

LINK_MINUTES: Final = 15
WEB_KEY: Final = "web app"  # name of the key that sessions begun by a link belong to
_SQL: Final = queries("sessions")
_TEAMS: Final = queries("teams")
_BYTES: Final = 32  # of randomness in a token
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in."""

    caller: Caller
    expires_at: datetime


class Sessions:
    """The links and sessions of a server."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._seconds = settings.session_hours * _HOUR

    async def link(self, team: str = FIRST_TEAM) -> str:
        """Make a token that signs one browser in, once, in the next quarter of an hour.

        Raises:
            OptionError: there is no such team.
        """
        row = await self._database.one(_TEAMS["team"], {"name": team})
        if row is None:
            raise OptionError(f"There is no team {team!r}; make it with `timbre keys create --team`.")
        token = secrets.token_urlsafe(_BYTES)
        await self._database.one(
            _SQL["create_link"], {"hash": _hash(token), "team": row["id"], "seconds": LINK_MINUTES * 60}
        )
        return token

    async def begin_with_link(self, token: str) -> tuple[str, Session]:
        """Use a link's token up; return the token of a new session, and the session.

        Raises:
            SignInRejected: it was used before, or its time is over.
        """
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["use_link"], {"hash": _hash(token)})
            if row is None:
                raise SignInRejected(
                    f"This link was used before, or its {LINK_MINUTES} minutes are over; `timbre keys link` makes"
                    " another."
                )
            key = await _web_key(connection, row["team_id"])
            new = await self._begin(connection, row["team_id"], key, by="link")
        return new, await self.get(new)

    async def begin_with_key(self, key: str) -> tuple[str, Session]:
        """Begin a session of an API key; return its token, and the session.

        Raises:
            SignInRejected: there is no such key, or no longer.
        """
        try:
            known = await Teams(self._database).authenticate(f"Bearer {key}")
        except KeyRejected:
            raise SignInRejected(
                "There is no such API key, or it was revoked; `timbre keys list` shows those there are."
            ) from None
        assert known.key is not None  # noqa: S101 - it was sent
        async with self._database.transaction() as connection:
            new = await self._begin(connection, known.team, known.key, by="key")
        return new, await self.get(new)

    async def get(self, token: str) -> Session:
        """The session of a token.

        Raises:
            KeyRejected: there is none, or it is over.
        """
        row = await self._database.one(_SQL["session"], {"hash": _hash(token)})
        if row is None:
            raise KeyRejected(
                "You are not signed in, or no longer; sign in with a link of `timbre keys link`, or a key."
            )
        known = Caller(team=row["team_id"], key=row["key_id"], scopes=frozenset(row["scopes"]), web=True)
        return Session(caller=known, expires_at=row["expires_at"])

    async def team_name(self, team: UUID) -> str:
        """What a team is called."""
        row = await self._database.one(_SQL["team_name"], {"team": team})
        return str(row["name"]) if row else ""

    async def end(self, token: str) -> None:
        """Sign a browser out; it does not matter whether it was signed in."""
        await self._database.one(_SQL["end"], {"hash": _hash(token)})

    async def _begin(self, connection: Connection, team: UUID, key: UUID, *, by: str) -> str:
        token = secrets.token_urlsafe(_BYTES)
        await connection.execute(_SQL["create"], {"hash": _hash(token), "key": key, "seconds": self._seconds})
        await audit.record(connection, team, "session.opened", key=key, details={"by": by})
        return token


async def drop_expired(connection: Connection) -> None:
    """Forget sessions and links that are over."""
    await connection.execute(_SQL["drop_sessions"])
    await connection.execute(_SQL["drop_links"])


async def _web_key(connection: Connection, team: UUID) -> UUID:
    """The web app's own key, made where it is missing or was revoked; nobody ever sees it, it is for sessions alone."""
    await connection.execute(_SQL["lock_team"], {"team": team})  # so that two sign-ins do not make two keys
    scopes = sorted(Scope)
    row = await one(connection, _SQL["web_key"], {"team": team, "name": WEB_KEY, "scopes": scopes})
    if row is not None:
        return UUID(str(row["id"]))
    key = new_id()
    await connection.execute(
        _TEAMS["create_key"],
        {
            "id": key,
            "team": team,
            "name": WEB_KEY,
            "hash": secrets.token_bytes(_BYTES),  # of no key at all
            "hint": key.hex[-6:],
            "scopes": scopes,
        },
    )
    return key


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
