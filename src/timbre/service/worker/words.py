"""The words of a recording, recognised while its speakers are found.

A recogniser that is away takes nothing from a job but the words: the speakers are delivered, and its warning says what
is missing, and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from timbre.audio import SAMPLE_RATE, Tracks
from timbre.audio.decoding import open_recording
from timbre.errors import RecogniserFailed
from timbre.formats.json import exclusive_turns
from timbre.recognition.onnx import LONGEST, OnnxRecogniser
from timbre.recognition.transcriber import Transcriber
from timbre.recognition.transcription import Told, Transcription, Turns, transcribe
from timbre.service.jobs.attempts import Attempt
from timbre.service.outside.recogniser import RecogniserServer, RemoteRecogniser
from timbre.service.results.words import LANGUAGE, write_words
from timbre.service.results.words_so_far import WordsSoFar
from timbre.service.worker.inference import named
from timbre.service.worker.provisional import Provisional
from timbre.settings import Settings
from timbre.turns import Turn

_MISSING: Final = "The words are missing"
_log: Final = structlog.get_logger("timbre.words")


class Recognising:
    """The words of one job, on their way."""

    def __init__(self, words: Words, attempt: Attempt, path: Path) -> None:
        self._words = words
        self._attempt = attempt
        self._path = path
        self._turns: asyncio.Future[Sequence[Turn]] = asyncio.get_running_loop().create_future()
        self._provisional = None if words.so_far is None else Provisional(words.so_far, attempt)
        self._task = asyncio.create_task(self._recognise())

    async def write(self, output: dict[str, Any]) -> None:
        """Wait for the words, and write them into the output of the job; or write there why there are none."""
        self._turns.set_result(exclusive_turns(output))
        if self._provisional is not None and not self._task.done():
            # By labels: a person who is renamed or erased meanwhile stands in nothing but the output.
            await self._provisional.attribute(exclusive_turns({"diarization": output["exclusiveDiarization"]}))
        try:
            transcription = await self._task
            faults = list(transcription.faults)
            write_words(output, transcription.words)
            if transcription.language:
                output[LANGUAGE] = transcription.language
            if not transcription.words and not faults and output["diarization"]:
                faults.append("The recogniser heard no words, though somebody speaks")
        except RecogniserFailed as error:
            _log.warning("words are missing", job=str(self._attempt.job), error=str(error))
            faults = [f"{_MISSING}: {error}"]
        if faults:
            output["warning"] = "; ".join(filter(None, (output.get("warning"), *faults)))

    async def stop(self) -> None:
        """Want no words any more."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # whoever wanted it has got it, or the job ended by something else

    async def _recognise(self) -> Transcription:
        params = self._attempt.params
        config = params.get("transcriptionConfig") or {}
        with named(self._path, params.get("url", "")) as path:
            return await self._words.of(
                path,
                self._known_turns,
                language=config.get("language"),
                model=config.get("model"),
                tracks=params.get("tracks", "mixed"),
                told=None if self._provisional is None else self._provisional.add,
            )

    async def _known_turns(self) -> Sequence[Turn]:
        return await asyncio.shield(self._turns)


class Words:
    """What recognises words for a worker or a command, if anything does."""

    def __init__(
        self, make: Callable[[str | None], Transcriber], settings: Settings, so_far: WordsSoFar | None = None
    ) -> None:
        """Know how to get at it.

        Args:
            make: Returns what recognises the words of one recording, by a model that is on offer, or else by the
                server's own choice.
            settings: What it goes by.
            so_far: Keeps the words of jobs while they run.
        """
        self._make = make
        self.so_far = so_far
        self._settings = settings

    async def of(
        self,
        path: Path,
        turns: Turns,
        *,
        language: str | None = None,
        model: str | None = None,
        tracks: Tracks = "mixed",
        told: Told | None = None,
    ) -> Transcription:
        """Return what is said in a recording.

        Args:
            path: The file.
            turns: Gives who speaks, as `transcribe` has it.
            language: What is spoken, if it is known.
            model: Which recognises it; one that is not on offer means the server's own choice.
            tracks: Which are heard.
            told: Given the words as they come, as `transcribe` has it.

        Raises:
            RecogniserFailed: nothing of it could be recognised.
            AudioError: it cannot be read.
        """
        one = "mixed" if tracks == "separate" else tracks
        source = await asyncio.to_thread(open_recording, path, tracks=one, settings=self._settings)
        try:
            return await transcribe(
                self._make(model if model in self._settings.recognisers else None),
                source,
                turns,
                language=language,
                longest=self._settings.asr_piece_seconds,
                at_once=self._settings.asr_parallel,
                told=told,
            )
        finally:
            await asyncio.to_thread(source.close)

    async def answer(self) -> None:
        """Ask for the words in a moment of silence.

        Raises:
            RecogniserFailed: there is no answer, or none that has words or says that there are none.
        """
        await self._make(None).recognise(np.zeros(SAMPLE_RATE // 2, np.int16), language=None)

    @asynccontextmanager
    async def recognising(self, attempt: Attempt, path: Path) -> AsyncIterator[Recognising | None]:
        """Begin to recognise the words of a job, if it wants them."""
        if not attempt.params.get("transcription"):
            yield None
            return
        words = Recognising(self, attempt, path)
        try:
            yield words
        finally:
            await words.stop()


class _Nobody:
    """Stands where the recogniser was taken away between a job's submission and its work."""

    async def recognise(self, sound: object, *, language: str | None) -> Any:  # noqa: ARG002 - the seam's
        raise RecogniserFailed("This server has nothing that recognises words any more; set TIMBRE_ASR_URL")


@asynccontextmanager
async def open_words(settings: Settings, so_far: WordsSoFar | None = None) -> AsyncIterator[Words]:
    """Open what recognises words, as the settings have it.

    Args:
        settings: What it goes by.
        so_far: Keeps the words of jobs while they run.

    Raises:
        ModelError: the model that they name cannot be loaded.
        ExtraMissing: the extra `asr` is not installed.
    """
    if settings.asr_url is None and settings.asr_model is None:
        yield Words(lambda _model: _Nobody(), settings, so_far)
        return
    if settings.asr_url is None:
        local = {
            name: await asyncio.to_thread(OnnxRecogniser, settings.model_copy(update={"asr_model": name}))
            for name in settings.recognisers
        }
        pieces = {"asr_parallel": 1, "asr_piece_seconds": min(settings.asr_piece_seconds, LONGEST)}
        yield Words(lambda model: local[model or settings.recognisers[0]], settings.model_copy(update=pieces), so_far)
        return
    server = RecogniserServer(settings)
    try:
        yield Words(partial(RemoteRecogniser, server), settings, so_far)
    finally:
        await server.close()
