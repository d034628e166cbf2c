"""The scale of floating-point samples."""

from __future__ import annotations

import pytest

from timbre.audio.scale import scale_of
from timbre.errors import AudioUnreadable


@pytest.mark.parametrize("peak", [0, 0.001, 1, 1.5, 4])
def test_loud_samples_keep_their_scale(peak):
    assert scale_of(peak).factor == 1
    assert scale_of(peak).warning is None


@pytest.mark.parametrize(
    ("peak", "bits"), [(4.5, 16), (12_345, 16), (32_768, 16), (32_769, 24), (2**23, 24), (2**23 + 1, 32), (2**31, 32)]
)
def test_what_goes_far_beyond_full_scale_was_an_integer(peak, bits):
    scale = scale_of(peak)

    assert scale.factor == 2 ** (1 - bits)
    assert scale.warning is not None
    assert f"integers of {bits} bits" in scale.warning


def test_what_no_integer_can_be_is_refused():
    with pytest.raises(AudioUnreadable, match="full scale at ±1"):
        scale_of(1e12)
