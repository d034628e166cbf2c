"""Signing a browser in and out, and who is signed in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field
from starlette.responses import Response

from timbre.http.caller import SESSION_COOKIE, Body, State_, caller, check_origin, parsed, peer, session_token
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, timestamp
from timbre.http.schemas import Answer, Time
from timbre.http.state import State
from timbre.service.accounts.requests import SessionRequest
from timbre.service.accounts.sessions import Session as Begun
from timbre.service.accounts.teams import Caller

router = APIRouter()
Anybody = Annotated[Caller, Depends(caller(None, Group.READ))]


class Session(Answer):
    """Who asks."""

    team: str = Field(description="Name of the team.", examples=["default"])
    scopes: list[str] = Field(description="What they may do.", examples=[["jobs:read", "jobs:write"]])
    expires_at: Time | None = Field(description="When the browser is signed out; null for an API key.")


@router.post(
    "/v1/session",
    operation_id="signIn",
    status_code=201,
    response_model=Session,
    responses=errors(400, 403, 413, 429, keyed=False),
    openapi_extra=takes(SessionRequest),
    summary="Sign a browser in",
)
async def sign_in(
    request: Request,
    body: Body,
    here: State_,
    x_timbre_web: Annotated[  # noqa: ARG001 - `check_origin` looks at it; here it is described
        str | None, Header(description="Any text; without it, another site may have made the browser send this.")
    ] = None,
) -> Response:
    """Begin a session by a link that works once, or by an API key, and set its cookie. For the web app."""
    check_origin(request, here)
    wanted, _ = await parsed(here, SessionRequest, body)
    async with here.limits.guarded(peer(request), wanted.token or wanted.key or ""):
        begun = await _begun(here, wanted)
    answer = Json(await _described(here, begun[1].caller, begun[1]), 201)
    answer.set_cookie(
        SESSION_COOKIE,
        begun[0],
        max_age=int(here.settings.session_hours * 3600),
        path="/",
        secure=request.url.scheme == "https" or (here.settings.public_url or "").startswith("https:"),
        httponly=True,
        samesite="strict",
    )
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
        await here.sessions.end(token)
        answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return answer


async def _begun(here: State, wanted: SessionRequest) -> tuple[str, Begun]:
    if wanted.token is not None:
        return await here.sessions.begin_with_link(wanted.token)
    return await here.sessions.begin_with_key(wanted.key or "")


async def _described(here: State, known: Caller, session: Begun | None) -> dict[str, Any]:
    return {
        "team": await here.sessions.team_name(known.team),
        "scopes": sorted(known.scopes),
        "expiresAt": timestamp(session.expires_at) if session else None,
    }
