"""The space in which the people of a team are compared.

A gallery has one. It is the server's own when the first person is enrolled, or that of a voiceprint that comes from
another server; then it stays, whatever the server hears with later, until the gallery is upgraded.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from timbre.service.models.packs import Beside, Packs
from timbre.store.database import Connection, Database
from timbre.store.queries import queries

_SQL: Final = queries("speakers")


async def settled_space(
    database: Database, packs: Packs, team: UUID, connection: Connection | None = None
) -> str | None:
    """The space of those who are enrolled; None if there is nobody who can be compared.

    Args:
        database: Where they are.
        packs: Tells which spaces the catalogue has an encoder for.
        team: Whose people.
        connection: In whose transaction; one of its own if left out.
    """
    asked = {"team": team, "own": packs.space()}
    if connection is None:
        rows = await database.all(_SQL["spaces"], asked)
    else:
        rows = await (await connection.execute(_SQL["spaces"], asked)).fetchall()
    return next((row["space"] for row in rows if packs.knows(row["space"])), None)


def people_in(space: str) -> Beside:
    """The people of a gallery that is in a space, as what voices and voiceprints are compared beside."""
    return Beside(
        what="the people of the gallery are compared by",
        space=space,
        remedy="bring them to the server's own encoder with POST /v1/speakers/upgrade",
    )
