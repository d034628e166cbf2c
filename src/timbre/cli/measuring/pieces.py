"""Pieces of people's speech, as they said it and as they would in other moods: what `fit_variation` learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from timbre.audio.recording import SAMPLE_RATE
from timbre.cli.display.progress import counting
from timbre.errors import InputError
from timbre.evaluation.moods import FASTEST, moody
from timbre.evaluation.variation import HOP, Piece
from timbre.models.runtime import available_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.engine import Engine

_MOST_RECORDINGS: Final = 3  # of a person
_LONGEST: Final = 10 * SAMPLE_RATE  # samples of speech of a recording
_SHORTEST: Final = int(2.6 * SAMPLE_RATE)
_AROUSAL: Final = (0.8, 1.6)  # spread of moods, and the furthest


def hear_pieces(engine: Engine, people: Mapping[tuple[str, str], Sequence[Path]]) -> list[Piece]:
    """Hear some recordings of everybody, each as it is and in a mood of chance; the same for the same files.

    Args:
        engine: Hears them.
        people: Recordings by group and person; what cannot be used is left out.
    """
    chosen = [(who, path) for who, paths in people.items() for path in paths[:_MOST_RECORDINGS]]
    pieces = []
    with ThreadPoolExecutor(available_threads(engine.settings)) as pool, counting("hearing", len(chosen)) as advance:
        for (group, person), heard in zip(
            (who for who, _ in chosen), pool.map(lambda one: _hear(engine, one[1]), chosen), strict=True
        ):
            pieces += [Piece(person=person, group=group, vectors=vectors) for vectors in heard]
            advance()
    return pieces


def _hear(engine: Engine, path: Path) -> list[NDArray[np.float32]]:
    try:
        said = engine.speech(path)[:_LONGEST]
    except InputError:
        return []
    if len(said) < _SHORTEST:
        return []
    generator = np.random.default_rng(crc32(path.name.encode()))
    spread, furthest = _AROUSAL
    arousal = np.array([[np.clip(generator.normal(0, spread), -furthest, furthest)]], np.float32)
    again = moody(said[None], int(len(said) / FASTEST), generator, arousal)[0]
    return [engine.window_vectors(samples, step=int(HOP * SAMPLE_RATE)) for samples in (said, again)]
