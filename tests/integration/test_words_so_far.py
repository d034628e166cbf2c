"""Words of jobs that still run, on a real database: there once, for their team alone, and gone with the attempt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from database import Service, opened

from timbre.service.jobs.attempts import Attempt
from timbre.service.requests.submissions import DiarizeRequest
from timbre.service.results.words_so_far import WordsSoFar
from timbre.service.worker.provisional import Provisional
from timbre.store.identifiers import new_id
from timbre.transcripts.spoken import Word
from timbre.turns import Turn

LINK = "https://example.com/talk.ogg"
WORDS = [Word("Good", 0.0, 0.4), Word(" ", 0.4, 0.5), Word("day\0\ufffd", 0.5, 0.9), Word("all.", 2.0, 2.5)]
TURNS = [Turn(start=0.0, end=1.0, speaker="SPEAKER_00"), Turn(start=1.5, end=3.0, speaker="SPEAKER_01")]

Ending = Callable[[Service, Attempt], Awaitable[object]]


async def cancel(here: Service, attempt: Attempt) -> None:
    await here.jobs.delete(here.caller.team, attempt.job)


async def erase(here: Service, attempt: Attempt) -> None:
    await here.rows("DELETE FROM jobs WHERE id = %(job)s", job=attempt.job)  # as teams go


ENDINGS: list[Ending] = [
    lambda here, attempt: here.attempts.succeed(attempt, b'{"diarization":[]}', 1.0),
    lambda here, attempt: here.attempts.fail(attempt, "no speech"),
    lambda here, attempt: here.attempts.pause(attempt),
    lambda here, attempt: here.attempts.break_off(attempt, "signal 9"),
    lambda here, attempt: here.attempts.move_on(attempt),
    lambda here, attempt: here.attempts.begin(attempt.job, "waiting"),  # its worker was killed
    cancel,
    erase,
]


async def begun(here: Service) -> Attempt:
    job = (await here.jobs.submit(here.caller, DiarizeRequest(url=LINK))).id
    attempt = await here.attempts.begin(job, "waiting")
    assert attempt
    return attempt


async def told(so_far: WordsSoFar, team: UUID, job: UUID, number: int = 0) -> list[tuple[int, list[dict[str, object]]]]:
    return [(first, json.loads(lines)) for _, first, lines in await so_far.after(team, job, number)]


def test_words_of_a_job_that_runs(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path / "data") as here:
            so_far, team, attempt = WordsSoFar(here.database), here.caller.team, await begun(here)
            provisional = Provisional(so_far, attempt)
            await provisional.add(WORDS[:3])
            await provisional.add(WORDS[3:])
            first = await so_far.after(team, attempt.job, 0)
            assert [place for _, place, _ in first] == [0, 2]
            good = {"start": 0.0, "end": 0.4, "text": "Good"}
            assert json.loads(first[0][2]) == [good, {"start": 0.5, "end": 0.9, "text": "day\0\ufffd"}]
            assert await so_far.after(team, attempt.job, first[-1][0]) == []
            assert await so_far.after(new_id(), attempt.job, 0) == []  # another team

            # Once the speakers are known, all is told again from the first word on, and what comes has its speaker.
            await provisional.attribute(TURNS)
            ((place, lines),) = await told(so_far, team, attempt.job, first[-1][0])
            assert (place, [line["speaker"] for line in lines]) == (0, ["SPEAKER_00", "SPEAKER_00", "SPEAKER_01"])
            await provisional.add([Word("Yes.", 2.6, 2.9)])
            _, (place, (last,)) = await told(so_far, team, attempt.job)
            assert (place, last["speaker"]) == (3, "SPEAKER_01")

    asyncio.run(act())


def test_they_go_with_the_attempt_whatever_ends_it(url: str, tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(url, tmp_path / "data") as here:
            so_far = WordsSoFar(here.database)
            for end in ENDINGS:
                attempt = await begun(here)
                await so_far.add(attempt.job, attempt.number, 0, [{"text": "secret"}])
                assert not await here.empty("words_so_far")
                await end(here, attempt)
                assert await here.empty("words_so_far")
                await so_far.add(attempt.job, attempt.number, 1, [{"text": "late"}])  # by who does not know it yet
                assert await here.empty("words_so_far")

    asyncio.run(act())
