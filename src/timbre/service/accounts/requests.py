"""What may be asked for in the settings of a team, keys and secrets of webhooks, and to sign a browser in."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from timbre.service.accounts.teams import LONGEST_NAME, Scope
from timbre.service.requests.body import Request
from timbre.service.requests.values import Switch, Token, expect, refuse, shown

_LONGEST_CODE: Final = 4096  # characters; some providers put all that they know into it


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


def _from_provider(came: object) -> str:
    if not isinstance(came, str) or not 1 <= len(came) <= _LONGEST_CODE or not came.isprintable():
        expect(f"a text of 1 to {_LONGEST_CODE} printable characters", came)
    return came


FromProvider = Annotated[str, Field(min_length=1, max_length=_LONGEST_CODE), BeforeValidator(_from_provider)]
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


class SessionRequest(Request):
    """Sign a browser in: by a link, by a key, or by what an OpenID provider gave it."""

    token: Token | None = Field(None, description="What stands behind `#sign-in=` in a link.", examples=["h3kR9-vVtq"])
    key: Token | None = Field(None, description="An API key.", examples=["sk_4fJ8sVq2"])
    code: FromProvider | None = Field(None, description="The `code` with which a provider sent the browser back.")
    state: FromProvider | None = Field(None, description="The `state` beside it.")
    iss: FromProvider | None = Field(None, description="The `iss` beside it, if there is one.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("token", "key", "code") if getattr(self, name) is not None]
        if len(given) != 1:
            refuse(f"Expected one of token, key and code, got {' and '.join(given) or 'none'}")
        if (self.code is None) != (self.state is None):
            refuse("Expected code and state together")
        return self
