"""What a caller may hand us as samples."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.audio.source import as_channels
from timbre.errors import AudioUnreadable


@pytest.mark.parametrize(
    ("shape", "channels"), [((7,), 1), ((100, 2), 2), ((2, 100), 2), ((100, 1), 1), ((1, 100), 1), ((100, 64), 64)]
)
def test_either_order_of_channels_and_time_is_understood(shape, channels):
    samples = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)

    viewed = as_channels(samples)

    assert viewed.shape == (channels, samples.size // channels)
    first = samples if samples.ndim == 1 else samples[:, 0] if shape[0] == viewed.shape[1] else samples[0]
    assert np.array_equal(viewed[0], first)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32"]
)
def test_floats_and_integers_up_to_32_bits_are_samples(dtype):
    assert as_channels(np.zeros(3, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", ["int64", "uint64", "complex64", "bool", "object"])
def test_other_types_are_refused_by_name(dtype):
    with pytest.raises(AudioUnreadable, match=dtype):
        as_channels(np.zeros(3, dtype))


def test_three_dimensions_are_refused_with_their_shape():
    with pytest.raises(AudioUnreadable, match=r"\(1, 2, 3\)"):
        as_channels(np.zeros((1, 2, 3)))
