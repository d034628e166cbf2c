"""How people become the wire's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from timbre.http.responses import timestamp
from timbre.service.people.person import Person, Sample, quality_json
from timbre.service.people.retention import Report
from timbre.service.people.transfer import Imported
from timbre.store.database import Row


def speaker_item(person: Person, space: str | None) -> dict[str, Any]:
    """A person in a list; `space` is what the people of the gallery are compared in."""
    return {
        "id": str(person.id),
        "name": person.name,
        "tags": list(person.tags),
        "consent": None if person.consent is None else person.consent.to_json(),
        "reviewDate": None if person.review_on is None else person.review_on.isoformat(),
        "createdAt": timestamp(person.created_at),
        "updatedAt": timestamp(person.updated_at),
        "lastHeardAt": timestamp(person.heard_at),
        "sampleCount": len(person.samples),
        "speechSeconds": round(person.speech_seconds, 3),
        "advice": person.advice(space, datetime.now(UTC).date()),
    }


def speaker_detail(person: Person, space: str | None, alike: Mapping[UUID, int]) -> dict[str, Any]:
    """A person with all samples; `alike` says how much each sounds like the others."""
    samples = [sample_item(sample, space, alike.get(sample.id)) for sample in person.samples]
    return speaker_item(person, space) | {"samples": samples}


def sample_item(sample: Sample, space: str | None, alike: int | None = None) -> dict[str, Any]:
    """A sample of a person."""
    quality = quality_json(sample.quality)
    if quality is not None and sample.quality is not None:
        quality["advice"] = list(sample.quality.advice)
    return {
        "id": str(sample.id),
        "source": sample.source,
        "jobId": None if sample.job is None else str(sample.job),
        "jobTitle": sample.job_title,
        "speechSeconds": round(sample.seconds, 3),
        "quality": quality,
        "model": "current" if sample.space == space else "other",
        "hasClip": sample.has_clip,
        "createdAt": timestamp(sample.created_at),
        "alike": alike,
    }


def import_report(imported: Imported) -> dict[str, Any]:
    """What became of an import."""
    return {
        "created": imported.created,
        "updated": imported.updated,
        "samples": imported.samples,
        "failed": imported.failed,
        "errors": [{"line": line, "message": message} for line, message in imported.errors],
    }


def retention_report(report: Report) -> dict[str, Any]:
    """Who is to be erased, and whose review is due."""
    return {
        "months": report.months,
        "dueNow": [_due_item(row) for row in report.due_now],
        "dueSoon": [_due_item(row) for row in report.due_soon],
        "reviewDue": [
            {"speakerId": str(row["id"]), "name": row["name"], "reviewDate": row["review_on"].isoformat()}
            for row in report.review_due
        ],
    }


def _due_item(row: Row) -> dict[str, Any]:
    return {
        "speakerId": str(row["id"]),
        "name": row["name"],
        "createdAt": timestamp(row["created_at"]),
        "lastHeardAt": timestamp(row["heard_at"]),
        "dueAt": timestamp(row["due_at"]),
        "erasedFrom": timestamp(row["erased_from"]),
    }
