"""How voiceprints are kept: templates encrypted, search vectors turned in secret, both with a key of the team.

    master key (a setting or a file) ──wraps──► team key ──derives──► encryption key: AES-256-GCM of templates
                                                              └────► rotation: an orthogonal matrix a dimension

A rotation leaves every cosine as it is, so the database can search among turned vectors. Without the team's key a row
matches no voice. Where a team's key is deleted, nothing of its people can be read again. What this protects against,
and what not: docs/explanations/voiceprint-protection.md.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
import structlog
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from timbre.errors import MasterKeyInvalid, MasterKeyMissing, TemplateUnreadable
from timbre.service.keys.encryption import LENGTH, open_sealed, seal
from timbre.service.keys.master_key import MasterKeys, key_file
from timbre.settings import Settings
from timbre.store.database import Connection, Database, Row, one
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = queries("protection")
_STREAM: Final = bytes(16)  # counter and nonce of the stream that a rotation is drawn from; its key is used once
_UNIFORM: Final = 2.0**-52
_UNUSED: Final = np.uint64(12)  # bits: the middle of each of 2^52 steps is a number of its own, and never 0 or 1
_log: Final = structlog.get_logger("timbre.protection")


class TeamCipher:
    """What a team's key does."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._templates = _derived(key, b"templates")
        self._rotations: dict[int, NDArray[np.float32]] = {}

    def seal(self, plain: bytes, about: UUID, *, part: str = "") -> bytes:
        """Encrypt what is kept under an id, or a part of it; it can be read as nothing else."""
        return seal(self._templates, plain, about.bytes + part.encode())

    def open(self, sealed: bytes, about: UUID, *, part: str = "") -> bytes:
        """Decrypt what was kept under an id.

        Raises:
            TemplateUnreadable: the key, the id or the part is another, or it was changed.
        """
        return open_sealed(self._templates, sealed, about.bytes + part.encode())

    def turn(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn vectors (the last axis) by the team's rotation; their cosines stay what they are."""
        return np.asarray(vectors @ self._rotation(vectors.shape[-1]), np.float32)

    def turn_back(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo `turn`."""
        return np.asarray(vectors @ self._rotation(vectors.shape[-1]).T, np.float32)

    def _rotation(self, dimension: int) -> NDArray[np.float32]:
        if dimension not in self._rotations:
            self._rotations[dimension] = _rotation(_derived(self._key, b"rotation %d" % dimension), dimension)
        return self._rotations[dimension]


class Protection:
    """The keys of every team."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._known: dict[UUID, tuple[bytes, TeamCipher]] = {}

    async def cipher(self, team: UUID, connection: Connection | None = None) -> TeamCipher:
        """A team's cipher; its key is made the first time.

        Args:
            team: Whose.
            connection: In whose transaction something is written with it; the key stays the team's until that ends.
                Ask before anything else is locked there.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: another master key wrapped the team's key, or it is gone.
        """
        if connection is None:
            row = await self._database.one(_SQL["team_key"], {"team": team})
            if row is not None:
                return self._unwrapped(team, row)
            async with self._database.transaction() as own:
                return await self.cipher(team, own)
        row = await one(connection, _SQL["hold_team_key"], {"team": team})
        return self._unwrapped(team, row if row is not None else await self._made(team, connection))

    @asynccontextmanager
    async def reading(self, team: UUID) -> AsyncIterator[tuple[Connection, TeamCipher]]:
        """A transaction that sees one moment, and the team's cipher of that moment, to read with it.

        A vector knows of no key: turned by one and searched for among those turned by another, it would find anybody.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: another master key wrapped the team's key, or it is gone.
        """
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["see_one_moment"])
            row = await one(connection, _SQL["team_key"], {"team": team})
            if row is None:
                await _check_nothing_kept(team, connection)
                self._known.pop(team, None)
                yield connection, TeamCipher(os.urandom(LENGTH))  # there is nothing to read with it
            else:
                yield connection, self._unwrapped(team, row)

    async def _made(self, team: UUID, connection: Connection) -> Row:
        await _check_nothing_kept(team, connection)
        await connection.execute(_SQL["write_team_keys"])  # before the master key is read: it may be replaced just now
        master = self._master().current
        new = {"team": team, "wrapped": master.wrap(team, os.urandom(LENGTH)), "master": master.fingerprint}
        await connection.execute(_SQL["make_team_key"], new)
        row = await one(connection, _SQL["hold_team_key"], {"team": team})
        if row is None:
            raise TemplateUnreadable("The team's key was deleted just now; try again.")
        return row

    def _unwrapped(self, team: UUID, row: Row) -> TeamCipher:
        wrapped, cipher = self._known.get(team, (b"", None))
        if cipher is None or wrapped != row["wrapped"]:
            self._known.pop(team, None)  # what was replaced is not kept in memory
            cipher = TeamCipher(self._master().find(row["master"]).unwrap(team, row["wrapped"]))
            self._known[team] = (row["wrapped"], cipher)
        return cipher

    def _master(self) -> MasterKeys:
        try:
            return MasterKeys.load(self._settings)
        except MasterKeyInvalid as error:
            _log.error("no master key", error=str(error))
            raise MasterKeyMissing("The server's master key cannot be used; `timbre doctor` says why.") from None


async def check_master_key(database: Database, settings: Settings, *, make: bool = False) -> bool:
    """Find out at the start whether the master key fits the database; tell whether there is one.

    Args:
        database: Whose team keys it has to unwrap.
        settings: Where it is.
        make: Make one if there is none, and none was ever needed.

    Raises:
        MasterKeyInvalid: it does not fit, is no key, or is gone although it is needed.
    """
    rows = await database.all(_SQL["masters"])
    needed = {row["master"]: int(row["teams"]) for row in rows}
    try:
        keys = MasterKeys.load(settings)
    except MasterKeyMissing:
        if not make:
            return False
        if needed:
            raise _unfit(settings, sum(needed.values()), "is gone") from None
        keys = MasterKeys.make(settings)
    there = {key.fingerprint for key in keys.keys}
    if missing := needed.keys() - there:
        raise _unfit(settings, sum(needed[master] for master in missing), "does not fit")
    return True


def _unfit(settings: Settings, teams: int, fault: str) -> MasterKeyInvalid:
    where = f"The master key {'' if settings.master_key else key_file(settings)}".rstrip()
    whose = "one team" if teams == 1 else f"{teams} teams"
    return MasterKeyInvalid(
        f"{where} {fault}: the database holds voiceprints of {whose} that another one protects. Set that one again,"
        " or add it behind a comma; if it is lost, so are they: `timbre keys forget-team` clears them away."
    )


async def _check_nothing_kept(team: UUID, connection: Connection) -> None:
    """A key is made where nothing was sealed yet: beside what another one sealed, a new one would hide that it is gone.

    Raises:
        TemplateUnreadable: something is there.
    """
    row = await one(connection, _SQL["anything_sealed"], {"team": team})
    if row and row["found"]:
        raise TemplateUnreadable(
            "The team's key is gone, and with it what its voiceprints were; `timbre keys forget-team` clears them away."
        )


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), LENGTH, b"timbre " + purpose).derive(key)


def _rotation(key: bytes, dimension: int) -> NDArray[np.float32]:
    """Draw an orthogonal matrix `[dimension, dimension]`, uniform among all, from a key.

    Source: Stewart, "The efficient generation of random orthogonal matrices", SIAM J. Numer. Anal., 1980: the Q of a
    matrix of normal numbers, with the signs of R's diagonal made positive.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    stream = Cipher(ChaCha20(key, _STREAM), mode=None).encryptor()
    drawn = np.frombuffer(stream.update(bytes(8 * dimension * dimension)), "<u8")
    uniform = ((drawn >> _UNUSED) + 0.5) * _UNIFORM
    q, r = np.linalg.qr(ndtri(uniform).reshape(dimension, dimension))
    return np.asarray(q * np.sign(np.diag(r)), np.float32)
