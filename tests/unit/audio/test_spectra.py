"""The three front ends give what the reference implementations give."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.audio.fbank import fbank
from timbre.audio.log_mel import log_mel_spectrogram
from timbre.audio.mel import mel_spectrogram


def test_mel_is_that_of_librosa(golden, voice):
    expected = golden("mel")["mel"]
    ours = mel_spectrogram(voice("Ada")[:48_000])
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * expected.mean())


def test_fbank_is_that_of_kaldi(golden, voice):
    ours = fbank(voice("Ben")[:32_000])
    np.testing.assert_allclose(ours, golden("fbank")["fbank"], rtol=1e-4, atol=1e-4)


def test_log_mel_is_that_of_redimnet2(golden, voice):
    expected = golden("log_mel")["log_mel"]
    ours = log_mel_spectrogram(voice("Dan")[16_000:41_600])
    np.testing.assert_allclose(ours[:, : expected.shape[1]], expected, atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 399, 400, 100_000])
def test_any_length_has_its_frames(samples):
    silence = np.zeros(samples, np.float32)
    assert mel_spectrogram(silence).shape == (1 + samples // 160, 40)
    assert fbank(silence).shape == (max(0, 1 + (samples - 400) // 160), 80)


def test_mel_of_a_part_is_that_part_of_the_mel(voice):
    whole = mel_spectrogram(voice("Ada"))
    part = mel_spectrogram(voice("Ada")[16_000:48_000])
    np.testing.assert_allclose(part[2:-2], whole[102:299], rtol=1e-5)


def test_mel_of_a_tone_lies_in_its_band():
    seconds = np.arange(16_000) / 16_000
    low = mel_spectrogram(np.sin(2 * np.pi * 200 * seconds).astype(np.float32)).mean(axis=0)
    high = mel_spectrogram(np.sin(2 * np.pi * 6_000 * seconds).astype(np.float32)).mean(axis=0)
    assert low.argmax() == 2  # 200 Hz is mel 3.0 of 45.2 in 41 steps: the peak of the third triangle is at 3.3
    assert high.argmax() == 36


def test_log_mel_does_not_hear_level(voice):
    clip = voice("Dan")[16_000:41_600]
    np.testing.assert_allclose(log_mel_spectrogram(clip), log_mel_spectrogram(clip * np.float32(0.01)), atol=1e-3)
