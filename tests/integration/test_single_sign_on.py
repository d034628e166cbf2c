"""Signing in by an account with an OpenID provider: whom it lets in, as what, and which of a provider's words count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from database import Service, opened

from far_server import redirect
from identities import CLIENT, Identities, SigningKey, running_identities
from timbre.cli.server.checkup import accounts
from timbre.errors import KeyRejected, OptionError, ProviderUnavailable, SignInRejected
from timbre.service.accounts import audit
from timbre.service.accounts.roles import SCOPES, Role
from timbre.service.accounts.sessions import Session, Sessions
from timbre.service.outside.single_sign_on import SingleSignOn

BACK = "http://127.0.0.1:8000/signed-in"
ROLES = ("chiefs=speech:admin", "speech=speech:editor", "guests=elsewhere:viewer")


@dataclass
class House:
    """A server that knows the provider, without HTTP."""

    service: Service
    sessions: Sessions
    single_sign_on: SingleSignOn
    identities: Identities

    async def sign_in(self) -> tuple[str, Session]:
        ticket, address = await self.single_sign_on.begin(BACK)
        code, state = self.identities.code(address)
        return await self.finish(ticket, code, state)

    async def finish(self, ticket: str, code: str, state: str, issuer: str | None = None) -> tuple[str, Session]:
        return await self.single_sign_on.finish(ticket, code=code, state=state, issuer=issuer, redirect=BACK)

    async def team(self, session: Session) -> str:
        return await self.sessions.team_name(session.caller.team)


Run = Callable[..., None]


@pytest.fixture
def identities() -> Iterator[Identities]:
    with running_identities() as running:
        yield running


@pytest.fixture
def run(url: str, tmp_path: Path, identities: Identities) -> Run:
    """Run a test in such a house, with settings of its own."""

    @asynccontextmanager
    async def house(**given: Any) -> AsyncIterator[House]:
        variables = {**identities.settings(*ROLES), **{f"TIMBRE_OIDC_{name.upper()}": at for name, at in given.items()}}
        settings = {name.removeprefix("TIMBRE_").lower(): value for name, value in variables.items()}
        async with opened(url, tmp_path, **settings) as service:
            sessions = Sessions(service.database, service.settings)
            single_sign_on = SingleSignOn(sessions, service.settings)
            yield House(service, sessions, single_sign_on, identities)
            await single_sign_on.close()

    async def inside(act: Callable[[House], Awaitable[None]], given: dict[str, Any]) -> None:
        async with house(**given) as there:
            await act(there)

    return lambda act, **given: asyncio.run(inside(act, given))


def test_a_person_has_a_name_a_team_and_a_role(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        token, session = await house.sign_in()
        assert (session.name, session.issuer) == ("Ada Lovelace", identities.issuer)
        assert await house.team(session) == "speech"
        assert session.caller.scopes == SCOPES[Role.EDITOR]
        identities.person |= {"groups": ["others", "chiefs", "speech"], "name": "Ada\nKing"}
        _, later = await house.sign_in()
        assert later.caller.key == session.caller.key
        assert (later.name, later.caller.scopes) == ("AdaKing", SCOPES[Role.ADMIN])
        assert (await house.sessions.get(token)).caller.scopes == SCOPES[Role.ADMIN]
        entries = await audit.page(house.service.database, session.caller.team)
        assert [(e["action"], e["key_name"], e["details"]) for e in entries] == [
            ("session.opened", "AdaKing", {"by": "provider"})
        ] * 2
        # Who goes to another team leaves the one before; who signs out is noted.
        identities.person["groups"] = "guests"
        moved, now = await house.sign_in()
        assert (await house.team(now), now.caller.scopes) == ("elsewhere", SCOPES[Role.VIEWER])
        with pytest.raises(KeyRejected):
            await house.sessions.get(token)
        await house.sessions.end(moved)
        (closed, *_) = await audit.page(house.service.database, now.caller.team)
        assert (closed["action"], closed["key_name"]) == ("session.closed", "AdaKing")

    run(act)


@pytest.mark.parametrize(
    ("person", "settings", "reason"),
    [
        ({"groups": ["cooks"]}, {}, "no group that may"),
        ({"groups": 7}, {}, "no group that may"),
        ({"groups": []}, {"roles": "*=speech:viewer"}, None),
        ({"email": "ada@example.org.evil.example"}, {}, "domain that may"),
        ({"email_verified": False}, {}, "domain that may"),
        ({"email_verified": False}, {"domains": "*"}, None),
        ({"email": "ADA@Example.ORG"}, {}, None),
        ({"roles": ["chiefs"]}, {"groups_claim": "roles"}, None),
    ],
)
def test_who_may_come_in(
    run: Run, identities: Identities, person: dict[str, Any], settings: dict[str, str], reason: str | None
) -> None:
    identities.person |= person

    async def act(house: House) -> None:
        if reason is None:
            await house.sign_in()
            return
        with pytest.raises(SignInRejected, match=reason):
            await house.sign_in()
        assert await house.service.empty("sessions")

    run(act, **settings)


def test_what_the_id_token_leaves_out_is_asked_for(run: Run, identities: Identities) -> None:
    identities.thin = True

    async def act(house: House) -> None:
        _, session = await house.sign_in()
        assert (session.name, await house.team(session)) == ("Ada Lovelace", "speech")
        identities.far.routes["/userinfo"] = lambda request: request.answer(
            body=b'{"sub": "eve", "groups": ["chiefs"], "email": "e@example.org", "email_verified": true}'
        )
        with pytest.raises(SignInRejected):  # of somebody else
            await house.sign_in()

    run(act)


LIES = {
    "another sign-in": lambda key, claims: key.signed({**claims, "nonce": "n" * 43}),
    "no sign-in": lambda key, claims: key.signed({name: claims[name] for name in claims if name != "nonce"}),
    "another program": lambda key, claims: key.signed({**claims, "aud": "another"}),
    "among others, for another": lambda key, claims: key.signed({**claims, "aud": [CLIENT, "b"], "azp": "b"}),
    "among others, for nobody": lambda key, claims: key.signed({**claims, "aud": [CLIENT, "b"]}),
    "another issuer": lambda key, claims: key.signed({**claims, "iss": claims["iss"] + "/"}),
    "expired": lambda key, claims: key.signed({**claims, "exp": claims["iat"] - 61}),
    "for ever": lambda key, claims: key.signed({name: claims[name] for name in claims if name != "exp"}),
    "of the future": lambda key, claims: key.signed({**claims, "iat": claims["iat"] + 3600}),
    "not yet": lambda key, claims: key.signed({**claims, "nbf": claims["iat"] + 3600}),
    "of nobody": lambda key, claims: key.signed({**claims, "sub": ""}),
    "unsigned": lambda key, claims: key.unsigned(claims),
    "by the public key": lambda key, claims: key.by_the_public_key(claims),
    "by a stranger's key": lambda key, claims: SigningKey(key.name).signed(claims),
    "by a key nobody knows": lambda _, claims: SigningKey("unknown").signed(claims),
    "by a key in the token": lambda _, claims: (own := SigningKey("own")).signed(
        claims, jwk=own.published(), jku="http://127.0.0.1:1/keys"
    ),
    "changed": lambda key, claims: key.signed(claims)[:-5] + "AAAAA",
    "with what must be understood": lambda key, claims: key.signed(claims, crit=["exp"], exp=0),
    "no token": lambda *_: "…",
    "no claims": lambda key, _: key.signed([1]),
}


def test_no_lie_is_believed(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        for what, lie in LIES.items():
            identities.token = lambda claims, lie=lie: lie(identities.key, claims)
            with pytest.raises(SignInRejected, match="cannot be trusted"):
                pytest.fail(f"believed: {what}, {await house.sign_in()}")
        assert await house.service.empty("sessions")
        # What differs no more than clocks do is good; so is one of several audiences.
        identities.token = lambda claims: identities.key.signed(
            {**claims, "exp": claims["iat"] - 30, "iat": claims["iat"] + 30, "aud": ["b", CLIENT], "azp": CLIENT}
        )
        await house.sign_in()

    run(act)


def test_keys_change_and_others_lie_beside_them(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        await house.sign_in()
        await house.sign_in()
        assert len(identities.far.of("/keys")) == 1
        assert len(identities.far.of("/.well-known/openid-configuration")) == 1
        identities.published = [identities.key.published(), {"kty": "new", "kid": "x"}, {"kty": "RSA", "n": 1}, 7]
        identities.key = SigningKey("second")
        await house.sign_in()
        assert len(identities.far.of("/keys")) == 2
        # A key for something else signs nothing.
        sealing = SigningKey("sealing")
        identities.published = [{**sealing.published(), "use": "enc"}]
        identities.token = sealing.signed
        with pytest.raises(SignInRejected, match="none of the provider's"):
            await house.sign_in()

    run(act)


def test_a_code_is_good_once_and_for_the_browser_that_began(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        ticket, address = await house.single_sign_on.begin(BACK)
        other, _ = await house.single_sign_on.begin(BACK)
        code, state = identities.code(address)
        for wrong in (other, "", "\udcff"):
            with pytest.raises(SignInRejected, match="another browser"):
                await house.finish(wrong, code, state)
        with pytest.raises(SignInRejected, match="another browser"):
            await house.finish(ticket, code, "é")
        with pytest.raises(SignInRejected, match="another provider"):
            await house.finish(ticket, code, state, "https://evil.example")
        assert code in identities.codes  # none of them was even asked about
        await house.finish(ticket, code, state, identities.issuer)
        with pytest.raises(SignInRejected, match="used before"):
            await house.finish(ticket, code, state)
        # A code that was got for another browser does not fit the secret of this one.
        stolen, _ = identities.code((await house.single_sign_on.begin(BACK))[1])
        with pytest.raises(SignInRejected, match="used before"):
            await house.finish(ticket, stolen, state)

    run(act)


def test_a_session_ends_with_its_person_and_its_provider(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        token, session = await house.sign_in()
        left = (await house.service.rows("SELECT expires_at - now() AS left FROM sessions"))[0]["left"]
        assert 11.9 * 3600 < left.total_seconds() <= 12 * 3600
        without = Sessions(house.service.database, house.service.settings.model_copy(update={"oidc_issuer": None}))
        with pytest.raises(KeyRejected):  # where it is no longer set
            await without.get(token)
        await house.service.rows("UPDATE api_keys SET revoked_at = now() WHERE id = %(key)s", key=session.caller.key)
        with pytest.raises(KeyRejected):
            await house.sessions.get(token)
        _, again = await house.sign_in()  # for the provider says who may
        assert again.caller.key != session.caller.key

    run(act)


def test_a_link_for_a_person_has_their_name_and_role(run: Run) -> None:
    async def act(house: House) -> None:
        sessions, (team, *_) = house.sessions, await house.service.rows("SELECT name FROM teams")
        token, session = await sessions.begin_with_link(await sessions.link_for("Ben", Role.VIEWER, team["name"]))
        assert (session.name, session.caller.scopes) == ("Ben", SCOPES[Role.VIEWER])
        unused = await sessions.link_for("Ben", Role.EDITOR, team["name"])
        assert (await sessions.get(token)).caller.scopes == SCOPES[Role.EDITOR]
        await house.service.rows("UPDATE api_keys SET revoked_at = now() WHERE name = 'Ben'")
        with pytest.raises(SignInRejected):
            await sessions.begin_with_link(unused)
        with pytest.raises(OptionError):
            await sessions.link_for("Ben\n", Role.VIEWER, team["name"])

    run(act)


@pytest.mark.parametrize(
    "fault",
    [
        lambda i: i.far.routes.update({"/token": redirect(f"{i.issuer}/elsewhere")}),
        lambda i: i.far.routes.update({"/token": lambda request: request.answer(500, b"{}")}),
        lambda i: i.far.routes.update({"/token": lambda request: request.answer(200, b"<html>")}),
        lambda i: i.far.routes.update({"/keys": lambda request: request.answer(200, b"[" * 100_000)}),
        lambda i: i.far.routes.update({"/keys": lambda request: request.answer(200, b" " * (2 << 20))}),
        lambda i: i.lies.update(issuer="https://evil.example"),
        lambda i: i.lies.update(authorization_endpoint="javascript:alert(1)"),
        lambda i: setattr(i.far, "drops", True),
    ],
    ids=["redirects", "fails", "no JSON", "deep", "long", "another", "script", "away"],
)
def test_a_provider_at_fault_signs_nobody_in(run: Run, identities: Identities, fault: Callable) -> None:
    fault(identities)

    async def act(house: House) -> None:
        with pytest.raises(ProviderUnavailable):
            await house.sign_in()
        assert not identities.far.of("/elsewhere")
        assert await house.service.empty("sessions")

    run(act)


def test_the_doctor_says_what_is_wrong_with_a_provider(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        (good,) = await accounts(house.service.settings)
        assert (good.state, good.detail) == ("ok", f"{identities.issuer} signs with 1 keys that are known here")
        identities.lies["issuer"] = f"{identities.issuer}/"
        (bad,) = await accounts(house.service.settings)
        assert bad.state == "broken"
        assert bad.detail == f"it calls itself '{identities.issuer}/'; set TIMBRE_OIDC_ISSUER to that"
        assert await accounts(house.service.settings.model_copy(update={"oidc_issuer": None})) == []

    run(act)


def test_a_provider_in_a_private_network_has_to_be_allowed(run: Run, identities: Identities) -> None:
    async def act(house: House) -> None:
        (refused,) = await accounts(house.service.settings)
        assert "private network" in refused.detail
        for _ in range(2):
            with pytest.raises(ProviderUnavailable):
                await house.single_sign_on.begin(BACK)
        assert identities.far.connections == 0

    run(act, networks="10.0.0.0/8")
