"""Matching against trying every assignment, and the rules of the contract one by one."""

from itertools import permutations

import numpy as np
import pytest

from timbre.identification import matching
from timbre.identification.scoring import expit


def confidence(table: np.ndarray) -> np.ndarray:
    return np.rint(100 * expit(table)).astype(np.int64)


def match(table: np.ndarray, *, threshold: float, exclusive: bool) -> list[int | None]:
    return matching.match(table, confidence(table), threshold=threshold, exclusive=exclusive)


def odds(*rows: list[int]) -> np.ndarray:
    """Return log-odds whose confidences are these."""
    share = np.clip(np.array(rows) / 100, 0.001, 0.999)
    return np.log(share / (1 - share))


def best_by_trying(table: np.ndarray, threshold: float) -> tuple[int, float]:
    """Return how many names the best exclusive assignment gives, and its log-odds."""
    eligible = confidence(table) >= threshold
    if threshold:
        eligible &= table >= table.max(axis=1, keepdims=True) - 1
    speakers, prints = table.shape
    best = (0, 0.0)
    for columns in permutations([*range(prints), *([None] * speakers)], speakers):
        pairs = [(row, column) for row, column in enumerate(columns) if column is not None]
        if all(eligible[pair] for pair in pairs):
            best = max(best, (len(pairs), float(sum(table[pair] for pair in pairs))))
    return best


@pytest.mark.parametrize("seed", range(40))
def test_exclusive_matching_equals_trying_everything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 3, (rng.integers(1, 5), rng.integers(1, 5)))
    threshold = float(rng.choice([0, 20, 50, 80]))
    chosen = match(table, threshold=threshold, exclusive=True)
    named = [(row, column) for row, column in enumerate(chosen) if column is not None]
    expected = best_by_trying(table, threshold)
    assert len({column for _, column in named}) == len(named) == expected[0]
    assert sum(table[pair] for pair in named) == pytest.approx(expected[1])


def test_a_voiceprint_names_one_speaker_when_exclusive_and_several_when_not() -> None:
    table = odds([90, 5], [80, 10])
    assert match(table, threshold=50, exclusive=True) == [0, None]
    assert match(table, threshold=50, exclusive=False) == [0, 0]


def test_at_threshold_zero_as_many_speakers_as_possible_get_a_name() -> None:
    assert match(odds([90, 2], [80, 1], [3, 2]), threshold=0, exclusive=True).count(None) == 1


def test_the_threshold_is_reached_by_equality() -> None:
    assert match(odds([50]), threshold=50, exclusive=True) == [0]
    assert match(odds([49]), threshold=50, exclusive=True) == [None]


def test_the_likeliest_whole_wins_over_the_best_single_pair() -> None:
    assert match(odds([95, 94], [93, 10]), threshold=0, exclusive=True) == [1, 0]


def test_nobody_and_nothing_match_nothing() -> None:
    assert match(np.zeros((0, 3)), threshold=0, exclusive=True) == []
    assert match(np.zeros((2, 0)), threshold=0, exclusive=True) == [None, None]
    assert match(np.zeros((2, 0)), threshold=0, exclusive=False) == [None, None]


def test_eligible_is_what_the_confidence_says_and_likely_what_the_log_odds_say() -> None:
    table = np.array([[3.0, 2.0], [2.5, -1.0]])
    among_many = np.array([[60, 40], [50, 2]])
    assert matching.match(table, among_many, threshold=50, exclusive=True) == [0, None]
    assert matching.match(table, among_many, threshold=0, exclusive=True) == [1, 0]


def test_a_second_choice_is_given_only_where_it_is_nearly_as_likely() -> None:
    twice = odds([95, 20, 5], [87, 57, 5])  # one person heard as two speakers, and somebody a little like them
    assert match(twice, threshold=50, exclusive=True) == [0, None]
    assert match(twice, threshold=0, exclusive=True) == [0, 1]
    twins = odds([95, 93, 5], [94, 92, 5])
    assert match(twins, threshold=50, exclusive=True) == [0, 1]
