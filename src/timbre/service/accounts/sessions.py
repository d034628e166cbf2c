"""Sessions of browsers: the web app signs in by a link, an API key or a provider of identities, and then has a cookie.

    timbre serve ── prints ────► link ─────┐
    somebody ────── types ─────► API key ──┼──► session ── may do what its key may, as long as that is valid
    a provider ──── vouches ───► person ───┘

Every session belongs to a key; revoking that ends its sessions. A link has one that the web app has for itself. A
person has one that nobody knows: it bears their name, which history and audit show, and the scopes of their role.
Of links and sessions, as of keys, only hashes are kept.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from timbre.errors import KeyRejected, OptionError, SignInRejected
from timbre.service.accounts import audit
from timbre.service.accounts.roles import SCOPES, Role
from timbre.service.accounts.teams import FIRST_TEAM, Caller, Scope, Teams, check_name, named_team
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

LINK_MINUTES: Final = 15
WEB_KEY: Final = "web app"  # name of the key that sessions begun by a link belong to
LINK: Final = "link"  # who vouches for a person that has a link
_SQL: Final = queries("sessions")
_TEAMS: Final = queries("teams")
_BYTES: Final = 32  # of randomness in a token
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in."""

    caller: Caller
    name: str  # of the key, or the person
    issuer: str | None  # who vouches for the person; None where it is nobody in particular
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom somebody vouches for, and what they may do."""

    issuer: str
    subject: str  # who it is, to the issuer
    name: str  # shown to others
    team: str
    role: Role


class Sessions:
    """The links and sessions of a server."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._issuer = settings.oidc_issuer
        self.seconds = settings.session_hours * _HOUR  # that a session lasts
        self.seconds_vouched = settings.oidc_session_hours * _HOUR  # one that a provider vouches for

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

    async def link_for(self, name: str, role: Role, team: str = FIRST_TEAM) -> str:
        """Make such a token for a person, who has this role from now on, in sessions begun before too.

        Raises:
            OptionError: the name is none, or there is no such team.
        """
        check_name(name)
        await Teams(self._database).team(team)
        token = secrets.token_urlsafe(_BYTES)
        async with self._database.transaction() as connection:
            person = Person(issuer=LINK, subject=name, name=name, team=team, role=role)
            _, key = await _person_key(connection, person)
            values = {"hash": _hash(token), "key": key, "seconds": LINK_MINUTES * 60}
            await connection.execute(_SQL["create_person_link"], values)
        return token

    async def begin_with_link(self, token: str) -> tuple[str, Session]:
        """Use a link's token up; return the token of a new session, and the session.

        Raises:
            SignInRejected: it was used before, or its time is over.
        """
        async with self._database.transaction() as connection:
            person = await one(connection, _SQL["use_person_link"], {"hash": _hash(token)})
            row = person or await one(connection, _SQL["use_link"], {"hash": _hash(token)})
            if row is None:
                raise SignInRejected(
                    f"This link was used before, or its {LINK_MINUTES} minutes are over; `timbre keys link` makes"
                    " another."
                )
            key = person["id"] if person else await _web_key(connection, row["team_id"])
            new = await self._begin(connection, row["team_id"], key, self.seconds, by="link")
        return new, await self.get(new)

    async def begin_for(self, person: Person) -> tuple[str, Session]:
        """Begin a session of a person whom a provider vouches for; return its token, and the session.

        The team is made if it is new. Whatever the person may have been in other teams, or under another name, is over.
        """
        async with self._database.transaction() as connection:
            team, key = await _person_key(connection, person)
            identity = {"issuer": person.issuer, "subject": person.subject, "team": team}
            await connection.execute(_SQL["leave_other_teams"], identity)
            new = await self._begin(connection, team, key, self.seconds_vouched, by="provider")
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
            new = await self._begin(connection, known.team, known.key, self.seconds, by="key")
        return new, await self.get(new)

    async def get(self, token: str) -> Session:
        """The session of a token.

        Raises:
            KeyRejected: there is none, or it is over.
        """
        row = await self._database.one(_SQL["session"], {"hash": _hash(token), "issuer": self._issuer})
        if row is None:
            raise KeyRejected(
                "You are not signed in, or no longer; sign in by an account, a link of `timbre keys link`, or a key."
            )
        known = Caller(team=row["team_id"], key=row["key_id"], scopes=frozenset(row["scopes"]), web=True)
        return Session(caller=known, name=row["name"], issuer=row["issuer"], expires_at=row["expires_at"])

    async def team_name(self, team: UUID) -> str:
        """What a team is called."""
        row = await self._database.one(_SQL["team_name"], {"team": team})
        return str(row["name"]) if row else ""

    async def end(self, token: str) -> None:
        """Sign a browser out; it does not matter whether it was signed in."""
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["end"], {"hash": _hash(token)})
            if row is not None:
                await audit.record(connection, row["team_id"], "session.closed", key=row["key_id"])

    async def _begin(self, connection: Connection, team: UUID, key: UUID, seconds: float, *, by: str) -> str:
        token = secrets.token_urlsafe(_BYTES)
        await connection.execute(_SQL["create"], {"hash": _hash(token), "key": key, "seconds": seconds})
        await audit.record(connection, team, "session.opened", key=key, details={"by": by})
        return token


async def drop_expired(connection: Connection) -> None:
    """Forget sessions and links that are over."""
    await connection.execute(_SQL["drop_sessions"])
    await connection.execute(_SQL["drop_links"])
    await connection.execute(_SQL["drop_person_links"])


async def _web_key(connection: Connection, team: UUID) -> UUID:
    """The web app's own key, made where it is missing or was revoked."""
    await connection.execute(_SQL["lock_team"], {"team": team})  # so that two sign-ins do not make two keys
    scopes = sorted(Scope)
    row = await one(connection, _SQL["web_key"], {"team": team, "name": WEB_KEY, "scopes": scopes})
    if row is not None:
        return UUID(str(row["id"]))
    values = _of_no_key() | {"team": team, "name": WEB_KEY, "scopes": scopes}
    await connection.execute(_TEAMS["create_key"], values)
    return UUID(str(values["id"]))


async def _person_key(connection: Connection, person: Person) -> tuple[UUID, UUID]:
    """The team and the key of a person, made where they are new; name and role are those of now."""
    team = (await named_team(connection, person.team))["id"]
    await connection.execute(_SQL["lock_team"], {"team": team})
    values = {"team": team, "issuer": person.issuer, "subject": person.subject, "name": person.name}
    values |= {"scopes": sorted(SCOPES[person.role])}
    row = await one(connection, _SQL["person"], values)
    if row is None:
        row = _of_no_key()
        await connection.execute(_SQL["create_person"], row | values)
    return team, row["id"]


def _of_no_key() -> dict[str, Any]:
    """What a row of keys needs beside its name: nobody ever sees this key, it is for sessions alone."""
    key = new_id()
    return {"id": key, "hash": secrets.token_bytes(_BYTES), "hint": key.hex[-6:]}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
