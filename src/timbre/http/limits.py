"""Limits on the rate of requests: so many a minute for each team and group of routes, in fixed windows.

Wrong keys, links and tokens belong to no team: they are counted by the address that they came from.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from timbre.errors import (
    KeyRejected,
    LinkRejected,
    OptionError,
    ServiceUnavailable,
    SignInRejected,
    StreamRefused,
    TooManyRequests,
)
from timbre.settings import Settings


class Group(StrEnum):
    """Routes that are counted together."""

    DIARIZE = "diarize"
    IDENTIFY = "identify"
    VOICEPRINT = "voiceprint"
    LABEL = "label"
    LIVE = "live"
    AUDIO = "audio"
    MEDIA = "media"
    SPEAKERS = "speakers"
    READ = "read"


_SCHEME: Final = "async+"
_REFUSED: Final = "refused"
_REFUSALS: Final = (KeyRejected, LinkRejected, SignInRejected, StreamRefused)
_REMEMBERED: Final = 10_000
_IPV4: Final = 4
_HOUSEHOLD: Final = 64  # bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where a team stands in the current minute."""

    limit: int
    remaining: int
    reset: int  # seconds until the next window
    granted: bool  # whether this request was not one too many

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell a client."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@contextmanager
def _counting() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise ServiceUnavailable("Requests cannot be counted at the moment; try again soon.") from error


def _network(address: str) -> str:
    """What one household or machine has: an address, or 2^64 of IPv6."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(known) if known.version == _IPV4 else str(ip_network((known, _HOUSEHOLD), strict=False))


class RateLimits:
    """Counts the requests of every team."""

    def __init__(self, settings: Settings) -> None:
        address = settings.rate_limit_url
        if not address.startswith(_SCHEME):
            raise OptionError(f"rate_limit_url begins with {_SCHEME}, as in async+redis://host; it is {address!r}.")
        try:
            self._limiter = FixedWindowRateLimiter(storage_from_string(address, wrap_exceptions=True))
        except ConfigurationError as error:
            raise OptionError(f"TIMBRE_RATE_LIMIT_URL cannot be used: {error}") from None
        wrong = settings.refusals_per_minute
        self._wrong = RateLimitItemPerMinute(wrong) if wrong else None
        self._right: dict[bytes, None] = {}  # digests of what was right lately, the oldest first
        submits, reads = settings.submits_per_minute, settings.reads_per_minute
        self._items = {
            group: RateLimitItemPerMinute(limit)
            for group in Group
            if (limit := reads if group is Group.READ else submits)
        }

    @asynccontextmanager
    async def guarded(self, address: str, shown: str | None = None) -> AsyncIterator[None]:
        """Let the block look at a key or token that somebody shows, unless many from there were wrong lately.

        Whoever was let in before is looked at whatever others do from the same address, as behind one proxy. So is what
        costs no look into the database, such as a link, for which `shown` is left out; it is counted all the same.

        Raises:
            TooManyRequests: too many were wrong in this minute.
            ServiceUnavailable: what counts does not answer.
        """
        if self._wrong is None or shown == "":
            yield
            return
        place = _network(address)
        digest = None if shown is None else hashlib.sha256(shown.encode("utf-8", "surrogatepass")).digest()
        if digest is not None and digest not in self._right and not await self._may_be_wrong(place):
            raise TooManyRequests(await self._until_next(place))
        try:
            yield
        except _REFUSALS:
            if digest is not None:
                self._right.pop(digest, None)
            if not await self._was_wrong(place):
                raise TooManyRequests(await self._until_next(place)) from None
            raise
        if digest is not None:
            self._right[digest] = None
            if len(self._right) > _REMEMBERED:
                del self._right[next(iter(self._right))]

    async def _may_be_wrong(self, place: str) -> bool:
        with _counting():
            return self._wrong is None or await self._limiter.test(self._wrong, _REFUSED, place)

    async def _was_wrong(self, place: str) -> bool:
        with _counting():
            return self._wrong is None or await self._limiter.hit(self._wrong, _REFUSED, place)

    async def _until_next(self, place: str) -> int:
        if self._wrong is None:
            return 1
        with _counting():
            stats = await self._limiter.get_window_stats(self._wrong, _REFUSED, place)
        return max(1, math.ceil(stats.reset_time - time.time()))

    async def count(self, team: UUID, group: Group) -> Window | None:
        """Count a request; None if there is no limit.

        Raises:
            ServiceUnavailable: what counts does not answer.
        """
        item = self._items.get(group)
        if item is None:
            return None
        with _counting():
            granted = await self._limiter.hit(item, group, str(team))
            stats = await self._limiter.get_window_stats(item, group, str(team))
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Window(limit=item.amount, remaining=max(0, stats.remaining), reset=reset, granted=granted)
