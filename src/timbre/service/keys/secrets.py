"""Secrets that all processes of a server share; each is made the first time that anybody asks for it."""

from __future__ import annotations

import os
from typing import Final

from timbre.errors import ServiceUnavailable
from timbre.store.database import Database
from timbre.store.queries import queries

_SQL: Final = queries("server")


class Secrets:
    """The server's secrets by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes:
        """32 random bytes."""
        if name not in self._known:
            await self._database.one(_SQL["make_secret"], {"name": name, "value": os.urandom(32)})
            row = await self._database.one(_SQL["secret"], {"name": name})
            if row is None:
                raise ServiceUnavailable(f"The server's secret {name} was taken from the database; try again.")
            self._known[name] = row["value"]
        return self._known[name]
