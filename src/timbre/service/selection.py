"""Which people of a team are meant: all, some by their ids, or those who bear a tag."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Some people of a team; everybody if nothing is given."""

    ids: tuple[UUID, ...] | None = None
    tags: tuple[str, ...] | None = None  # people who bear any of them
