"""A process that answers the questions of streams, and remembers none of them.

It is started by the API, is sent questions on its standard input and answers on its standard output, and ends when
nobody is there to ask any more.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from timbre.live.requests import AskSpeakers, AskSpeech, AskVoice, Question
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from timbre.engine import Engine
    from timbre.settings import Settings

SIZE: Final = struct.Struct("<Q")  # of what follows, in bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Questions of streams whose voices are compared in one space."""

    space: str
    questions: Sequence[Question]


def packed(value: object) -> bytes:
    """Return a value as it goes from process to process, which are both our own."""
    record = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return SIZE.pack(len(record)) + record


def _read(source: BinaryIO) -> Any:
    head = source.read(SIZE.size)
    if len(head) < SIZE.size:
        raise EOFError
    record = source.read(SIZE.unpack(head)[0])
    return pickle.loads(record)  # noqa: S301 - of the process that started this one


def main() -> None:
    """Load the models of the settings that come first, say so, and answer until nobody asks."""
    source = sys.stdin.buffer
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what else prints does not stand among the answers
    settings: Settings = _read(source)
    from timbre.engine import Engine  # noqa: PLC0415 - slow to import

    engine = Engine(settings=settings)
    _warm(engine)
    _write(out, packed(engine.space))
    while True:
        try:
            batch: Batch = _read(source)
        except EOFError:
            return
        _write(out, packed(engine.of_space(batch.space).hearing().answer(batch.questions)))


def _warm(engine: Engine) -> None:
    """Load what is loaded with the first question of each kind, so that no stream waits for it."""
    hearing, noise = engine.hearing(), np.random.default_rng(0)
    silence = np.zeros(25_600, np.float32)
    vectors = unit(noise.standard_normal((8, engine.same_voice.centre.size)).astype(np.float32))
    hearing.answer(
        [
            AskSpeech(samples=silence, state=None),
            AskVoice(window=silence),
            AskSpeakers(vectors=vectors, starts=6_400 * np.arange(8), most=2),
        ]
    )


def _write(out: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view) :]


if __name__ == "__main__":
    main()
