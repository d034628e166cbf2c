"""An OpenID provider: where it sends people to sign in, and who they are when they come back.

    discovered ──► address ──► browser, which comes back with a code ──► exchanged ──► ID token ──► claims

All requests go through the outgoing client: the provider is at a global address, or in `TIMBRE_OIDC_NETWORKS`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import structlog

from timbre.errors import DeliveryFailed, ProviderUnavailable, SignInRejected
from timbre.service.outside.id_tokens import Key, KeyMissing, TokenRejected, read_keys, verified
from timbre.service.outside.outgoing import opened, outgoing_client, pieces
from timbre.settings import Settings

_DISCOVERY: Final = "/.well-known/openid-configuration"
_SECONDS: Final = 10.0  # for an answer
_REMEMBERED: Final = 3600.0  # seconds that what a provider says of itself holds
_LEFT_ALONE: Final = 2.0  # seconds after it was silent: nobody makes us ask it as often as they like
_MOST_BYTES: Final = 1 << 20  # of an answer
_SUCCESS: Final = 200
_AT_FAULT: Final = range(400, 500)  # statuses by which the provider refuses a code
_SPENT: Final = "invalid_grant"  # what it says of a code that is not valid, or no longer
_FORM: Final = "application/x-www-form-urlencoded"
_log: Final = structlog.get_logger("timbre.sign_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a provider does what, as it says itself."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    secret_in_body: bool  # whether it wants a client's secret there, and not in a header


class Provider:
    """The provider of a server; close it when done."""

    def __init__(self, settings: Settings) -> None:
        """Know a provider.

        Args:
            settings: With `oidc_issuer`, and what belongs to it.
        """
        self.issuer = settings.oidc_issuer or ""
        self.client_id = settings.oidc_client_id or ""
        self._secret = settings.oidc_client_secret
        self._scopes = settings.oidc_scopes
        self._client = outgoing_client(settings, networks=settings.oidc_networks, silence=_SECONDS)
        self._endpoints: Endpoints | None = None
        self._keys: list[Key] | None = None
        self._until = self._silent_until = 0.0
        self._silent_for = ""
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """Let go of its connections."""
        await self._client.aclose()

    async def endpoints(self) -> Endpoints:
        """What the provider says of itself, asked for once an hour.

        Raises:
            ProviderUnavailable: it does not say it.
        """
        async with self._one_at_a_time:
            now = time.monotonic()
            if self._endpoints is not None and now < self._until:
                return self._endpoints
            if now < self._silent_until:
                raise ProviderUnavailable(self._silent_for)
            try:
                _, said = await self._asked("GET", self.issuer.rstrip("/") + _DISCOVERY)
                self._endpoints, self._keys = self._read(said), None
            except ProviderUnavailable as error:
                self._silent_for = error.reason
                self._silent_until = time.monotonic() + _LEFT_ALONE
                raise
            self._until = time.monotonic() + _REMEMBERED
            return self._endpoints

    async def keys(self) -> list[Key]:
        """The keys that it signs with now.

        Raises:
            ProviderUnavailable: it does not publish them.
        """
        _, published = await self._asked("GET", (await self.endpoints()).keys)
        self._keys = read_keys(published)
        return self._keys

    async def address(self, *, redirect: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser goes to sign in.

        Args:
            redirect: Where it comes back.
            state: What it brings back.
            nonce: What the ID token shall hold.
            challenge: SHA-256 of the secret that the code will be exchanged with, for PKCE.
        """
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(self._scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with((await self.endpoints()).authorization, asked)

    async def sign_out_address(self, redirect: str) -> str | None:
        """Where a browser goes to sign out there too; None if the provider has no such place."""
        place = (await self.endpoints()).end_session
        return place and _with(place, {"client_id": self.client_id, "post_logout_redirect_uri": redirect})

    async def claims(
        self, code: str, *, redirect: str, nonce: str, verifier: str, wanted: frozenset[str]
    ) -> Mapping[str, Any]:
        """What the provider says of whoever came back with a code.

        Args:
            code: As the browser brought it.
            redirect: Where it came back.
            nonce: What the ID token has to hold.
            verifier: The secret whose SHA-256 the sign-in began with.
            wanted: Claims for which the provider is asked further where the ID token has them not.

        Raises:
            SignInRejected: the code is not valid, or what was got for it is no word of the provider.
            ProviderUnavailable: the provider does not answer.
        """
        endpoints = await self.endpoints()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        if self._secret is None or endpoints.secret_in_body:
            form["client_id"] = self.client_id
        if self._secret is not None and endpoints.secret_in_body:
            form["client_secret"] = self._secret.get_secret_value()
        elif self._secret is not None:
            pair = f"{quote(self.client_id, '')}:{quote(self._secret.get_secret_value(), '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        status, got = await self._asked("POST", endpoints.token, content=urlencode(form).encode(), headers=headers)
        token, access = got.get("id_token"), got.get("access_token")
        if status in _AT_FAULT and got.get("error") == _SPENT:
            raise SignInRejected("This sign-in took too long, or was used before; begin it once more.")
        if status != _SUCCESS or not isinstance(token, str):
            raise self._fault(f"its token endpoint answered {status}: {str(got.get('error'))[:100]}")
        try:
            said = await self._verified(token, nonce)
        except TokenRejected as refusal:
            _log.warning("sign-in refused", issuer=self.issuer, reason=str(refusal))
            raise SignInRejected(
                f"What the provider says of you cannot be trusted: {refusal}. Begin once more; if it stays so, tell who"
                " runs this server."
            ) from refusal
        if endpoints.userinfo and isinstance(access, str) and not wanted <= said.keys():
            status, more = await self._asked("GET", endpoints.userinfo, headers={"Authorization": f"Bearer {access}"})
            if status == _SUCCESS and more.get("sub") == said["sub"]:
                return {**more, **said}
        return said

    async def _verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token; the provider may have taken a new key since its keys were read."""
        expected = {"issuer": self.issuer, "client": self.client_id, "nonce": nonce}
        if self._keys is not None:
            with suppress(KeyMissing):
                return verified(token, self._keys, now=time.time(), **expected)
        return verified(token, await self.keys(), now=time.time(), **expected)

    def _read(self, said: Mapping[str, Any]) -> Endpoints:
        if said.get("issuer") != self.issuer:
            raise self._fault(f"it calls itself {str(said.get('issuer'))[:100]!r}; set TIMBRE_OIDC_ISSUER to that")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
        found = {name: said[name] for name in names if said.get(name)}
        secure = urlsplit(self.issuer).scheme
        for name, place in found.items():
            if not isinstance(place, str) or urlsplit(place).scheme not in {"https", secure}:
                raise self._fault(f"its {name} is no address that begins with {secure}://")
        if missing := [name for name in names[:3] if name not in found]:
            raise self._fault(f"it names no {', '.join(missing)}")
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Endpoints(
            authorization=found["authorization_endpoint"],
            token=found["token_endpoint"],
            keys=found["jwks_uri"],
            userinfo=found.get("userinfo_endpoint"),
            end_session=found.get("end_session_endpoint"),
            secret_in_body="client_secret_basic" not in methods,
        )

    async def _asked(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer."""
        read, size = [], 0
        try:
            async with (
                asyncio.timeout(_SECONDS),
                opened(self._client, method, url, content=content, headers=headers, redirects=0) as response,
                aclosing(pieces(response)) as body,
            ):
                async for piece in body:
                    size += len(piece)
                    if size > _MOST_BYTES:
                        raise self._fault(f"it answered more than {_MOST_BYTES >> 10} KiB")
                    read.append(piece)
            answer = json.loads(b"".join(read))
        except (DeliveryFailed, TimeoutError) as error:
            raise self._fault(str(error) or f"it gave no complete answer within {_SECONDS:g} s") from error
        except (ValueError, RecursionError) as error:
            raise self._fault(f"it answered {response.status_code}, and no JSON") from error
        if not isinstance(answer, dict):
            raise self._fault(f"it answered {response.status_code}, and no object")
        return response.status_code, answer

    def _fault(self, reason: str) -> ProviderUnavailable:
        _log.warning("provider of accounts at fault", issuer=self.issuer, reason=reason)
        return ProviderUnavailable(reason)


def _with(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"
