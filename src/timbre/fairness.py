"""Turns by team: how a server shares whatever is scarce.

    Each lane has places. A team holds at most its share of them.
    A place that becomes free goes to the team that waits whose last turn was the longest ago.

The lanes of the queue are shared so by the database, as workers are many (`take_turn` in `store/migrations`); what one
process hands out by itself is shared by `Places` and `Rota`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


def share(places: int, fraction: float) -> int:
    """How many of so many places a team may hold: at least one, so that everybody gets on."""
    return max(1, int(places * fraction))


class Places:
    """Places that cannot be waited for, such as those for uploads: who gets none is told at once."""

    def __init__(self, places: int, fraction: float) -> None:
        self._places = places
        self._share = share(places, fraction)
        self._held = Counter[Hashable]()

    @contextmanager
    def held(self, team: Hashable, refusal: Callable[[], Exception]) -> Iterator[None]:
        """Hold a place for a team; where there is none for it, raise what `refusal` makes."""
        if self._held[team] >= self._share or self._held.total() >= self._places:
            raise refusal()
        self._held[team] += 1
        try:
            yield
        finally:
            self._held[team] -= 1
            if not self._held[team]:
                del self._held[team]


class Rota(Generic[Item]):
    """What waits, by team: teams are served in turn, and what is of one team in its own order."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[Item]] = {}  # the team whose turn is next comes first

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, team: Hashable, item: Item) -> None:
        """Let an item of a team wait behind the others of that team."""
        self._waiting.setdefault(team, deque()).append(item)

    def put_back(self, team: Hashable, item: Item) -> None:
        """Let an item that was taken come first again."""
        own = self._waiting.pop(team, deque())
        own.appendleft(item)
        self._waiting = {team: own, **self._waiting}

    def take(self, fits: Callable[[Item], bool] = lambda _item: True) -> Item | None:
        """Take the first item, of those that fit, of the team whose turn is next; None if nothing fits."""
        for team, own in self._waiting.items():
            for number, item in enumerate(own):
                if fits(item):
                    del own[number]
                    del self._waiting[team]
                    if own:
                        self._waiting[team] = own  # behind all others
                    return item
        return None
