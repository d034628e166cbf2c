"""The words of a recording, recognised in a thread of their own while a command finds who speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timbre.audio import Tracks
    from timbre.recognition.transcription import Transcription
    from timbre.settings import Settings
    from timbre.turns import Turn

Progress = Callable[[str, float], None]


class Recognising:
    """Words on their way."""

    def __init__(self, found: Future[Transcription], turns: Future[Sequence[Turn]]) -> None:
        self._found = found
        self._turns = turns

    def watched(self, progress: Progress) -> Progress:
        """What to tell how far the speakers are; raises what is wrong with the words, rather than go on in vain."""

        def told(stage: str, fraction: float) -> None:
            if self._found.done():
                self._found.result()
            progress(stage, fraction)

        return told

    def by(self, turns: Sequence[Turn]) -> Transcription:
        """Tell who speaks, without overlaps, and wait for the words.

        Raises:
            RecogniserFailed: nothing of it could be recognised.
            ModelError, ExtraMissing: what should recognise it cannot be loaded.
        """
        with suppress(InvalidStateError):  # nobody wants to know any more
            self._turns.set_result(turns)
        return self._found.result()


@contextmanager
def recognising(recording: Path, settings: Settings, *, language: str | None, tracks: Tracks) -> Iterator[Recognising]:
    """Begin to recognise the words of a recording; what the block does not wait for is given up."""
    from timbre.cli.server.logs import no_log  # noqa: PLC0415

    turns: Future[Sequence[Turn]] = Future()
    stopped: Future[None] = Future()

    async def recognise(**options: Any) -> Transcription:
        from timbre.service.worker.words import open_words  # noqa: PLC0415

        async with open_words(settings) as words:
            return await words.of(recording, lambda: asyncio.wrap_future(turns), **options)

    async def until_stopped() -> Transcription:
        working = asyncio.create_task(recognise(language=language, tracks=tracks))
        asyncio.wrap_future(stopped).add_done_callback(lambda _: working.cancel())
        return await working

    with no_log(), ThreadPoolExecutor(1, "words") as thread:
        try:
            yield Recognising(thread.submit(lambda: asyncio.run(until_stopped())), turns)
        finally:
            with suppress(InvalidStateError):  # it has ended by itself
                stopped.set_result(None)
