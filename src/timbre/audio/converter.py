"""Mixing, resampling and cleaning: what turns samples of any kind into 16 kHz mono int16."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from timbre.audio import MOST_CHANNELS, SAMPLE_RATE
from timbre.errors import AudioUnreadable, ChannelMissing, ChannelsInseparable

FULL_SCALE = 32_767 / 32_768  # the largest 16-bit sample; at or above it a sample counts as clipped

CANCELLED = (
    "channels of the recording cancel each other when they are mixed, as where the wires of one are swapped: for"
    " {seconds:.1f} s the loudest was heard instead"
)

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 1_000_000  # Hz; what a header claims beyond them is damage or an attack
_CANCELLED = 0.1  # of the power that one channel alone would leave in a mix: what leaves less cancels
_SUSPECT = 0.6  # of the power of the channels, in the mix, below which one looks closer
_FAINT = 1e-8  # power, -80 dB, below which nothing is there to cancel
_LOOK = 20  # times a second that one looks
_BLOCK_VALUES = 1 << 21  # samples times channels converted at once: at most 8 MiB of float32

Block = npt.NDArray[Any]  # [channels, n]
Mono16 = npt.NDArray[np.int16]  # [n]


class Converter:
    """Turns blocks of samples of any rate and channel count into 16 kHz mono int16, and counts what is wrong with them.

    Channels are averaged, or one is picked; where they cancel each other, the loudest is. Resampling is soxr's HQ.
    Samples that are no finite number become 0.
    """

    def __init__(self, channel: int | None = None) -> None:
        self.values = 0  # samples of all channels seen
        self.clipped = 0  # of these, at or beyond full scale
        self.non_finite = 0  # of these, NaN or infinite
        self.cancelled = 0.0  # seconds in which the channels cancelled each other, and the loudest was taken
        self._channel = channel
        self._rate = SAMPLE_RATE
        self._resampler: soxr.ResampleStream | None = None

    def convert(self, block: Block, rate: int, full_scale: float = FULL_SCALE) -> Mono16:
        """Convert one block.

        Args:
            block: samples [channels, n], of an integer dtype, or floating with full scale at ±1.
            rate: samples a second; when it changes, the resampler starts afresh.
            full_scale: magnitude, of 1, from which a sample counts as clipped.

        Returns:
            int16 [m]: what has become ready; the resampler keeps a few milliseconds back until `finish`.
        """
        mono = self._mixed(self._cleaned(_as_float(block), full_scale), rate)
        if rate == self._rate:
            return _as_int16(self._resampled(mono))
        rest = self.finish()
        self._rate = rate
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, quality="HQ")
        return np.concatenate([rest, _as_int16(self._resampled(mono))])

    def finish(self) -> Mono16:
        """Return the last samples, int16 [m]; a next block would start afresh."""
        rest = self._resampled(np.empty(0, np.float32), last=True)
        self._resampler, self._rate = None, SAMPLE_RATE
        return _as_int16(rest)

    def _resampled(self, mono: npt.NDArray[np.float32], *, last: bool = False) -> npt.NDArray[np.float32]:
        return mono if self._resampler is None else np.asarray(self._resampler.resample_chunk(mono, last=last))

    def _mixed(self, block: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
        if self._channel is None and len(block) > 1:
            mean: npt.NDArray[np.float32] = block[0].copy()
            for row in block[1:]:  # many times faster than `mean` where channels are interleaved
                mean += row
            mean /= np.float32(len(block))
            power = sum(float(np.vdot(row, row)) for row in block) / len(block)
            if power > _FAINT * mean.size and float(np.vdot(mean, mean)) < _SUSPECT * power:
                self._uncancel(mean, block, rate)
            return mean
        channel = self._channel or 0
        if channel >= len(block):  # a later part of the file has fewer channels
            return np.zeros(block.shape[1], np.float32)
        return np.ascontiguousarray(block[channel])

    def _uncancel(self, mean: npt.NDArray[np.float32], block: npt.NDArray[np.float32], rate: int) -> None:
        """Put the loudest channel into a mix wherever little of any is left."""
        starts = np.arange(0, mean.size, max(1, rate // _LOOK))
        powers = np.stack([np.add.reduceat(np.square(row), starts) for row in block])
        lost = np.add.reduceat(np.square(mean), starts) * len(block) < _CANCELLED * powers.mean(axis=0)
        lost &= powers.mean(axis=0) > _FAINT * np.diff(starts, append=mean.size)
        for number in np.flatnonzero(lost):
            stretch = slice(starts[number], starts[number + 1] if number + 1 < len(starts) else mean.size)
            mean[stretch] = block[powers[:, number].argmax(), stretch]
            self.cancelled += len(mean[stretch]) / rate

    def _cleaned(self, block: npt.NDArray[np.float32], full_scale: float) -> npt.NDArray[np.float32]:
        self.values += block.size
        if block.size == 0 or (block.max() < full_scale and block.min() > -full_scale):  # NaN fails both
            return block
        finite = np.isfinite(block)
        self.non_finite += block.size - int(np.count_nonzero(finite))
        block = np.where(finite, block, np.float32(0))
        self.clipped += int(np.count_nonzero(np.abs(block) >= full_scale))
        return np.clip(block, -1, 1)


class Converters:
    """Turns blocks into one output, the mix or a channel, or into one for each channel; see `Converter`."""

    def __init__(self, *, channel: int | None = None, separate: int = 0) -> None:
        """Make what one output needs, or as many outputs as there are channels to `separate`."""
        self._separate = separate > 0
        self._converters = [Converter() for _ in range(separate)] or [Converter(channel)]

    @property
    def values(self) -> int:
        """Samples of all channels seen."""
        return sum(converter.values for converter in self._converters)

    @property
    def clipped(self) -> int:
        """Of these, at or beyond full scale."""
        return sum(converter.clipped for converter in self._converters)

    @property
    def non_finite(self) -> int:
        """Of these, NaN or infinite."""
        return sum(converter.non_finite for converter in self._converters)

    @property
    def cancelled(self) -> float:
        """Seconds in which channels cancelled each other when they were mixed."""
        return sum(converter.cancelled for converter in self._converters)

    def convert(self, block: Block, rate: int, full_scale: float = FULL_SCALE) -> list[Mono16]:
        """Convert one block; see `Converter.convert`. Returns what has become ready of each output, all of a length.

        Channels that a later part of the file lacks go on as silence.
        """
        if not self._separate:
            return [self._converters[0].convert(block, rate, full_scale)]
        silence = np.zeros((1, block.shape[1]), np.float32)
        rows = (block[row : row + 1] if row < len(block) else silence for row in range(len(self._converters)))
        return [converter.convert(row, rate, full_scale) for converter, row in zip(self._converters, rows, strict=True)]

    def finish(self) -> list[Mono16]:
        """Return the last samples of each output."""
        return [converter.finish() for converter in self._converters]


def block_length(rate: int, channels: int) -> int:
    """Return how many samples a channel to convert at once: a second, or less when there are very many channels."""
    return max(1, min(rate, _BLOCK_VALUES // channels))


def check_channel(channel: int | None, channels: int) -> None:
    """Raise `ChannelMissing` if this is none of so many channels."""
    if channel is not None and not 0 <= channel < channels:
        held = "one channel" if channels == 1 else f"{channels} channels"
        raise ChannelMissing(
            f"The recording has no channel {channel}: it has {held}, counted from 0; leave `channel` out to mix them."
        )


def check_separable(channels: int) -> None:
    """Raise `ChannelsInseparable` unless there are several channels, and not too many to hear each by itself."""
    if not 1 < channels <= MOST_CHANNELS:
        held = "one channel" if channels == 1 else f"{channels} channels"
        raise ChannelsInseparable(
            f"The recording has {held}, and 2 to {MOST_CHANNELS} can be heard each by itself; leave `channels` out to"
            " tell its speakers apart by voice."
        )


def check_rate(rate: float) -> None:
    """Raise `AudioUnreadable` if sound cannot have this sample rate."""
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise AudioUnreadable(
            f"Could not load audio: a sample rate from {_LOWEST_RATE} to {_HIGHEST_RATE} Hz was expected, it is {rate}."
        )


def _as_float(block: Block) -> npt.NDArray[np.float32]:
    if block.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is counted as such
            return block.astype(np.float32, copy=False)
    middle = 1 << (8 * block.dtype.itemsize - 1)
    if block.dtype.kind == "u":
        return ((block.astype(np.float64) - middle) / middle).astype(np.float32)
    return block.astype(np.float32) * np.float32(1 / middle)


def _as_int16(samples: npt.NDArray[np.float32]) -> Mono16:
    scaled: npt.NDArray[np.float32] = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767)
    return scaled.astype(np.int16)
