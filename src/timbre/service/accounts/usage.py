"""Usage: how many jobs a team's keys ran and how many seconds of audio they heard, by month (UTC)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from timbre.errors import BudgetSpent
from timbre.store.database import Connection, Database, Row
from timbre.store.queries import queries

_SQL: Final = queries("usage")
_TEAMS: Final = queries("teams")


class Usage:
    """What the teams use."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, connection: Connection, job: Row, seconds: float) -> None:
        """In the transaction that a job succeeds in, count it and its audio."""
        if job["key_id"] is None:
            return  # the key was taken from the database while the job ran; there is nobody to count it for
        await connection.execute(
            _SQL["count"], {"team": job["team_id"], "key": job["key_id"], "type": job["type"], "seconds": seconds}
        )

    async def check_budget(self, team: UUID) -> None:
        """Make sure that something is left of this month's budget.

        Raises:
            BudgetSpent: nothing is.
        """
        row = await self._database.one(_SQL["budget"], {"team": team})
        if row and row["budget"] is not None and row["used"] >= row["budget"]:
            raise BudgetSpent

    async def budget(self, team: UUID) -> tuple[float | None, float]:
        """Seconds of audio that a team may have heard a month, None for any number, and those heard this month."""
        row = await self._database.one(_SQL["budget"], {"team": team})
        return (row["budget"], row["used"]) if row else (None, 0.0)

    async def set_budget(self, team: UUID, seconds: float | None) -> None:
        """Limit the audio that a team may have heard a month; None for any."""
        await self._database.one(_TEAMS["set_budget"], {"team": team, "seconds": seconds})

    async def report(self, team: UUID, month: date) -> list[Row]:
        """A month by key and type of job: `key_id`, `name`, `hint`, `type`, `jobs`, `seconds`."""
        return await self._database.all(_SQL["report"], {"team": team, "month": month.replace(day=1)})
