"""Mixing, resampling and cleaning of blocks."""

from __future__ import annotations

import numpy as np
import pytest

from media import tone, tones
from timbre.audio.converter import Converter, Converters, block_length, check_channel, check_rate, check_separable
from timbre.errors import AudioUnreadable, ChannelMissing, ChannelsInseparable


def converted(samples, rate, *, channel=None, size=None):
    converter = Converter(channel)
    size = size or samples.shape[1]
    parts = [converter.convert(samples[:, at : at + size], rate) for at in range(0, samples.shape[1], size)]
    return np.concatenate([*parts, converter.finish()]), converter


def test_channels_are_averaged():
    samples = np.array([[0.5, -0.5, 0.25], [0.25, 0.5, -0.25], [0, 0.75, 0.75]], np.float32)

    mixed, _ = converted(samples, 16_000)

    assert mixed.tolist() == [8192, 8192, 8192]


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_picked_channel_comes_alone(channel):
    samples = np.array([[1, 2], [3, 4], [5, 6]], np.int16)

    picked, _ = converted(samples, 16_000, channel=channel)

    assert picked.tolist() == samples[channel].tolist()


def test_a_channel_that_ends_midway_goes_on_as_silence():
    converter = Converter(1)

    first = converter.convert(np.full((2, 3), 100, np.int16), 16_000)
    second = converter.convert(np.full((1, 3), 100, np.int16), 16_000)

    assert first.tolist() == [100, 100, 100]
    assert second.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("uint8", [0, 64, 128, 192]),
        ("int8", [-128, -64, 0, 64]),
        ("uint16", [0, 16_384, 32_768, 49_152]),
        ("int16", [-32_768, -16_384, 0, 16_384]),
        ("int32", [-(2**31), -(2**30), 0, 2**30]),
        ("uint32", [0, 2**30, 2**31, 3 * 2**30]),
        ("float16", [-1, -0.5, 0, 0.5]),
        ("float64", [-1, -0.5, 0, 0.5]),
    ],
)
def test_full_scale_of_every_type_is_the_same(dtype, values):
    samples, _ = converted(np.array([values], dtype), 16_000)

    assert samples.tolist() == [-32_768, -16_384, 0, 16_384]


def test_samples_at_16_khz_pass_unchanged():
    samples = np.random.default_rng(1).integers(-32_768, 32_768, (1, 5000)).astype(np.int16)

    assert np.array_equal(converted(samples, 16_000)[0], samples[0])


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_a_sine_keeps_its_pitch_level_and_place(rate):
    resampled, _ = converted(tone(1000, 1, rate)[np.newaxis], rate)

    expected = tone(1000, 1, 16_000)
    assert len(resampled) == len(expected)
    middle = slice(500, -500)  # the ends ring
    assert np.abs(resampled[middle] / 32_768 - expected[middle]).max() < 1e-3


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_the_size_of_blocks_changes_nothing(rate):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 2 * rate)).astype(np.float32)

    whole, _ = converted(samples, rate)

    assert np.array_equal(converted(samples, rate, size=997)[0], whole)
    assert np.array_equal(converted(samples, rate, size=rate)[0], whole)


def test_a_new_rate_midway_starts_the_resampler_afresh():
    converter = Converter()
    parts = [converter.convert(tone(1000, 1, rate)[np.newaxis], rate) for rate in (44_100, 16_000, 8_000)]

    resampled = np.concatenate([*parts, converter.finish()])

    assert len(resampled) == 3 * 16_000
    for second in range(3):
        alone, _ = converted(
            tone(1000, 1, (44_100, 16_000, 8_000)[second])[np.newaxis], (44_100, 16_000, 8_000)[second]
        )
        assert np.array_equal(resampled[16_000 * second : 16_000 * (second + 1)], alone)


def test_what_is_no_number_becomes_zero_before_it_can_spread():
    clean = tones([1000, 500], 0.5, 44_100)
    dirty, zeroed = clean.copy(), clean.copy()
    dirty[0, [100, 200]] = np.nan, np.inf
    dirty[1, 300] = -np.inf
    zeroed[0, [100, 200]] = zeroed[1, 300] = 0

    samples, converter = converted(dirty, 44_100)

    assert converter.non_finite == 3
    assert np.array_equal(samples, converted(zeroed, 44_100)[0])


def test_samples_beyond_full_scale_are_clipped_and_counted():
    samples, converter = converted(np.array([[0.5, 1.5, -1e30, 1e300, 0.999]]), 16_000)

    assert samples.tolist() == [16_384, 32_767, -32_768, 0, round(0.999 * 32_768)]
    assert (converter.values, converter.clipped, converter.non_finite) == (5, 2, 1)


def test_a_sample_at_full_scale_counts_as_clipped():
    _, converter = converted(np.array([[32_767, 32_766, -32_768, -32_766]], np.int16), 16_000)

    assert converter.clipped == 2


def test_many_channels_are_converted_in_small_blocks():
    assert block_length(44_100, 2) == 44_100
    assert block_length(192_000, 32) * 32 <= 1 << 21
    assert block_length(192_000, 1 << 30) == 1


def test_impossible_rates_and_channels_are_refused():
    for rate in (0, -1, 999, 1_000_001, float("nan"), float("inf")):
        with pytest.raises(AudioUnreadable):
            check_rate(rate)
    for channel in (-1, 2):
        with pytest.raises(ChannelMissing, match=f"no channel {channel}: it has 2 channels"):
            check_channel(channel, 2)
    check_rate(8000)
    check_channel(1, 2)
    check_channel(None, 1)
    for channels in (0, 1, 9):
        with pytest.raises(ChannelsInseparable):
            check_separable(channels)
    check_separable(8)


def test_separate_channels_are_those_picked_one_by_one_and_silent_where_they_are_missing():
    stereo, mono = tones([1000, 500], 0.5, 44_100), tones([800], 0.25, 8_000)
    converters = Converters(separate=2)

    parts = [converters.convert(stereo, 44_100), converters.convert(mono, 8_000), converters.finish()]

    for channel in (0, 1):
        separate = np.concatenate([part[channel] for part in parts])
        picked = Converter(channel)
        blocks = [picked.convert(stereo, 44_100), picked.convert(mono, 8_000), picked.finish()]
        assert np.array_equal(separate, np.concatenate(blocks))


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_channels_that_cancel_each_other_are_not_mixed_to_silence(rate):
    sound = tone(1000, 1, rate)

    heard, converter = converted(np.stack([sound, -0.9 * sound]), rate)

    assert np.abs(heard).max() == pytest.approx(0.5 * 32_768, rel=0.02)
    assert converter.cancelled == pytest.approx(1, abs=0.06)


def test_only_the_stretch_that_cancels_is_taken_from_one_channel():
    sound = tone(1000, 1, 16_000)
    half = len(sound) // 2
    left = np.concatenate([sound[:half], sound[half:]])
    right = np.concatenate([sound[:half], -sound[half:]])

    heard, converter = converted(np.stack([left, right]), 16_000)

    assert np.abs(heard / 32_768 - sound).max() < 0.01
    assert converter.cancelled == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_of_which_one_speaks_or_that_differ_do_not_cancel(channels):
    alone = np.zeros((channels, 16_000), np.float32)
    alone[1] = tone(1000, 1, 16_000)
    noise = 0.1 * np.random.default_rng(1).standard_normal((channels, 16_000)).astype(np.float32)

    for samples in (alone, noise, np.zeros_like(alone)):
        assert converted(samples, 16_000)[1].cancelled == 0
