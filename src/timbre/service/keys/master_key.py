"""The master key, above the keys of all teams: where it is kept, how it is made, and how it gives way to another.

The setting or the file holds one key, or several between a rotation and its end: the first wraps what is new, the
others can still unwrap what is old.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from timbre.disk import refusal
from timbre.errors import MasterKeyInvalid, MasterKeyMissing, TemplateUnreadable
from timbre.service.keys.encryption import LENGTH, open_sealed, seal
from timbre.settings import Settings

_PURPOSE: Final = b"team key"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key that wraps the keys of teams."""

    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells which master key wrapped a team's key."""
        return hashlib.sha256(b"timbre master key" + self.key).hexdigest()[:16]

    def wrap(self, team: UUID, key: bytes) -> bytes:
        """Encrypt a team's key."""
        return seal(self.key, key, _PURPOSE + team.bytes)

    def unwrap(self, team: UUID, wrapped: bytes) -> bytes:
        """Decrypt a team's key.

        Raises:
            TemplateUnreadable: another master key wrapped it, or it is another team's.
        """
        return open_sealed(self.key, wrapped, _PURPOSE + team.bytes)


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master key, and those before it that may still be needed."""

    keys: tuple[MasterKey, ...]  # the first is in use

    @property
    def current(self) -> MasterKey:
        """The one that wraps what is new."""
        return self.keys[0]

    def find(self, fingerprint: str) -> MasterKey:
        """The one that wrapped a team's key.

        Raises:
            TemplateUnreadable: it is not here.
        """
        for key in self.keys:
            if key.fingerprint == fingerprint:
                return key
        raise TemplateUnreadable("The team's key was wrapped by a master key that this server does not have.")

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The keys that are set, or those of the key file.

        Raises:
            MasterKeyMissing: there is neither.
            MasterKeyInvalid: what is there is no key.
        """
        if settings.master_key is not None:
            return cls(_decoded(settings.master_key.get_secret_value(), "TIMBRE_MASTER_KEY"))
        path = key_file(settings)
        try:
            return cls(_decoded(path.read_text("ascii"), str(path)))
        except FileNotFoundError:
            raise MasterKeyMissing from None
        except OSError as error:
            raise _unusable(path, error) from None
        except UnicodeDecodeError:
            raise _no_key(str(path)) from None

    @classmethod
    def make(cls, settings: Settings) -> Self:
        """Make the key file, readable for its owner alone; if another process was faster, take what it made.

        Raises:
            MasterKeyInvalid: it cannot be written.
        """
        path = key_file(settings)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = _written(path, [MasterKey(os.urandom(LENGTH))])
            try:
                os.link(new, path)  # unlike a renaming, it replaces nothing
            except FileExistsError:
                path.stat()  # what is there may be a link to nowhere
            finally:
                new.unlink()
            _settle(path.parent)
        except OSError as error:
            raise _unusable(path, error) from None
        return cls.load(settings)

    def save(self, settings: Settings) -> None:
        """Let the key file hold these, at once or not at all; it stays its owner's.

        Raises:
            MasterKeyInvalid: it cannot be written.
        """
        path = key_file(settings).resolve()
        try:
            owner = path.stat()
            new = _written(path, self.keys)
            try:
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(new, owner.st_uid, owner.st_gid)
                new.rename(path)
            finally:
                new.unlink(missing_ok=True)
            _settle(path.parent)
        except OSError as error:
            raise _unusable(path, error) from None


def key_file(settings: Settings) -> Path:
    """Where the master key is kept unless it is set."""
    return settings.master_key_file or settings.data_dir / "master.key"


def _decoded(text: str, where: str) -> tuple[MasterKey, ...]:
    keys = []
    for word in text.replace(",", " ").split():
        try:
            key = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            raise _no_key(where) from None
        if len(key) != LENGTH:
            raise _no_key(where)
        keys.append(MasterKey(key))
    if not keys:
        raise _no_key(where)
    return tuple(keys)


def _unusable(path: Path, error: OSError) -> MasterKeyInvalid:
    return MasterKeyInvalid(f"The master key {refusal(path, error, 'name another file with TIMBRE_MASTER_KEY_FILE')}")


def _no_key(where: str) -> MasterKeyInvalid:
    return MasterKeyInvalid(
        f"{where} is not a master key: {LENGTH} random bytes in base64, as `openssl rand -base64 32` makes them."
    )


def _written(path: Path, keys: Sequence[MasterKey]) -> Path:
    """Write a file beside another, for its owner alone, down to the disk."""
    new = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
            file.writelines(base64.b64encode(key.key) + b"\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return new


def _settle(folder: Path) -> None:
    """Bring the names of a folder's files down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
