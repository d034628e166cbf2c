"""Dense windows: where they lie, which are heard, and that little audio is held for them however sparse speech is."""

import numpy as np
import pytest

from timbre.audio.decoding import open_recording
from timbre.diarization.grid import FRAME, frame_count
from timbre.diarization.windows import STEP, Windows, embed_windows, pure_windows
from timbre.models.same_voice import SameVoice, unit
from timbre.settings import Settings

MODEL = SameVoice(
    name="test",
    fitted=False,
    score_weight=12.0,
    enrol_weight=0.8,
    test_weight=0.8,
    bias=-2.0,
    centre=np.zeros(4, np.float32),
)


class Quarters:
    """An encoder that tells windows apart by the level of their quarters, and remembers the most audio it was given."""

    name, fingerprint, dimension, window = "quarters", "00" * 8, 4, 25_600

    def __init__(self) -> None:
        self.most = 0

    def embed(self, samples, starts, length=None):
        self.most = max(self.most, len(samples))
        parts = [np.array_split(samples[start : start + (length or self.window)], 4) for start in starts]
        return unit(np.array([[np.sqrt(np.sum(part**2)) + 1e-6 for part in quarters] for quarters in parts]))


def embedded(samples: np.ndarray, speech: np.ndarray) -> tuple[Windows, Quarters]:
    encoder = Quarters()
    with open_recording((samples, 16_000), settings=Settings()) as recording:
        return embed_windows(recording, speech, encoder, MODEL), encoder


def test_a_word_here_and_there_in_an_hour_is_read_word_by_word() -> None:
    samples = np.zeros(3600 * 16_000, np.int16)
    speech = np.zeros(frame_count(samples.size), np.bool_)
    words = np.arange(10, 3590, 60) * 16_000
    for number, begin in enumerate(words):
        samples[begin : begin + 16_000] = np.linspace(0, 1000 + 400 * number, 16_000) * np.resize([1, -1], 16_000)
        speech[begin // FRAME : (begin + 16_000) // FRAME] = True

    windows, encoder = embedded(samples, speech)

    assert encoder.most <= 60 * 16_000
    assert {int(begin) // STEP for begin in words} <= {int(start) // STEP for start in windows.starts}
    one_by_one = np.concatenate(
        [Quarters().embed(samples[start : start + 25_600] / np.float32(32_768), [0]) for start in windows.starts]
    )
    np.testing.assert_allclose(windows.embeddings, one_by_one, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 800, 25_599, 25_600, 25_601, 32_000, 40_000])
def test_windows_reach_from_the_beginning_to_the_end(samples: int) -> None:
    windows, _ = embedded(np.ones(samples, np.float32), np.ones(frame_count(samples), np.bool_))
    assert windows.starts[0] == 0
    assert windows.starts[-1] + windows.length == samples
    assert (np.diff(windows.starts) > 0).all()
    assert windows.speech.tolist() == [1.0] * len(windows)


def test_the_only_window_is_pure_however_little_speech_it_holds() -> None:
    speech = np.zeros(frame_count(16_000), np.bool_)
    speech[7] = True
    windows, _ = embedded(np.ones(16_000, np.float32), speech)
    assert pure_windows(windows, least_speech=0.75, dropped=0.25).tolist() == [0]


def test_windows_that_are_all_alike_are_not_all_dropped() -> None:
    windows, _ = embedded(np.ones(160_000, np.float32), np.ones(frame_count(160_000), np.bool_))
    assert len(pure_windows(windows, least_speech=0.75, dropped=0.25)) == len(windows)


def test_the_windows_around_a_change_are_dropped() -> None:
    rows = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    windows = Windows(starts=np.arange(20) * STEP, length=25_600, speech=np.ones(20, np.float32), embeddings=rows)
    assert pure_windows(windows, least_speech=0.75, dropped=0.25).tolist() == [*range(8), *range(12, 20)]
