"""How voiceprints are kept: templates encrypted, search vectors turned in secret, both with a key of the team.

    master key (a setting or a file) ──wraps──► team key ──derives──► encryption key: AES-256-GCM of templates
                                                              └────► rotation: an orthogonal matrix a dimension

A rotation leaves every cosine as it is, so the database can search among turned vectors. Without the team's key they
match no voice, and the rows of two teams cannot be linked. Where a team's key is deleted, nothing of its people can be
read again. What this protects against, and what not: docs/explanations/voiceprint-protection.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from timbre.errors import MasterKeyInvalid, MasterKeyMissing, TemplateUnreadable
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = queries("protection")
_LENGTH: Final = 32  # bytes of every key
_NONCE: Final = 12  # bytes
_STREAM: Final = bytes(16)  # counter and nonce of the stream that a rotation is drawn from; its key is used once
_UNIFORM: Final = 2.0**-53


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key above all teams' keys."""

    key: bytes

    @property
    def fingerprint(self) -> str:
        """Tells which master key wrapped a team's key."""
        return hashlib.sha256(b"timbre master key" + self.key).hexdigest()[:16]

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The key that is set, or that of the key file.

        Raises:
            MasterKeyMissing: there is neither.
            MasterKeyInvalid: it is not 32 bytes in base64.
        """
        if settings.master_key is not None:
            return cls(_decoded(settings.master_key.get_secret_value(), "TIMBRE_MASTER_KEY"))
        path = key_file(settings)
        try:
            return cls(_decoded(path.read_text("ascii"), str(path)))
        except FileNotFoundError:
            raise MasterKeyMissing from None
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyInvalid(f"The master key {path} cannot be read: {error}.") from None

    @classmethod
    def load_or_make(cls, settings: Settings) -> Self:
        """The key that is set, or that of the key file, which is made, readable for its owner alone, if need be."""
        try:
            return cls.load(settings)
        except MasterKeyMissing:
            path = key_file(settings)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = base64.b64encode(os.urandom(_LENGTH)) + b"\n"
            try:
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
            except FileExistsError:  # another process was faster
                pass
            except OSError as error:
                raise MasterKeyInvalid(f"The master key {path} cannot be written: {error.strerror}.") from None
            return cls.load(settings)

    def wrap(self, team: UUID, key: bytes) -> bytes:
        """Encrypt a team's key."""
        return _seal(self.key, key, team)

    def unwrap(self, team: UUID, wrapped: bytes) -> bytes:
        """Decrypt a team's key.

        Raises:
            TemplateUnreadable: another master key wrapped it.
        """
        return _open(self.key, wrapped, team)


@dataclass(frozen=True, slots=True)
class TeamCipher:
    """What a team's key does."""

    key: bytes

    def seal(self, plain: bytes, about: UUID) -> bytes:
        """Encrypt what is kept under an id; it can be read under no other."""
        return _seal(_derived(self.key, b"templates"), plain, about)

    def open(self, sealed: bytes, about: UUID) -> bytes:
        """Decrypt what was kept under an id.

        Raises:
            TemplateUnreadable: the key or the id is another, or it was changed.
        """
        return _open(_derived(self.key, b"templates"), sealed, about)

    def turn(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn vectors (the last axis) by the team's rotation; their cosines stay what they are."""
        return np.asarray(vectors @ _rotation(self.key, vectors.shape[-1]), np.float32)


class Protection:
    """The keys of every team."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._known: dict[UUID, tuple[bytes, TeamCipher]] = {}

    async def cipher(self, team: UUID, connection: Connection | None = None) -> TeamCipher:
        """A team's cipher; its key is made the first time, in the transaction of the connection if one is given.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: the team's key was wrapped by another master key.
        """
        if connection is None:
            async with self._database.transaction() as own:
                return await self.cipher(team, own)
        master = MasterKey.load(self._settings)
        row = await one(connection, _SQL["team_key"], {"team": team})
        if row is None:
            new = {"team": team, "wrapped": master.wrap(team, os.urandom(_LENGTH)), "master": master.fingerprint}
            await connection.execute(_SQL["make_team_key"], new)
            row = await one(connection, _SQL["team_key"], {"team": team})
            assert row is not None  # noqa: S101 - it was just made, or by somebody else
        wrapped, cipher = self._known.get(team, (b"", None))
        if cipher is None or wrapped != row["wrapped"]:
            cipher = TeamCipher(master.unwrap(team, row["wrapped"]))
            self._known[team] = (row["wrapped"], cipher)
        return cipher


def key_file(settings: Settings) -> Path:
    """Where the master key is kept unless it is set."""
    return settings.master_key_file or settings.data_dir.expanduser() / "master.key"


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _LENGTH:
        raise MasterKeyInvalid(
            f"{where} is not a master key: {_LENGTH} random bytes in base64, as `openssl rand -base64 32` makes them."
        )
    return key


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _LENGTH, b"timbre " + purpose).derive(key)


def _seal(key: bytes, plain: bytes, about: UUID) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.bytes)


def _open(key: bytes, sealed: bytes, about: UUID) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.bytes)
    except (InvalidTag, ValueError):
        raise TemplateUnreadable from None


@lru_cache(maxsize=64)
def _rotation(key: bytes, dimension: int) -> NDArray[np.float32]:
    """Draw an orthogonal matrix `[dimension, dimension]`, uniform among all, from a key.

    Source: Stewart, "The efficient generation of random orthogonal matrices", SIAM J. Numer. Anal., 1980: the Q of a
    matrix of normal numbers, with the signs of R's diagonal made positive.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    stream = Cipher(ChaCha20(_derived(key, b"rotation %d" % dimension), _STREAM), mode=None).encryptor()
    drawn = np.frombuffer(stream.update(bytes(8 * dimension * dimension)), "<u8")
    uniform = ((drawn >> np.uint64(11)) + 0.5) * _UNIFORM
    q, r = np.linalg.qr(ndtri(uniform).reshape(dimension, dimension))
    return np.asarray(q * np.sign(np.diag(r)), np.float32)
