"""Signatures: of webhooks, so that a receiver knows who sent them, and of the links to media.

A webhook carries two signatures side by side: pyannoteAI's `X-Signature`, and those of Standard Webhooks 1.0, which
the libraries of that standard verify.
"""

from __future__ import annotations

import base64
import hmac
import secrets as randomness
from collections.abc import Sequence
from typing import Literal

_PREFIX = "whsec_"
_SECRET_BYTES = 24


def new_webhook_secret() -> str:
    """Make a secret for signing webhooks: `whsec_` and 24 random bytes in base64."""
    return _PREFIX + base64.b64encode(randomness.token_bytes(_SECRET_BYTES)).decode("ascii")


def webhook_headers(
    body: bytes,
    *,
    secrets: Sequence[str],
    delivery: str,
    timestamp: int,
    encoding: Literal["hex", "base64"],
) -> dict[str, str]:
    """Sign one attempt to deliver a webhook.

    Args:
        body: The very bytes that are sent.
        secrets: Every valid secret, the oldest first: `X-Signature` has room for one signature, and while a secret is
            being replaced, receivers still know the old one. Standard Webhooks gets a signature by each.
        delivery: Id of the delivery, the same for all attempts.
        timestamp: Unix time of this attempt, in seconds.
        encoding: How `X-Signature` is written.

    Returns:
        The headers to send with the body.

    Raises:
        ValueError: There is no secret, or one is not `whsec_` and base64.
    """
    if not secrets:
        raise ValueError("a webhook is signed by at least one secret")
    signature = _digest(secrets[0].encode(), b"v0:%d:%b" % (timestamp, body))
    message = b"%b.%d.%b" % (delivery.encode(), timestamp, body)
    return {
        "X-Request-Timestamp": str(timestamp),
        "X-Signature": signature.hex() if encoding == "hex" else _base64(signature),
        "webhook-id": delivery,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_base64(_digest(_key(secret), message))}" for secret in secrets),
    }


def sign_link(secret: bytes, method: str, path: str, expires: int) -> str:
    """Sign a link to media.

    Args:
        secret: The server's key.
        method: The one method the link is good for, as `PUT`.
        path: Path of the link.
        expires: Unix time until which it is valid, in seconds.

    Returns:
        The signature, in hex.
    """
    return _digest(secret, f"{method}\n{expires}\n{path}".encode()).hex()


def link_is_valid(  # noqa: PLR0917
    secret: bytes, method: str, path: str, expires: int, signature: str, now: float
) -> bool:
    """Whether a link was signed by `sign_link` for this method and path, and has not expired.

    Args:
        secret: The server's key.
        method: The method of the request.
        path: The path of the request.
        expires: The expiry that the link names.
        signature: The signature that the link carries; any text.
        now: The Unix time, in seconds.
    """
    expected = sign_link(secret, method, path, expires).encode("ascii")
    return hmac.compare_digest(expected, signature.encode(errors="replace")) and now <= expires


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError(f"a webhook's secret begins with {_PREFIX}")
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
