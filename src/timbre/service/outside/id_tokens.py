"""ID tokens: what an OpenID provider says of somebody who signed in there, and whether it is that provider who says it.

A signature counts by one of a few algorithms, all with a public key that the provider publishes for it: never by a
secret, never by none, whatever the token itself asks for.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
LEEWAY: Final = 60.0  # seconds that clocks may differ
_LONGEST_SUBJECT: Final = 255  # characters, by the standard
_SIGNING: Final = "sig"
_LEAST_RSA: Final = 2048  # bits
_REGISTRY: Final = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)  # providers add headers of their own

Key = RSAKey | ECKey | OKPKey


class TokenRejected(Exception):
    """This ID token vouches for nobody."""


class KeyMissing(TokenRejected):
    """The token is signed with a key that is not among those given; the provider may have a new one."""


def read_keys(published: Mapping[str, Any]) -> list[Key]:
    """The keys that may sign, of what a provider publishes at its `jwks_uri`."""
    listed = published.get("keys")
    keys = []
    for each in listed if isinstance(listed, list) else ():
        try:
            found = JWKRegistry.import_key(each)
            strong = not isinstance(found, RSAKey) or found.public_key.key_size >= _LEAST_RSA
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue  # of a kind that is not known here; others may be
        if isinstance(found, Key) and strong and each.get("use", _SIGNING) == _SIGNING:
            keys.append(found)
    return keys


def verified(token: str, keys: Sequence[Key], *, issuer: str, client: str, nonce: str, now: float) -> Mapping[str, Any]:
    """The claims of a token, which the issuer made for this client and this very sign-in.

    Args:
        token: As it came.
        keys: Those of the issuer.
        issuer: Who shall have made it.
        client: Whom it shall be for.
        nonce: What the sign-in began with.
        now: Unix time, in seconds.

    Raises:
        KeyMissing: none of the keys has the id that it names.
        TokenRejected: it was not made so, or is no longer valid.
    """
    try:
        claims = jwt.decode(token, lambda of: _signer(of.headers(), keys), registry=_REGISTRY).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRejected(f"its signature does not hold: {error}") from error
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", client if len(audiences) == 1 else None)
    subject, its_nonce = claims.get("sub"), claims.get("nonce")
    if claims.get("iss") != issuer:
        raise TokenRejected("it is of another issuer")
    if client not in audiences or party != client:
        raise TokenRejected("it was made for another program")
    if not isinstance(its_nonce, str) or not hmac.compare_digest(its_nonce.encode(), nonce.encode()):
        raise TokenRejected("it belongs to another sign-in")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise TokenRejected("it does not say of whom it is")
    if not _time(claims, "exp") > now - LEEWAY:
        raise TokenRejected("it has expired; the clocks of both servers may differ")
    if _time(claims, "iat") > now + LEEWAY or ("nbf" in claims and _time(claims, "nbf") > now + LEEWAY):
        raise TokenRejected("it is of the future; the clocks of both servers may differ")
    return claims


def _signer(headers: Mapping[str, Any], keys: Sequence[Key]) -> Key:
    """The one key that may have made a token with these headers."""
    named, algorithm = headers.get("kid"), headers.get("alg")
    fitting = [key for key in keys if key.get("alg", algorithm) == algorithm and named in (None, key.kid)]
    if not fitting or (named is None and len(fitting) > 1):
        raise KeyMissing("it is signed with a key that is none of the provider's")
    return fitting[0]


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRejected(f"it has no time {name!r}")
    return float(value)
