"""The processes that hear for all streams of one API: they are asked in batches, and replaced when they die.

Teams have their turns in a batch, so that one with many streams does not hold up one with few.

Streams are remembered here and nowhere else, so a process that dies costs them nothing but the time until another one
has answered the same questions.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from timbre.errors import ServiceUnavailable
from timbre.fairness import Rota
from timbre.live.requests import AskSpeakers, Question
from timbre.models.runtime import available_threads
from timbre.service.live.hearer import SIZE, Batch, packed

if TYPE_CHECKING:
    from uuid import UUID

    from timbre.settings import Settings

_log: Final = structlog.get_logger("timbre.live")
_MOST: Final = 64  # questions a batch
_TRIES: Final = 3  # processes that may die of one question
_PATIENCE: Final = 20.0  # seconds for an answer, after which a process counts as hung
_PAUSE: Final = 0.5  # seconds until a process that could not be started is started again


@dataclass(slots=True, eq=False)
class _Asked:
    team: UUID
    space: str
    question: Question
    answer: asyncio.Future[Any]
    tries: int = field(default=0)


class Hearers:
    """Answers questions in processes of its own, which are started with the first."""

    def __init__(self, settings: Settings) -> None:
        cores = available_threads(settings)
        self._count = settings.live_processes
        self._settings = settings.model_copy(update={"threads": max(1, cores // self._count)})
        self._waiting = Rota[_Asked]()
        self._more = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: set[asyncio.subprocess.Process] = set()
        self.restarts = 0

    @property
    def processes(self) -> list[int]:
        """The ids of those that run."""
        return [process.pid for process in self._processes]

    def start(self) -> None:
        """Start the processes, if they do not run yet."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._count)]

    async def ask(self, team: UUID, space: str, question: Question) -> Any:
        """Return the answer to a question of a team's stream whose voices are of a space.

        Raises:
            ServiceUnavailable: several processes died of it.
        """
        self.start()
        asked = _Asked(team, space, question, asyncio.get_running_loop().create_future())
        async with self._more:
            self._waiting.add(team, asked)
            self._more.notify()
        return await asked.answer

    async def close(self) -> None:
        """End the processes; who still waits is told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while (asked := self._waiting.take()) is not None:
            self._fail(asked)

    async def _serve(self) -> None:
        """Keep one process running."""
        while True:
            try:
                process = await self._started()
            except (OSError, EOFError, TimeoutError) as error:
                _log.warning("a process that hears does not start", error=repr(error))
                await asyncio.sleep(_PAUSE)
                continue
            try:
                await self._use(process)
            except (OSError, EOFError, TimeoutError, pickle.UnpicklingError) as error:
                self.restarts += 1
                _log.warning("a process that hears died", error=repr(error), process=process.pid)
            finally:
                self._processes.discard(process)
                if process.returncode is None:
                    process.kill()
                await process.wait()

    async def _started(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "timbre.service.live.hearer"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._processes.add(process)
        try:
            async with asyncio.timeout(3 * _PATIENCE):
                await _send(process, self._settings)
                await _receive(process)
        except BaseException:
            self._processes.discard(process)
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise
        return process

    async def _use(self, process: asyncio.subprocess.Process) -> None:
        while True:
            batch = await self._next()
            questions = [asked.question for asked in batch]
            try:
                async with asyncio.timeout(_PATIENCE):
                    await _send(process, Batch(space=batch[0].space, questions=questions))
                    answers = await _receive(process)
            except BaseException:
                await self._again(batch)
                raise
            for asked, answer in zip(batch, answers, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(answer)

    async def _next(self) -> list[_Asked]:
        """Wait for questions, and take those that can be answered at once; clustering goes by itself, as it is slow."""
        async with self._more:
            while (first := self._waiting.take()) is None:
                await self._more.wait()
            batch = [first]
            if not isinstance(first.question, AskSpeakers):
                fits = partial(_goes_with, first)
                while len(batch) < _MOST and (asked := self._waiting.take(fits)) is not None:
                    batch.append(asked)
            if self._waiting:
                self._more.notify()
            return batch

    async def _again(self, batch: list[_Asked]) -> None:
        """Put questions that got no answer before all others."""
        for asked in reversed(batch):
            asked.tries += 1
            if asked.tries >= _TRIES:
                self._fail(asked)
            elif not asked.answer.done():
                self._waiting.put_back(asked.team, asked)
        async with self._more:
            self._more.notify_all()

    def _fail(self, asked: _Asked) -> None:
        if not asked.answer.done():
            asked.answer.set_exception(ServiceUnavailable("The stream cannot be heard at the moment; try again soon."))


def _goes_with(first: _Asked, other: _Asked) -> bool:
    return other.space == first.space and not isinstance(other.question, AskSpeakers)


async def _send(process: asyncio.subprocess.Process, value: object) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(packed(value))
    await process.stdin.drain()


async def _receive(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        head = await process.stdout.readexactly(SIZE.size)
        record = await process.stdout.readexactly(SIZE.unpack(head)[0])
    except asyncio.IncompleteReadError as error:
        raise EOFError from error
    return pickle.loads(record)  # noqa: S301 - of a process that this one started
