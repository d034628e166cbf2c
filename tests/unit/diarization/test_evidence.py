"""What the segmenter says about clusters, on windows that a person can draw."""

import numpy as np
import pytest

from timbre.diarization.evidence import Evidence, within


def talk(*speakers: int) -> np.ndarray:
    """Return the frames of talk `[m, 3]` of windows in which one local speaker talks."""
    return 80.0 * np.eye(3, dtype=np.float32)[list(speakers)]


def seen(labels: list[int], *local: tuple[list[int], np.ndarray]) -> Evidence:
    return Evidence.of(np.array(labels), [(np.array(rows), frames) for rows, frames in local])


def test_two_local_speakers_of_a_window_are_heard_apart_and_one_is_heard_together() -> None:
    found = seen([0, 0, 1, 1, 2, 2], ([0, 1, 2, 3], talk(0, 0, 1, 1)), ([2, 3, 4, 5], talk(0, 0, 0, 0)))
    assert found.apart[0, 1] == found.apart[1, 0] == 0.25  # of a window of 10 s, a quarter is seen by it alone
    assert found.together[0, 1] == 0
    assert found.together[1, 2] == 0.25
    assert found.apart[1, 2] == found.apart[0, 2] == found.together[0, 2] == 0


def test_a_window_that_is_not_sure_speaks_for_both() -> None:
    found = seen([0, 0, 1, 1], ([0, 1, 2, 3], talk(0, 0, 0, 1)))
    assert found.together[0, 1] + found.apart[0, 1] == pytest.approx(0.25)
    assert found.together[0, 1] > 0 < found.apart[0, 1]


def test_nothing_is_known_across_stretches() -> None:
    part = seen([0, 1], ([0, 1], talk(0, 1)))
    whole = Evidence.side_by_side([part, part])
    assert whole.apart[0, 1] == whole.apart[2, 3] == 0.25
    assert not whole.apart[:2, 2:].any()


def test_rows_of_a_stretch_are_counted_from_its_first() -> None:
    local = [(np.array([1, 2]), talk(0, 1)), (np.array([4, 5, 6]), talk(0, 1, 2))]
    ((rows, frames),) = within(local, np.arange(5, 10))
    assert rows.tolist() == [0, 1]
    assert (frames == talk(1, 2)).all()
