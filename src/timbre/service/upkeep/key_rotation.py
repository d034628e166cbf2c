"""Giving keys way to others: the master key's, a team's, and a team's for nothing at all.

Whoever seals or turns something holds the team's key until it is written, so each of these waits for them and they for
it; nothing that was made with the old key is written after. A crash leaves all as it was, or all as it is to be.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from psycopg import AsyncServerCursor

from timbre.errors import OptionError, TemplateUnreadable
from timbre.service.accounts import audit
from timbre.service.keys.encryption import LENGTH
from timbre.service.keys.master_key import MasterKey, MasterKeys, key_file
from timbre.service.keys.template_protection import Protection, TeamCipher
from timbre.service.people.samples import vector_text
from timbre.service.people.search import Search
from timbre.service.results.voices import VECTORS
from timbre.settings import Settings
from timbre.store.database import Connection, Database, Row, one
from timbre.store.queries import queries

_SQL: Final = queries("protection")
_BATCH: Final = 500  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How much a team's key protects."""

    samples: int = 0
    vectors: int = 0
    voices: int = 0  # jobs whose voices are kept


async def rotate_master(database: Database, settings: Settings) -> int:
    """Wrap the keys of all teams by another master key; return how many they are.

    A file that this server alone has gets a new key, beside the old one until every team's key is wrapped by it. Where
    the key is set, or the database is shared by several machines, the new one has to be set before the old one on each
    of them first: `NEW,OLD`.

    Raises:
        MasterKeyMissing: there is no master key.
        MasterKeyInvalid: the file cannot be replaced, or the keys do not fit the database.
        OptionError: there is no new key to take.
    """
    async with database.transaction() as connection:
        await connection.execute(_SQL["hold_team_keys"])
        keys = MasterKeys.load(settings)
        own = settings.master_key is None and settings.database_url is None
        if own:
            keys = MasterKeys((MasterKey(os.urandom(LENGTH)), *keys.keys))
            keys.save(settings)
        elif len(keys.keys) == 1:
            where = "TIMBRE_MASTER_KEY" if settings.master_key is not None else str(key_file(settings))
            raise OptionError(
                f"Put a new key (`openssl rand -base64 32`) and a comma before the one in {where}, on every machine,"
                " and restart what runs there; then repeat this, and take the old key away."
            )
        rows = await (await connection.execute(_SQL["team_keys"])).fetchall()
        for row in rows:
            team = row["team_id"]
            key = keys.find(row["master"]).unwrap(team, row["wrapped"])
            new = {"team": team, "wrapped": keys.current.wrap(team, key), "master": keys.current.fingerprint}
            await connection.execute(_SQL["rewrap"], new)
            await audit.record(connection, team, "master_key.rotated", subject=team)
    if own:
        await drop_unused(database, settings)
    return len(rows)


async def drop_unused(database: Database, settings: Settings) -> None:
    """Take those keys out of the file of a server that no team's key is wrapped by any more, but for the first.

    Raises:
        MasterKeyInvalid: the file cannot be replaced.
    """
    async with database.transaction() as connection:
        await connection.execute(_SQL["hold_team_keys"])
        keys = MasterKeys.load(settings)
        needed = {row["master"] for row in await (await connection.execute(_SQL["masters"])).fetchall()}
        kept = MasterKeys((keys.current, *(key for key in keys.keys[1:] if key.fingerprint in needed)))
        if kept != keys:
            kept.save(settings)


async def rotate_team(database: Database, settings: Settings, team: UUID) -> Kept:
    """Give a team another key: everything it sealed is sealed again, every search vector turned anew.

    Raises:
        MasterKeyMissing: the server has no master key.
        OptionError: the team has no key yet.
        TemplateUnreadable: something cannot be decrypted; nothing has changed.
    """
    search = Search(database, Protection(database, settings), settings)
    async with search.without_indexes(team), database.transaction() as connection:
        await _hold(connection, team)
        row = await one(connection, _SQL["take_team_key"], {"team": team})
        if row is None:
            raise OptionError("This team has no key: nobody has been enrolled yet.")
        masters = MasterKeys.load(settings)
        old = TeamCipher(masters.find(row["master"]).unwrap(team, row["wrapped"]))
        key = os.urandom(LENGTH)
        new = TeamCipher(key)
        kept = Kept(
            samples=await _seal_samples(connection, team, old, new),
            vectors=await _turn_vectors(connection, team, old, new),
            voices=await _seal_voices(connection, team, old, new),
        )
        master = masters.current
        wrapped = {"team": team, "wrapped": master.wrap(team, key), "master": master.fingerprint}
        await connection.execute(_SQL["replace_team_key"], wrapped)
        await _seal_successors(connection, team, old, new)
        await _record(connection, team, "team_key.rotated", kept)
    return kept


async def forget_team(database: Database, team: UUID) -> Kept:
    """Delete a team's key, and what nobody can read without it; people stay, by name, without a voice.

    It needs no master key, and also helps where that is lost.
    """
    async with database.transaction() as connection:
        await _hold(connection, team)
        await connection.execute(_SQL["take_team_key"], {"team": team})
        await connection.execute(_SQL["drop_team_key"], {"team": team})
        kept = Kept(
            samples=(await connection.execute(_SQL["drop_samples"], {"team": team})).rowcount,
            vectors=(await connection.execute(_SQL["drop_vectors"], {"team": team})).rowcount,
            voices=(await connection.execute(_SQL["drop_voices"], {"team": team})).rowcount,
        )
        await connection.execute(_SQL["raise_version"], {"team": team})
        await _record(connection, team, "team_key.forgotten", kept)
    return kept


async def _hold(connection: Connection, team: UUID) -> None:
    """Let nobody else change the people of a team, nor the master key give way to another."""
    await connection.execute(_SQL["hold_team"], {"team": team})
    await connection.execute(_SQL["write_team_keys"])


async def _seal_samples(connection: Connection, team: UUID, old: TeamCipher, new: TeamCipher) -> int:
    count = 0
    async for rows in _batches(connection, "samples", team):
        sealed = [
            {
                "id": row["id"],
                "template": _again(row["template"], row["id"], old, new),
                "clip": None if row["clip"] is None else _again(row["clip"], row["id"], old, new, part="clip"),
            }
            for row in rows
        ]
        await _change(connection, "seal_sample", sealed)
        count += len(rows)
    return count


async def _seal_successors(connection: Connection, team: UUID, old: TeamCipher, new: TeamCipher) -> None:
    async for rows in _batches(connection, "successors", team):
        sealed = [
            {"sample_id": row["sample_id"], "template": _again(row["template"], row["sample_id"], old, new)}
            for row in rows
        ]
        await _change(connection, "seal_successor", sealed)


async def _seal_voices(connection: Connection, team: UUID, old: TeamCipher, new: TeamCipher) -> int:
    count = 0
    async for rows in _batches(connection, "voices", team):
        sealed = [
            {
                "job_id": row["job_id"],
                "body": _again(row["body"], row["job_id"], old, new),
                "vectors": None
                if row["vectors"] is None
                else _again(row["vectors"], row["job_id"], old, new, part=VECTORS),
            }
            for row in rows
        ]
        await _change(connection, "seal_voices", sealed)
        count += len(rows)
    return count


async def _turn_vectors(connection: Connection, team: UUID, old: TeamCipher, new: TeamCipher) -> int:
    count = 0
    async for rows in _batches(connection, "vectors", team):
        turned = [new.turn(old.turn_back(np.array(row["vector"], np.float32))) for row in rows]
        await connection.execute(
            _SQL["turn_vectors"],
            {
                "speakers": [row["speaker_id"] for row in rows],
                "spaces": [row["space"] for row in rows],
                "vectors": [vector_text(vector) for vector in turned],
            },
        )
        count += len(rows)
    return count


def _again(sealed: bytes, about: UUID, old: TeamCipher, new: TeamCipher, *, part: str = "") -> bytes:
    try:
        return new.seal(old.open(sealed, about, part=part), about, part=part)
    except TemplateUnreadable:
        raise TemplateUnreadable(f"What is kept under {about} cannot be decrypted; erase it, and try again.") from None


async def _batches(connection: Connection, query: str, team: UUID) -> AsyncIterator[list[Row]]:
    """The rows of a query as they are now, some at a time: changes to them are not seen."""
    async with AsyncServerCursor(connection, query) as cursor:
        await cursor.execute(_SQL[query], {"team": team})
        while rows := await cursor.fetchmany(_BATCH):
            yield rows


async def _change(connection: Connection, query: str, changes: list[dict[str, Any]]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(_SQL[query], changes)


async def _record(connection: Connection, team: UUID, action: str, kept: Kept) -> None:
    details = {"samples": kept.samples, "vectors": kept.vectors, "voices": kept.voices}
    await audit.record(connection, team, action, subject=team, details=details)
