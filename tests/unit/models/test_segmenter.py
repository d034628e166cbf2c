"""Powerset classes give the marginals of their definition."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.models.segmenter import Segmenter, activity, overlap, speech


def test_marginals_are_those_of_the_definition(golden):
    expected = golden("powerset")
    probabilities = expected["probabilities"]
    np.testing.assert_allclose(activity(probabilities), expected["activity"], atol=1e-6)
    np.testing.assert_allclose(speech(probabilities), expected["speech"], atol=1e-6)
    np.testing.assert_allclose(overlap(probabilities), expected["overlap"], atol=1e-6)


@pytest.mark.parametrize(
    ("class_index", "speaking"),
    [(0, ""), (1, "a"), (2, "b"), (3, "c"), (4, "ab"), (5, "ac"), (6, "bc")],
)
def test_each_class_means_its_speakers(class_index, speaking):
    certain = np.eye(7, dtype=np.float32)[class_index]
    assert activity(certain).tolist() == [float(who in speaking) for who in "abc"]
    assert speech(certain) == (speaking != "")
    assert overlap(certain) == (len(speaking) == 2)


def test_frames_are_seventeen_milliseconds_apart_and_fill_the_window():
    assert Segmenter.frame_centre(0) == pytest.approx(495 / 16_000)
    assert Segmenter.frame_centre(1) - Segmenter.frame_centre(0) == pytest.approx(270 / 16_000)
    assert Segmenter.frame_centre(Segmenter.frames - 1) < Segmenter.window / 16_000
