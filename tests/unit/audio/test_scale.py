"""The scale of floating-point samples."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.audio.scale import Gauge, Scale

NOISE = np.random.default_rng(1).uniform(-1, 1, 10_000)


def scale_of(*blocks):
    gauge = Gauge()
    for block in blocks:
        gauge.add(block)
    return gauge.scale()


@pytest.mark.parametrize("peak", [0, 0.001, 1, 1.5, 4])
def test_loud_samples_keep_their_scale(peak):
    assert scale_of(peak * NOISE) == Scale()


@pytest.mark.parametrize(
    ("peak", "bits"), [(100, 16), (12_345, 16), (32_768, 16), (33_000, 24), (2**23, 24), (2**23 + 100, 32), (2**31, 32)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_lies_far_beyond_full_scale_was_an_integer(peak, bits, dtype):
    block = (peak * NOISE / np.abs(NOISE).max()).astype(dtype)

    scale = scale_of(np.zeros((2, 5000), dtype), block[:5000], block[5000:])

    assert scale.factor == 2 ** (1 - bits)
    assert f"integers of {bits} bits" in (scale.warning or "")


def test_a_few_damaged_samples_are_no_other_scale():
    block = NOISE.copy()
    block[::100] = 20_000
    block[1], block[2], block[3] = np.nan, np.inf, 1e300

    assert scale_of(block) == Scale()


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
def test_what_no_integer_can_be_has_no_scale(value):
    assert scale_of(np.full(100, value)) == Scale()


def test_integers_have_their_scale_by_their_type():
    assert scale_of(np.full(100, 20_000, np.int16)) == Scale()
