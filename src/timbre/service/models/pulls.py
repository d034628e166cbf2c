"""Pulling packs of models on request, in the background: one at a time, whichever process of the server was asked.

The files go to the disk of the process that was asked. How far it is stands in a table, so that every process can tell;
a pull whose process died stops reporting there, which is how the others notice.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from timbre.errors import ModelError, PackUnknown, PullRefused, ServiceUnavailable, TimbreError
from timbre.models.catalogue import Catalogue, ModelFile, catalogue
from timbre.models.packs import find_pack
from timbre.models.store import PackStatus, Store
from timbre.service.accounts import audit
from timbre.service.accounts.teams import Caller
from timbre.settings import Settings
from timbre.store.database import Database, Row
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

_SQL: Final = queries("pulls")
_REPORT_EVERY: Final = 0.5  # seconds
_SILENCE: Final = 15.0  # seconds without a report after which its process is thought dead
_SIZE_IF_UNKNOWN: Final = 20_000_000  # bytes, of a file whose size was not published
_STOPPED: Final = "The server was stopped meanwhile; pull it again."
_LOST: Final = "The process that pulled it has ended; pull it again."
_log: Final = structlog.get_logger("timbre.pulls")


class Progress:
    """How far the download of a pack is; told from a thread, asked from another."""

    def __init__(self, missing: Mapping[str, ModelFile]) -> None:
        self._sizes = {name: file.bytes or _SIZE_IF_UNKNOWN for name, file in missing.items()}
        self._shares = dict.fromkeys(self._sizes, 0.0)
        self.file: str | None = None

    def __call__(self, name: str, done: int, total: int | None, /) -> None:
        """Take what the store tells of a file."""
        self._sizes.setdefault(name, _SIZE_IF_UNKNOWN)  # it was there, but damaged
        self._shares[name] = min(1.0, done / (total or self._sizes[name] or 1))
        self.file = name

    @property
    def fraction(self) -> float:
        """From 0 to 1, by size."""
        sizes = dict(self._sizes)
        whole = sum(sizes.values())
        return sum(size * self._shares.get(name, 0.0) for name, size in sizes.items()) / whole if whole else 0.0


class Pulls:
    """The models of this machine as the server manages them."""

    def __init__(self, database: Database, settings: Settings, *, models: Catalogue | None = None) -> None:
        self._database = database
        self._settings = settings
        self._catalogue = models or catalogue()
        self._store = Store(settings, models=self._catalogue)
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pull while the block runs; a download that is not done when it ends is given up."""
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def packs(self) -> tuple[PackStatus, ...]:
        """All packs, the best first, and which of their files are on this machine."""
        return await asyncio.to_thread(self._store.status)

    def needed(self, status: PackStatus) -> tuple[ModelFile, ...]:
        """The files that a pack needs at least."""
        return self._store.needed(status.pack)

    async def default(self) -> str | None:
        """The pack of jobs that name none; None if it is not on this machine."""
        find = partial(find_pack, self._settings.model, self._settings, models=self._catalogue)
        try:
            return (await asyncio.to_thread(find)).name
        except ModelError:
            return None

    async def pulls(self) -> dict[str, Row]:
        """The last pull of each pack: `state`, `machine`, `file`, `fraction`, `started_at`, `ended_at`, `error`."""
        rows = await self._database.all(_SQL["list"], {"silence": _SILENCE})
        return {row["pack"]: _judged(row) for row in rows}

    async def begin(self, pack: str, caller: Caller | None = None) -> None:
        """Begin to pull a pack, unless that is being done already; what is there is checked.

        Raises:
            PackUnknown: there is none of this name.
            PullRefused: downloads are forbidden and something is missing, or another pack is being pulled.
        """
        if pack not in self._catalogue.packs:
            raise PackUnknown
        files = self._store.needed(self._catalogue.packs[pack])
        missing = {file.name: file for file in files if not self._store.has(file)}
        if missing and self._settings.offline:
            raise PullRefused(
                "TIMBRE_OFFLINE forbids downloads; bring the models with `timbre models import`, or unset it."
            )
        id_ = new_id()
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["alone"])
            row = await (await connection.execute(_SQL["running"], {"silence": _SILENCE})).fetchone()
            if row is not None and row["pack"] == pack:
                return
            if row is not None:
                raise PullRefused(f"The pack {row['pack']} is being pulled; try again when it is there.")
            await connection.execute(_SQL["begin"], {"pack": pack, "id": id_, "machine": socket.gethostname()})
            if caller:
                details = {"pack": pack}
                await audit.record(connection, caller.team, "model.pulled", key=caller.key, details=details)
        task = asyncio.create_task(self._pull(id_, pack, Progress(missing)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pull(self, id_: UUID, pack: str, progress: Progress) -> None:
        outcome: str | None = _STOPPED
        try:
            outcome = await self._download(id_, pack, progress)
        finally:
            _log.info("pulled", pack=pack, error=outcome)
            await self._end(id_, outcome)

    async def _download(self, id_: UUID, pack: str, progress: Progress) -> str | None:
        """Have a thread fetch what is missing and tell how far it is; return why it failed."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        outcome: list[str | None] = []

        def fetch() -> None:
            outcome.append(_failure(lambda: self._store.pull(pack, progress)))
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        # Not one of the loop's own threads: the server would wait for it when it stops.
        threading.Thread(target=fetch, name=f"pull {pack}", daemon=True).start()
        while not ended.is_set():
            with suppress(ServiceUnavailable):
                report = {"id": id_, "file": progress.file, "fraction": progress.fraction}
                await self._database.one(_SQL["report"], report)
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_EVERY):
                    await ended.wait()
        return outcome[0]

    async def _end(self, id_: UUID, error: str | None) -> None:
        with suppress(ServiceUnavailable):  # then it counts as lost soon
            await self._database.one(_SQL["end"], {"id": id_, "error": error})


def _failure(act: Callable[[], None]) -> str | None:
    try:
        act()
    except TimbreError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever it is, it ends the pull and nothing else
        _log.exception("fault")
        return "This is a fault of Timbre; its log has it."
    return None


def _judged(row: Row) -> Row:
    return {**row, "state": "failed", "error": _LOST} if row["state"] == "lost" else row
