"""What a process says, as it says it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TextIO

ENOUGH = 60.0  # seconds until a process that has something to say has said it


class Said:
    """Lines of a process. They are read at once: a process whose pipe is full waits until somebody reads it."""

    def __init__(self, stream: TextIO) -> None:
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        Thread(target=self._read, args=[stream], daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        """The lines that nobody has taken, until all who write there have ended; `queue.Empty` if none comes."""
        return iter(partial(self._lines.get, timeout=ENOUGH), None)

    def _read(self, stream: TextIO) -> None:
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)
