"""Deciding about long results: how long the server takes for a decision, by what is decided, with many made before.

The result has 5 000 turns of twelve voices, as three hours of talk may have. Decisions run on the service's own rules
and the embedded database, without HTTP and without the voices, so that nobody is learned from. Beside the time that
passes stands what this process computes, which is the same on a machine that others use too; the database is not in it.
"""

import asyncio
import gc
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.table import Table

from timbre.service.accounts.teams import Caller, Teams
from timbre.service.decisions.decisions import Decisions
from timbre.service.decisions.doubts import Doubts
from timbre.service.decisions.requests import DecisionRequest, StepRequest
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.gallery import Gallery
from timbre.service.people.learning import Learning
from timbre.service.people.search import Search
from timbre.service.results.outputs import packed
from timbre.service.results.voices import KeptVoices
from timbre.settings import Settings
from timbre.store.database import Database, open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id
from timbre.store.queue import Queue
from timbre.store.schema import migrate

TURNS = 5000
VOICES = 12
TIMES = 40  # of each kind
COLLECTION = 50_000  # objects, as a server has it
BEFORE = 1000  # decisions that were made before, at the second time


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    gc.set_threshold(COLLECTION)
    figures = asyncio.run(_measure(BEFORE if full else BEFORE // 2))
    table = Table("decision", "median, ms", "p95, ms", "computing, ms", "median after many, ms", title=f"{TURNS} turns")
    for kind, (first, later) in figures["milliseconds"].items():
        table.add_row(kind, f"{first['median']}", f"{first['p95']}", f"{first['computing']}", f"{later['median']}")
    console.print(table)
    return figures


async def _measure(many: int) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        settings = Settings(data_dir=Path(stack.enter_context(tempfile.TemporaryDirectory())))
        embedded = EmbeddedPostgres(settings.data_dir / "postgres")
        stack.callback(embedded.stop)
        url = embedded.start()
        migrate(url)
        database = await stack.enter_async_context(open_database(url, connections=4, application="benchmark"))
        teams = Teams(database)
        caller = await teams.authenticate(f"Bearer {await teams.create_key('benchmark')}")
        decisions = await _decisions(database, settings)
        job = await _job(database, caller.team)
        first = {kind: await _timed(decisions, caller, job, kind) for kind in KINDS}
        for number in range(many):
            await decisions.decide(caller, job, KINDS["give"](number))
        later = {kind: await _timed(decisions, caller, job, kind) for kind in KINDS}
        return {
            "turns": TURNS,
            "decisions_before": many,
            "milliseconds": {kind: (first[kind], later[kind]) for kind in KINDS},
        }


async def _decisions(database: Database, settings: Settings) -> Decisions:
    protection = Protection(database, settings)
    gallery = Gallery(database, protection, Packs(settings))
    voices, queue = KeptVoices(protection), Queue(database)
    await queue.open()
    candidates = CandidateSearch(Search(database, protection, settings), gallery)
    return Decisions(
        database,
        gallery=gallery,
        learning=Learning(gallery, protection),
        voices=voices,
        doubts=Doubts(voices=voices, gallery=gallery, candidates=candidates, settings=settings),
        webhooks=Webhooks(database, queue, settings),
    )


async def _job(database: Database, team: UUID) -> UUID:
    turns = [
        {"speaker": f"SPEAKER_{number % VOICES:02}", "start": round(number * 2.1, 3), "end": round(number * 2.1 + 2, 3)}
        for number in range(TURNS)
    ]
    job, (body, length) = new_id(), packed({"diarization": turns, "exclusiveDiarization": turns})
    await database.one(
        b"INSERT INTO jobs (id, team_id, type, model, params, status, duration, completed_at)"
        b" VALUES (%(job)s, %(team)s, 'diarize', 'base', '{}', 'succeeded', 10500, now())",
        {"job": job, "team": team},
    )
    await database.one(
        b"INSERT INTO job_outputs (job_id, body, length) VALUES (%(job)s, %(body)s, %(length)s)",
        {"job": job, "body": body, "length": length},
    )
    return job


def _request(**said: object) -> DecisionRequest:
    return DecisionRequest.model_validate(json.loads(json.dumps(said)))


KINDS = {
    "name": lambda number: _request(kind="name", voice=f"SPEAKER_{number % VOICES:02}", name=f"Person {number}"),
    "give": lambda number: _request(
        kind="give", turns=[str(number * 7 % TURNS)], voice=f"SPEAKER_{(number * 7 + 5) % VOICES:02}"
    ),
    "check": lambda number: _request(kind="check", turns=[str(number * 11 % TURNS)]),
}


async def _timed(decisions: Decisions, caller: Caller, job: UUID, kind: str) -> dict[str, float]:
    """Decide, and undo, so that each time is like the first."""
    times, computing = [], []
    for number in range(TIMES):
        request = KINDS[kind](number)
        began, used = time.perf_counter(), time.process_time()
        await decisions.decide(caller, job, request)
        times.append((time.perf_counter() - began) * 1000)
        computing.append((time.process_time() - used) * 1000)
        await decisions.step(caller, job, "undo", StepRequest())
    return {
        "median": round(float(np.median(times)), 1),
        "p95": round(float(np.percentile(times, 95)), 1),
        "computing": round(float(np.median(computing)), 1),
    }
