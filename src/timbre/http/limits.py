"""Limits on the rate of requests: so many a minute for each team and group of routes, in fixed windows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from timbre.errors import OptionError, ServiceUnavailable
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
        submits, reads = settings.submits_per_minute, settings.reads_per_minute
        self._items = {
            group: RateLimitItemPerMinute(limit)
            for group in Group
            if (limit := reads if group is Group.READ else submits)
        }

    async def count(self, team: UUID, group: Group) -> Window | None:
        """Count a request; None if there is no limit.

        Raises:
            ServiceUnavailable: what counts does not answer.
        """
        item = self._items.get(group)
        if item is None:
            return None
        try:
            granted = await self._limiter.hit(item, group, str(team))
            stats = await self._limiter.get_window_stats(item, group, str(team))
        except StorageError as error:
            raise ServiceUnavailable("Requests cannot be counted at the moment; try again soon.") from error
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Window(limit=item.amount, remaining=max(0, stats.remaining), reset=reset, granted=granted)
