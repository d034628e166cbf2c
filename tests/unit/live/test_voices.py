"""What a stream remembers of its voices."""

from __future__ import annotations

import numpy as np

from timbre.live.voices import MOST_WINDOWS, Voices
from timbre.models.same_voice import unit

AXES = np.eye(4, dtype=np.float32)


def filled(*speakers: int) -> Voices:
    voices = Voices()
    for place, speaker in enumerate(speakers):
        while voices.speakers <= speaker:
            voices.begin(AXES[voices.speakers], 0.4)
        voices.add(AXES[speaker], 6_400 * place, speaker)
    return voices


def test_first_words_count_until_there_are_windows() -> None:
    voices = Voices()
    assert voices.begin(AXES[0], 0.4) == 0
    voices.first_words(0, AXES[1], 0.8)
    voices.first_words(0, AXES[2], 0.6)
    known, centroids, seconds = voices.centroids()
    assert known == [0]
    np.testing.assert_array_equal(centroids[0], AXES[1])
    assert seconds.tolist() == [0.8]
    for place in range(2):
        voices.add(AXES[3], 6_400 * place, 0)
    np.testing.assert_array_equal(voices.centroids()[1][0], AXES[3])


def test_first_words_are_a_part_of_a_window() -> None:
    voices = filled(0, 0, 0)
    voices.begin(AXES[1], 0.4)
    sums, sizes = voices.sums()
    np.testing.assert_array_equal(sums, [3 * AXES[0], 0.25 * AXES[1]])
    assert sizes.tolist() == [3, 0.25]


def test_all_is_looked_at_again_when_more_is_known() -> None:
    voices = filled(*[0] * 40)
    assert voices.due(0.05, 2)
    voices.relabel(np.zeros(40, np.int64), 40)
    voices.add(AXES[0], 6_400 * 40, 0)
    assert not voices.due(0.05, 2)
    voices.add(AXES[0], 6_400 * 41, 0)
    assert voices.due(0.05, 2)
    assert not voices.due(0.2, 2)


def test_numbers_stay_with_most_of_their_windows() -> None:
    voices = filled(*[0] * 10, *[1] * 9)
    clusters = np.array([5] * 9 + [3] * 10)
    assert voices.relabel(np.unique(clusters, return_inverse=True)[1], 19)
    assert voices.who(0, 9 * 6_400) == 0
    assert voices.who(9 * 6_400, 19 * 6_400) == 1
    assert not voices.relabel(np.array([0] * 9 + [1] * 10), 19)


def test_one_voice_of_two_and_two_of_one() -> None:
    voices = filled(*[0] * 10, *[1] * 9)
    assert voices.relabel(np.zeros(19, np.int64), 19)
    assert (voices.known, voices.now(1)) == ([0], 0)
    assert voices.relabel(np.array([0] * 10 + [1] * 9), 19)
    assert voices.known == [0, 2]  # a number that was given up is never given to another
    assert voices.speakers == 3


def test_who_has_said_little_or_has_a_name_is_spared() -> None:
    few = filled(*[0] * 10, *[1] * 3)
    assert not few.relabel(np.zeros(13, np.int64), 13)
    named = filled(*[0] * 12, *[1] * 9)
    assert not named.relabel(np.zeros(21, np.int64), 21, own={1})


def test_memory_is_bounded_and_keeps_what_was_said() -> None:
    voices = filled(0, 1)
    noise = np.random.default_rng(0)
    for place in range(2, 5_000):
        speaker = int(place % 10 == 0)
        vector = unit(AXES[speaker] + noise.normal(0, 0.1, 4).astype(np.float32))
        voices.add(vector, 6_400 * place, speaker)
    assert len(voices) <= MOST_WINDOWS
    _, centroids, seconds = voices.centroids()
    assert round(seconds.sum() / 0.4) == 5_000
    assert np.diag(centroids @ AXES[:2].T).min() > 0.99
    assert (np.diff(voices.starts) > 0).all()
