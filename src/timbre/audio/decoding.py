"""Opening recordings: the parent's half of decoding.

Files are decoded by a child process (`decoder.py`), because what they hold is not to be trusted; arrays are converted
here. A thread listens to the child, keeps its time limit, and turns its end, whatever it was, into the end of the
`Recording`: the child is always waited for, so none is left behind.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from timbre.audio import MOST_CHANNELS, SAMPLE_RATE
from timbre.audio.decoding_process import DecodingProcess, start
from timbre.audio.recording import Condition, Header, Recording, Together
from timbre.audio.source import AudioSource, check_kind, opened
from timbre.audio.temporary import temporary_file
from timbre.errors import (
    AudioEmpty,
    AudioTooLong,
    AudioUnreadable,
    ChannelMissing,
    ChannelsInseparable,
    TimbreError,
)
from timbre.settings import Settings

_CHILD_ERRORS = {
    kind.__name__: kind
    for kind in (AudioUnreadable, AudioEmpty, AudioTooLong, ChannelMissing, ChannelsInseparable, TimbreError)
}


def open_recording(source: AudioSource, *, channel: int | None = None, settings: Settings) -> Recording:
    """Open a recording; decoding goes on in the background while it is read.

    Args:
        source: a path, the bytes of a file, a binary file object, or `(array, rate)`.
        channel: the channel to take, counted from 0; None averages all channels.
        settings: `temp_dir` and the limits `max_hours`, `decode_memory_mb` and `decode_seconds` are used.

    Returns:
        The recording; close it, or use it as a context manager. What is wrong inside a file is raised when the
        recording is read.

    Raises:
        AudioUnreadable: there is no such file, or it may not be read; or the array is not one of samples.
        AudioEmpty: the file or the array is empty.
        AudioTooLong: the array is longer than `settings.max_hours`.
        ChannelMissing: the array has no such channel.
    """
    check_kind(source)
    if channel is not None and not isinstance(channel, int):
        raise ChannelMissing(f"channel is a whole number from 0 on, not {channel!r}.")
    if isinstance(source, tuple):
        from timbre.audio.arrays import converted  # noqa: PLC0415 - soxr, which only the child needs otherwise

        samples, rate = source
        return converted(samples, rate, channel=channel, settings=settings)
    with opened(source, settings.temp_dir) as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise AudioEmpty
        return _start(file, channel, 1, settings)[0]


def open_channels(source: AudioSource, *, settings: Settings) -> list[Recording]:
    """Open every channel of a recording as one of its own; all are decoded at once, in one pass.

    Args:
        source: as in `open_recording`.
        settings: as in `open_recording`.

    Returns:
        The channels in their order, from 2 to 8, all of one length; close them all. Their warnings, clipped fraction
        and samples that are no numbers are those of the whole.

    Raises:
        AudioUnreadable: there is no such file, it may not be read, or it cannot be decoded; or the array is not one
            of samples.
        AudioEmpty: the file or the array is empty.
        AudioTooLong: the recording is longer than `settings.max_hours`.
        ChannelsInseparable: there is one channel, or more than 8.
    """
    check_kind(source)
    if isinstance(source, tuple):
        from timbre.audio.arrays import separated  # noqa: PLC0415 - as above

        samples, rate = source
        return separated(samples, rate, settings=settings)
    with opened(source, settings.temp_dir) as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise AudioEmpty
        recordings = _start(file, None, MOST_CHANNELS, settings)
    try:
        channels = recordings[0].source_channels
    except BaseException:
        channels = 0
        raise
    finally:
        for spare in recordings[channels:]:
            spare.close()
    return recordings[:channels]


def _start(file: BinaryIO, channel: int | None, outputs: int, settings: Settings) -> list[Recording]:
    """Decode into one recording, or into one for each channel that there may be."""
    files = [temporary_file(settings.temp_dir) for _ in range(outputs)]
    order = {
        "channel": channel,
        "max_samples": round(settings.max_hours * 3600 * SAMPLE_RATE),
        "memory": settings.decode_memory_mb << 20,
        "seconds": settings.decode_seconds,
    }
    listener = _Listener(start(order, file, files), settings)
    recordings = [Recording(files[0], on_close=listener.stop), *map(Recording, files[1:])]
    listener.start(recordings[0] if outputs == 1 else Together(recordings))
    return recordings


class _Listener:
    """Passes on what a child reports to its recording, and ends it in time."""

    def __init__(self, child: DecodingProcess, settings: Settings) -> None:
        self._child = child
        self._settings = settings
        self._deadline = time.monotonic() + settings.decode_seconds
        self._thread: threading.Thread | None = None

    def start(self, recording: Recording | Together) -> None:
        self._thread = threading.Thread(target=self._listen, args=(recording,), name="timbre-decoding", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._child.kill()
        if self._thread is not None:
            self._thread.join()

    def _listen(self, recording: Recording | Together) -> None:
        try:
            try:
                ended = any(self._pass_on(json.loads(line), recording) for line in self._lines())
                in_time = time.monotonic() < self._deadline
            finally:
                self._child.kill()
                code = self._child.wait()
            if not ended:
                self._explain(code, recording, in_time=in_time)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            recording.fail(TimbreError(f"Decoding could not be followed to its end ({error})."))

    def _lines(self) -> Iterator[bytes]:
        """Yield lines until the child closes its output, or time is up."""
        pipe, rest = self._child.reports, b""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while poll.poll(max(0.0, 1000 * (self._deadline - time.monotonic()))):
            data = pipe.read(1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from lines

    def _pass_on(self, message: dict[str, Any], recording: Recording | Together) -> bool:
        """Tell the recording one message; return whether it was the last."""
        match message:
            case {"samples": int(samples)}:
                recording.advance(samples)
            case {"opened": {"rate": int(rate), "channels": int(channels), "seconds": float() | None as seconds}}:
                recording.begin(Header(rate=rate, channels=channels, seconds=seconds))
            case {"done": {"clipped": float(clipped), "non_finite": int(non_finite), "warnings": [*warnings]}}:
                recording.finish(Condition(clipped=clipped, non_finite=non_finite, warnings=tuple(warnings)))
                return True
            case {"error": {"kind": "fault", "message": str(reason)}}:
                self._break_down(reason, recording)
                return True
            case {"error": {"kind": str(kind), "message": str(text)}}:
                recording.fail(self._error(kind, text))
                return True
        return False

    def _error(self, kind: str, message: str) -> TimbreError:
        unsafe = "if you trust the file, raise"
        match kind:
            case "memory":
                size = self._settings.decode_memory_mb
                message = f"Could not load audio: it needs more than {size} MiB; {unsafe} TIMBRE_DECODE_MEMORY_MB."
            case "time":
                seconds = self._settings.decode_seconds
                message = f"Could not load audio: it takes longer than {seconds:g} s; {unsafe} TIMBRE_DECODE_SECONDS."
        return _CHILD_ERRORS.get(kind, AudioUnreadable)(message)

    def _explain(self, code: int | None, recording: Recording | Together, *, in_time: bool) -> None:
        """End the recording of a child that ended with this code, if any, and without a last word."""
        if not in_time or code == -signal.SIGXCPU:
            recording.fail(self._error("time", ""))
        elif code is None or code > 0:  # what a file can do is caught and told, or is a signal
            recording.fail(
                TimbreError("The decoding process cannot run or was lost; try again, then see `timbre doctor`.")
            )
        else:
            self._break_down(f"signal {-code}", recording)

    def _break_down(self, reason: str, recording: Recording | Together) -> None:
        """End the recording of a child that could not bring it to an end."""
        if recording.decoded:
            seconds = recording.decoded / SAMPLE_RATE
            recording.finish(Condition(warnings=(f"decoding broke down at {seconds:.1f} s ({reason})",)))
        else:
            recording.fail(AudioUnreadable(f"Could not load audio: decoding broke down ({reason})."))
