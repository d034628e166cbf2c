"""Turns by team, on paper."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from timbre.errors import TooManyRequests
from timbre.fairness import Places, Rota, share


def refused() -> Exception:
    return TooManyRequests(1)


def test_a_share_is_at_least_a_place() -> None:
    assert [share(places, 0.5) for places in (1, 2, 8, 9)] == [1, 1, 4, 4]
    assert share(8, 1) == 8


def test_a_team_holds_no_more_than_its_share_and_all_no_more_than_there_are() -> None:
    places = Places(6, 0.5)
    with ExitStack() as stack:
        for team in "aaabb":
            stack.enter_context(places.held(team, refused))
        with pytest.raises(TooManyRequests), places.held("a", refused):
            pass
        with places.held("b", refused), pytest.raises(TooManyRequests), places.held("c", refused):
            pass
        stack.enter_context(places.held("c", refused))
    with places.held("a", refused):
        pass


def test_teams_are_served_in_turn_however_much_one_of_them_brings() -> None:
    rota = Rota[str]()
    for number in range(100):
        rota.add("greedy", f"greedy {number}")
    rota.add("modest", "modest 0")
    rota.add("modest", "modest 1")
    rota.add("late", "late 0")
    taken = [rota.take() for _ in range(6)]
    assert taken == ["greedy 0", "modest 0", "late 0", "greedy 1", "modest 1", "greedy 2"]
    assert len(rota) == 97


def test_what_does_not_fit_waits_and_what_is_put_back_comes_first() -> None:
    rota = Rota[int]()
    for team, item in (("a", 1), ("a", 2), ("b", 3)):
        rota.add(team, item)
    assert rota.take(lambda item: item % 2 == 0) == 2
    assert rota.take(lambda item: item > 5) is None
    rota.put_back("a", 7)
    assert [rota.take() for _ in range(4)] == [7, 3, 1, None]
