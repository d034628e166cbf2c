"""The account of a run: of every job that was accepted, what became of it, how late, and how often it was told.

Taken from the tables, from the webhooks that came and from the usage that was counted; not from what a server says of
itself in between.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from benchmarks.reliability.fleet import Fleet, Part
from benchmarks.reliability.traffic import Traffic, asking
from timbre.store.identifiers import worker_name

GRACE = 30.0  # seconds beyond the lease, within which a job has to have ended
_FAULTS = {"fault", "upkeep failed", "a lane broke"}
_PAUSE = 0.5


@dataclass(kw_only=True)
class Ledger:
    """Notes what was hit, and accounts for it in the end."""

    traffic: Traffic
    lease: float  # seconds of silence after which a job is taken up by another worker
    hits: dict[str, float] = field(default_factory=dict)  # by job: when it was hit last, by this machine's clock
    times: int = 0  # how often a job was hit

    @property
    def fleet(self) -> Fleet:
        """The server that it is about."""
        return self.traffic.fleet

    def working(self) -> list[Part]:
        """The workers that are at a job."""
        with psycopg.connect(self.fleet.url) as database:
            rows = database.execute("SELECT DISTINCT worker FROM jobs WHERE status = 'running'").fetchall()
        names = {row[0] for row in rows}
        return [part for part in self.fleet.workers if worker_name(part.pid) in names]

    def hit(self, worker: str | None = None) -> int:
        """Note that what a worker works on, or all that has not ended, is hit now; return how many jobs that are."""
        query = "SELECT id FROM jobs WHERE status = 'running' AND worker = %s"
        with psycopg.connect(self.fleet.url) as database:
            if worker is None:
                rows = database.execute("SELECT id FROM jobs WHERE completed_at IS NULL").fetchall()
            else:
                rows = database.execute(query, [worker]).fetchall()
        self.note(str(row[0]) for row in rows)
        return len(rows)

    def note(self, jobs: Iterable[str]) -> None:
        """Note that these jobs are hit now."""
        for job in jobs:
            self.hits[job] = time.time()
            self.times += 1

    async def account(self, *, patience: float = 300.0) -> dict[str, Any]:
        """Wait until everything has come to its end, or for so many seconds, and account for it."""
        jobs = self.traffic.jobs
        all_ended, waited = await self._wait(patience)
        with psycopg.connect(self.fleet.url, row_factory=dict_row) as database:
            rows = {str(row["id"]): row for row in database.execute("SELECT * FROM jobs").fetchall()}
            delivered = dict(
                Counter(str(row["job_id"]) for row in database.execute("SELECT job_id FROM webhook_deliveries"))
            )
            usage = database.execute("SELECT type, sum(jobs)::bigint AS jobs FROM usage GROUP BY type").fetchall()
            counted = {row["type"]: row["jobs"] for row in usage}
            entries = database.execute("SELECT count(*) AS left FROM procrastinate_jobs").fetchone()
        ended = {job for job in jobs if job in rows and rows[job]["completed_at"] is not None}
        others = await self._others(sorted(ended))
        late = [self._late(job, rows[job]) for job in ended]
        hit = [self._late(job, rows[job]) for job in ended if job in self.hits]
        bodies = self.traffic.outside.hooks
        succeeded = Counter(
            kind.route
            for job, kind in {**jobs, **self.traffic.before}.items()
            if job in rows and rows[job]["status"] == "succeeded"
        )
        return {
            "jobs": len(jobs),
            "requests_sent_again": self.traffic.refusals,
            "hit": len(self.hits),
            "begun_again": sum(max(0, rows[job]["attempt"] - jobs[job].attempts) for job in ended),
            "lost": len(jobs) - len(ended) + sum(job not in bodies for job in jobs),
            "doubled": len(set(rows) - set(jobs) - set(self.traffic.before))
            + sum(number > 1 for number in delivered.values())
            + sum(len(told) > 1 or any(len(body) > 1 for body in told.values()) for told in bodies.values())
            + sum(abs(counted.get(route, 0) - number) for route, number in succeeded.items()),
            "otherwise_than_undisturbed": len(others),
            "others": others[:5],
            "webhooks_sent_again": self.traffic.outside.came - sum(len(told) for told in bodies.values()),
            "latest_seconds": round(max(late, default=0.0), 1),
            "latest_of_those_hit_seconds": round(max(hit, default=0.0), 1),
            "bound_seconds": self.lease + GRACE,
            "entries_left": entries["left"] if entries else 0,
            "faults_in_logs": self._faults(),
            "all_had_ended_after_seconds": round(all_ended, 1),
            "waited_for_the_end_seconds": round(waited, 1),
        }

    def _late(self, job: str, row: dict[str, Any]) -> float:
        """Seconds from its submission, or from when it was hit last, to its end."""
        end = row["completed_at"].timestamp()
        return float(end - min(end, max(row["created_at"].timestamp(), self.hits.get(job, 0.0))))

    async def _wait(self, patience: float) -> tuple[float, float]:
        """Wait for the ends of all jobs, then for webhooks and the queue; return how long for the first, and in all."""
        begin, ended = time.monotonic(), 0.0
        ids = [UUID(job) for job in self.traffic.jobs]
        query = (
            "SELECT (SELECT count(*) FROM jobs WHERE id = ANY(%(ids)s) AND completed_at IS NULL),"
            " (SELECT count(*) FROM procrastinate_jobs)"
            " + (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending')"
        )
        while time.monotonic() - begin < patience:
            try:
                async with await psycopg.AsyncConnection.connect(self.fleet.url) as database:
                    row = await (await database.execute(query, {"ids": ids})).fetchone()
            except psycopg.OperationalError:
                row = None
            if row and row[0]:
                ended = time.monotonic() - begin
            elif row and row[1] == 0 and len(self.traffic.outside.hooks) >= len(ids):
                break
            await asyncio.sleep(_PAUSE)
        return ended, time.monotonic() - begin

    async def _others(self, ended: list[str]) -> list[dict[str, Any]]:
        """Jobs that ended otherwise than one of their kind does when nothing is broken."""
        found = []
        async with asking(self.fleet) as client:
            for job in ended:
                kind = self.traffic.jobs[job]
                answer = (await client.get(f"/v1/jobs/{job}")).raise_for_status().json()
                if (answer["status"], answer["output"]) != (kind.status, kind.output):
                    error = _reason(answer["output"])
                    found.append({"job": job, "route": kind.route, "status": answer["status"], "error": error})
        return found

    def _faults(self) -> int:
        faults = 0
        for path in (self.fleet.folder / "log").iterdir():
            for line in path.read_text("utf-8", errors="replace").splitlines():
                faults += line.startswith("{") and json.loads(line).get("event") in _FAULTS
        return faults


def _reason(output: Any) -> str | None:
    return output.get("error") if isinstance(output, dict) else None
