"""Limits on the rate of requests."""

from __future__ import annotations

import asyncio
import re
import time
from uuid import uuid4

import pytest
from raw_http import GOOD, RATES, READS, SUBMITS, UNKNOWN, Answer, ask, check, fresh

from timbre import Settings
from timbre.errors import KeyRejected, LinkRejected, TooManyRequests
from timbre.http import limits
from timbre.http.limits import Group, RateLimits

pytestmark = pytest.mark.usefixtures("no_fault")


def spent(answer: Answer, limit: int) -> None:
    """Make sure that this is how one request too many is answered."""
    assert check(answer).status == 429
    assert re.fullmatch(r"[0-9]+", answer.headers["retry-after"])
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert [answer.headers[name] for name in RATES] == [str(limit), "0", answer.headers["retry-after"]]


def test_requests_are_counted_for_each_team_and_group(small):
    keys = {team: {"Authorization": f"Bearer {fresh(small, team)}"} for team in ("first", "second")}
    groups = {
        "diarize": ("POST", "/v1/diarize", GOOD),
        "voiceprint": ("POST", "/v1/voiceprint", GOOD),
        "identify": ("POST", "/v1/identify", b"no JSON"),  # counted, whatever comes of it
        "media": ("POST", "/v1/media/input", b'{"url":"media://hostile/counted"}'),
        "read": ("GET", f"/v1/jobs/{UNKNOWN}", b""),
    }
    for group, (method, path, body) in groups.items():
        limit = READS if group == "read" else SUBMITS
        resets = []
        for left in reversed(range(limit)):
            answer = check(ask(small, method, path, keys["first"], body))
            assert answer.status in {200, 201, 400, 404}
            assert answer.headers["x-ratelimit-limit"] == str(limit)
            assert answer.headers["x-ratelimit-remaining"] == str(left)
            resets.append(int(answer.headers["x-ratelimit-reset"]))
            assert "retry-after" not in answer.headers
        assert 1 <= resets[-1] <= resets[0] <= 60
        spent(ask(small, method, path, keys["first"], body), limit)
    # Routes of a group are counted together, and the key comes before the count.
    spent(ask(small, "GET", "/v2/jobs?limit=bad", keys["first"]), READS)
    spent(ask(small, "POST", "/v1/media/output", keys["first"], b"no JSON"), SUBMITS)
    assert check(ask(small, "GET", "/v1/test", {"Authorization": "Bearer sk_wrong"})).status == 401
    # Another team has all of its requests still, and another key of the same team none.
    answer = check(ask(small, "POST", "/v1/diarize", keys["second"], GOOD))
    assert answer.headers["x-ratelimit-remaining"] == str(SUBMITS - 1)
    again = {"Authorization": f"Bearer {fresh(small, 'first')}"}
    spent(ask(small, "POST", "/v1/diarize", again, GOOD), SUBMITS)
    # What has no key has no limit.
    for _ in range(2 * READS):
        assert check(ask(small, "GET", "/healthz", {"Authorization": ""})).status == 200


def test_a_minute_later_all_requests_are_there_again(monkeypatch):
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now)
    team = uuid4()

    async def minute() -> None:
        nonlocal now
        rates = RateLimits(Settings(submits_per_minute=2, reads_per_minute=0))
        windows = [await rates.count(team, Group.DIARIZE) for _ in range(3)]
        assert [(window.granted, window.remaining, window.reset) for window in windows] == [
            (True, 1, 60),
            (True, 0, 60),
            (False, 0, 60),
        ]
        now += 59.5
        late = await rates.count(team, Group.DIARIZE)
        assert (late.granted, late.reset) == (False, 1)
        now += 0.6
        again = await rates.count(team, Group.DIARIZE)
        assert (again.granted, again.remaining, again.reset) == (True, 1, 60)
        assert await rates.count(team, Group.READ) is None

    asyncio.run(minute())


def test_wrong_keys_are_counted_by_address_and_keep_nobody_out_who_was_let_in():
    async def show(rates: RateLimits, address: str, key: str) -> bool:
        """Whether it was looked at; only `right` is."""
        try:
            async with rates.guarded(address, key):
                if key != "right":
                    raise KeyRejected
        except KeyRejected:
            return True
        except TooManyRequests as error:
            return not 1 <= error.retry_after <= 60
        return True

    async def act() -> None:
        rates = RateLimits(Settings(refusals_per_minute=3))
        assert await show(rates, "192.0.2.1", "right")
        assert [await show(rates, "192.0.2.1", f"wrong {number}") for number in range(5)] == [True] * 3 + [False] * 2
        assert await show(rates, "192.0.2.1", "right")
        assert await show(rates, "192.0.2.2", "wrong")
        # A household has 2^64 addresses of IPv6.
        looked_at = [await show(rates, f"2001:db8::{number:x}", "wrong") for number in range(5)]
        assert looked_at == [True] * 3 + [False] * 2
        assert await show(rates, "2001:db8:0:1::1", "wrong")
        # What costs nothing is looked at always; only the answer is another.
        async with rates.guarded("192.0.2.1"):
            pass
        with pytest.raises(TooManyRequests):
            async with rates.guarded("192.0.2.1"):
                raise LinkRejected
        assert await show(rates, "192.0.2.1", "")  # nothing was shown, and nothing is looked up

    asyncio.run(act())
