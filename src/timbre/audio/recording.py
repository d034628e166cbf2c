"""A recording while and after it is decoded: 16 kHz mono, read in pieces of any size.

The samples lie as int16 in a temporary file that has no name, so that it is gone with the last process that holds it.
A decoder appends to it and says so through `begin`, `advance`, `finish` and `fail`; readers wait for what they need:

    with open_recording("meeting.mp3", settings=Settings()) as recording:
        for block in recording.blocks(16_000):      # computes while the rest is still being decoded
            ...
        print(recording.duration, recording.warnings)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np
import numpy.typing as npt

from timbre.audio import SAMPLE_RATE
from timbre.audio.temporary import storage_error

__all__ = ["SAMPLE_RATE", "Condition", "Header", "Recording", "Together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a recording before it is decoded."""

    rate: int  # Hz, of the source
    channels: int  # of the source
    seconds: float | None = None  # length as the container claims it, which may be wrong
    outputs: int = 1  # recordings that are made of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is known of a recording once it is decoded."""

    clipped: float = 0.0  # fraction of the source's samples at full scale
    non_finite: int = 0  # samples of the source that were NaN or infinite, and became 0
    warnings: tuple[str, ...] = field(default=())  # what was wrong with it, in words


class Recording:
    """Sound at 16 kHz, mono. A context manager; closing ends the decoding and frees the temporary file.

    Every property and method that needs more than is decoded waits for it, and raises the error that ended decoding:
    `AudioUnreadable`, `AudioEmpty`, `AudioTooLong`, `ChannelMissing`, or `TimbreError` where the machine is at fault.
    """

    def __init__(self, file: BinaryIO, *, on_close: Callable[[], None] = lambda: None) -> None:
        self._file = file
        self._on_close = on_close
        self._changed = threading.Condition()
        self._available = 0
        self._header: Header | None = None
        self._condition: Condition | None = None
        self._error: Exception | None = None
        self._closed = False

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Return samples `start` to `stop` (positions at 16 kHz), float32 [n] in [-1, 1).

        Waits until they are decoded; n is smaller, down to 0, where the recording ends before `stop`.
        """
        return self.pcm(start, stop).astype(np.float32) / np.float32(32_768)

    def pcm(self, start: int, stop: int) -> npt.NDArray[np.int16]:
        """Return samples as `read` does, int16 [n] as they are kept; they cannot be written to."""
        if not 0 <= start <= stop:
            raise ValueError(f"expected 0 <= start <= stop, got {start} and {stop}")
        self._wait(lambda: self._available >= stop)
        with self._changed:
            stop = min(stop, self._available)
            data = os.pread(self._file.fileno(), 2 * max(0, stop - start), 2 * start)
        return np.frombuffer(data, np.int16)

    def blocks(self, size: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the whole recording in blocks of `size` samples; the last may be shorter, none is empty."""
        if size < 1:
            raise ValueError(f"expected a positive size, got {size}")
        start = 0
        while len(block := self.read(start, start + size)):
            yield block
            start += size

    @property
    def samples(self) -> int:
        """Length in samples at 16 kHz; waits for the end of decoding."""
        self._ended()
        return self._available

    @property
    def duration(self) -> float:
        """Length in seconds; waits for the end of decoding."""
        return self.samples / SAMPLE_RATE

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the source though it could be used, in words; waits for the end of decoding."""
        return self._ended().warnings

    @property
    def clipped_fraction(self) -> float:
        """Fraction of the source's samples, of all channels, at full scale; waits for the end of decoding."""
        return self._ended().clipped

    @property
    def non_finite_samples(self) -> int:
        """Samples of the source that were NaN or infinite, and became 0; waits for the end of decoding."""
        return self._ended().non_finite

    @property
    def source_rate(self) -> int:
        """Sample rate of the source in Hz."""
        return self._opened().rate

    @property
    def source_channels(self) -> int:
        """Channel count of the source."""
        return self._opened().channels

    @property
    def outputs(self) -> int:
        """How many recordings are made of the source: one, or one for each channel or sound track."""
        return self._opened().outputs

    @property
    def expected_duration(self) -> float | None:
        """Length in seconds as the source claims it, for a progress bar; None when it does not. It may be wrong."""
        return self._opened().seconds

    @property
    def decoded(self) -> int:
        """Samples decoded by now; never waits."""
        with self._changed:
            return self._available

    def close(self) -> None:
        """End the decoding if it still goes on, and free the file."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._on_close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, header: Header) -> None:
        """Decoder: the header was read."""
        with self._changed:
            self._header = header
            self._changed.notify_all()

    def append(self, samples: npt.NDArray[np.int16]) -> None:
        """Decoder in this process: write the next samples to the file.

        Raises:
            TimbreError: there is no room for them.
        """
        try:
            self._file.write(samples.tobytes())
            self._file.flush()
        except OSError as error:
            raise storage_error(error.strerror) from error
        self.advance(self._available + len(samples))

    def advance(self, samples: int) -> None:
        """Decoder in another process: the file holds this many samples now."""
        with self._changed:
            self._available = samples
            self._changed.notify_all()

    def finish(self, condition: Condition) -> None:
        """Decoder: everything is in the file."""
        with self._changed:
            self._condition = condition
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """Decoder: it cannot go on; whoever waits gets this error."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _opened(self) -> Header:
        self._wait(lambda: self._header is not None)
        return cast("Header", self._header)

    def _ended(self) -> Condition:
        self._wait(lambda: self._condition is not None)
        return cast("Condition", self._condition)

    def _wait(self, enough: Callable[[], bool]) -> None:
        """Wait until there is enough or nothing more will come.

        Raises:
            TimbreError: decoding failed before there was enough.
            ValueError: the recording is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or enough() or self._condition or self._error)
            if self._closed:
                raise ValueError("this recording is closed")
            if self._error is not None and not enough():
                raise self._error


class Together:
    """Recordings that one decoder in another process fills at the same pace: the channels of one source."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings

    @property
    def decoded(self) -> int:
        """Samples of each decoded by now; never waits."""
        return self._recordings[0].decoded

    @property
    def expected_duration(self) -> float | None:
        """Length in seconds as the source claims it."""
        return self._recordings[0].expected_duration

    def begin(self, header: Header) -> None:
        """Decoder: the header was read."""
        for recording in self._recordings:
            recording.begin(header)

    def advance(self, samples: int) -> None:
        """Decoder: each file holds this many samples now."""
        for recording in self._recordings:
            recording.advance(samples)

    def finish(self, condition: Condition) -> None:
        """Decoder: everything is in the files."""
        for recording in self._recordings:
            recording.finish(condition)

    def fail(self, error: Exception) -> None:
        """Decoder: it cannot go on."""
        for recording in self._recordings:
            recording.fail(error)
