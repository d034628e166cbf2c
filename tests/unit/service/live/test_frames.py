"""Frames of a stream to samples."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.errors import FrameRefused
from timbre.service.live.frames import Frames
from timbre.service.live.requests import ENCODINGS, RATES, StreamRequest


def test_floats_come_as_they_are() -> None:
    sound = np.linspace(-1, 1, 1_600, dtype=np.float32)
    frames = Frames(StreamRequest())
    assert frames.size == 6_400
    np.testing.assert_array_equal(frames.read(sound.tobytes()), sound)
    np.testing.assert_array_equal(frames.read(sound[:7].tobytes()), sound[:7])
    with pytest.raises(FrameRefused, match="after a shorter one"):
        frames.read(sound.tobytes())


@pytest.mark.parametrize("size", [0, 6_399, 6_404])
def test_no_frames(size: int) -> None:
    with pytest.raises(FrameRefused, match=f"Invalid chunk size: expected 6400 bytes .* got {size}"):
        Frames(StreamRequest()).read(b"\0" * size)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_second_is_a_second(rate: int, encoding: str) -> None:
    request = StreamRequest(sample_rate=rate, encoding=encoding)
    frames = Frames(request)
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate) / 2
    sound = tone.astype("<f4") if encoding == "pcm_f32le" else (tone * 32_768).astype("<i2")
    data = sound.tobytes()
    parts = [frames.read(data[begin : begin + request.frame]) for begin in range(0, len(data), request.frame)]
    heard = np.concatenate([*parts, frames.end()])
    assert abs(heard.size - 16_000) <= 1
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000) / 2
    np.testing.assert_allclose(heard[2_000:14_000], expected[2_000:14_000], atol=2e-3)
