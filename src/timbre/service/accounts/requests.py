"""What may be asked for in the settings of a team: keys, and secrets of webhooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from timbre.service.accounts.teams import LONGEST_NAME, Scope
from timbre.service.requests.requests import Request
from timbre.service.requests.values import Switch, expect, refuse, shown


def _name(came: object) -> str:
    if not isinstance(came, str) or not 1 <= len(came) <= LONGEST_NAME or not came.isprintable():
        expect(f"a name of 1 to {LONGEST_NAME} printable characters", came)
    return came


def _scopes(came: object) -> list[str]:
    if not isinstance(came, list) or not came:
        expect(f"a list of scopes, of {', '.join(Scope)}", came)
    for index, scope in enumerate(came):
        if scope not in tuple(Scope):
            refuse(f"Expected one of {', '.join(Scope)}, got {shown(scope)}", str(index))
    return [str(scope) for scope in came]


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_name)]
ScopeName = Annotated[str, Field(json_schema_extra={"enum": [str(scope) for scope in Scope]})]
Scopes = Annotated[tuple[ScopeName, ...], Field(json_schema_extra={"minItems": 1}), BeforeValidator(_scopes)]


class KeyRequest(Request):
    """Make an API key."""

    name: Name = Field(description="What the key is for.", examples=["laptop"])
    scopes: Scopes | None = Field(None, description="What it may do; everything if unset.")


class SecretRequest(Request):
    """Make a new secret to sign webhooks with."""

    at_once: Switch = Field(
        False, description="Make the secrets before worthless now, as when one has leaked; else they stay for a while."
    )
