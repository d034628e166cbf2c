"""Signing a browser in and out, who is signed in, and the way to an OpenID provider and back.

A provider sends the browser back to a page of the web app, `/signed-in`, which hands in what it brought as it would a
key: so the cookies of both ways are for our own pages alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field
from starlette.responses import Response

from timbre.errors import ProviderMissing, ProviderUnavailable
from timbre.http.caller import (
    SESSION_COOKIE,
    Body,
    State_,
    base_url,
    caller,
    check_origin,
    is_secure,
    parsed,
    peer,
    session_token,
)
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, timestamp
from timbre.http.schemas import Answer, Time
from timbre.http.state import State
from timbre.service.accounts.requests import SessionRequest
from timbre.service.accounts.roles import role_of
from timbre.service.accounts.sessions import LINK
from timbre.service.accounts.sessions import Session as Begun
from timbre.service.accounts.teams import Caller

router = APIRouter()
RETURN: Final = "/signed-in"  # the page that a provider sends browsers back to
TICKET_COOKIE: Final = "timbre_ticket"
_TICKET_SECONDS: Final = 600  # to sign in at the provider
_PROVIDER: Final = "/v1/session/provider"
WebHeader = Annotated[
    str | None, Header(description="Any text; without it, another site may have made the browser send this.")
]
Anybody = Annotated[Caller, Depends(caller(None, Group.READ))]


class Session(Answer):
    """Who asks."""

    team: str = Field(description="Name of the team.", examples=["default"])
    name: str | None = Field(
        description="Of the person, or else of the key that the session belongs to; null for an API key.",
        examples=["Ada Lovelace"],
    )
    role: Literal["viewer", "editor", "admin"] | None = Field(
        description="The role that has exactly these scopes, if there is one."
    )
    by_provider: bool = Field(description="Whether an OpenID provider vouches for the person.")
    scopes: list[str] = Field(description="What they may do.", examples=[["jobs:read", "jobs:write"]])
    expires_at: Time | None = Field(description="When the browser is signed out; null for an API key.")


class Provider(Answer):
    """By whose accounts people may sign in."""

    name: str | None = Field(description="What to call it; null if nobody may.", examples=["Example Inc."])


class Elsewhere(Answer):
    """Where the browser goes next."""

    url: str | None = Field(
        description="An address of the provider; null if there is nothing to do.",
        examples=["https://login.example.org/authorize?response_type=code"],
    )


@router.post(
    "/v1/session",
    operation_id="signIn",
    status_code=201,
    response_model=Session,
    responses=errors(400, 403, 404, 413, 429, keyed=False),
    openapi_extra=takes(SessionRequest),
    summary="Sign a browser in",
)
async def sign_in(
    request: Request,
    body: Body,
    here: State_,
    x_timbre_web: WebHeader = None,  # noqa: ARG001 - `check_origin` looks at it; here it is described
) -> Response:
    """Begin a session by a link, an API key or what a provider gave, and set its cookie. For the web app."""
    check_origin(request, here)
    wanted, _ = await parsed(here, SessionRequest, body)
    shown = wanted.token or wanted.key or wanted.code or ""
    async with here.limits.guarded(peer(request), shown):
        begun = await _begun(here, wanted, request)
    answer = Json(await _described(here, begun[1].caller, begun[1]), 201)
    vouched = wanted.code is not None
    seconds = here.sessions.seconds_vouched if vouched else here.sessions.seconds
    _set_cookie(answer, SESSION_COOKIE, begun[0], seconds=seconds, secure=is_secure(request, here))
    if vouched:
        answer.delete_cookie(TICKET_COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get(
    "/v1/session", operation_id="getSession", response_model=Session, responses=errors(), summary="See who you are"
)
async def get_session(known: Anybody, here: State_, request: Request) -> Response:
    """Answer the team, and what may be done."""
    token = session_token(request)
    return Json(await _described(here, known, None if token is None else await here.sessions.get(token)))


@router.delete(
    "/v1/session",
    operation_id="signOut",
    status_code=204,
    response_class=Response,
    responses={**errors(), 204: {"description": "The browser is signed out"}},
    summary="Sign a browser out",
    dependencies=[Depends(caller(None, Group.READ))],
)
async def sign_out(here: State_, request: Request) -> Response:
    """End the session of a cookie; an API key has none to end."""
    answer = Response(status_code=204)
    if (token := session_token(request)) is not None:
        await _end(here, token, answer)
    return answer


@router.get(
    _PROVIDER,
    operation_id="getProvider",
    response_model=Provider,
    responses=errors(503, keyed=False),
    summary="See by whose accounts one can sign in",
)
async def get_provider(here: State_) -> Response:
    """Answer what the provider is called, for the page that signs people in; without a key."""
    return Json({"name": here.single_sign_on.name if here.single_sign_on else None})


@router.post(
    _PROVIDER,
    operation_id="goToProvider",
    response_model=Elsewhere,
    responses=errors(403, 404, keyed=False),
    summary="Begin to sign in at the provider",
)
async def go_to_provider(
    request: Request,
    here: State_,
    x_timbre_web: WebHeader = None,  # noqa: ARG001 - `check_origin` looks at it; here it is described
) -> Response:
    """Answer where the browser signs in, and set the cookie by which it is known when it comes back to `/signed-in`."""
    check_origin(request, here)
    if here.single_sign_on is None:
        raise ProviderMissing
    ticket, url = await here.single_sign_on.begin(base_url(request, here) + RETURN)
    answer = Json({"url": url})
    _set_cookie(answer, TICKET_COOKIE, ticket, seconds=_TICKET_SECONDS, secure=is_secure(request, here))
    return answer


@router.delete(
    _PROVIDER,
    operation_id="signOutAtProvider",
    response_model=Elsewhere,
    responses=errors(),
    summary="Sign a browser out, also at the provider",
)
async def sign_out_at_provider(known: Anybody, here: State_, request: Request) -> Response:  # noqa: ARG001 - who may
    """End the session of a cookie, and answer where the browser is signed out by the provider that began it."""
    answer: dict[str, Any] = {"url": None}
    token = session_token(request)
    if token is None:
        return Json(answer)
    session = await here.sessions.get(token)
    if here.single_sign_on is not None and session.issuer == here.settings.oidc_issuer:
        with suppress(ProviderUnavailable):  # it is signed out here all the same
            answer["url"] = await here.single_sign_on.sign_out_address(base_url(request, here) + "/")
    response = Json(answer)
    await _end(here, token, response)
    return response


async def _end(here: State, token: str, answer: Response) -> None:
    await here.sessions.end(token)
    answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")


def _set_cookie(answer: Response, name: str, value: str, *, seconds: float, secure: bool) -> None:
    answer.set_cookie(name, value, max_age=int(seconds), path="/", secure=secure, httponly=True, samesite="strict")


async def _begun(here: State, wanted: SessionRequest, request: Request) -> tuple[str, Begun]:
    if wanted.token is not None:
        return await here.sessions.begin_with_link(wanted.token)
    if wanted.code is not None:
        if here.single_sign_on is None:
            raise ProviderMissing
        return await here.single_sign_on.finish(
            request.cookies.get(TICKET_COOKIE, ""),
            code=wanted.code,
            state=wanted.state or "",
            issuer=wanted.iss,
            redirect=base_url(request, here) + RETURN,
        )
    return await here.sessions.begin_with_key(wanted.key or "")


async def _described(here: State, known: Caller, session: Begun | None) -> dict[str, Any]:
    return {
        "team": await here.sessions.team_name(known.team),
        "name": session.name if session else None,
        "role": role_of(known.scopes),
        "byProvider": session is not None and session.issuer not in (None, LINK),
        "scopes": sorted(known.scopes),
        "expiresAt": timestamp(session.expires_at) if session else None,
    }
