"""Retention: what is over its time is deleted, from the database and from the storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from timbre.service.accounts.sessions import drop_expired
from timbre.service.files.media import OBJECT_NAME
from timbre.service.files.storage import Storage
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.queries import queries

_SQL: Final = queries("retention")
_JOBS: Final = queries("jobs")
_STREAMS: Final = queries("streams")
_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_STRAY_AGE: Final = timedelta(days=1)  # an upload of an hour is not stray
_BATCH: Final = 500
_log: Final = structlog.get_logger("timbre.retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many of each were deleted."""

    outputs: int = 0
    jobs: int = 0
    media: int = 0
    objects: int = 0  # fetched for jobs that ended, or left by a crash
    unfinished: int = 0  # files that were being written when a process died


class Retention:
    """Deletes what is over its time."""

    def __init__(self, database: Database, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._storage = storage
        self._settings = settings

    async def sweep(self) -> Swept:
        """Delete everything that is over its time; rows and objects are left to another worker that is at them."""
        settings = self._settings
        # Outputs first and by themselves: they go in time even while the storage does not answer.
        outputs = media = objects = jobs = 0
        async with self._alone() as connection:
            if connection is not None:
                outputs = await _drop(connection, "drop_outputs", settings.output_hours * _HOUR)
                await connection.execute(_SQL["drop_idempotency_keys"])
                await connection.execute(_SQL["drop_secrets"])
                await drop_expired(connection)
                await connection.execute(_STREAMS["forget_unopened"])
        async with self._alone() as connection:
            if connection is not None:
                media = await self._media(connection)
                # What was fetched goes before the jobs, which are all that knows of it.
                objects = await self._left_objects(connection)
                jobs = await _drop(connection, "drop_jobs", settings.job_days * _DAY)
                await connection.execute(_STREAMS["drop"], {"seconds": settings.job_days * _DAY})
                objects += await self._strays(connection)
        unfinished = await self._storage.clear_unfinished(datetime.now(UTC) - _STRAY_AGE, settings.temp_dir)
        swept = Swept(outputs=outputs, jobs=jobs, media=media, objects=objects, unfinished=unfinished)
        if swept != Swept():
            _log.info("swept", **asdict(swept))
        return swept

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Connection | None]:
        """A transaction that no other sweep has at the same time; None while one has."""
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["alone"])
            yield connection if row and row["locked"] else None

    async def _media(self, connection: Connection) -> int:
        deleted = 0
        while rows := await (await connection.execute(_SQL["expired_media"])).fetchall():
            for row in rows:
                # The object first: if this is broken off, the row is still there to try again with.
                await self._storage.delete(row["object"])
                await connection.execute(_SQL["drop_media"], {"id": row["id"]})
            deleted += len(rows)
        return deleted

    async def _left_objects(self, connection: Connection) -> int:
        deleted = 0
        while rows := await (await connection.execute(_SQL["left_objects"])).fetchall():
            for row in rows:
                await self._storage.delete(row["object"])
                await connection.execute(_JOBS["forget_object"], row)
            deleted += len(rows)
        return deleted

    async def _strays(self, connection: Connection) -> int:
        """Objects that no row knows: a process died between writing one and saying so."""
        before = datetime.now(UTC) - _STRAY_AGE
        batch: list[str] = []
        deleted = 0
        async for name, modified, _ in self._storage.names():
            if modified < before and OBJECT_NAME.fullmatch(name):  # a bucket may hold what is not ours
                batch.append(name)
            if len(batch) == _BATCH:
                deleted += await self._delete_unknown(connection, batch)
                batch = []
        return deleted + await self._delete_unknown(connection, batch)

    async def _delete_unknown(self, connection: Connection, names: list[str]) -> int:
        if not names:
            return 0
        rows = await (await connection.execute(_SQL["known_objects"], {"objects": names})).fetchall()
        unknown = set(names) - {row["object"] for row in rows}
        for name in unknown:
            await self._storage.delete(name)
        return len(unknown)


async def _drop(connection: Connection, query: str, seconds: float) -> int:
    return (await connection.execute(_SQL[query], {"seconds": seconds})).rowcount
