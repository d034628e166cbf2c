"""A worker process: the lanes of the queue, the heartbeat, and the upkeep.

Each lane is a worker of procrastinate with its own number of places, so that a slow webhook or a long recording holds
nothing else up. In each lane teams have their turns. All lanes share the engines.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
import structlog
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

import timbre
from timbre import tracing
from timbre.audio.temporary import temporary_file
from timbre.errors import DecodingInterrupted, DiskFull, ServiceUnavailable
from timbre.fairness import share
from timbre.service.accounts.usage import Usage
from timbre.service.decisions.decisions import Decisions
from timbre.service.decisions.doubts import Doubts
from timbre.service.decisions.streamed import StreamedNames
from timbre.service.files.media import Media
from timbre.service.files.storage import open_storage
from timbre.service.jobs.attempts import Attempts
from timbre.service.keys.secrets import Secrets
from timbre.service.keys.template_protection import Protection, check_master_key
from timbre.service.models.packs import Engines, Packs
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.outside.outgoing import outgoing_client
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.gallery import Gallery
from timbre.service.people.learning import Learning
from timbre.service.people.retention import SpeakerRetention
from timbre.service.people.search import Search
from timbre.service.results.voices import KeptVoices
from timbre.service.results.words_so_far import WordsSoFar
from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade
from timbre.service.upkeep.retention import Retention
from timbre.service.upkeep.scrubbing import Scrubbing
from timbre.service.upkeep.summaries import Summaries
from timbre.service.worker.persistence import Persistence
from timbre.service.worker.tasks import Work
from timbre.service.worker.words import open_words
from timbre.settings import Settings
from timbre.store.database import Database, open_database
from timbre.store.identifiers import worker_name
from timbre.store.queries import queries
from timbre.store.queue import DELIVER_TASK, FETCH_TASK, HEAR_TASK, UPGRADE_TASK, Lane, Queue
from timbre.store.schema import check_schema

_SQL: Final = queries("server")
_HEARING: Final = frozenset({Lane.SHORT, Lane.LONG, Lane.UPGRADES})  # which need models
_PRECIOUS: Final = frozenset({Lane.SHORT, Lane.LONG})  # what is done there is not thrown away for a lost connection
_DAY: Final = 86400.0  # seconds; longer than any recording is worked on
_CONNECTIONS: Final = 12
_PAUSE: Final = 1.0  # seconds before a lane that lost the database tries again
_RELIEF: Final = 3  # seconds before a recording is heard again for which memory or disk were short
_GRACE: Final = 1.2  # seconds for an attempt to notice that it shall stop, and again to say so
_POLL: Final = 1.0  # seconds between two looks for retries that are due
# procrastinate stops watching its listener and heartbeat once any of its side tasks ends, and the one for periodic
# tasks ends at once if there are none. With one, a lane that lost either notices it, and opens again.
_LEAP_DAY: Final = "0 0 29 2 *"
_log: Final = structlog.get_logger("timbre.worker")


class _Again(BaseRetryStrategy):
    """What comes out of a task is never the job's fault: the worker stops, the database is away, or memory is short."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:  # noqa: ARG002
        waits = {asyncio.CancelledError: 0, DecodingInterrupted: _RELIEF, DiskFull: _RELIEF}
        return RetryDecision(retry_in={"seconds": waits.get(type(exception), 1)})


def _nothing(timestamp: int) -> None:
    pass


def places(settings: Settings) -> dict[Lane, int]:
    """How much a worker does at a time, by lane."""
    return {
        Lane.FETCH: settings.fetch_places,
        Lane.SHORT: settings.hear_places,
        Lane.LONG: settings.hear_places,
        Lane.WEBHOOKS: settings.webhook_places,
        Lane.UPGRADES: 1,
    }


class _Presence:
    """Says in the database that this worker is there, and what it does."""

    def __init__(self, database: Database, pack: str | None, settings: Settings) -> None:
        self._database = database
        self._row = {
            "name": worker_name(os.getpid()),
            "lanes": list(settings.lanes),
            "model": pack,
            "device": settings.device,
            "version": timbre.__version__,
        }

    async def note(self, *, starting: bool = False) -> None:
        await self._database.one(_SQL["note_worker"], {**self._row, "starting": starting})

    async def end(self) -> None:
        with suppress(ServiceUnavailable):  # who does not say so, is silent
            await self._database.one(_SQL["forget_worker"], {"name": self._row["name"]})


class Worker:
    """Runs until it is told to stop."""

    def __init__(self, queue: Queue, work: Work, attempts: Attempts, webhooks: Webhooks, settings: Settings) -> None:
        self._queue = queue
        self._work = work
        self._attempts = attempts
        self._webhooks = webhooks
        self._settings = settings
        self._places = places(settings)
        self._stop = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Take nothing more; let what runs end within `stop_seconds`, then leave it for later."""
        self._stop.set()

    async def run(
        self, beat: Callable[[], Awaitable[object]], upkeep: Sequence[Callable[[], Awaitable[object]]]
    ) -> None:
        """Serve its lanes until `stop`, say that it lives, and do the upkeep, each by itself: some take a while."""
        every = self._settings
        loops = [asyncio.create_task(self._lane(Lane(name)), name=f"lane {name}") for name in every.lanes]
        loops.append(asyncio.create_task(self._repeat(every.heartbeat_seconds, self._recover)))
        loops.append(asyncio.create_task(self._repeat(every.heartbeat_seconds, beat)))
        loops += [asyncio.create_task(self._repeat(every.sweep_seconds, act)) for act in upkeep]
        await self._stop.wait()
        for loop in loops:
            loop.cancel()
        _, running = await asyncio.wait([*loops, *self._work.waiting], timeout=every.stop_seconds)
        self._work.stopping.set()
        if running:
            _, running = await asyncio.wait(running, timeout=_GRACE)
        if running:
            self._work.interrupt()
            await asyncio.wait(running, timeout=_GRACE)

    async def _lane(self, lane: Lane) -> None:
        while not self._stop.is_set():
            try:
                await self._queue.app.run_worker_async(
                    name=lane.value,
                    queues=[lane.value],
                    concurrency=self._places[lane],
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_POLL,
                    update_heartbeat_interval=self._settings.heartbeat_seconds,
                    stalled_worker_timeout=self._settings.stalled_seconds,
                    # A lane that lost the database opens again when all that runs in it has ended.
                    shutdown_graceful_timeout=_DAY if lane in _PRECIOUS else self._settings.stop_seconds,
                    delete_jobs="always",
                )
            except (ConnectorException, psycopg.Error, OSError) as error:
                _log.warning("a lane lost the database", lane=lane.value, error=str(error.__cause__ or error))
            except Exception:  # noqa: BLE001 - whatever it is, a lane opens again
                _log.exception("a lane broke", lane=lane.value)
            await asyncio.sleep(_PAUSE)

    async def _recover(self) -> None:
        silence = self._settings.stalled_seconds
        await self._attempts.recover(silence)
        await self._webhooks.recover(silence + self._settings.webhook_seconds)
        await self._queue.hurry(silence, longest=max(self._settings.webhook_retries, default=0))
        await self._queue.drop_ended(silence)

    async def _repeat(self, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await act()
            except ServiceUnavailable as error:
                _log.warning("upkeep put off", error=str(error))
            except Exception:  # noqa: BLE001 - upkeep is tried again
                _log.exception("upkeep failed")
            await asyncio.sleep(seconds)


async def run_worker(settings: Settings, url: str, ready: Callable[[], None] = lambda: None) -> None:
    """Run a worker on the database at this address until SIGTERM or SIGINT.

    Args:
        settings: What it goes by.
        url: Of the database.
        ready: Called when the default engine is loaded and the lanes open.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
        SchemaOutdated: it is of another version.
        MasterKeyInvalid: the master key does not fit it.
        ModelError: the default pack cannot be loaded.
        TimbreError: recordings cannot be stored, or not in the temporary folder.
    """
    async with tracing.telling(settings, "worker"), AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(url, connections=_CONNECTIONS, application="timbre worker", silence=settings.stalled_seconds)
        )
        async with database.transaction() as connection:
            await check_schema(connection)
        await check_master_key(database, settings)
        shares = {lane: share(number, settings.team_share) for lane, number in places(settings).items()}
        queue = Queue(database, shares)
        storage = open_storage(settings)
        temporary_file(settings.temp_dir).close()  # says so now if there is no place for sound
        engines = Engines(settings)
        pack = (await engines.get()).model if _HEARING.intersection(settings.lanes) else None
        client = await stack.enter_async_context(outgoing_client(settings))
        webhooks = Webhooks(database, queue, settings)
        attempts = Attempts(database, queue, usage=Usage(database), webhooks=webhooks, settings=settings)
        media = Media(database, storage, Secrets(database), settings)
        protection = Protection(database, settings)
        packs = Packs(settings)
        gallery = Gallery(database, protection, packs)
        upgrades = GalleryUpgrade(database, protection, gallery, packs)
        search = Search(database, protection, settings)
        candidates, kept = CandidateSearch(search, gallery), KeptVoices(protection)
        decisions = Decisions(
            database,
            gallery=gallery,
            learning=Learning(gallery, protection),
            voices=kept,
            doubts=Doubts(voices=kept, gallery=gallery, candidates=candidates, settings=settings),
            webhooks=webhooks,
        )
        streamed = StreamedNames(database, decisions, gallery)
        work = Work(
            attempts,
            media=media,
            storage=storage,
            engines=engines,
            candidates=candidates,
            persistence=Persistence(kept, gallery),
            client=client,
            words=await stack.enter_async_context(open_words(settings, WordsSoFar(database))),
            streamed=streamed,
            settings=settings,
        )

        # The team is there for whose turn it is; entries of an earlier version have none.
        async def deliver(delivery: str, round: int, number: int, team: str = "") -> None:  # noqa: A002, ARG001
            await webhooks.deliver(client, UUID(delivery), round, number)

        async def fetch(job: str, team: str = "") -> None:  # noqa: ARG001
            await work.fetch(UUID(job))

        async def hear(context: JobContext, job: str, team: str = "") -> None:  # noqa: ARG001
            await work.hear(UUID(job), short=context.job.queue == Lane.SHORT)

        async def upgrade(run: str, team: str = "") -> None:  # noqa: ARG001
            done = await upgrades.run(UUID(run), await engines.get(), stopping=lambda: worker.stopping)
            if done is not None:
                _log.info("upgraded a gallery", samples=done.samples, people=done.people, behind=done.behind)

        for name, task in ((DELIVER_TASK, deliver), (FETCH_TASK, fetch), (UPGRADE_TASK, upgrade)):
            queue.app.task(name=name, retry=_Again())(task)
        queue.app.task(name=HEAR_TASK, retry=_Again(), pass_context=True)(hear)
        queue.app.periodic(cron=_LEAP_DAY)(queue.app.task(name="nothing", queue=Lane.FETCH)(_nothing))
        await queue.open()
        present = _Presence(database, pack, settings)
        await present.note(starting=True)
        stack.push_async_callback(present.end)
        worker = Worker(queue, work, attempts, webhooks, settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        ready()
        _log.info("ready")
        with suppress(asyncio.CancelledError):
            await worker.run(
                present.note,
                [
                    partial(upgrades.take_up, queue, settings.stalled_seconds),
                    Retention(database, storage, settings).sweep,
                    SpeakerRetention(database, gallery.erase, settings).sweep,
                    Summaries(database, protection).sweep,
                    streamed.sweep,
                    Scrubbing(database, search).sweep,
                    search.tend_indexes,
                ],
            )
        _log.info("stopped")
