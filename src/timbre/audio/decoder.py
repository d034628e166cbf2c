"""The child process that decodes untrusted media: any file in, 16 kHz mono int16 out.

Forked by `launcher.py`. It has open files, the input and the output, or an output for each channel, and tells its
parent how it goes with one JSON object a line on standard output:

    {"opened": {"rate": 44100, "channels": 2, "seconds": 12.5}}      once, as soon as the header is read
    {"samples": 16000}                                               whenever that many are in each output
    {"done": {"clipped": 0.0, "non_finite": 0, "warnings": []}}      the end, or
    {"error": {"kind": "AudioUnreadable", "message": "..."}}         the end

What a hostile file could want is not there: after start-up this process can open no file and no connection; memory,
processor time and output are limited; and when standard input closes, because the parent is gone, the kernel ends this
process too.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from timbre.audio import SAMPLE_RATE
from timbre.audio.converter import Converters, Mono16, check_channel, check_separable
from timbre.audio.temporary import storage_error
from timbre.audio.track import Track
from timbre.errors import AudioEmpty, AudioTooLong, AudioUnreadable, TimbreError


def main(order: dict[str, Any]) -> None:
    """Decode as ordered, and report on standard output.

    Args:
        order: `input` and `outputs` (file descriptors; several, one for each channel that there may be), `channel` (or
            None), and the limits `max_samples` (at 16 kHz), `memory` (bytes) and `seconds`.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _die_with_parent()
    with ExitStack() as files:
        file = files.enter_context(os.fdopen(order["input"], "rb", buffering=0))
        outputs = [files.enter_context(os.fdopen(output, "wb")) for output in order["outputs"]]
        _confine(order["memory"], order["seconds"], 2 * order["max_samples"])
        try:
            _report(done=_decode(order, file, outputs))
        except TimbreError as error:
            _report(error={"kind": type(error).__name__, "message": str(error)})
        except MemoryError:
            _report(error={"kind": "memory", "message": ""})
        except Exception as error:  # noqa: BLE001 - FFmpeg and the file decide what this can be
            _report(error={"kind": "fault", "message": f"{type(error).__name__}: {error}"})


def _decode(order: dict[str, Any], file: BinaryIO, outputs: Sequence[BinaryIO]) -> dict[str, Any]:
    """Decode all of the file, reporting as it goes; return the last report."""
    track = Track(file)
    separate = track.channels if len(outputs) > 1 else 0
    if separate:
        check_separable(separate)
    check_channel(order["channel"], track.channels)
    converters = Converters(channel=order["channel"], separate=separate)
    if (track.believed_seconds or 0) > order["max_samples"] / SAMPLE_RATE:
        raise AudioTooLong
    _report(opened={"rate": track.rate, "channels": track.channels, "seconds": track.claimed_seconds})
    samples = 0
    for blocks in _converted(track, converters):
        samples += len(blocks[0])
        if samples > order["max_samples"]:
            raise AudioTooLong
        for block, output in zip(blocks, outputs, strict=False):
            _store(block, output)
        _report(samples=samples)
    if not samples:
        raise AudioUnreadable if track.damaged else AudioEmpty
    return {
        "clipped": converters.clipped,
        "non_finite": converters.non_finite,
        "warnings": list(track.shortfalls(samples / SAMPLE_RATE)),
    }


def _converted(track: Track, converters: Converters) -> Iterator[list[Mono16]]:
    """Yield what has become ready for each output."""
    for block, rate in track.blocks():
        yield converters.convert(block, rate, track.full_scale)
    yield converters.finish()


def _store(block: Mono16, output: BinaryIO) -> None:
    try:
        output.write(block.tobytes())
        output.flush()
    except OSError as error:
        raise storage_error(error.strerror) from error


def _report(**message: Any) -> None:
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def _confine(memory: int, seconds: float, output_bytes: int) -> None:
    """Give up every right that decoding does not need; nothing can be imported or opened afterwards."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    _limit(resource.RLIMIT_CPU, math.ceil(seconds), grace=1)  # SIGXCPU tells the parent which limit it was
    _limit(resource.RLIMIT_FSIZE, output_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 0)


def _limit(what: int, value: int, *, grace: int = 0) -> None:
    highest = resource.getrlimit(what)[1]
    highest = sys.maxsize if highest == resource.RLIM_INFINITY else highest
    resource.setrlimit(what, (min(value, highest), min(value + grace, highest)))


def _die_with_parent() -> None:
    """Have the kernel end this process when standard input closes, whatever it is busy with."""
    fcntl.fcntl(sys.stdin, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(sys.stdin, fcntl.F_SETFL, fcntl.fcntl(sys.stdin, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([sys.stdin], [], [], 0)[0]:
        sys.exit(1)
