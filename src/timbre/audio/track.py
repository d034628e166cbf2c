"""One sound track of a media file, decoded by FFmpeg block by block.

Runs in the child process of `decoder.py`, since what a file holds is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import av

from timbre.audio.clock import SKEW, Clock, Placed
from timbre.audio.converter import FULL_SCALE, Block, block_length, check_rate
from timbre.audio.ffmpeg import FAULTS

_LARGEST_SAMPLE: Final = {
    "pcm_mulaw": 32_124 / 32_768,
    "pcm_alaw": 32_256 / 32_768,
    "pcm_u8": 127 / 128,
    "pcm_s8": 127 / 128,
}
_PLANES_READ_RIGHT: Final = 7  # PyAV looks for one plane too many, past the end of the array, beyond these


@dataclass(frozen=True, slots=True)
class Piece:
    """Some samples of a track."""

    block: Block  # [channels, n]
    rate: int  # Hz
    start: float | None  # seconds from the beginning of the file; None: where the piece before ends


class Track:
    """Decodes the packets of one track, and places what they hold in time."""

    def __init__(self, stream: av.AudioStream, *, zero: float, longest: float) -> None:
        """Begin a track.

        Args:
            stream: Of an open container.
            zero: The timestamp, in seconds, at which a player begins.
            longest: Seconds that a recording may last.
        """
        stream.codec_context.thread_count = 1
        self.stream = stream
        self.damaged = 0  # packets that could not be decoded
        self._clock = Clock(float(stream.time_base or 0), zero, longest)
        self._fifo = av.AudioFifo()
        self._kind: tuple[str, int, int] | None = None
        self._length = 0  # samples of a piece
        self._packer: av.AudioResampler | None = None
        self._start: float | None = None  # of what the fifo holds

    @property
    def rate(self) -> int:
        """Sample rate in Hz, as the header says."""
        return self.stream.codec_context.sample_rate

    @property
    def channels(self) -> int:
        """Channel count, as the header says."""
        return self.stream.codec_context.channels

    @property
    def full_scale(self) -> float:
        """Magnitude, of 1, of the largest sample that the coding can express."""
        return _LARGEST_SAMPLE.get(self.stream.codec_context.name, FULL_SCALE)

    @property
    def seconds(self) -> float:
        """How far what was decoded goes, from zero."""
        return self._clock.position

    @property
    def unbounded(self) -> bool:
        """Whether its coding lets samples have any magnitude."""
        return self.stream.codec_context.name.startswith("pcm_f")

    def decoded(self, packet: av.Packet[Any]) -> Iterator[Piece]:
        """Yield what a packet completes; the last packet of a track is an empty one.

        Raises:
            AudioUnreadable: the rate becomes impossible.
        """
        try:
            for frame in cast("list[av.AudioFrame]", packet.decode()):
                for placed in self._clock.place(frame):
                    yield from self._gathered(placed)
        except MemoryError:
            raise
        except FAULTS:
            self.damaged += 1

    def finish(self) -> Iterator[Piece]:
        """Yield the rest."""
        for placed in self._clock.finish():
            yield from self._gathered(placed)
        yield from self._drained()

    def shortfalls(self) -> Iterator[str]:
        """Say what is missing."""
        clock = self._clock
        if self.damaged:
            yield f"{self.damaged} damaged packet{'s were' if self.damaged > 1 else ' was'} left out"
        if clock.filled > SKEW:
            yield f"{clock.filled:.1f} s for which the file holds no sound are silent"
        if clock.overlapped > SKEW:
            yield f"{clock.overlapped:.1f} s of sound were left out, as by its timestamps other sound has their place"
        if clock.restarts:
            more = f", and {len(clock.restarts) - 1} times more" if len(clock.restarts) > 1 else ""
            yield f"the timestamps jump at {clock.restarts[0]:.1f} s{more}; times go on from there without a gap"

    def _gathered(self, placed: Placed) -> Iterator[Piece]:
        """Join frames, often of a few milliseconds, to pieces of one kind."""
        frame = placed.frame
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if (frame.format.name, channels, rate) != self._kind:
            yield from self._drained()
            check_rate(rate)
            self._kind, self._length = (frame.format.name, channels, rate), block_length(rate, channels)
            self._fifo, self._packer = av.AudioFifo(), _packer(frame)
        if placed.start is not None or placed.cut:
            yield from self._drained()
            self._start = placed.start
        for part in [frame] if self._packer is None else self._packer.resample(frame):
            part.pts = None
            self._fifo.write(part)
        if placed.cut:
            left_out = round(placed.cut * rate)
            yield from (Piece(piece.block[:, left_out:], piece.rate, piece.start) for piece in self._drained())
        elif self._fifo.samples >= self._length:
            yield from self._drained()

    def _drained(self) -> Iterator[Piece]:
        frame = self._fifo.read() if self._fifo.samples else None
        if frame is not None:
            block = frame.to_ndarray()
            if frame.format.is_packed:
                block = block.reshape(-1, frame.layout.nb_channels).T
            start, self._start = self._start, None
            yield Piece(block, frame.sample_rate, start)


def _packer(frame: av.AudioFrame) -> av.AudioResampler | None:
    """Return what interleaves the channels of frames like this one, where PyAV cannot read its planes."""
    if not frame.format.is_planar or frame.layout.nb_channels <= _PLANES_READ_RIGHT:
        return None
    return av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate)
