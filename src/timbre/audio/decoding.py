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
from typing import Any, Literal

from timbre.audio import MOST_CHANNELS, MOST_TRACKS, SAMPLE_RATE, Tracks
from timbre.audio.decoding_process import DecodingProcess, start
from timbre.audio.recording import Condition, Header, Recording, Together
from timbre.audio.source import AudioSource, FileSource, check_kind, named_demuxer, opened
from timbre.audio.temporary import temporary_file
from timbre.errors import (
    AudioEmpty,
    AudioTooLong,
    AudioUnreadable,
    ChannelMissing,
    ChannelsInseparable,
    DecodingInterrupted,
    DiskFull,
    TimbreError,
    TrackMissing,
    TracksInseparable,
)
from timbre.settings import Settings

# Signals by which a faulty decoder ends; every other comes from outside, whatever the file is.
_OF_FILES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
_CHILD_ERRORS = {
    kind.__name__: kind
    for kind in (
        AudioUnreadable,
        AudioEmpty,
        AudioTooLong,
        ChannelMissing,
        ChannelsInseparable,
        TrackMissing,
        TracksInseparable,
        DiskFull,
        TimbreError,
    )
}


def open_recording(
    source: AudioSource, *, channel: int | None = None, tracks: Tracks = "mixed", settings: Settings
) -> Recording:
    """Open a recording; decoding goes on in the background while it is read.

    Args:
        source: a path, the bytes of a file, a binary file object, or `(array, rate)`.
        channel: the channel to take, counted from 0; None averages all channels.
        tracks: the sound track of a file to take, counted from 0; `mixed` averages all, or takes the best one where a
            channel is taken. An array is one track.
        settings: `temp_dir` and the limits `max_hours`, `decode_memory_mb` and `decode_seconds` are used.

    Returns:
        The recording; close it, or use it as a context manager. What is wrong inside a file is raised when the
        recording is read.

    Raises:
        AudioUnreadable: there is no such file, or it may not be read; or the array is not one of samples.
        AudioEmpty: the file or the array is empty.
        AudioTooLong: the array is longer than `settings.max_hours`.
        ChannelMissing: the array has no such channel.
        TrackMissing: an array has no such track.
    """
    check_kind(source)
    if channel is not None and not isinstance(channel, int):
        raise ChannelMissing(f"channel is a whole number from 0 on, not {channel!r}.")
    if isinstance(source, tuple):
        from timbre.audio.arrays import converted  # noqa: PLC0415 - soxr, which only the child needs otherwise

        if tracks not in ("mixed", 0):
            raise TrackMissing(f"An array of samples is one track, and has no track {tracks}; leave `tracks` out.")
        samples, rate = source
        return converted(samples, rate, channel=channel, settings=settings)
    return _start(source, {"channel": channel, "tracks": tracks, "separate": None}, 1, settings)[0]


def open_separately(
    source: AudioSource, by: Literal["channels", "tracks"], *, tracks: Tracks = "mixed", settings: Settings
) -> list[Recording]:
    """Open every channel of a recording, or every sound track, as one of its own; all are decoded in one pass.

    Args:
        source: as in `open_recording`.
        by: what is to be separate.
        tracks: the track whose channels to take; the best one, if it is `mixed`.
        settings: as in `open_recording`.

    Returns:
        The channels, from 2 to 8, or the tracks, from 2 to 16, in their order, all of one length; close them all. Their
        warnings, clipped fraction and samples that are no numbers are those of the whole.

    Raises:
        AudioUnreadable: there is no such file, it may not be read, or it cannot be decoded; or the array is not one
            of samples.
        AudioEmpty: the file or the array is empty.
        AudioTooLong: the recording is longer than `settings.max_hours`.
        ChannelsInseparable: there is one channel, or more than 8.
        TrackMissing: there is no such track.
        TracksInseparable: there is one track, or more than 16.
    """
    check_kind(source)
    if isinstance(source, tuple):
        from timbre.audio.arrays import separated  # noqa: PLC0415 - as above

        if by == "tracks":
            raise TracksInseparable("An array of samples is one track; leave `tracks` out, or take its channels.")
        samples, rate = source
        return separated(samples, rate, settings=settings)
    order = {"channel": None, "tracks": "separate" if by == "tracks" else tracks, "separate": by}
    recordings = _start(source, order, MOST_TRACKS if by == "tracks" else MOST_CHANNELS, settings)
    used = 0
    try:
        used = recordings[0].outputs
    finally:
        for spare in recordings[used:]:
            spare.close()
    return recordings[:used]


def _start(source: FileSource, order: dict[str, Any], outputs: int, settings: Settings) -> list[Recording]:
    """Decode into one recording, or into as many as there may be channels or tracks.

    Raises:
        AudioUnreadable: there is no such file, or it may not be read.
        AudioEmpty: it is empty.
    """
    limits = {
        "max_samples": round(settings.max_hours * 3600 * SAMPLE_RATE),
        "memory": settings.decode_memory_mb << 20,
        "seconds": settings.decode_seconds,
    }
    with opened(source, settings.temp_dir) as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise AudioEmpty
        files = [temporary_file(settings.temp_dir) for _ in range(outputs)]
        child = start(order | limits | {"demuxer": named_demuxer(source)}, file, files)
    listener = _Listener(child, settings)
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
            case {
                "opened": {"rate": int(rate), "channels": int(channels), "seconds": seconds, "outputs": int(outputs)}
            }:
                recording.begin(Header(rate=rate, channels=channels, seconds=seconds, outputs=outputs))
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
                DecodingInterrupted("The decoding process cannot run or was lost; try again, then see `timbre doctor`.")
            )
        elif -code not in _OF_FILES:
            reason = f"signal {-code}" + (
                ", as the system sends it when memory is short" if code == -signal.SIGKILL else ""
            )
            recording.fail(DecodingInterrupted(f"Decoding was ended from outside ({reason}); try again."))
        else:
            self._break_down(f"signal {-code}", recording)

    def _break_down(self, reason: str, recording: Recording | Together) -> None:
        """End the recording of a child that could not bring it to an end."""
        if recording.decoded:
            seconds = recording.decoded / SAMPLE_RATE
            claim = recording.expected_duration
            rest = f" of {claim:.1f} s" if claim else ""
            recording.finish(
                Condition(
                    warnings=(
                        f"decoding broke down at {seconds:.1f} s{rest}, and what follows was not heard ({reason})",
                    )
                )
            )
        else:
            recording.fail(AudioUnreadable(f"Could not load audio: decoding broke down ({reason})."))
