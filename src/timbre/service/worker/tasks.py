"""The work itself: fetching a recording, and hearing it with the engine.

Whatever is wrong with a recording or a request ends the job with the reason. A worker that stops, a storage that does
not answer, or a decoder that the system ended, leaves the job for another attempt. A database that is restarted is
waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Concatenate, Final, ParamSpec, TypeVar
from uuid import UUID, uuid4

import httpx
import structlog

from timbre import tracing
from timbre.diarization.limits import UNLIMITED, Limits
from timbre.engine import Engine
from timbre.errors import (
    AudioError,
    AudioTooLong,
    Canceled,
    DecodingInterrupted,
    DiskFull,
    FetchFailed,
    GalleryMoved,
    InputError,
    MasterKeyMissing,
    MediaUnknown,
    ModelMissing,
    OptionError,
    QuotaSpent,
    RequestTooLarge,
    SamplesFull,
    ServiceUnavailable,
    SpeakerUnknown,
    TemplateUnreadable,
)
from timbre.service.decisions.streamed import StreamedNames
from timbre.service.files.media import Media, media_key, object_name
from timbre.service.files.storage import Storage
from timbre.service.jobs.attempts import Attempt, Attempts
from timbre.service.jobs.jobs import FAULT
from timbre.service.models.packs import Engines
from timbre.service.naming.candidate_pool import CandidateSearch, TeamGallery
from timbre.service.outside.fetching import fetch
from timbre.service.requests.selection import read_selection
from timbre.service.results.outputs import dumped
from timbre.service.worker.inference import Heard, hear
from timbre.service.worker.persistence import Persistence
from timbre.service.worker.stages import Reporter, Stages
from timbre.service.worker.suspects import Suspects
from timbre.service.worker.thread_bridge import Bridge, Interrupted
from timbre.service.worker.words import Words
from timbre.settings import Settings
from timbre.store.database import Connection

_WORDS: Final = ("words", 0.97)  # what is waited for once the speakers are known
_MOST_WAITING: Final = 16  # jobs that wait for their words beside the lanes
_BROKEN_OFF: Final = 2  # threads of the engine for attempts that were broken off and have not noticed
_PAUSE: Final = 0.5  # seconds before the database is asked again
_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30
# What is wrong with a request or the gallery ends the job; the same again would end it so again.
_ENDS: Final = (
    OptionError,
    ModelMissing,
    SpeakerUnknown,
    SamplesFull,
    MasterKeyMissing,
    TemplateUnreadable,
)
_NOT_KEPT: Final = "Could not load audio: the recording of this job is not kept any more; upload it again."
_log: Final = structlog.get_logger("timbre.work")
Asked = ParamSpec("Asked")
T = TypeVar("T")


class Work:
    """Does what the lanes bring."""

    def __init__(
        self,
        attempts: Attempts,
        *,
        media: Media,
        storage: Storage,
        engines: Engines,
        candidates: CandidateSearch,
        persistence: Persistence,
        client: httpx.AsyncClient,
        words: Words,
        streamed: StreamedNames,
        settings: Settings,
    ) -> None:
        self._attempts = attempts
        self._media = media
        self._storage = storage
        self._engines = engines
        self._candidates = candidates
        self._persistence = persistence
        self._client = client
        self._words = words
        self._streamed = streamed
        self._settings = settings
        self.stopping = Event()  # set, it makes every attempt stop at its next sign of progress
        self._running: set[asyncio.Task[object]] = set()
        self.waiting: set[asyncio.Task[None]] = set()  # for the words of recordings that have been heard
        self._suspects = Suspects(attempts, self._answered)
        # Threads of its own: nothing that is slow elsewhere holds it up, and nobody waits for them in the end.
        self._hearing = ThreadPoolExecutor(2 * settings.hear_places + _BROKEN_OFF, "engine")

    def interrupt(self) -> None:
        """Break off what still runs; it starts over later."""
        for task in self._running:
            task.cancel()

    async def fetch(self, job: UUID) -> None:
        """Bring a job's recording into the storage, and send the job on."""
        attempt = await self._attempts.begin(job, "fetching")
        if attempt is not None:
            await self._guard(attempt, self._fetch)

    async def hear(self, job: UUID, *, short: bool = False) -> None:
        """Do what a job asks for; return once its recording is heard, and leave its place to the next.

        In the lane for short recordings, a job goes on to the other one as soon as its recording is found to be long.
        """
        attempt = await self._attempts.begin(job, "waiting")
        if attempt is None:
            return
        limits = Limits(
            longest=self._settings.short_job_minutes * 60 if short else None,
            seconds=self._settings.hear_seconds,
            pace=self._settings.hear_pace,
        )
        act = partial(self._hear, limits=limits)
        if not attempt.params.get("transcription") or len(self.waiting) >= _MOST_WAITING:
            await self._guard(attempt, act)
            return
        is_heard = asyncio.Event()
        hearing = asyncio.create_task(self._guard(attempt, partial(act, is_heard=is_heard)))
        looking = asyncio.create_task(is_heard.wait())
        try:
            await asyncio.wait({hearing, looking}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            hearing.cancel()
            await asyncio.wait({hearing})
            raise
        finally:
            looking.cancel()
        if hearing.done():
            await hearing
            return
        # What comes of it now concerns no lane: a job that is given back is taken up by `Attempts.recover`.
        self.waiting.add(hearing)
        hearing.add_done_callback(self._waited)

    def _waited(self, task: asyncio.Task[None]) -> None:
        self.waiting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.warning("left while it waited for words", error=str(error))

    async def _guard(self, attempt: Attempt, act: Callable[[Attempt], Awaitable[None]]) -> None:
        task = asyncio.current_task()
        if task:
            self._running.add(task)
        named = {"job": str(attempt.job), "team": str(attempt.team), "attempt": attempt.number}
        named |= tracing.logged(attempt.params.get(tracing.CARRIED))
        structlog.contextvars.bind_contextvars(**named)
        try:
            with _traced(attempt):
                async with self._kept_alive(attempt):
                    await act(attempt)
        except Canceled:
            _log.info("canceled", job=str(attempt.job))
        except (Interrupted, asyncio.CancelledError):
            await asyncio.shield(self._attempts.pause(attempt))
            raise
        except InputError as error:
            within = partial(self._persistence.forget_unheard, attempt=attempt)
            await self._answered(self._attempts.fail, attempt, str(error), within=within)
        except MediaUnknown:  # the database knows it, and the storage does not, as after a restore
            await self._answered(self._attempts.fail, attempt, _NOT_KEPT)
        except _ENDS as error:
            await self._answered(self._attempts.fail, attempt, str(error))
        except ServiceUnavailable:
            await self._answered(self._attempts.pause, attempt)
            raise
        except (DecodingInterrupted, DiskFull) as error:
            if await self._answered(self._attempts.break_off, attempt, str(error)):
                raise
        except Exception:  # noqa: BLE001 - whatever it is, the job ends and the worker goes on
            reference = uuid4().hex[:12]
            _log.exception("fault", job=str(attempt.job), reference=reference)
            message = f"{FAULT}; the server's log has it as {reference}."
            await self._answered(self._attempts.fail, attempt, message)
        finally:
            structlog.contextvars.unbind_contextvars(*named)
            if task:
                self._running.discard(task)

    async def _answered(
        self,
        ask: Callable[Concatenate[Attempt, Asked], Awaitable[T]],
        attempt: Attempt,
        *arguments: Asked.args,
        **named: Asked.kwargs,
    ) -> T:
        """Say something of an attempt to the database, again and again while it is away: it would be said in vain."""
        while True:
            try:
                return await ask(attempt, *arguments, **named)
            except (GalleryMoved, MasterKeyMissing, TemplateUnreadable):
                raise
            except ServiceUnavailable as error:
                if self.stopping.is_set():
                    raise
                _log.warning("waiting for the database", job=str(attempt.job), error=str(error))
                await asyncio.sleep(_PAUSE)

    @asynccontextmanager
    async def _kept_alive(self, attempt: Attempt) -> AsyncIterator[None]:
        """Say that the attempt goes on as long as it does; when it is no longer ours, break it off as `Canceled`."""
        working = asyncio.current_task()
        lost = False

        async def beat() -> None:
            nonlocal lost
            while not lost:
                await asyncio.sleep(self._settings.heartbeat_seconds)
                try:
                    await self._attempts.keep_alive(attempt)
                except ServiceUnavailable:
                    continue  # the database may come back
                except Canceled:
                    lost = True
            if working:
                working.cancel()

        beating = asyncio.create_task(beat())
        try:
            yield
        except asyncio.CancelledError:
            if lost and working:
                working.uncancel()
                raise Canceled from None
            raise
        finally:
            beating.cancel()

    async def _fetch(self, attempt: Attempt) -> None:
        most = self._most_bytes(attempt)
        name = object_name()
        self._media.room.check_disks()
        try:
            with tracing.span("fetch"):
                size = await self._fetched(attempt, name, most)
        except QuotaSpent as error:
            raise FetchFailed(f"Could not load audio: {error}") from None
        except RequestTooLarge:
            raise FetchFailed(_too_large(most)) from None
        try:
            await self._answered(self._attempts.hand_over, attempt, name, size)
        finally:
            # Who is broken off, or loses the database, cannot tell from the answer whether it was handed over.
            if not await self._answered(self._attempts.knows, attempt, name):
                await self._storage.delete(name)

    async def _fetched(self, attempt: Attempt, name: str, most: int) -> int:
        """Fetch a recording of at most so many bytes into an object; return how many it has."""
        async with (
            fetch(
                self._client,
                attempt.params["url"],
                most_bytes=most,
                seconds=self._settings.fetch_seconds,
                least=self._settings.least_kb * _KIB,
            ) as chunks,
            aclosing(self._media.room.filled(attempt.team, chunks)) as filled,
        ):
            return await self._storage.put(name, filled, most_bytes=most)

    async def _hear(
        self, attempt: Attempt, is_heard: asyncio.Event | None = None, *, limits: Limits = UNLIMITED
    ) -> None:
        name = attempt.object or await self._uploaded(attempt)
        self._media.room.check_disks()
        engine = (await self._engine(attempt)).within(limits)
        async with (
            self._suspects.apart(attempt, short=limits.longest is not None) as leave,
            self._storage.local_copy(name, self._settings.temp_dir) as path,
            self._words.recognising(attempt, path) as words,
            self._references(attempt) as references,
        ):
            loop = asyncio.get_running_loop()
            bridge = Bridge(loop, self.stopping)
            told = Stages(Reporter(self._attempts, attempt, loop, self.stopping))
            listen = partial(
                hear,
                engine,
                attempt,
                path,
                references=references,
                gallery=await self._gallery(attempt, engine.space, bridge),
                progress=told,
                settings=self._settings,
            )
            try:
                with told:
                    heard = await loop.run_in_executor(self._hearing, listen)
                leave()
            except AudioTooLong:
                if engine.hearing_settings.max_hours >= self._settings.max_hours:
                    raise
                await self._answered(self._attempts.move_on, attempt)
                return
            finally:
                bridge.close()
            if words is not None:
                if is_heard is not None:
                    is_heard.set()
                await self._answered(self._attempts.report, attempt, *_WORDS)
                with tracing.span("words"):
                    await words.write(heard.output)
        ended = await self._succeed(attempt, heard)
        if ended and "streamed" in attempt.params:
            await self._streamed.settle(attempt.job)
        if ended and attempt.object:
            await self._storage.delete(attempt.object)

    @asynccontextmanager
    async def _references(self, attempt: Attempt) -> AsyncIterator[list[Path]]:
        """The sound that came with a request to know people by."""
        async with AsyncExitStack() as stack:
            paths = []
            for reference in attempt.params.get("references", ()):
                found = await self._media.find(attempt.team, media_key(reference["url"]) or "")
                if found is None:
                    raise AudioError("The references of this job are not kept any more; send the request again.")
                copy = self._storage.local_copy(found.object, self._settings.temp_dir)
                paths.append(await stack.enter_async_context(copy))
            yield paths

    async def _engine(self, attempt: Attempt) -> Engine:
        """What hears for a job: its pack, with the encoder of the gallery where the job is about people of that."""
        engine = await self._engines.get(attempt.model)
        if attempt.type != "enrol" and attempt.params.get("speakers") is None:
            return engine
        space = await self._candidates.space(attempt.team)
        return engine if space is None else await asyncio.to_thread(engine.of_space, space)

    async def _gallery(self, attempt: Attempt, space: str, bridge: Bridge) -> TeamGallery | None:
        """The people of the gallery that a job asks for."""
        speakers = attempt.params.get("speakers")
        if speakers is None:
            return None
        pool = await self._candidates.pool(attempt.team, space, read_selection(speakers))
        return TeamGallery(pool=pool, candidates=self._candidates, ask=bridge.ask)

    async def _succeed(self, attempt: Attempt, heard: Heard) -> bool:
        async def within(connection: Connection) -> bytes | None:
            return await self._persistence.keep(connection, attempt, heard)

        output = await asyncio.to_thread(dumped, heard.output)
        return await self._answered(
            self._attempts.succeed,
            attempt,
            output,
            heard.duration,
            warning=heard.output.get("warning"),
            peaks=heard.peaks,
            within=within,
        )

    async def _uploaded(self, attempt: Attempt) -> str:
        key = media_key(attempt.params.get("url", ""))
        if key is None and attempt.media is None:
            raise AudioError(_NOT_KEPT)
        recording = (
            await self._media.find(attempt.team, key or "")
            if attempt.media is None
            else await self._media.get(attempt.media)
        )
        if recording is None:
            raise AudioError(
                f"Could not load audio: nothing is kept at media://{key}; upload it first, to the address that"
                " POST /v1/media/input gives."
            )
        if recording.bytes > self._most_bytes(attempt):
            raise AudioError(_too_large(self._most_bytes(attempt)))
        return recording.object

    def _most_bytes(self, attempt: Attempt) -> int:
        if attempt.type == "voiceprint" or (attempt.type == "enrol" and "url" in attempt.params):
            return int(self._settings.voiceprint_upload_mb * _MIB)
        return int(self._settings.upload_gb * _GIB)


def _traced(attempt: Attempt) -> AbstractContextManager[tracing.Span]:
    """The span of an attempt, a part of the trace of the request that its job came with."""
    return tracing.span(
        f"job {attempt.type}",
        attempt.params.get(tracing.CARRIED),
        job=str(attempt.job),
        attempt=attempt.number,
        model=attempt.model,
    )


def _too_large(most: int) -> str:
    return f"Could not load audio: the file is larger than {most / _MIB:g} MiB; send a shorter or compressed one."
