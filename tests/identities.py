"""An OpenID provider for tests: a real one on this machine, with keys of its own, which can be told to lie.

Its tokens are signed by hand, with `cryptography` alone: what reads them elsewhere is no proof of itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from far_server import Far, FarRequest, far_server

CLIENT, SECRET = "timbre test", "half a secret: 1+1=2"


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: dict[str, Any]) -> str:
    return text(json.dumps(value).encode())


@dataclass
class SigningKey:
    """A key of the provider."""

    name: str
    own: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))

    def published(self) -> dict[str, Any]:
        numbers = self.own.public_key().public_numbers()
        modulus, exponent = (text(n.to_bytes((n.bit_length() + 7) // 8)) for n in (numbers.n, numbers.e))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": modulus, "e": exponent}

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        signed = f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': self.name, **header})}.{part(claims)}"
        return f"{signed}.{text(self.own.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def unsigned(self, claims: dict[str, Any]) -> str:
        return f"{part({'alg': 'none', 'kid': self.name})}.{part(claims)}."

    def by_the_public_key(self, claims: dict[str, Any]) -> str:
        """Signed as if what everybody knows were a secret that both share."""
        public = self.own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{part({'alg': 'HS256', 'kid': self.name})}.{part(claims)}"
        return f"{signed}.{text(hmac.digest(public, signed.encode(), 'sha256'))}"


@dataclass
class Identities:
    """The provider: who signs in next, and how it tells of them.

    Attributes:
        person: Claims of whoever signs in.
        key: What it signs with, and publishes.
        published: Keys that it publishes beside it.
        token: What it makes of claims, instead of a good token.
        thin: Whether the ID token has none of the person's claims, but only the userinfo endpoint.
        lies: What it says of itself instead.
        codes: What it has given away and not seen again.
        signed_out: Where it sent those who signed out.
    """

    far: Far
    person: dict[str, Any]
    key: SigningKey = field(default_factory=lambda: SigningKey("first"))
    published: list[dict[str, Any]] = field(default_factory=list)
    token: Callable[[dict[str, Any]], str] | None = None
    thin: bool = False
    lies: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    signed_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.far.routes |= {
            "/.well-known/openid-configuration": lambda request: _reply(request, self.discovery()),
            "/keys": lambda request: _reply(request, {"keys": [*self.published, self.key.published()]}),
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/sign-out": self._sign_out,
        }

    @property
    def issuer(self) -> str:
        return self.far.url

    def settings(self, *roles: str, **more: str) -> dict[str, str]:
        """The settings of a server that knows it."""
        return {
            "TIMBRE_OIDC_ISSUER": self.issuer,
            "TIMBRE_OIDC_CLIENT_ID": CLIENT,
            "TIMBRE_OIDC_CLIENT_SECRET": SECRET,
            "TIMBRE_OIDC_DOMAINS": "example.org",
            "TIMBRE_OIDC_ROLES": ",".join(roles),
            "TIMBRE_OIDC_NETWORKS": "127.0.0.0/8",
            **more,
        }

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/sign-out",
            **self.lies,
        }

    def code(self, address: str) -> tuple[str, str]:
        """Sign in as a browser that goes to this address does; return the code and the state it comes back with."""
        asked = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return code, asked["state"]

    def claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        who = {"sub": self.person["sub"]} if self.thin else self.person
        return {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **who}

    def _authorize(self, request: FarRequest) -> None:
        code, state = self.code(self.issuer + request.path)
        back = self.codes[code]["redirect_uri"]
        request.answer(302, location=f"{back}?{urlencode({'code': code, 'state': state, 'iss': self.issuer})}")

    def _token(self, request: FarRequest) -> None:
        form = {name: value for name, (value,) in parse_qs(request.body.decode()).items()}
        scheme, _, pair = request.headers["Authorization"].partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        assert (scheme, unquote(name), unquote(secret)) == ("Basic", CLIENT, SECRET)
        given = self.codes.pop(form["code"], None)  # once
        challenge = text(hashlib.sha256(form["code_verifier"].encode()).digest())
        if given is None or challenge != given["code_challenge"] or form["redirect_uri"] != given["redirect_uri"]:
            _reply(request, {"error": "invalid_grant"}, 400)
            return
        claims = self.claims(given["nonce"])
        token = self.token(claims) if self.token else self.key.signed(claims)
        _reply(request, {"access_token": "of no use elsewhere", "token_type": "Bearer", "id_token": token})

    def _userinfo(self, request: FarRequest) -> None:
        assert request.headers["Authorization"] == "Bearer of no use elsewhere"
        _reply(request, self.person)

    def _sign_out(self, request: FarRequest) -> None:
        asked = parse_qs(urlsplit(request.path).query)
        (back,) = asked["post_logout_redirect_uri"]
        self.signed_out.append(back)
        request.answer(302, location=back)


def _reply(request: FarRequest, answer: dict[str, Any], status: int = 200) -> None:
    request.answer(status, json.dumps(answer).encode(), content_type="application/json")


@contextmanager
def running_identities(**person: Any) -> Iterator[Identities]:
    """Run one that knows somebody: Ada Lovelace of example.org, unless it is said who."""
    ada = {"sub": "ada", "name": "Ada Lovelace", "email": "ada@example.org", "email_verified": True}
    with far_server() as far:
        yield Identities(far, {**ada, "groups": ["speech"], **person})
