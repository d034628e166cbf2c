"""Samples that a program hands us: no decoding, but the same mixing, resampling and cleaning as any file gets."""

from __future__ import annotations

from timbre.audio.converter import Block, Converter, block_length, check_channel, check_rate
from timbre.audio.recording import Condition, Header, Recording
from timbre.audio.source import as_channels
from timbre.audio.storage import temporary_file
from timbre.errors import AudioEmpty, AudioTooLong
from timbre.settings import Settings


def converted(samples: object, rate: float, *, channel: int | None, settings: Settings) -> Recording:
    """Return a finished recording of these samples; parameters and errors are those of `open_recording`."""
    array = as_channels(samples)
    if not array.size:
        raise AudioEmpty("Could not load audio: the array holds no samples.")
    channels, length = array.shape
    check_rate(rate)
    check_channel(channel, channels)
    if length / rate > settings.max_hours * 3600:
        raise AudioTooLong
    recording = Recording(temporary_file(settings.temp_dir))
    try:
        _fill(recording, array, round(rate), channel)
    except BaseException:
        recording.close()
        raise
    return recording


def _fill(recording: Recording, array: Block, rate: int, channel: int | None) -> None:
    channels, length = array.shape
    recording.begin(Header(rate=rate, channels=channels, seconds=length / rate))
    converter, size = Converter(channel), block_length(rate, channels)
    for start in range(0, length, size):
        recording.append(converter.convert(array[:, start : start + size], rate))
    recording.append(converter.finish())
    recording.finish(Condition(clipped=converter.clipped / array.size, non_finite=converter.non_finite))
