"""Words of a job that still runs, told as they come: first without speakers, and again by whom once they are known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from timbre.errors import ServiceUnavailable
from timbre.service.jobs.attempts import Attempt
from timbre.service.results.words import lines
from timbre.service.results.words_so_far import WordsSoFar
from timbre.transcripts.spoken import Word
from timbre.turns import Turn


class Provisional:
    """The words of one attempt, as far as they are recognised."""

    def __init__(self, so_far: WordsSoFar, attempt: Attempt) -> None:
        self._so_far = so_far
        self._attempt = attempt
        self._words: list[Word] = []
        self._turns: Sequence[Turn] | None = None
        self._told = 0  # words
        self._telling = asyncio.Lock()

    async def add(self, words: Sequence[Word]) -> None:
        """Tell more words."""
        async with self._telling:
            self._words += [word for word in words if word.text.strip()]
            await self._tell()

    async def attribute(self, turns: Sequence[Turn]) -> None:
        """Tell all of them again, and from now on, with who says them as turns have it that never overlap."""
        async with self._telling:
            self._turns, self._told = turns, 0
            await self._tell()

    async def _tell(self) -> None:
        if self._told == len(self._words):
            return
        told = await asyncio.to_thread(lines, self._words, self._turns, self._told)
        with suppress(ServiceUnavailable):  # the next time these come along, or the job ends and tells all
            await self._so_far.add(self._attempt.job, self._attempt.number, self._told, told)
            self._told = len(self._words)
