"""The child process that decodes untrusted media: any file in, 16 kHz mono int16 out.

Forked by `launcher.py`. It has open files, the input and the output, or an output for each channel or sound track, and
tells its parent how it goes with one JSON object a line on standard output:

    {"opened": {"rate": 44100, "channels": 2, "seconds": 12.5, "outputs": 1}}    once the header is read
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
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from timbre.audio import SAMPLE_RATE
from timbre.audio.converter import CANCELLED, Converters, check_channel, check_separable
from timbre.audio.media import Media
from timbre.audio.medium import Medium, Wish
from timbre.audio.outputs import Lane, check_room, fill_up
from timbre.errors import AudioEmpty, AudioTooLong, AudioUnreadable, TimbreError


def main(order: dict[str, Any]) -> None:
    """Decode as ordered, and report on standard output.

    Args:
        order: `input` and `outputs` (file descriptors), `separate` (`channels` or `tracks`, that have an output each,
            or None), `tracks` and `channel` (or None) as in `open_recording`, `demuxer` (FFmpeg's name of the format,
            or None), and the limits `max_samples` (at 16 kHz), `memory` (bytes) and `seconds`.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    die_with_parent()
    with ExitStack() as files:
        file = files.enter_context(os.fdopen(order["input"], "rb", buffering=0))
        outputs: list[BinaryIO] = [
            files.enter_context(os.fdopen(output, "r+b", buffering=0)) for output in order["outputs"]
        ]
        confine(order["memory"], order["seconds"], 2 * order["max_samples"])
        try:
            report(done=_decode(order, file, outputs))
        except TimbreError as error:
            report(error={"kind": type(error).__name__, "message": str(error)})
        except MemoryError:
            report(error={"kind": "memory", "message": ""})
        except Exception as error:  # noqa: BLE001 - FFmpeg and the file decide what this can be
            report(error={"kind": "fault", "message": f"{type(error).__name__}: {error}"})


def _decode(order: dict[str, Any], file: BinaryIO, files: list[BinaryIO]) -> dict[str, Any]:
    """Decode all of the file, reporting as it goes; return the last report."""
    longest = order["max_samples"]
    separate, channel = order["separate"], order["channel"]
    wish = Wish(
        tracks=order["tracks"],
        alone=separate == "channels" or channel is not None,
        longest=longest / SAMPLE_RATE,
        demuxer=order["demuxer"],
    )
    media = Media(file, wish)
    first = media.first.tracks[0]
    if separate == "channels":
        check_separable(first.channels)
    check_channel(channel, first.channels)
    if (media.first.believed or 0) > wish.longest:
        raise AudioTooLong
    lanes, files = _lanes(order, media.first, files)
    if media.first.believed is not None:
        check_room(files, round(media.first.believed * SAMPLE_RATE))
    report(opened={"rate": first.rate, "channels": first.channels, "seconds": media.first.claim, "outputs": len(files)})
    for medium in media.parts():
        base = max(lane.samples for lane in lanes)
        for lane in lanes:
            lane.begin_part(base)
        for number, piece in medium.pieces():
            block = piece.block if medium.scale.factor == 1 else piece.block * medium.scale.factor
            lanes[number].take(block, piece.rate, piece.start, medium.tracks[number].full_scale)
            if lanes[number].samples > longest:
                raise AudioTooLong
            report(samples=min(lane.samples for lane in lanes))
        for lane in lanes:
            lane.finish()
    samples = max(lane.samples for lane in lanes)
    if samples > longest:
        raise AudioTooLong
    if not samples:
        raise AudioUnreadable if media.damaged else AudioEmpty
    fill_up(files, samples)
    report(samples=samples)
    return _condition([lane.converters for lane in lanes], media.warnings)


def _lanes(order: dict[str, Any], medium: Medium, files: list[BinaryIO]) -> tuple[list[Lane], list[BinaryIO]]:
    """Return what each track goes through, and the files that are written to."""
    tracks = len(medium.tracks)
    if order["separate"] == "channels":
        files = files[: medium.tracks[0].channels]
        return [Lane(Converters(separate=len(files)), files, 1)], files
    if order["separate"] == "tracks":
        files = files[:tracks]
        return [Lane(Converters(), [file], 1) for file in files], files
    return [Lane(Converters(channel=order["channel"]), files[:1], tracks) for _ in range(tracks)], files[:1]


def _condition(converters: Sequence[Converters], warnings: list[str]) -> dict[str, Any]:
    seen = sum(one.values for one in converters)
    if cancelled := sum(one.cancelled for one in converters):
        warnings = [*warnings, CANCELLED.format(seconds=cancelled)]
    return {
        "clipped": sum(one.clipped for one in converters) / max(seen, 1),
        "non_finite": sum(one.non_finite for one in converters),
        "warnings": warnings,
    }


def report(**message: Any) -> None:
    """Tell the parent something, as a line of JSON."""
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


def confine(memory: int, seconds: float, output_bytes: int) -> None:
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


def die_with_parent() -> None:
    """Have the kernel end this process when standard input closes, whatever it is busy with."""
    fcntl.fcntl(sys.stdin, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(sys.stdin, fcntl.F_SETFL, fcntl.fcntl(sys.stdin, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([sys.stdin], [], [], 0)[0]:
        sys.exit(1)
