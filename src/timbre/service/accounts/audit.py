"""The audit: what was done to the people and keys of a team, when, and with which API key.

An entry is written in the transaction that does what it tells of, so that there is one if and only if it was done. It
names people by their ids alone: it outlives them, and must not say again what was erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from timbre.store.database import Connection, Database, Row
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

Detail = int | float | bool | str | None
_SQL: Final = queries("audit")
_NONE: Final[Mapping[str, Detail]] = MappingProxyType({})


async def record(
    connection: Connection,
    team: UUID,
    action: str,
    *,
    subject: UUID | None = None,
    key: UUID | None = None,
    details: Mapping[str, Detail] = _NONE,
) -> None:
    """Note what the transaction of a connection does.

    Args:
        connection: In whose transaction the entry is written.
        team: Whose audit.
        action: What was done, as `speaker.erased`: a noun, a dot, a participle.
        subject: Id of whom or what it was done to.
        key: Id of the API key it was done with; None for the server itself and its commands.
        details: Numbers, ids and words of our own; never a name, a tag or a note, never anything biometric.
    """
    await connection.execute(
        _SQL["record"],
        {
            "id": new_id(),
            "team": team,
            "key": key,
            "action": action,
            "subject": subject,
            "details": Jsonb(dict(details)),
        },
    )


async def page(
    database: Database,
    team: UUID,
    *,
    action: str | None = None,
    subject: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Entries of a team, newest first.

    Each has `id`, `at`, `action`, `subject`, `subject_name`, `key_id`, `key_name` and `details`. The names are those of
    keys, and so of whoever signs in; no person of the gallery is named.
    """
    asked = {"team": team, "action": action, "subject": subject, "before": before, "limit": limit}
    return await database.all(_SQL["page"], asked)
