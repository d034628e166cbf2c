"""How jobs become the wire's JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from timbre.http.responses import timestamp
from timbre.settings import Settings
from timbre.store.database import Row


def job_detail(row: Row, settings: Settings) -> dict[str, Any]:
    """A job without its output, except for the reason of one that failed or was canceled."""
    expires = _expires(row, settings) if row["status"] == "succeeded" else None
    detail = {
        "jobId": str(row["id"]),
        "status": row["status"],
        "createdAt": timestamp(row["created_at"]),
        "updatedAt": timestamp(row["updated_at"]),
        "type": row["type"],
        "model": row["model"],
        "progress": round(row["progress"], 3),
        "stage": row["stage"],
        "ahead": row["ahead"],
        "duration": _seconds(row["duration"]),
        "startedAt": timestamp(row["started_at"]),
        "completedAt": timestamp(row["completed_at"]),
        "outputExpiresAt": timestamp(expires),
        "warning": row["warning"],
        "title": row["title"],
        "kept": row["kept"],
        "stays": row["stays"],
        "tags": row["tags"],
        "source": row["source"],
        "revision": row["revision"],
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
    expires = _expires(row, settings) if row["has_output"] else None
    return {
        "id": str(row["id"]),
        "status": row["status"],
        "type": row["type"],
        "source": row["source"],
        "model": row["model"],
        "quantity": None if row["duration"] is None else round(row["duration"]),
        "reason": row["error"],
        "warning": row["warning"],
        "createdAt": timestamp(row["created_at"]),
        "completedAt": timestamp(row["completed_at"]),
        "title": row["title"],
        "kept": row["kept"],
        "stays": row["stays"],
        "tags": row["tags"],
        "outputExpiresAt": timestamp(expires),
        "speakers": row["speakers"],
        "voices": row["voices"],
        "unnamed": row["unnamed"],
        "unchecked": row["unchecked"],
    }


def job_item_old(row: Row) -> dict[str, Any]:
    """A job in the list of the old kind."""
    return {"id": str(row["id"]), "status": row["status"], "createdAt": timestamp(row["created_at"])}


def _expires(row: Row, settings: Settings) -> datetime | None:
    """When the output goes; None where it stays."""
    if row["stays"]:
        return None
    goes: datetime = row["goes_at"] or row["completed_at"] + timedelta(hours=settings.output_hours)
    return goes


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
