"""Batches and threads."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from timbre.models.runtime import available_threads, in_batches
from timbre.settings import Settings


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [1, 4, 5, 23])
def test_batches_keep_order_and_size(rows, threads):
    sizes = []

    def double(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch * 2

    result = in_batches(double, np.arange(rows, dtype=np.float32), size=4, threads=threads)
    np.testing.assert_array_equal(result, 2 * np.arange(rows))
    assert max(sizes) <= 4
    assert sum(sizes) == rows


def test_batches_run_side_by_side():
    meeting = threading.Barrier(3, timeout=10)

    def meet(batch: np.ndarray) -> np.ndarray:
        meeting.wait()
        return batch

    assert in_batches(meet, np.arange(3), size=1, threads=3).tolist() == [0, 1, 2]


def test_an_error_in_a_batch_comes_out():
    def fail(batch: np.ndarray) -> np.ndarray:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        in_batches(fail, np.arange(9), size=2, threads=2)


def test_the_setting_decides_how_many_threads():
    assert available_threads(Settings(threads=7)) == 7
    assert 1 <= available_threads(Settings(threads=0)) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("quota", "cores"), [("50000 100000", 1), ("max 100000", None), ("", None)])
def test_a_container_s_limit_counts(quota, cores, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr("timbre.models.runtime._CPU_QUOTA", tmp_path / "cpu.max")
    assert available_threads(Settings(threads=0)) == (cores or len(os.sched_getaffinity(0)))
