"""The outline of a recording, against taking the largest magnitude of each part in a loop."""

from itertools import pairwise

import numpy as np
import pytest

from timbre.audio import peaks as outline
from timbre.audio.peaks import LEAST_PARTS, PART, peaks
from timbre.audio.recording import Condition, Recording
from timbre.audio.temporary import temporary_file


def recorded(samples: np.ndarray) -> Recording:
    recording = Recording(temporary_file(None))
    recording.append(samples.astype(np.int16))
    recording.finish(Condition())
    return recording


def slowly(samples: np.ndarray) -> list[int]:
    parts = min(len(samples), max(LEAST_PARTS, len(samples) // PART))
    edges = [part * len(samples) // parts for part in range(parts + 1)]
    loudest = [max(abs(int(one)) for one in samples[a:b]) for a, b in pairwise(edges)]
    return [min(255, (one + 64) // 128) for one in loudest]


@pytest.mark.parametrize("length", [1, 7, 1_999, 2_000, 2_001, 12_345, 100_000, 400_123])
@pytest.mark.parametrize("block", [1, 500, 1 << 22])
def test_every_part_has_its_largest_magnitude_whatever_is_read_at_once(length, block, monkeypatch) -> None:
    monkeypatch.setattr(outline, "_BLOCK", block)
    samples = np.random.default_rng(length).integers(-32_768, 32_768, length)
    with recorded(samples) as recording:
        found = peaks(recording)
    assert found.dtype == np.uint8
    assert found.tolist() == slowly(samples)


def test_silence_and_full_scale() -> None:
    with recorded(np.array([0, 32_767, -32_768, 128])) as recording:
        assert peaks(recording).tolist() == [0, 255, 255, 1]


def test_nothing_has_no_outline() -> None:
    with recorded(np.zeros(0)) as recording:
        assert peaks(recording).shape == (0,)


def test_little_is_read_at_once(monkeypatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(outline, "_BLOCK", 10_000)
    with recorded(np.ones(100_000)) as recording:
        whole = recording.pcm
        monkeypatch.setattr(recording, "pcm", lambda begin, end: read.append(end - begin) or whole(begin, end))
        peaks(recording)
    assert sum(read) == 100_000
    assert max(read) <= 10_000
