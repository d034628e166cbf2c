"""What several kinds of tests need: golden arrays, the voices of the sample speech, and a server."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import settings

from data_folder import forget_database
from recogniser import Recogniser, running_recogniser
from server import LOOPBACK, Server

TESTS = Path(__file__).parent
gc.set_threshold(50_000)  # as commands do: thousands of tests are objects that stay, and take a sixth of loading them
os.environ.setdefault("TIMBRE_MODEL", "base")  # whatever other packs are on this machine
# A shell's background jobs ignore the one, those of nohup the other; so would what is started and stopped here.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
LONGEST_FIRST = ("end_to_end", "accuracy", "compat", "integration", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the kinds of tests that take longest, so that all workers end at the same time."""
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    forget_database()


settings.load_profile("ci")  # the same examples everywhere, and no failure because a machine is slow or busy


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


@pytest.fixture(scope="session")
def recogniser() -> Iterator[Recogniser]:
    """What recognises words for the server that all tests share."""
    with running_recogniser() as running:
        yield running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, recogniser: Recogniser) -> Iterator[Server]:
    """A server that all tests share: use names of your own for media, and leave what is not yours alone."""
    words = {"TIMBRE_ASR_URL": recogniser.url, "TIMBRE_ASR_KEY": "sk-words", "TIMBRE_ASR_PIECE_SECONDS": "30"}
    words["TIMBRE_ASR_MODELS"] = "large-v3,parakeet-tdt-0.6b-v3"
    with Server(tmp_path_factory.mktemp("server"), LOOPBACK | words) as running:
        yield running
