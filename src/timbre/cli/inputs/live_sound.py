"""Sound as it comes: a recording at the speed of time, raw samples from standard input, a microphone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from timbre.audio.decoding import open_recording
from timbre.audio.recording import SAMPLE_RATE
from timbre.errors import InputError, OptionError
from timbre.settings import Settings

Encoding = Literal["s16le", "f32le"]
PIECE: Final = 0.1  # seconds
RATES: Final = (8_000, 16_000, 24_000, 32_000, 44_100, 48_000)
_FULL_SCALE: Final = 32_768.0
_RATE: Final = str(SAMPLE_RATE)
_RECORDERS: Final = (
    ("parec", "--raw", "--format=s16le", f"--rate={_RATE}", "--channels=1", "--latency-msec=50"),
    ("arecord", "-q", "-t", "raw", "-f", "S16_LE", "-r", _RATE, "-c", "1"),
)


def recording(path: Path, settings: Settings, speed: float) -> Iterator[NDArray[np.float32]]:
    """Yield a recording in pieces, each when its sound would be over; at 0 as fast as it is taken.

    Raises:
        AudioError: it cannot be used.
    """
    size = round(PIECE * SAMPLE_RATE)
    with open_recording(path, channel=None, settings=settings) as opened:
        began = time.monotonic()
        place = 0
        while (piece := opened.read(place, place + size)).size:
            place += piece.size
            if speed:
                time.sleep(max(0.0, began + place / SAMPLE_RATE / speed - time.monotonic()))
            yield piece


def raw(rate: int, encoding: Encoding, source: IO[bytes] | None = None) -> Iterator[NDArray[np.float32]]:
    """Yield raw samples of one channel, from standard input unless a source is given, until it ends.

    Raises:
        OptionError: there is no such rate.
    """
    import soxr  # noqa: PLC0415 - slow to import

    if rate not in RATES:
        raise OptionError(f"--rate is one of {', '.join(map(str, RATES))}, not {rate}.")
    dtype = np.dtype("<i2" if encoding == "s16le" else "<f4")
    resample = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    size = round(PIECE * rate) * dtype.itemsize
    source = source or sys.stdin.buffer
    while data := source.read(size):
        samples = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype).astype(np.float32)
        samples = np.nan_to_num(samples / np.float32(_FULL_SCALE if dtype.kind == "i" else 1.0))
        yield samples if rate == SAMPLE_RATE else np.asarray(resample.resample_chunk(samples), np.float32)


def microphone() -> Iterator[NDArray[np.float32]]:
    """Yield what the system's recorder hears, until it ends.

    Raises:
        InputError: there is no recorder, or it hears nothing.
    """
    command = next((command for command in _RECORDERS if shutil.which(command[0])), None)
    if command is None:
        raise InputError(
            "There is no microphone that can be used: install parec (PulseAudio, PipeWire) or arecord (ALSA), or pipe"
            " raw sound of 16 kHz and 16 bits into `timbre listen -`."
        )
    with subprocess.Popen(command, stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None  # noqa: S101 - it is a pipe
        try:
            heard = False
            for piece in raw(SAMPLE_RATE, "s16le", recorder.stdout):
                heard = True
                yield piece
            if not heard:
                raise InputError(f"{command[0]} hears no microphone; name one in the settings of the system's sound.")
        finally:
            recorder.terminate()
