"""How records become the wire's JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.responses import Response

from timbre.settings import Settings
from timbre.store.database import Row


class Json(Response):
    """An answer in JSON; every character as it is, no spaces."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return dumps(content)


def dumps(content: Any) -> bytes:
    """Return JSON as bytes."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def job_detail(row: Row, settings: Settings) -> dict[str, Any]:
    """A job without its output, except for the reason of one that failed or was canceled."""
    expires = None
    if row["status"] == "succeeded" and not row["kept"]:
        expires = row["completed_at"] + timedelta(hours=settings.output_hours)
    detail = {
        "jobId": str(row["id"]),
        "status": row["status"],
        "createdAt": timestamp(row["created_at"]),
        "updatedAt": timestamp(row["updated_at"]),
        "type": row["type"],
        "model": row["model"],
        "progress": round(row["progress"], 3),
        "stage": row["stage"],
        "duration": _seconds(row["duration"]),
        "startedAt": timestamp(row["started_at"]),
        "completedAt": timestamp(row["completed_at"]),
        "outputExpiresAt": timestamp(expires),
        "warning": row["warning"],
        "title": row["title"],
        "kept": row["kept"],
        "hasVoices": row["has_voices"],
        "hasAudio": row["has_audio"],
    }
    # Absent, never null: clients look into what is there.
    present = {name: value for name, value in detail.items() if value is not None}
    if row["error"] is not None:
        present["output"] = {"error": row["error"]}
    return present


def job_item(row: Row, settings: Settings) -> dict[str, Any]:
    """A job in a list."""
    expires = None
    if row["has_output"] and not row["kept"]:
        expires = row["completed_at"] + timedelta(hours=settings.output_hours)
    return {
        "id": str(row["id"]),
        "status": row["status"],
        "type": row["type"],
        "source": "api",
        "model": row["model"],
        "quantity": None if row["duration"] is None else round(row["duration"]),
        "reason": row["error"],
        "createdAt": timestamp(row["created_at"]),
        "completedAt": timestamp(row["completed_at"]),
        "title": row["title"],
        "kept": row["kept"],
        "outputExpiresAt": timestamp(expires),
        "speakers": row["speakers"],
    }


def job_item_old(row: Row) -> dict[str, Any]:
    """A job in the list of the old kind."""
    return {"id": str(row["id"]), "status": row["status"], "createdAt": timestamp(row["created_at"])}


def delivery_item(row: Row) -> dict[str, Any]:
    """A delivery of a webhook, with its attempts."""
    return {
        "id": str(row["id"]),
        "jobId": str(row["job_id"]),
        "url": row["url"],
        "state": row["state"],
        "createdAt": timestamp(row["created_at"]),
        "nextAt": timestamp(row["next_at"]),
        "deliveredAt": timestamp(row["delivered_at"]),
        "attempts": row["attempts"],
    }


def audit_entry(row: Row) -> dict[str, Any]:
    """An entry of the audit."""
    return {
        "id": str(row["id"]),
        "at": timestamp(row["at"]),
        "action": row["action"],
        "subject": None if row["subject"] is None else str(row["subject"]),
        "keyId": None if row["key_id"] is None else str(row["key_id"]),
        "keyName": row["key_name"],
        "details": row["details"],
    }


def usage_report(rows: Sequence[Row], budget: float | None) -> dict[str, Any]:
    """What a team used in a month, in all and by key and type of job; the budget is in seconds of audio a month."""
    return {
        "jobs": sum(row["jobs"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "budgetSeconds": budget,
        "keys": [
            {
                "keyId": str(row["key_id"]),
                "name": row["name"],
                "type": row["type"],
                "jobs": row["jobs"],
                "seconds": round(row["seconds"], 3),
            }
            for row in rows
        ],
    }


def next_cursor(rows: list[Row], limit: int) -> str | None:
    """Where the next page begins, if a page of this many was asked for and one more was found."""
    return str(rows[limit - 1]["id"]) if len(rows) > limit else None


def parse_id(text: str) -> UUID | None:
    """An identifier in a path; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
