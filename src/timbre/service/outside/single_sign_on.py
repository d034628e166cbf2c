"""Single sign-on: people who sign in by an account with an OpenID provider, and what they may do here.

    begin  ── ticket to the browser, as a cookie; address of the provider, with what is made of the ticket
    finish ── ticket, code and state from the browser; claims from the provider; a person with a role

State, nonce and the secret of PKCE are made of the ticket, which the browser alone has: so nothing is kept of somebody
who only begins, and what one browser began no other can finish.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

from timbre.errors import SignInRejected
from timbre.service.accounts.roles import Role
from timbre.service.accounts.sessions import Person, Session, Sessions
from timbre.service.accounts.teams import LONGEST_NAME
from timbre.service.outside.provider import Provider
from timbre.settings import Settings

ANYBODY: Final = "*"
_BYTES: Final = 32  # of randomness in a ticket
_NAMES: Final = ("name", "preferred_username", "nickname", "email")  # claims that say what somebody is called


class SingleSignOn:
    """Signs people in by the accounts they have elsewhere; close it when done."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        self.name = settings.oidc_name
        self._sessions = sessions
        self._provider = Provider(settings)
        self._domains = frozenset(domain.lower().removeprefix("@") for domain in settings.oidc_domains)
        self._groups = settings.oidc_groups_claim
        self._rules = [_rule(text) for text in settings.oidc_roles]
        self._wanted = frozenset({"name", *({"email"} if self._domains - {ANYBODY} else ())})
        if any(group != ANYBODY for group, _, _ in self._rules):
            self._wanted |= {self._groups}

    async def close(self) -> None:
        """Let go of connections to the provider."""
        await self._provider.close()

    async def begin(self, redirect: str) -> tuple[str, str]:
        """Return a ticket for the browser to keep, and the address to go to.

        Args:
            redirect: Where the browser comes back.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        ticket = secrets.token_urlsafe(_BYTES)
        challenge = _text(hashlib.sha256(_made(ticket, "verifier").encode()).digest())
        address = await self._provider.address(
            redirect=redirect, state=_made(ticket, "state"), nonce=_made(ticket, "nonce"), challenge=challenge
        )
        return ticket, address

    async def finish(
        self, ticket: str, *, code: str, state: str, issuer: str | None, redirect: str
    ) -> tuple[str, Session]:
        """Sign in who came back; return the token of a new session, and the session.

        Args:
            ticket: What `begin` gave this browser; empty if it has none.
            code: What the provider gave it.
            state: What it was sent away with.
            issuer: Who says to have given the code, where it says so.
            redirect: Where it came back, as `begin` had it.

        Raises:
            SignInRejected: it began nothing, the code is not valid, or whoever came may not come in.
            ProviderUnavailable: the provider does not answer.
        """
        if not ticket or not hmac.compare_digest(state.encode("utf-8", "replace"), _made(ticket, "state").encode()):
            raise SignInRejected("This sign-in was begun by another browser, or too long ago; begin it here once more.")
        if issuer not in (None, self._provider.issuer):
            raise SignInRejected(
                "This sign-in comes back from another provider than it was begun with; begin once more."
            )
        claims = await self._provider.claims(
            code,
            redirect=redirect,
            nonce=_made(ticket, "nonce"),
            verifier=_made(ticket, "verifier"),
            wanted=self._wanted,
        )
        return await self._sessions.begin_for(self._person(claims))

    async def sign_out_address(self, redirect: str) -> str | None:
        """Where a browser goes to be signed out by the provider too; None if it has no such place.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        return await self._provider.sign_out_address(redirect)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        if self._domains - {ANYBODY} and _domain(claims) not in self._domains:
            raise SignInRejected(
                "Your account has no verified e-mail address of a domain that may come in; ask who runs this server."
            )
        groups = claims.get(self._groups)
        member = groups if isinstance(groups, list) else [groups]
        for group, team, role in self._rules:
            if group == ANYBODY or group in member:
                return Person(
                    issuer=self._provider.issuer,
                    subject=claims["sub"],
                    name=_called(claims),
                    team=team,
                    role=role,
                )
        raise SignInRejected("Your account is in no group that may come in here; ask who runs this server.")


def _rule(text: str) -> tuple[str, str, Role]:
    """Group, team and role of a rule, as the settings have made sure that it has."""
    group, _, access = text.rpartition("=")
    team, _, role = access.rpartition(":")
    return group, team, Role(role)


def _domain(claims: Mapping[str, Any]) -> str | None:
    """The domain of an e-mail address, if the provider has made sure that it is theirs."""
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified") not in (True, "true"):
        return None
    return address.rpartition("@")[2].lower()


def _called(claims: Mapping[str, Any]) -> str:
    for claim in _NAMES:
        said = claims.get(claim)
        if isinstance(said, str):
            name = "".join(letter for letter in said if letter.isprintable()).strip()[:LONGEST_NAME]
            if name:
                return name
    return "somebody"


def _made(ticket: str, what: str) -> str:
    return _text(hmac.digest(ticket.encode("utf-8", "replace"), what.encode(), "sha256"))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
