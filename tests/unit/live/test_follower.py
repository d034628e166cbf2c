"""Who speaks in a run of speech, look by look."""

from __future__ import annotations

from timbre.live.follower import NOBODY, Follower
from timbre.live.recipe import LiveRecipe

RECIPE = LiveRecipe(heed=1.0, switch=2.0, another=1.0, unheard=0.5)


def test_best_is_likeliest_way() -> None:
    follower = Follower(RECIPE, begin=10.0, last=0)
    assert not follower.looked
    follower.look({0: 1.0, 1: 1.5, NOBODY: 0.0}, 10.2)
    who, since, margin = follower.best
    assert (who, since) == (0, 10.0)  # 1.5 does not outweigh that 0 spoke last
    assert margin == 0.5
    follower.look({0: -3.0, 1: 3.0, NOBODY: 0.0}, 10.6)
    assert follower.best[:2] == (1, 10.0)  # it was 1 from the beginning


def test_change_begins_where_it_is_likeliest() -> None:
    follower = Follower(RECIPE, begin=0.0, last=None)
    for middle in (0.2, 0.6, 1.0):
        follower.look({0: 5.0, 1: -5.0}, middle)
    follower.look({0: -5.0, 1: 5.0}, 1.4)
    assert follower.best[:2] == (1, 1.4)


def test_somebody_unheard_of_gets_a_number() -> None:
    follower = Follower(RECIPE, begin=0.0, last=0)
    follower.look({0: -9.0, NOBODY: 0.0}, 0.2)
    assert follower.best[0] == NOBODY
    assert follower.best_known == (0, 0.0)
    follower.met(4)
    assert follower.best[0] == 4


def test_without_anybody_known() -> None:
    follower = Follower(RECIPE, begin=0.0, last=None)
    follower.look({NOBODY: 0.0}, 0.2)
    assert follower.best_known is None
    assert follower.best == (NOBODY, 0.0, float("inf"))


def test_renumbered_keep_the_likelier_way() -> None:
    follower = Follower(RECIPE, begin=0.0, last=None)
    follower.look({0: 1.0, 1: 4.0, 2: 0.0}, 0.2)
    follower.renumber({1: 2})
    assert follower.best[0] == 2
    assert follower.best[2] == 3.0


def test_settled_speaker_has_spoken_since_then() -> None:
    follower = Follower(RECIPE, begin=0.0, last=None)
    follower.look({0: 3.0, 1: 0.0, NOBODY: 0.0}, 0.2)
    follower.settle(2, 0.1)
    assert follower.best == (2, 0.1, RECIPE.switch)
    follower.look({0: 9.0, 1: 0.0, 2: 0.0, NOBODY: 0.0}, 0.6)
    assert follower.best[0] == 0  # what is heard from then on counts as ever
