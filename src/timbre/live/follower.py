"""Who speaks in a run of speech: the likeliest way through the looks at it so far (Viterbi, 1967)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from timbre.live.recipe import LiveRecipe

NOBODY: Final = -1  # somebody who was not heard before


@dataclass(slots=True)
class _Path:
    score: float
    since: float  # seconds from which this speaker speaks on it


class Follower:
    """Follows one run; how it began depends on who spoke last."""

    def __init__(self, recipe: LiveRecipe, begin: float, last: int | None) -> None:
        self._recipe = recipe
        self._begin = begin
        self._last = last
        self._paths: dict[int, _Path] = {}

    def look(self, odds: Mapping[int, float], middle: float) -> None:
        """Take the log-odds of everybody, `NOBODY` among them, in a window around a moment."""
        best = max(self._paths.values(), key=lambda path: path.score, default=None)
        paths = {}
        for who, likely in odds.items():
            cost = self._recipe.unheard if who == NOBODY else 0.0
            if best is None:
                away = 0.0 if self._last in (None, who) else self._recipe.another
                path = _Path(-away - cost, self._begin)
            else:
                path = _Path(best.score - self._recipe.switch - cost, middle)
                own = self._paths.get(who)
                if own is not None and own.score >= path.score:
                    path = own
            paths[who] = _Path(path.score + self._recipe.heed * likely, path.since)
        top = max(path.score for path in paths.values())
        for path in paths.values():
            path.score -= top
        self._paths = paths

    @property
    def looked(self) -> bool:
        """Whether there was a look."""
        return bool(self._paths)

    @property
    def best(self) -> tuple[int, float, float]:
        """Who speaks now, since when, and by how much in log-odds they are likelier than the next; after a look."""
        ranked = sorted(self._paths, key=lambda who: -self._paths[who].score)
        margin = self._paths[ranked[0]].score - self._paths[ranked[1]].score if len(ranked) > 1 else float("inf")
        return ranked[0], self._paths[ranked[0]].since, margin

    @property
    def best_known(self) -> tuple[int, float] | None:
        """Of those who were heard before, the likeliest, and since when; None if nobody was."""
        known = [who for who in self._paths if who != NOBODY]
        who = max(known, key=lambda who: self._paths[who].score, default=None)
        return None if who is None else (who, self._paths[who].since)

    def met(self, number: int) -> None:
        """Somebody who was not heard before has a number now."""
        self._paths[number] = self._paths.pop(NOBODY)

    def settle(self, who: int, since: float) -> None:
        """What was heard since a moment turned out to be this speaker's."""
        for path in self._paths.values():
            path.score = min(path.score, -self._recipe.switch)
        self._paths[who] = _Path(0.0, since)

    def renumber(self, numbers: Mapping[int, int]) -> None:
        """Some speakers are others now."""
        paths: dict[int, _Path] = {}
        for who, path in self._paths.items():
            now = numbers.get(who, who)
            if now not in paths or paths[now].score < path.score:
                paths[now] = path
        self._paths = paths
