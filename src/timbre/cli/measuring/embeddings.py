"""The voices of the recordings that a list names, each recording heard once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.acoustics import Acoustics
from timbre.audio.decoding import open_recording
from timbre.audio.recording import SAMPLE_RATE
from timbre.cli.display.progress import counting
from timbre.errors import InputError, NoSpeech
from timbre.evaluation.degradation import degraded
from timbre.identification.voiceprint import Voiceprint
from timbre.models.runtime import available_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.engine import Engine
    from timbre.identification.enroller import Prototype

_TELEPHONE: Final = 0.5  # from which a recording counts as one of a telephone


class Embeddings:
    """Prototypes by recording and kind of copy; a recording that cannot be used stands with its error."""

    def __init__(self, engine: Engine, recordings: Iterable[Path], *, copies: bool = False) -> None:
        """Hear all recordings, with a progress bar; with `copies`, degraded copies of them too."""
        self._space = engine.space
        self._heard: dict[tuple[Path, str | None], Prototype | InputError] = {}
        hear = _hear_copies if copies else _hear
        paths = list(dict.fromkeys(recordings))
        # Side by side, because starting to decode takes longer than hearing a short recording.
        with ThreadPoolExecutor(available_threads(engine.settings)) as pool, counting("hearing", len(paths)) as advance:
            for path, heard in zip(paths, pool.map(partial(hear, engine), paths), strict=True):
                self._heard |= {(path, kind): prototype for kind, prototype in heard.items()}
                advance()

    def voiceprint(self, recordings: Sequence[Path], copy: str | None = None) -> Voiceprint:
        """Return the voiceprint of a person's recordings, or of their copies, made without the checks of an enrolment.

        Raises:
            InputError: one of them cannot be used.
        """
        prototypes = [self._prototype(path, copy) for path in recordings]
        return Voiceprint(
            prototypes=np.stack([prototype.vector for prototype in prototypes]),
            seconds=tuple(prototype.seconds for prototype in prototypes),
            acoustics=tuple(prototype.acoustics for prototype in prototypes),
            space=self._space,
        )

    def pooled(
        self, recordings: Sequence[Path], copy: str | None = None
    ) -> tuple[NDArray[np.float32], float, Acoustics]:
        """Return the embedding `[dimension]` of a person's recordings, the seconds of speech, and how recorded.

        Raises:
            InputError: one of them cannot be used.
        """
        voiceprint = self.voiceprint(recordings, copy)
        return voiceprint.embedding, voiceprint.speech_seconds, voiceprint.condition

    def _prototype(self, path: Path, copy: str | None) -> Prototype:
        heard = self._heard.get((path, copy), NoSpeech(f"{path}: there is no such copy."))
        if isinstance(heard, InputError):
            raise heard
        return heard


def _hear(engine: Engine, path: Path) -> dict[str | None, Prototype | InputError]:
    try:
        return {None: engine.embed(path)}
    except InputError as error:
        return {None: type(error)(f"{path}: {error}")}


def _hear_copies(engine: Engine, path: Path) -> dict[str | None, Prototype | InputError]:
    """Hear a recording, decoded once, and its copies; a copy without speech is left out."""
    try:
        with open_recording(path, settings=engine.settings) as recording:
            samples = recording.read(0, recording.samples)
        original = engine.embed((samples, SAMPLE_RATE))
    except InputError as error:
        return {None: type(error)(f"{path}: {error}")}
    heard: dict[str | None, Prototype | InputError] = {None: original}
    telephone = (original.acoustics.telephone or 0.0) > _TELEPHONE
    seed = zlib.crc32(path.name.encode())
    for kind, copy in degraded(samples, telephone=telephone, seed=seed).items():
        with suppress(NoSpeech):
            heard[kind] = engine.embed((copy, SAMPLE_RATE))
    return heard
