"""Webhooks: one delivery for every job that ends and asked for it, tried again when the receiver fails.

A delivery is written in the transaction that ends the job. Every attempt is recorded; a replay starts a new round.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx
import structlog

from timbre import tracing
from timbre.errors import DeliveryFailed, DeliveryUnknown
from timbre.service.accounts import audit
from timbre.service.keys.signatures import new_webhook_secret, webhook_headers
from timbre.service.outside.outgoing import Answer, Failure, send
from timbre.settings import Settings
from timbre.store.database import Connection, Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries
from timbre.store.queue import DELIVER_TASK, Lane, Queue

_SQL: Final = queries("webhooks")
_HOUR: Final = 3600.0
_log: Final = structlog.get_logger("timbre.webhooks")


class Webhooks:
    """The deliveries of every team."""

    def __init__(self, database: Database, queue: Queue, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings

    async def announce(self, connection: Connection, job: Row) -> None:
        """In the transaction that ends a job, arrange its delivery if it asked for one."""
        url = job["params"].get("webhook")
        if not url:
            return
        delivery = {
            "id": new_id(),
            "team": job["team_id"],
            "job": job["id"],
            "url": url,
            "status_only": bool(job["params"].get("webhookStatusOnly")),
        }
        await connection.execute(_SQL["create"], delivery | {"revised": False})
        await self._defer(connection, delivery["team"], delivery["id"], 0, number=0)

    async def announce_revision(self, connection: Connection, job: Row) -> None:
        """In the transaction that changes a result, arrange that it is told, where the job asked for that.

        What is told is what stands when it is sent, so that one delivery that waits is enough.
        """
        url = job["params"].get("webhook")
        if not url or not job["params"].get("webhookRevisions"):
            return
        delivery = {
            "id": new_id(),
            "team": job["team_id"],
            "job": job["id"],
            "url": url,
            "status_only": bool(job["params"].get("webhookStatusOnly")),
        }
        if await one(connection, _SQL["create_revised"], delivery) is not None:
            await self._defer(connection, delivery["team"], delivery["id"], 0, number=0)

    async def deliver(self, client: httpx.AsyncClient, delivery: UUID, round_: int, number: int) -> None:
        """Make an attempt: the first has number 0, its retries 1, 2, 3."""
        row = await self._database.one(_SQL["begin"], {"id": delivery, "round": round_})
        if row is None:
            return  # delivered meanwhile, replayed, or gone with its job
        body = await asyncio.to_thread(_body, row)
        headers = webhook_headers(
            body,
            secrets=await self.secrets(row["team_id"]),
            delivery=str(delivery),
            timestamp=int(time.time()),
            encoding=self._settings.webhook_signature,
        )
        headers["Content-Type"] = "application/json"
        if number:
            headers |= {"x-retry-num": str(number), "x-retry-reason": await self._reason(delivery, round_, number - 1)}
        started = time.monotonic()
        outcome: Answer | DeliveryFailed
        try:
            with tracing.span("webhook", row["traceparent"], job=str(row["job_id"]), number=number):
                outcome = await send(
                    client, "POST", row["url"], content=body, headers=headers, seconds=self._settings.webhook_seconds
                )
        except DeliveryFailed as failure:
            outcome = failure
        except Exception:  # noqa: BLE001 - whatever it is, the attempt is counted, so that they come to an end
            _log.exception("fault", delivery=str(delivery), job=str(row["job_id"]))
            outcome = DeliveryFailed(Failure.UNKNOWN_ERROR, "this is a fault of Timbre; its log has it")
        await self._settle(row, number, outcome, time.monotonic() - started)

    async def page(
        self,
        team: UUID,
        *,
        job: UUID | None = None,
        state: str | None = None,
        before: UUID | None = None,
        limit: int = 10,
    ) -> list[Row]:
        """Deliveries with their attempts, newest first."""
        return await self._database.all(
            _SQL["page"], {"team": team, "job": job, "state": state, "before": before, "limit": limit}
        )

    async def replay(self, team: UUID, delivery: UUID) -> None:
        """Deliver once more, with all retries.

        Raises:
            DeliveryUnknown: there is none of this id.
        """
        async with self._database.transaction() as connection:
            row = await one(connection, _SQL["replay"], {"id": delivery, "team": team})
            if row is None:
                raise DeliveryUnknown
            await self._defer(connection, team, delivery, row["round"], number=0)

    async def secrets(self, team: UUID) -> Sequence[str]:
        """The team's valid secrets, the oldest first: the one that receivers are sure to have."""
        return [row["secret"] for row in await self.secret_rows(team)]

    async def secret_rows(self, team: UUID) -> list[Row]:
        """The team's valid secrets, the oldest first: `secret`, `created_at`, `expires_at`."""
        return await self._database.all(_SQL["secrets"], {"team": team})

    async def rotate_secret(self, team: UUID, *, at_once: bool = False, key: UUID | None = None) -> str:
        """Make a new secret; those before stay valid for a while unless `at_once`. Return the new one."""
        id_, secret = new_id(), new_webhook_secret()
        seconds = 0 if at_once else self._settings.webhook_secret_hours * _HOUR
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["retire_secrets"], {"team": team, "seconds": seconds})
            await connection.execute(_SQL["create_secret"], {"id": id_, "team": team, "secret": secret})
            details = {"atOnce": at_once}
            await audit.record(connection, team, "webhook_secret.rotated", subject=id_, key=key, details=details)
        return secret

    async def recover(self, silence: float) -> int:
        """Take up deliveries whose attempt was due or begun so many seconds ago and came to no end; return how many."""
        async with self._database.transaction() as connection:
            longest = max(self._settings.webhook_retries, default=0) + silence
            cursor = await connection.execute(_SQL["forgotten"], {"silence": silence, "longest": longest})
            rows = await cursor.fetchall()
            for row in rows:
                await self._defer(connection, row["team_id"], row["id"], row["round"], number=row["number"])
        return len(rows)

    async def _settle(self, row: Row, number: int, outcome: Answer | DeliveryFailed, seconds: float) -> None:
        retries = self._settings.webhook_retries
        failed = isinstance(outcome, DeliveryFailed)
        again = failed and number < len(retries)
        wait = retries[number] if again else None  # by the database's clock, which wakes entries
        names = {"id": row["id"], "round": row["round"]}
        async with self._database.transaction() as connection:
            attempt = {
                **names,
                "number": number,
                "status": outcome.status,
                "reason": str(outcome.reason) if isinstance(outcome, DeliveryFailed) else None,
                "error": str(outcome) if isinstance(outcome, DeliveryFailed) else None,
                "seconds": seconds,
            }
            if await one(connection, _SQL["attempted"], attempt) is None and failed:
                return  # erased meanwhile, or made twice: the other one sees to what follows
            state = "pending" if again else "failed" if failed else "delivered"
            settled = await one(connection, _SQL["settle"], {**names, "state": state, "wait": wait})
            if settled is not None and again:
                # An entry that is due at once has no time, so that workers are told of it.
                at = settled["next_at"] if wait else None
                await self._defer(connection, row["team_id"], row["id"], row["round"], number=number + 1, at=at)
        _log.info("webhook", delivery=str(row["id"]), job=str(row["job_id"]), state=state, number=number)

    async def _reason(self, delivery: UUID, round_: int, number: int) -> str:
        row = await self._database.one(_SQL["reason"], {"id": delivery, "round": round_, "number": number})
        return str(row["reason"]) if row else "unknown_error"

    async def _defer(
        self,
        connection: Connection,
        team: UUID,
        delivery: UUID,
        round_: int,
        *,
        number: int,
        at: datetime | None = None,
    ) -> None:
        await self._queue.defer(
            connection,
            Lane.WEBHOOKS,
            DELIVER_TASK,
            team=team,
            at=at,
            delivery=str(delivery),
            round=round_,
            number=number,
        )


def _body(row: Row) -> bytes:
    event: dict[str, Any] = {"jobId": str(row["job_id"]), "status": row["status"]}
    if row["revised"]:
        event = {"event": "job.revised", **event, "revision": row["revision"]}
    head = json.dumps(event, separators=(",", ":")).encode()
    if row["body"] is None or row["status"] != "succeeded":
        return head
    return head[:-1] + b',"output":' + gzip.decompress(row["body"]) + b"}"
