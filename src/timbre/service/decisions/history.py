"""The history of a result, as it is told: what was said, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from timbre.service.results.decisions import Entry, walk


def told(entries: Sequence[Entry], names: Mapping[UUID, str], *, since: int = 0) -> list[dict[str, Any]]:
    """Return what was said after a revision, the oldest first, as the API has it.

    Args:
        entries: The whole log.
        names: Of the people of the gallery that are mentioned.
        since: Only what came after this revision.
    """
    walked = walk(entries)
    stands = {decision.revision for decision in walked.stands}
    undone = {decision.revision for decision in walked.undone}
    items = []
    for entry in entries:
        if entry.revision <= since:
            continue
        item: dict[str, Any] = {"revision": entry.revision, "kind": entry.kind, "by": entry.by, "at": _moment(entry.at)}
        if entry.decision is not None:
            state = "undone" if entry.revision in undone else "dropped"
            item["state"] = "stands" if entry.revision in stands else state
            item |= _about(entry, names)
        items.append(item)
    return items


def _about(entry: Entry, names: Mapping[UUID, str]) -> dict[str, Any]:
    decision = entry.decision
    if decision is None:
        return {}
    about: dict[str, Any] = {
        "into" if decision.kind == "join" else "voice": decision.voice,
        "from": list(decision.others) or None,
        "turns": list(decision.turns) or None,
        "at" if decision.kind == "cut" else "start": decision.start,
        "end": decision.end,
    }
    if decision.kind == "cut":
        about["cutAt"] = about.pop("at")
    if decision.kind in {"name", "reject"}:
        about["speakerId"] = None if decision.speaker not in names else str(decision.speaker)
        about["name"] = None if decision.speaker is None else names.get(decision.speaker)
    if decision.kind == "learn":
        about["learn"] = decision.learn
    if decision.kind == "check":
        about["checked"] = decision.checked
    if decision.kind == "reword":
        about["words"] = [{"word": each.word, "text": each.text, "was": each.was} for each in decision.readings]
    return {name: value for name, value in about.items() if value is not None or name in {"speakerId", "name"}}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
