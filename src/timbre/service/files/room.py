"""Room for recordings: what a team may keep, and what has to be left of the disks."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Final
from uuid import UUID

from timbre.errors import QuotaSpent, StorageFull
from timbre.settings import Settings
from timbre.store.database import Database
from timbre.store.queries import queries

_SQL: Final = queries("media")
_GIB: Final = 1 << 30
_LOOK: Final = 16 << 20  # bytes that arrive between two looks at what is left


class Room:
    """What is left, for every team."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._most = int(settings.team_gb * _GIB)
        self._floor = int(settings.free_gb * _GIB)
        temporary = settings.temp_dir or Path(tempfile.gettempdir())
        own = settings.data_dir if settings.storage_url is None else temporary
        self._disks = {temporary, own}
        self._arriving = Counter[UUID]()  # bytes of what is not kept yet

    def check_disks(self, more: int = 0) -> None:
        """Make sure that so many bytes more leave enough on the disks of media and of decoded sound.

        Raises:
            StorageFull: they do not.
        """
        for disk in self._disks:
            if disk.exists() and shutil.disk_usage(disk).free - more < self._floor:
                raise StorageFull

    async def check(self, team: UUID, more: int = 0) -> None:
        """Make sure that a team may keep so many bytes more, and that the disks have room for them.

        Raises:
            QuotaSpent: it may not.
            StorageFull: they have none.
        """
        self.check_disks(more)
        if not self._most:
            return
        row = await self._database.one(_SQL["kept_bytes"], {"team": team})
        if (row["bytes"] if row else 0) + self._arriving[team] + more > self._most:
            raise QuotaSpent

    async def filled(self, team: UUID, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Hand on what arrives for a team, as long as there is room for it.

        Raises:
            QuotaSpent, StorageFull: there is none any more.
        """
        size = unseen = 0
        await self.check(team)
        try:
            async for chunk in chunks:
                size += len(chunk)
                self._arriving[team] += len(chunk)
                unseen += len(chunk)
                if unseen >= _LOOK:
                    await self.check(team)
                    unseen = 0
                yield chunk
            await self.check(team)
        finally:
            self._arriving[team] -= size
