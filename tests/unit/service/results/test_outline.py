"""A stretch of an outline, against taking the largest of each part in a loop."""

from itertools import pairwise

import numpy as np
import pytest

from timbre.service.results.outline import MOST_PARTS, outline


@pytest.mark.parametrize("kept", [1, 7, 2_000, 2_001, 90_000])
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.0, 1.0), (10.0, 37.5), (899.99, 5_000.0), (5e307, 1e308)])
def test_the_parts_of_a_stretch_have_its_largest_values(kept: int, start: float, end: float | None):
    duration = 900.0
    heights = np.random.default_rng(kept).integers(0, 256, kept, np.uint8)
    found = outline(heights.tobytes(), duration, start, end)
    part = duration / kept
    first, last = round(found.start / part), round(found.end / part)
    assert 0 <= first < last <= kept
    assert found.start <= min(start, duration) + 1e-3
    assert found.end >= min(end or duration, duration) - 1e-3
    assert found.end - found.start <= max(0.0, (min(end or duration, duration) - start)) + 2 * part + 1e-3
    assert len(found.peaks) == min(MOST_PARTS, last - first)
    edges = [number * (last - first) // len(found.peaks) + first for number in range(len(found.peaks))] + [last]
    assert list(found.peaks) == [max(heights[a:b]) for a, b in pairwise(edges)]


def test_nothing_has_no_outline():
    assert outline(b"", 10.0).peaks == outline(b"\0", 0.0).peaks == ()
