"""Samples that a program hands us: no decoding, but the same mixing, resampling and cleaning as any file gets."""

from __future__ import annotations

import numpy as np

from timbre.audio.converter import (
    CANCELLED,
    Block,
    Converters,
    Mono16,
    block_length,
    check_channel,
    check_rate,
    check_separable,
)
from timbre.audio.recording import Condition, Header, Recording
from timbre.audio.scale import Gauge, Scale
from timbre.audio.source import as_channels
from timbre.audio.temporary import temporary_file
from timbre.errors import AudioEmpty, AudioTooLong
from timbre.settings import Settings


def converted(samples: object, rate: float, *, channel: int | None, settings: Settings) -> Recording:
    """Return a finished recording of these samples; parameters and errors are those of `open_recording`."""
    array = _checked(samples, rate, settings)
    check_channel(channel, len(array))
    return _filled(array, round(rate), Converters(channel=channel), 1, settings)[0]


def separated(samples: object, rate: float, *, settings: Settings) -> list[Recording]:
    """Return a finished recording of each channel; parameters and errors are those of `open_channels`."""
    array = _checked(samples, rate, settings)
    check_separable(len(array))
    return _filled(array, round(rate), Converters(separate=len(array)), len(array), settings)


def _checked(samples: object, rate: float, settings: Settings) -> Block:
    array = as_channels(samples)
    if not array.size:
        raise AudioEmpty("Could not load audio: the array holds no samples.")
    check_rate(rate)
    if array.shape[1] / rate > settings.max_hours * 3600:
        raise AudioTooLong
    return array


def _filled(array: Block, rate: int, converters: Converters, outputs: int, settings: Settings) -> list[Recording]:
    recordings = [Recording(temporary_file(settings.temp_dir)) for _ in range(outputs)]
    try:
        _fill(recordings, array, rate, converters)
    except BaseException:
        for recording in recordings:
            recording.close()
        raise
    return recordings


def _fill(recordings: list[Recording], array: Block, rate: int, converters: Converters) -> None:
    channels, length = array.shape
    for recording in recordings:
        recording.begin(Header(rate=rate, channels=channels, seconds=length / rate))
    size = block_length(rate, channels)
    scale = _scale(array, size)
    for start in range(0, length, size):
        block = array[:, start : start + size]
        _append(
            recordings,
            converters.convert(
                block if scale.factor == 1 else np.multiply(block, scale.factor, dtype=np.float32, casting="same_kind"),
                rate,
            ),
        )
    _append(recordings, converters.finish())
    warnings = [scale.warning] if scale.warning else []
    if converters.cancelled:
        warnings.append(CANCELLED.format(seconds=converters.cancelled))
    condition = Condition(
        clipped=converters.clipped / max(converters.values, 1),
        non_finite=converters.non_finite,
        warnings=tuple(warnings),
    )
    for recording in recordings:
        recording.finish(condition)


def _scale(array: Block, size: int) -> Scale:
    """Find the scale of floats, looking at `size` samples of each channel at once."""
    gauge = Gauge()
    for start in range(0, array.shape[1], size):
        gauge.add(array[:, start : start + size])
    return gauge.scale()


def _append(recordings: list[Recording], blocks: list[Mono16]) -> None:
    for recording, block in zip(recordings, blocks, strict=True):
        recording.append(block)
