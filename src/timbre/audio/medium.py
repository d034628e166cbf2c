"""One recording of a media file: its sound tracks, decoded together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.stream import Discard

from timbre.audio import Tracks
from timbre.audio.clock import SKEW
from timbre.audio.ffmpeg import FAULTS, open_container
from timbre.audio.parts import Part
from timbre.audio.scale import Gauge, Scale
from timbre.audio.selection import select
from timbre.audio.track import Piece, Track

_SLOWEST_BITRATE: Final = 1_000  # bit/s; a claim of length that would need less than this is not believed
# Formats whose beginning is time 0, also where nothing is heard yet.
_TIMELINES: Final = {"asf", "flv", "matroska", "mov", "ogg"}
_LONGEST_LEAD: Final = 60.0  # seconds, or as long as the sound is; a clock that shows more was running already
_TAG: Final = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)\0?")  # hours, minutes, seconds
_PIPED_RIFF_SIZE: Final = 0x7FFF0000  # bytes; a WAV file that promises more was written without knowing


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be heard of a file, and within which limits."""

    tracks: Tracks
    alone: bool  # of those that would be mixed the best only, as its channels are asked for
    longest: float  # seconds
    demuxer: str | None = None  # FFmpeg's name of a format, where only the name of the file tells it


class Medium:
    """A part of a file, open."""

    def __init__(self, file: BinaryIO, part: Part, wish: Wish, most: int | None = None) -> None:
        """Open it.

        Args:
            file: A regular file.
            part: Of that.
            wish: What shall be heard.
            most: Tracks, at most.

        Raises:
            AudioUnreadable: this is no media file, or none with sound that can be decoded.
            TrackMissing, TracksInseparable: it has no such tracks.
        """
        self._file, self._part, self._wish, self._most = file, part, wish, most
        self._size = len(part.head) + part.end - part.start
        self._broken_off: str | None = None
        self._open()
        self.scale = Scale()
        if any(track.unbounded for track in self.tracks):
            self.scale = self._scale()
            self._open()

    def _open(self) -> None:
        opened = self._part.opened(self._file)
        self._beginning = opened.read(1 << 16)
        opened.seek(0)
        container = open_container(opened, self._part.demuxer or self._wish.demuxer)
        streams, self._notes = select(container, self._wish.tracks, alone=self._wish.alone)
        for stream in container.streams:
            if stream not in streams[: self._most]:
                stream.discard = Discard.all
        self.claim = _claimed_seconds(container, streams[0])
        self._zero, began = _zero(container, self._wish.longest)
        if began:
            self.claim = self.claim - began if self.claim and self.claim > began else self.claim
            self._notes.append(f"the clock of the file begins at {began:.1f} s; times count from there")
        self._container = container
        self.tracks = [Track(stream, zero=self._zero, longest=self._wish.longest) for stream in streams[: self._most]]

    @property
    def believed(self) -> float | None:
        """Length in seconds as the container claims it, where the file is large enough for it to be true."""
        return self.claim if self.claim and self._size * 8 / _SLOWEST_BITRATE >= self.claim else None

    def pieces(self) -> Iterator[tuple[int, Piece]]:
        """Yield (number of the track, piece) to the end, or to where it breaks off.

        Raises:
            AudioUnreadable: a rate becomes impossible.
        """
        numbers = {track.stream.index: number for number, track in enumerate(self.tracks)}
        packets = self._container.demux([track.stream for track in self.tracks])
        while True:
            try:
                packet = next(packets)
            except (StopIteration, IndexError):  # PyAV's end, or its end where tracks have appeared on the way
                break
            except MemoryError:
                raise
            except FAULTS as error:
                self._broken_off = error.strerror
                break
            number = numbers[packet.stream.index]
            for piece in self.tracks[number].decoded(packet):
                yield number, piece
        for number, track in enumerate(self.tracks):
            for piece in track.finish():
                yield number, piece

    def shortfalls(self) -> Iterator[str]:
        """Say what is missing, once all pieces were taken."""
        if self._part.warning:
            yield self._part.warning
        yield from self._notes
        if self.scale.warning:
            yield self.scale.warning
        if self._broken_off:
            yield f"the file cannot be read to its end ({self._broken_off})"
        for number, track in enumerate(self.tracks):
            for fault in track.shortfalls():
                yield f"sound track {number}: {fault}" if len(self.tracks) > 1 else fault
        seconds = max(track.seconds for track in self.tracks)
        if self.claim and not self._claim_is_guess() and self.claim - seconds > max(1.0, 0.02 * self.claim):
            yield f"the recording ends at {seconds:.1f} s, though its header promises {self.claim:.1f} s"
        elif self._size < (promised := _riff_size(self._beginning)):
            yield f"the file ends after {self._size} bytes, though its header promises {promised}"

    def _scale(self) -> Scale:
        """Find the scale of floats by decoding all of them once."""
        gauge = Gauge()
        for _, piece in self.pieces():
            gauge.add(piece.block)
        return gauge.scale()

    def _claim_is_guess(self) -> bool:
        """Tell whether the length stands nowhere in the file, and FFmpeg made it up from the first bit rates."""
        name = self._container.format.name
        if name == "mp3":
            return not any(tag in self._beginning for tag in (b"Xing", b"Info", b"VBRI"))
        return name in ("aac", "ac3", "dts", "eac3", "loas", "mlp", "truehd")


def _claimed_seconds(container: InputContainer, stream: av.AudioStream) -> float | None:
    seconds = container.duration / av.time_base if container.duration else 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif tag := _TAG.fullmatch(stream.metadata.get("DURATION", "")):  # as Matroska has it of each track
        seconds = 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    return seconds if seconds > 0 else None


def _zero(container: InputContainer, longest: float) -> tuple[float, float]:
    """Return the timestamp, in seconds, at which a player begins, and that of a clock that was running already."""
    start = container.start_time / av.time_base if container.start_time is not None else 0.0
    if start < SKEW or not _TIMELINES & set(container.format.name.split(",")):
        return start, 0.0
    length = container.duration / av.time_base - start if container.duration else 0.0
    return (0.0, 0.0) if start <= min(max(length, _LONGEST_LEAD), longest) else (start, start)


def _riff_size(beginning: bytes) -> int:
    """Return the bytes that the header of a WAV file promises, or 0; those written to a pipe promise 2 GiB or more."""
    size = int.from_bytes(beginning[4:8], "little") + 8
    return size if beginning[:4] == b"RIFF" and beginning[8:12] == b"WAVE" and size < _PIPED_RIFF_SIZE else 0
