"""Teams and their API keys. A key is shown once, when it is made; what is kept is its hash."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from timbre.errors import KeyInUse, KeyRejected, KeyUnknown, OptionError, ScopeMissing
from timbre.service.accounts import audit
from timbre.service.keys.signatures import new_webhook_secret
from timbre.store.database import Connection, Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

FIRST_TEAM: Final = "default"
LONGEST_NAME: Final = 100  # characters
_SQL: Final = queries("teams")
_WEBHOOKS: Final = queries("webhooks")
_PREFIX: Final = "sk_"
_ALPHABET: Final = string.ascii_letters + string.digits  # a key is one word, wherever it is cut
_LENGTH: Final = 43  # characters: 256 bits
_HINT: Final = 6  # characters


class Scope(StrEnum):
    """What a key may do."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MEDIA_READ = "media:read"
    MEDIA_WRITE = "media:write"
    STREAM_READ = "stream:read"
    STREAM_WRITE = "stream:write"
    SPEAKERS_READ = "speakers:read"
    SPEAKERS_WRITE = "speakers:write"
    ADMIN = "admin"  # the team's keys, the models of the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a team, through one of its keys."""

    team: UUID
    key: UUID | None  # None of a command on the server's own machine
    scopes: frozenset[str]
    web: bool = False  # whether a browser asks that is signed in

    def require(self, scope: Scope) -> None:
        """Raise `ScopeMissing` unless the key has this scope."""
        if scope not in self.scopes:
            raise ScopeMissing(
                f"The API key does not have the scope {scope}; make one that has it with `timbre keys create`."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; `key` is seen this once."""

    id: UUID
    key: str

    @property
    def hint(self) -> str:
        """Its last characters, by which keys are told apart."""
        return self.key[-_HINT:]


class Teams:
    """The teams of a server and their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def authenticate(self, authorization: str | None) -> Caller:
        """Tell who sends this `Authorization` header.

        Raises:
            KeyRejected: nobody we know.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise KeyRejected
        row = await self._database.one(_SQL["caller"], {"hash": _hash(key.strip())})
        if row is None:
            raise KeyRejected
        return Caller(team=row["team_id"], key=row["id"], scopes=frozenset(row["scopes"]))

    async def create_key(
        self, name: str, *, team: str = FIRST_TEAM, scopes: Sequence[Scope | str] = tuple(Scope)
    ) -> str:
        """Make a key, and the team if it is new; return the key, which nobody can see again.

        Raises:
            OptionError: a name or a scope is not one.
        """
        for text in (name, team):
            check_name(text)
        unknown = sorted(set(scopes) - set(Scope))
        if unknown or not scopes:
            raise OptionError(f"There is no scope {', '.join(unknown) or 'at all'}; there are: {', '.join(Scope)}.")
        async with self._database.transaction() as connection:
            owner = await named_team(connection, team)
            return (await _add_key(connection, owner["id"], name, scopes)).key

    async def add_key(self, caller: Caller, name: str, scopes: Sequence[Scope | str]) -> NewKey:
        """Make a key of the caller's team; name and scopes were checked."""
        async with self._database.transaction() as connection:
            new = await _add_key(connection, caller.team, name, scopes)
            await audit.record(connection, caller.team, "key.created", subject=new.id, key=caller.key)
            return new

    async def keys_of(self, team: UUID) -> list[Row]:
        """A team's keys, the newest first: `id`, `name`, `hint`, `scopes`, `created_at`, `revoked_at`, `issuer`."""
        return await self._database.all(_SQL["keys_of"], {"team": team})

    async def revoke_of(self, caller: Caller, key: UUID) -> Row:
        """Make a key of the caller's team worthless; return it as `keys_of` does.

        Raises:
            KeyInUse: it is the caller's own.
            KeyUnknown: the team has none of this id.
        """
        if key == caller.key:
            raise KeyInUse
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["revoke_of"], {"team": caller.team, "id": key})
            if row is None:
                raise KeyUnknown
            await audit.record(connection, caller.team, "key.revoked", subject=key, key=caller.key)
            return row

    async def first_key(self) -> str | None:
        """Make a key if there has never been one."""
        row = await self._database.one(_SQL["any_key"])
        return None if row and row["found"] else await self.create_key("first")

    async def keys(self, team: str | None = None) -> list[Row]:
        """All keys, or a team's: `id`, `name`, `hint`, `scopes`, `created_at`, `revoked_at`, `issuer`, `team`."""
        return await self._database.all(_SQL["keys"], {"team": team})

    async def revoke(self, key: str) -> str:
        """Make a key worthless, named by its id, its last six characters or itself; return its name.

        Raises:
            KeyUnknown: there is none.
        """
        row = await self._database.one(_SQL["revoke"], {"key": key, "hash": _hash(key)})
        if row is None:
            named = "this one" if key.startswith(_PREFIX) else repr(key)
            raise KeyUnknown(f"There is no API key {named}; `timbre keys list` shows them.")
        return str(row["name"])

    async def team(self, name: str) -> Row:
        """A team by its name: `id`, `name`, `budget_seconds`.

        Raises:
            OptionError: there is none.
        """
        row = await self._database.one(_SQL["team"], {"name": name})
        if row is None:
            raise OptionError(f"There is no team {name!r}; make it with `timbre keys create --team`.")
        return row

    async def first_team(self) -> Row:
        """The team that every server has: `id`, `name`, `budget_seconds`; made if it is not there yet."""
        async with self._database.transaction() as connection:
            return await named_team(connection, FIRST_TEAM)

    async def teams(self) -> list[Row]:
        """All teams."""
        return await self._database.all(_SQL["teams"])


def check_name(text: str) -> None:
    """Make sure that a text can be the name of a key, a person or a team.

    Raises:
        OptionError: it is too long, empty, or not printable.
    """
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise OptionError(f"A name has 1 to {LONGEST_NAME} printable characters; {text[:40]!r} does not.")


async def named_team(connection: Connection, name: str) -> Row:
    """The team of a name: `id`, `name`, `budget_seconds`; made, in the connection's transaction, if it is new."""
    new = new_id()
    await connection.execute(_SQL["create_team"], {"id": new, "name": name})
    row = await one(connection, _SQL["team"], {"name": name})
    assert row is not None  # noqa: S101 - it was just made, or was there
    if row["id"] == new:
        await connection.execute(
            _WEBHOOKS["create_secret"], {"id": new_id(), "team": new, "secret": new_webhook_secret()}
        )
    return row


async def _add_key(connection: Connection, team: UUID, name: str, scopes: Sequence[Scope | str]) -> NewKey:
    new = NewKey(id=new_id(), key=_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))
    row = {"id": new.id, "team": team, "name": name, "hash": _hash(new.key), "hint": new.hint}
    await connection.execute(_SQL["create_key"], {**row, "scopes": sorted(set(scopes))})
    return new


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
