"""What can be asked of sessions."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from timbre.service.requests import Request
from timbre.service.values import Token, refuse


class SessionRequest(Request):
    """Sign a browser in: either by a link or by a key."""

    token: Token | None = Field(None, description="What stands behind `#sign-in=` in a link.", examples=["h3kR9-vVtq"])
    key: Token | None = Field(None, description="An API key.", examples=["sk_4fJ8sVq2"])

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.key is None):
            refuse("Expected either token or key, got " + ("neither" if self.token is None else "both"))
        return self
