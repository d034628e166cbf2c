"""How long recordings are kept, by rules that an administrator of a team sets.

A recording that somebody keeps by hand stays. Else a rule for a tag of it says how long, the longest of several; else
the rule for how it came: through the web app, for ever unless another rule is set, or through the API, whose times are
the server's settings unless a rule is set. The database reckons `jobs.keep_until` by these rules whenever a job changes
(`kept_until`, in version 0005 of the tables); here they are set, and what is there follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from timbre.service.accounts import audit
from timbre.service.accounts.teams import Caller
from timbre.service.upkeep.keeping_requests import Days, KeepingRequest
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.queries import queries

Source = Literal["web", "api"]
_SQL: Final = queries("keeping")
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long the recordings of a team are kept; days, or for ever."""

    web: Days = "forever"
    api: Days | None = None  # None: as long as the server's settings say
    tags: Mapping[str, Days] = field(default_factory=dict)


class Keeping:
    """The rules of every team."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._seconds = settings.output_hours * _HOUR

    async def rules(self, team: UUID) -> Rules:
        """Those of a team."""
        async with self._database.transaction() as connection:
            return await _read(connection, team)

    async def change(self, caller: Caller, change: KeepingRequest, *, preview: bool = False) -> tuple[Rules, int]:
        """Set rules, for what is there already as well.

        Args:
            caller: Who sets them.
            change: What is to be another.
            preview: Change nothing, and only tell what would be.

        Returns:
            The rules, and how many recordings are over their time by them, which go with the next sweep.
        """
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["hold"], {"team": caller.team})
            async with connection.transaction(force_rollback=preview):
                return await self._changed(connection, caller, change)

    async def _changed(self, connection: Connection, caller: Caller, change: KeepingRequest) -> tuple[Rules, int]:
        sources = {name: getattr(change, name) for name in ("web", "api") if name in change.model_fields_set}
        for source, days in sources.items():
            await _set(connection, caller.team, days, source=source)
        for tag, days in (change.tags or {}).items():
            await _set(connection, caller.team, days, tag=tag)
        await connection.execute(_SQL["apply"], {"team": caller.team})
        await audit.record(connection, caller.team, "keeping.changed", key=caller.key)
        row = await one(connection, _SQL["over"], {"team": caller.team, "seconds": self._seconds})
        return await _read(connection, caller.team), 0 if row is None else row["recordings"]


async def _read(connection: Connection, team: UUID) -> Rules:
    rows = await (await connection.execute(_SQL["rules"], {"team": team})).fetchall()
    sources: dict[str, Days] = {row["source"]: row["days"] or "forever" for row in rows if row["source"]}
    return Rules(
        web=sources.get("web", "forever"),
        api=sources.get("api"),
        tags={row["tag"]: row["days"] or "forever" for row in rows if row["tag"] is not None},
    )


async def _set(
    connection: Connection, team: UUID, days: Days | None, *, source: Source | str | None = None, tag: str | None = None
) -> None:
    rule = {"team": team, "source": source, "tag": tag, "days": None if days == "forever" else days}
    await connection.execute(_SQL["drop"], rule)
    if days is not None:
        await connection.execute(_SQL["add"], rule)
