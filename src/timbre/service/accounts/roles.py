"""Roles: what people may do who sign in by name, in three steps, each a set of scopes."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from timbre.service.accounts.teams import Scope


class Role(StrEnum):
    """What a person may do in a team."""

    VIEWER = "viewer"  # reads: recordings, results, people
    EDITOR = "editor"  # submits, decides, teaches and erases too
    ADMIN = "admin"  # keys, rules and models too


_READING: Final = frozenset({Scope.JOBS_READ, Scope.MEDIA_READ, Scope.STREAM_READ, Scope.SPEAKERS_READ})
SCOPES: Final = {
    Role.VIEWER: _READING,
    Role.EDITOR: frozenset(Scope) - {Scope.ADMIN},
    Role.ADMIN: frozenset(Scope),
}


def role_of(scopes: Collection[str]) -> Role | None:
    """The role that has exactly these scopes; None of a key with others."""
    return next((role for role, its in SCOPES.items() if its == frozenset(scopes)), None)
