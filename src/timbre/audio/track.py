"""The sound track of a media file, decoded by FFmpeg block by block.

Runs in the child process of `decoder.py`, since what a file holds is not to be trusted. FFmpeg may use only the
demuxers and decoders named here: no playlists, which open other files, no pictures and no film.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import av
import av.subtitles.codeccontext  # PyAV loads these two on first use, when nothing can be loaded any more
import av.subtitles.stream
import numpy as np
from av.container import InputContainer
from av.stream import Discard

from timbre.audio.converter import FULL_SCALE, Block, block_length, check_rate
from timbre.errors import AudioUnreadable

_LARGEST_SAMPLE = {"pcm_mulaw": 32_124 / 32_768, "pcm_alaw": 32_256 / 32_768, "pcm_u8": 127 / 128, "pcm_s8": 127 / 128}
_PLANES_READ_RIGHT = 7  # PyAV looks for one plane too many, past the end of the array, when a frame has more than these
_SLOWEST_BITRATE = 1_000  # bit/s; a claim of length that would need less than this is not believed
_LONGEST_SKEW = 0.1  # seconds by which sound may lag behind the timestamps of its file before silence is put in

_DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,loas,matroska,mov,mp3,mpeg,mpegts,nistsphere,ogg,"
    "tta,w64,wav,wv"
)
_DECODERS = (
    "aac,aac_latm,ac3,adpcm_g722,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,alac,amrnb,amrwb,ape,eac3,"
    "flac,g722,g726,g726le,gsm,gsm_ms,libgsm,libopus,libspeex,libvorbis,mp1,mp1float,mp2,mp2float,mp3,mp3float,"
    "nellymoser,opus,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,"
    "pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,"
    "pcm_s32le_planar,pcm_s8,pcm_s8_planar,pcm_u8,shorten,speex,tta,vorbis,wavpack,wmalossless,wmapro,wmav1,wmav2,"
    "wmavoice"
)
_FAULTS = (av.FFmpegError, OSError)  # what reading damaged files raises: the second is a seek to nowhere

_PIPED_RIFF_SIZE = 0x7FFF0000  # bytes; a WAV file that promises more was written without knowing


class Track:
    """The best sound track of one file.

    Where the timestamps of the file say that sound is missing (packets lost or damaged, a muted call), silence takes
    its place, so that times in the output are times in a player.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Find the best sound track.

        Raises:
            AudioUnreadable: there is none, or this is no media file.
        """
        self.damaged = 0  # packets that could not be decoded
        self._broken_off: str | None = None
        self._size = os.fstat(file.fileno()).st_size
        self._beginning = file.read(1 << 16)
        file.seek(0)
        self._container = _opened(file)
        self._stream = _best_stream(self._container)
        believable = self._size * 8 / _SLOWEST_BITRATE
        self._claim = _claimed_seconds(self._container, self._stream)
        self._believed = believable if self._claim is None else min(believable, self._claim)
        self._clock = _Clock(float(self._stream.time_base or 0), self._believed)

    @property
    def rate(self) -> int:
        """Sample rate in Hz, as the header says."""
        return self._stream.codec_context.sample_rate

    @property
    def channels(self) -> int:
        """Channel count, as the header says."""
        return self._stream.codec_context.channels

    @property
    def full_scale(self) -> float:
        """Magnitude, of 1, of the largest sample that the coding can express."""
        return _LARGEST_SAMPLE.get(self._stream.codec_context.name, FULL_SCALE)

    @property
    def claimed_seconds(self) -> float | None:
        """Length as the container claims it."""
        return self._claim

    @property
    def believed_seconds(self) -> float | None:
        """The same, where the file is large enough for it to be true."""
        return self._claim if self._claim == self._believed else None

    def blocks(self) -> Iterator[tuple[Block, int]]:
        """Yield (samples [channels, n], rate) to the end of the file, or to where it breaks off.

        Raises:
            AudioUnreadable: the rate becomes impossible.
        """
        return _gathered(self._frames(), self._clock)

    def shortfalls(self, seconds: float) -> Iterator[str]:
        """Say what is missing, after `seconds` were decoded."""
        if self._broken_off:
            yield f"the file cannot be read to its end ({self._broken_off})"
        if self.damaged:
            yield f"{self.damaged} damaged packet{'s were' if self.damaged > 1 else ' was'} left out"
        if self._clock.filled:
            yield f"{self._clock.filled:.1f} s for which the file holds no sound are silent"
        if self._claim and not self._claim_is_guess() and self._claim - seconds > max(1.0, 0.02 * self._claim):
            yield f"the recording ends at {seconds:.1f} s, though its header promises {self._claim:.1f} s"
        elif self._size < (promised := _riff_size(self._beginning)):
            yield f"the file ends after {self._size} bytes, though its header promises {promised}"

    def _frames(self) -> Iterator[av.AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, IndexError):  # PyAV's end, or its end where tracks have appeared on the way
                return
            except MemoryError:
                raise
            except _FAULTS as error:
                self._broken_off = error.strerror
                return
            try:
                yield from packet.decode()
            except MemoryError:
                raise
            except _FAULTS:
                self.damaged += 1

    def _claim_is_guess(self) -> bool:
        """Tell whether the length stands nowhere in the file, and FFmpeg made it up from the first bit rates."""
        name = self._container.format.name
        if name == "mp3":
            return not any(tag in self._beginning for tag in (b"Xing", b"Info", b"VBRI"))
        return name in ("aac", "ac3", "eac3", "loas")


class _Clock:
    """Compares the sound decoded so far with the timestamps of its file."""

    def __init__(self, tick: float, end: float) -> None:
        self.filled = 0.0  # seconds of silence asked for
        self._tick = tick  # seconds of one unit of the timestamps
        self._end = end  # seconds after the first frame; what lies behind is taken for a jump of the clock
        self._first: float | None = None
        self._position = 0.0  # where the next frame should be, by the samples seen

    def gap(self, frame: av.AudioFrame) -> float:
        """Return the seconds of sound that are missing before this frame, mostly 0, and count the frame in."""
        gap = 0.0
        if frame.pts is not None:
            now = frame.pts * self._tick
            if self._first is None:
                self._first = self._position = now
            gap = self._missing(now)
        self._position += gap + frame.samples / frame.sample_rate
        return gap

    def _missing(self, now: float) -> float:
        lag = now - self._position
        if abs(lag) <= _LONGEST_SKEW:
            return 0.0
        if lag > 0 and now - (self._first or 0.0) <= self._end and self.filled + lag <= self._end:
            self.filled += lag
            return lag
        self._position = now
        return 0.0


def _opened(file: BinaryIO) -> InputContainer:
    options = {"format_whitelist": _DEMUXERS, "codec_whitelist": _DECODERS, "protocol_whitelist": "none"}
    try:
        return av.open(file, "r", container_options=options, buffer_size=1 << 18, metadata_errors="replace")
    except MemoryError:
        raise
    except (*_FAULTS, ValueError) as error:
        raise AudioUnreadable from error


def _best_stream(container: InputContainer) -> av.AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, av.AudioStream) or not _supported(stream):
        raise AudioUnreadable(f"Could not load audio: {_lack(container)}.")
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    stream.codec_context.thread_count = 1
    return stream


def _supported(stream: av.AudioStream) -> bool:
    context = stream.codec_context
    return context is not None and context.name in _DECODERS.split(",")  # None where FFmpeg has no decoder at all


def _lack(container: InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams})
    if "audio" in kinds:
        return "its sound track is of a kind that is not supported"
    return f"the file has no sound track, it holds {'only ' + ' and '.join(kinds) if kinds else 'nothing'}"


def _claimed_seconds(container: InputContainer, stream: av.AudioStream) -> float | None:
    seconds = container.duration / av.time_base if container.duration else 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    return seconds if seconds > 0 else None


def _riff_size(beginning: bytes) -> int:
    """Return the bytes that the header of a WAV file promises, or 0; those written to a pipe promise 2 GiB or more."""
    size = int.from_bytes(beginning[4:8], "little") + 8
    return size if beginning[:4] == b"RIFF" and beginning[8:12] == b"WAVE" and size < _PIPED_RIFF_SIZE else 0


def _gathered(frames: Iterator[av.AudioFrame], clock: _Clock) -> Iterator[tuple[Block, int]]:
    """Join frames, often of a few milliseconds, to blocks [channels, n] of one kind; yields (block, rate)."""
    kind: tuple[str, int, int] | None = None
    fifo, length, packer = av.AudioFifo(), 0, None
    for frame in frames:
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if (frame.format.name, channels, rate) != kind:
            yield from _drained(fifo)
            check_rate(rate)
            kind, length = (frame.format.name, channels, rate), block_length(rate, channels)
            fifo, packer = av.AudioFifo(), _packer(frame)
        if gap := clock.gap(frame):
            yield from _drained(fifo)
            yield from _silence(gap, rate)
        for part in [frame] if packer is None else packer.resample(frame):
            part.pts = None
            fifo.write(part)
        if fifo.samples >= length:
            yield from _drained(fifo)
    yield from _drained(fifo)


def _packer(frame: av.AudioFrame) -> av.AudioResampler | None:
    """Return what interleaves the channels of frames like this one, where PyAV cannot read its planes."""
    if not frame.format.is_planar or frame.layout.nb_channels <= _PLANES_READ_RIGHT:
        return None
    return av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate)


def _drained(fifo: av.AudioFifo) -> Iterator[tuple[Block, int]]:
    frame = fifo.read() if fifo.samples else None
    if frame is not None:
        block = frame.to_ndarray()
        if frame.format.is_packed:
            block = block.reshape(-1, frame.layout.nb_channels).T
        yield block, frame.sample_rate


def _silence(seconds: float, rate: int) -> Iterator[tuple[Block, int]]:
    samples = round(seconds * rate)
    for start in range(0, samples, rate):
        yield np.zeros((1, min(rate, samples - start)), np.int16), rate
