"""Sealing: AES-256-GCM with a random nonce, bound to what the sealed bytes are about."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from timbre.errors import TemplateUnreadable

LENGTH: Final = 32  # bytes of every key
_NONCE: Final = 12  # bytes; random, so one key must not seal more than 2^32 times (NIST SP 800-38D, 8.3)


def seal(key: bytes, plain: bytes, about: bytes) -> bytes:
    """Encrypt; what comes can be opened with the same key and the same `about` alone."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def open_sealed(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """Decrypt.

    Raises:
        TemplateUnreadable: the key or `about` is another, or it was changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
    except (InvalidTag, ValueError):
        raise TemplateUnreadable from None
