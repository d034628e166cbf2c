"""Sealing of what is too large to be held: AES-256-GCM part by part, so that no part can be changed, moved or left out.

    magic 16 ── fingerprint of the master key 16 ── salt 32 ── part ── part ── … ── last part

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", CRYPTO 2015): each stream has a key of its own, derived from the master key, the salt
and what the stream is about; a part's nonce is its number and whether it is the last.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from timbre.errors import BackupUnreadable, TemplateUnreadable
from timbre.service.keys.encryption import LENGTH
from timbre.service.keys.master_key import MasterKey, MasterKeys

_MAGIC: Final = b"timbre sealed 1\n"
_FINGERPRINT: Final = 16  # bytes of text
_SALT: Final = 32  # bytes
_HEADER: Final = len(_MAGIC) + _FINGERPRINT + _SALT
_PART: Final = 1 << 20  # bytes of plain text in every part but the last
_TAG: Final = 16  # bytes
_COUNTER: Final = 11  # bytes of the nonce; one more says whether the part is the last


async def sealed(key: MasterKey, plain: AsyncIterator[bytes], about: bytes) -> AsyncIterator[bytes]:
    """Encrypt a stream; it can be opened with the same key and the same `about` alone."""
    salt = os.urandom(_SALT)
    cipher = _cipher(key, salt, about)
    yield _MAGIC + key.fingerprint.encode() + salt
    number = 0
    async for part, last in _parts(plain, _PART):
        yield cipher.encrypt(_nonce(number, last=last), part, None)
        number += 1


async def opened(keys: MasterKeys, stream: AsyncIterator[bytes], about: bytes) -> AsyncIterator[bytes]:
    """Decrypt a stream; what has been yielded is as it was sealed, and only an end without an error is the end.

    Raises:
        BackupUnreadable: the key or `about` is another, or it was changed or cut.
    """
    cipher: AESGCM | None = None
    number = 0
    async for part, last in _parts(stream, _PART + _TAG, head=_HEADER):
        if cipher is None:
            cipher = _known(keys, part, about)
            if last:
                raise BackupUnreadable
            continue
        try:
            yield cipher.decrypt(_nonce(number, last=last), part, None)
        except InvalidTag:
            raise BackupUnreadable from None
        number += 1


def _known(keys: MasterKeys, header: bytes, about: bytes) -> AESGCM:
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise BackupUnreadable
    fingerprint = header[len(_MAGIC) : len(_MAGIC) + _FINGERPRINT].decode("ascii", "replace")
    try:
        return _cipher(keys.find(fingerprint), header[-_SALT:], about)
    except TemplateUnreadable:
        raise BackupUnreadable(
            f"This was sealed with another master key, of fingerprint {fingerprint}; set the one of that time, or"
            " add it behind a comma."
        ) from None


def _cipher(key: MasterKey, salt: bytes, about: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), LENGTH, salt, b"timbre sealed stream " + about).derive(key.key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER, "big") + bytes([last])


async def _parts(stream: AsyncIterator[bytes], size: int, head: int = 0) -> AsyncIterator[tuple[bytes, bool]]:
    """Cut a stream into parts of a size, the first of `head` bytes if there is one; tell which is the last."""
    held = bytearray()
    wanted = head or size
    async for piece in stream:
        held += piece
        while len(held) > wanted:
            yield bytes(held[:wanted]), False
            del held[:wanted]
            wanted = size
    yield bytes(held), True
