"""How records become the wire's JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from timbre.store.database import Row


class Json(Response):
    """An answer in JSON; every character as it is, no spaces."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return dumps(content)


def dumps(content: Any) -> bytes:
    """Return JSON as bytes."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def next_cursor(rows: list[Row], limit: int) -> str | None:
    """Where the next page begins, if a page of this many was asked for and one more was found."""
    return str(rows[limit - 1]["id"]) if len(rows) > limit else None


def parse_id(text: str) -> UUID | None:
    """An identifier in a path; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
