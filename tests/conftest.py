"""What several kinds of tests need: golden arrays, and the voices of the sample speech."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

TESTS = Path(__file__).parent


@cache
def _voice(name: str) -> np.ndarray:
    with av.open(TESTS.parent / "samples" / "enrol" / f"{name}.flac") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1)[0].astype(np.float32) / 32_768


@pytest.fixture(scope="session")
def voice() -> Callable[[str], np.ndarray]:
    """Ada, Ben, Callum or Dan alone: float32 at 16 kHz, the very samples that the golden arrays were made from."""
    return _voice


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, np.ndarray]]:
    """The arrays of one stage, written by golden/generate.py."""
    return lambda stage: dict(np.load(TESTS / "golden" / f"{stage}.npz"))
