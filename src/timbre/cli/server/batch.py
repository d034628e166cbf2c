"""A batch: many recordings through the queue of a server, some of them under way at a time, each result in a file."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from timbre.cli.inputs.collection import Collection, Member
from timbre.cli.server.ledger import Ledger, Step, Voice
from timbre.cli.server.remote import Remote
from timbre.disk import needed, written
from timbre.errors import InputError, OptionError, RemoteError
from timbre.formats import Format
from timbre.formats.csv import field

SUMMARY: Final = "summary.csv"
_FINAL: Final = frozenset({"succeeded", "failed", "canceled"})
_COLUMNS: Final = (
    "recording",
    "state",
    "duration",
    "speaker",
    "name",
    "confidence",
    "seconds",
    "turns",
    "job",
    "error",
)
_WAIT: Final = 50  # seconds of a long poll
_LONGEST_TITLE: Final = 200
_INVALID: Final = 400
_NOT_FOUND: Final = 404
_OWN: Final = ("url", "title")  # fields of a request that are a recording's own
# What is wrong with a recording or with its request concerns that alone; what is wrong with the key, all of them.
_OF_ONE: Final = frozenset({400, 404, 409, 413, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for of every recording."""

    kind: str  # diarize, identify
    body: Mapping[str, Any]
    form: Format
    folder: Path  # of the results
    retry: bool = False  # whether what failed is submitted again


class Batch:
    """Submits, waits and writes."""

    def __init__(
        self, collection: Collection, ledger: Ledger, remote: Remote, order: Order, done: Callable[[Step], None]
    ) -> None:
        self._collection = collection
        self._ledger = ledger
        self._remote = remote
        self._order = order
        self._done = done

    def open(self, members: Iterable[Member]) -> list[Member]:
        """Those that are not done yet."""
        return [member for member in members if not self._is_done(member)]

    async def run(self, members: Sequence[Member], parallel: int) -> None:
        """Do them, so many at a time.

        Raises:
            OptionError: the server takes no such request.
            RemoteError: it refuses everything, or is away.
            PathUnusable, DiskFull: a result cannot be written.
        """
        waiting = iter(members)

        async def one_after_the_other() -> None:
            for member in waiting:
                await self._do(member)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(parallel, len(members))):
                    group.create_task(one_after_the_other())
        except ExceptionGroup as several:
            raise several.exceptions[0] from None  # the others are of the same kind, or come of it

    def _is_done(self, member: Member) -> bool:
        step = self._ledger.steps.get(member.name)
        if step is None or not step.is_of(member):
            return False
        if step.state == "succeeded":
            return result_path(self._order, member.name).exists()
        return step.state == "failed" and not self._order.retry

    async def _do(self, member: Member) -> None:
        step = self._ledger.steps.get(member.name)
        if step is None or not step.is_of(member):
            step = None
        try:
            ended = await self._ended(step) if step and step.state == "submitted" else None
            if step is None or ended is None:
                step = await self._submitted(member, step.tries + 1 if step else 1)
                ended = await self._ended(step)
            if ended is None:
                raise InputError("its job was deleted on the server")
            step = await self._kept(step, ended)
        except (InputError, RemoteError) as error:
            if isinstance(error, RemoteError) and error.status not in _OF_ONE:
                raise
            known = step or Step(recording=member.name, bytes=member.bytes, changed=member.changed, state="failed")
            step = replace(known, state="failed", error=str(error))
        self._ledger.note(step)
        self._done(step)

    async def _submitted(self, member: Member, tries: int) -> Step:
        asked = json.dumps(self._order.body, sort_keys=True)
        about = f"{member.name}\0{member.bytes}\0{member.changed}\0{self._order.kind}\0{asked}\0{tries}"
        digest = hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        suffix = PurePosixPath(member.name).suffix
        url = f"media://batch/{digest}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"
        link = await self._remote.ask("POST", "/v1/media/input", json={"url": url})
        await self._remote.send(link["url"], member.bytes, lambda: self._collection.pieces(member))
        body = {**self._order.body, "url": url, "title": _title(member.name)}
        try:
            job = await self._remote.ask(
                "POST", f"/v1/{self._order.kind}", json=body, headers={"Idempotency-Key": f"batch-{digest}"}
            )
        except RemoteError as error:
            if error.status == _INVALID and not str(error).startswith(_OWN):
                raise OptionError(str(error)) from None  # so it would be for every recording
            raise
        step = Step(
            recording=member.name,
            bytes=member.bytes,
            changed=member.changed,
            state="submitted",
            job=job["jobId"],
            tries=tries,
        )
        self._ledger.note(step)
        return step

    async def _ended(self, step: Step) -> dict[str, Any] | None:
        """The job of a step when it has ended; None if the server has it no longer, or not its output."""
        while True:
            try:
                job = await self._remote.ask("GET", f"/v1/jobs/{step.job}", params={"wait": _WAIT})
            except RemoteError as error:
                if error.status == _NOT_FOUND:
                    return None
                raise
            if job["status"] in _FINAL:
                return job if "output" in job or job["status"] == "canceled" else None

    async def _kept(self, step: Step, job: Mapping[str, Any]) -> Step:
        output = job.get("output", {})
        if job["status"] != "succeeded":
            return replace(step, state="failed", error=output.get("error", "the job was canceled"))
        if self._order.form is Format.JSON:
            text = (json.dumps(output, ensure_ascii=False) + "\n").encode()
        else:
            text = await self._remote.take(f"/v1/jobs/{step.job}/output.{self._order.form.value}")
        path = result_path(self._order, step.recording)
        with needed(path, "name another folder with --output"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with written(path) as file:
                file.write(text)
        return replace(step, state="succeeded", duration=job.get("duration"), error=None, voices=tuple(_voices(output)))


def result_path(order: Order, recording: str) -> Path:
    """Where the result of a recording is written: under its own name, as two may differ in their ends alone."""
    return order.folder / f"{recording}{order.form.extension}"


def write_summary(folder: Path, steps: Iterable[Step]) -> None:
    """Write who speaks where and how long: a row for each voice, and one for each recording without any.

    Raises:
        PathUnusable, DiskFull: it cannot be written.
    """
    with needed(folder / SUMMARY, "name another folder with --output"), written(folder / SUMMARY) as file:
        file.write((",".join(_COLUMNS) + "\n").encode())
        for step in sorted(steps, key=lambda step: step.recording):
            for voice in step.voices or (None,):
                cells = {
                    "recording": step.recording,
                    "state": step.state,
                    "duration": _number(step.duration),
                    "speaker": voice.speaker if voice else "",
                    "name": (voice.name or "") if voice else "",
                    "confidence": _number(voice.confidence) if voice else "",
                    "seconds": _number(voice.seconds) if voice else "",
                    "turns": str(voice.turns) if voice else "",
                    "job": step.job or "",
                    "error": step.error or "",
                }
                file.write((",".join(field(cells[column]) for column in _COLUMNS) + "\n").encode("utf-8", "replace"))


def _voices(output: Mapping[str, Any]) -> Iterator[Voice]:
    named = {voice["speaker"]: voice for voice in output.get("voiceprints", [])}
    talk: dict[str, list[float]] = {}
    for turn in output.get("identification") or output["diarization"]:
        talk.setdefault(turn.get("diarizationSpeaker", turn["speaker"]), []).append(turn["end"] - turn["start"])
    for label, seconds in sorted(talk.items()):
        name = named.get(label, {}).get("match")
        confidence = named[label]["confidence"].get(name) if name else None
        yield Voice(speaker=label, name=name, confidence=confidence, seconds=round(sum(seconds), 3), turns=len(seconds))


def _title(name: str) -> str:
    text = name.encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "?" for character in text)[-_LONGEST_TITLE:]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if value == int(value) else f"{value:.3f}"
