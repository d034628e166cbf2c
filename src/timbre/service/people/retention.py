"""Retention of people: whom no recording has named for months is erased, after a notice.

A sweep gives notice first: it writes into the log and the audit who is due. Nobody is erased whose notice is not a week
old, whatever the setting was before and however long the server was off. Who is named again meanwhile, stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from timbre.errors import SpeakerUnknown
from timbre.service.accounts import audit
from timbre.settings import Settings
from timbre.store.database import Database, Row, one
from timbre.store.queries import queries

NOTICE: Final = timedelta(days=7)  # from the notice until somebody is erased
SOON: Final = timedelta(days=30)
_SQL: Final = queries("speaker_retention")
_MOST: Final = 1000  # people in each list of a report
_log: Final = structlog.get_logger("timbre.retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Who is to be erased, and about whom it is to be asked whether they may stay; the first thousand of each."""

    months: int  # after which people are erased whom no recording has named; 0 for never
    due_now: list[Row]  # `id`, `name`, `heard_at`, `created_at`, `review_on`, `due_at`, `erased_from`
    due_soon: list[Row]  # within 30 days; likewise
    review_due: list[Row]  # whose review date has passed: `id`, `name`, `heard_at`, `created_at`, `review_on`


class SpeakerRetention:
    """Erases people whom no recording has named for months."""

    def __init__(self, database: Database, erase: Callable[[UUID, UUID], Awaitable[None]], settings: Settings) -> None:
        self._database = database
        self._erase = erase  # a person of a team
        self._settings = settings

    async def sweep(self) -> int:
        """Give notice of those who are due, and erase those who got theirs a week ago; return how many were erased."""
        months = {"months": self._settings.speaker_months}
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["alone"])
            if not row or not row["locked"]:
                return 0  # another worker is at it
            await connection.execute(_SQL["clear_notices"], months)
            noticed = await (await connection.execute(_SQL["give_notice"], months)).fetchall()
            for row in noticed:
                await audit.record(connection, row["team_id"], "speaker.notice", subject=row["id"], details=months)
        for team, people in Counter(row["team_id"] for row in noticed).items():
            _log.warning(
                "people are due to be erased; `timbre speakers retention` says who",
                team=str(team), people=people, months=months["months"], in_days=NOTICE.days,
            )  # fmt: skip
        return await self._erase_overdue()

    async def _erase_overdue(self) -> int:
        erased = 0
        asked = {"days": NOTICE.days, "months": self._settings.speaker_months}
        while rows := await self._database.all(_SQL["overdue"], asked):
            for row in rows:
                try:
                    await self._erase(row["team_id"], row["id"])
                except SpeakerUnknown:
                    continue  # somebody else was faster
                erased += 1
        if erased:
            _log.info("erased people whom no recording has named", people=erased, months=self._settings.speaker_months)
        return erased

    async def report(self, team: UUID) -> Report:
        """Who of a team is due, now and soon."""
        months = self._settings.speaker_months
        asked = {"team": team, "months": months, "days": NOTICE.days, "soon": SOON.days, "limit": _MOST}
        async with self._database.transaction() as connection:
            now, soon = [
                await (await connection.execute(_SQL["due"], asked | {"later": later})).fetchall()
                for later in (False, True)
            ]
            reviews = await (await connection.execute(_SQL["reviews"], asked)).fetchall()
        return Report(months=months, due_now=now, due_soon=soon, review_due=reviews)
