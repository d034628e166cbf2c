"""The words of recordings that are still being heard, for whoever follows the job.

They are provisional: without speakers until those are known, then by their labels alone, as names come with the result.
They are content like that, and go with the attempt that recognised them: a trigger of the database takes them away when
it ends, in whatever way, or another begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json

from timbre.store.database import Database
from timbre.store.queries import queries

Line = Mapping[str, Any]  # of `wordLevelTranscription`; has no speaker as long as nobody knows who it is
_SQL: Final = queries("words_so_far")
_MOST_LINES: Final = 2_000  # that are kept, and told, in one piece
_AT_ONCE: Final = 16  # pieces that are read


class WordsSoFar:
    """Keeps them as long as they are provisional."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: UUID, attempt: int, first: int, lines: Sequence[Line]) -> None:
        """Keep more words; nothing if the attempt at the job is over.

        Args:
            job: Of which job.
            attempt: At it.
            first: The place of the first among all words; at 0 those of before are forgotten.
            lines: What is said, in order.

        Raises:
            ServiceUnavailable: the database is away; nothing was kept.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(_SQL["hold"], {"job": job, "attempt": attempt})
            if await cursor.fetchone() is None:
                return
            if not first:
                await connection.execute(_SQL["clear"], {"job": job})
            for at in range(0, len(lines), _MOST_LINES):
                piece = to_json(lines[at : at + _MOST_LINES]).decode()
                await connection.execute(_SQL["add"], {"job": job, "first": first + at, "words": piece})

    async def after(self, team: UUID, job: UUID, number: int) -> list[tuple[int, int, str]]:
        """What came after a number, or some of it: its number, the place of its first word, and its words as JSON.

        Raises:
            ServiceUnavailable: the database is away.
        """
        rows = await self._database.all(_SQL["after"], {"team": team, "job": job, "number": number, "most": _AT_ONCE})
        return [(row["number"], row["first"], row["words"]) for row in rows]
