"""Limits on the rate of requests."""

from __future__ import annotations

import asyncio
import re
import time
from uuid import uuid4

import pytest
from raw_http import GOOD, RATES, READS, SUBMITS, UNKNOWN, Answer, ask, check, fresh

from timbre import Settings
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
