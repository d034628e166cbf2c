"""The voices of the recordings that a list names, each recording heard once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from timbre.cli.progress import counting
from timbre.errors import InputError
from timbre.identification.voiceprint import Voiceprint
from timbre.models.runtime import available_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.engine import Engine
    from timbre.identification.enrolment import Prototype


class Embeddings:
    """Prototypes by recording; a recording that cannot be used stands with its error."""

    def __init__(self, engine: Engine, recordings: Iterable[Path]) -> None:
        """Hear all recordings, with a progress bar."""
        self._space = engine.space
        self._heard: dict[Path, Prototype | InputError] = {}
        paths = list(dict.fromkeys(recordings))
        # Side by side, because starting to decode takes longer than hearing a short recording.
        with ThreadPoolExecutor(available_threads(engine.settings)) as pool, counting("hearing", len(paths)) as advance:
            for path, heard in zip(paths, pool.map(partial(_hear, engine), paths), strict=True):
                self._heard[path] = heard
                advance()

    def voiceprint(self, recordings: Sequence[Path]) -> Voiceprint:
        """Return the voiceprint of a person's recordings, made without the checks of an enrolment.

        Raises:
            InputError: one of them cannot be used.
        """
        prototypes = [self._prototype(path) for path in recordings]
        return Voiceprint(
            prototypes=np.stack([prototype.vector for prototype in prototypes]),
            seconds=tuple(prototype.seconds for prototype in prototypes),
            space=self._space,
        )

    def pooled(self, recordings: Sequence[Path]) -> tuple[NDArray[np.float32], float]:
        """Return the embedding, shape [dimension], of a person's recordings, and the seconds of speech behind it.

        Raises:
            InputError: one of them cannot be used.
        """
        voiceprint = self.voiceprint(recordings)
        return voiceprint.embedding, voiceprint.speech_seconds

    def _prototype(self, path: Path) -> Prototype:
        heard = self._heard[path]
        if isinstance(heard, InputError):
            raise heard
        return heard


def _hear(engine: Engine, path: Path) -> Prototype | InputError:
    try:
        return engine.embed(path)
    except InputError as error:
        return type(error)(f"{path}: {error}")
