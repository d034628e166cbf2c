"""`timbre review`: what waits for a decision over all recordings, and deciding about many voices at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import NOTHING
from timbre.cli.exits import warn
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.archive import OpenArchive, checked_as, open_archive
from timbre.errors import OptionError, SpeakerUnknown

if TYPE_CHECKING:
    from timbre.service.review.review import Waiting

_MATCHES: Final = (
    Column("Voice"),
    Column("Recording"),
    Column("Seconds", "number"),
    Column("Name"),
    Column("Confidence", "number"),
)
_GROUPS: Final = (
    Column("Group", "number"),
    Column("Voice"),
    Column("Recording"),
    Column("Seconds", "number"),
    Column("Like"),
)


def review(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="name, reject or nobody, of voices; rename, to name the recordings again whose people have changed."
            " Without it what waits is shown.",
            show_default=False,
        ),
    ] = None,
    voices: Annotated[
        list[str] | None,
        typer.Argument(metavar="[JOB/SPEAKER]...", help="Voices, as they are shown.", show_default=False),
    ] = None,
    *,
    speaker: Annotated[str | None, typer.Option("--speaker", help="Name or id of a person of the gallery.")] = None,
    new: Annotated[str | None, typer.Option("--new", help="Name of somebody new, instead.")] = None,
    consent: Annotated[
        str | None, typer.Option("--consent", help="Why the voice of somebody new may be kept, in your words.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who says it, for the history.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Show at most so many of each.")] = 50,
    json: AsJson = False,
    team: Annotated[str, typer.Option("--team", help="Team whose recordings these are.")] = "default",
    data_dir: DataDir = None,
) -> None:
    """Show names that nobody has confirmed and voices that nobody knows, over all recordings, and say who they are."""
    with open_archive(team, data_dir) as here:
        if kind == "rename":
            _rename(here)
            return
        if kind is not None:
            consented = None if consent is None else {"basis": consent}
            _say(here, kind, voices or [], speaker, {"name": new, "consent": consented, "by": by})
            return
        waiting = here.gallery.ask(here.review.waiting(here.gallery.team, limit))
    if json:
        for item in _items(waiting):
            typer.echo(json_line(item), nl=False)
        return
    _show(waiting)


def _say(here: OpenArchive, kind: str, voices: list[str], speaker: str | None, more: dict[str, Any]) -> None:
    from timbre.service.review.requests import ReviewRequest  # noqa: PLC0415

    body = {"kind": kind, "voices": [_voice(each) for each in voices], **more}
    if speaker is not None:
        try:
            body["speakerId"] = str(here.gallery.find(speaker).id)
        except SpeakerUnknown as error:
            raise OptionError(f"{error} Somebody new is named with --new.") from None
    _, said = here.gallery.ask(here.review.decide(here.caller, checked_as(ReviewRequest, body)))
    for each in said:
        if each.error is not None:
            warn(f"{each.voice.job_id}/{each.voice.speaker}: {each.error}")
        elif each.made is not None and each.made.doubt is not None:
            warn(f"{each.voice.job_id}/{each.voice.speaker}: nothing was learned: {each.made.doubt.words}")
    typer.echo(f"Said of {sum(each.error is None for each in said)} of {len(said)} voices.")


def _rename(here: OpenArchive) -> None:
    from timbre.service.review.requests import RenameRequest  # noqa: PLC0415

    named = changed = 0
    left = 1
    while left:
        done = here.gallery.ask(here.review.rename(here.gallery.team, RenameRequest()))
        named, changed, left = named + done.named, changed + done.changed, done.left
    typer.echo(f"Named again: {named}. With other people now: {changed}.")


def _voice(text: str) -> dict[str, str]:
    job, _, speaker = text.partition("/")
    return {"jobId": job, "speaker": speaker}


def _items(waiting: Waiting) -> list[dict[str, Any]]:
    matches = [
        {
            "kind": "match",
            "jobId": str(row["job_id"]),
            "speaker": row["speaker"],
            "speakerId": str(row["speaker_id"]),
            "name": row["name"],
            "confidence": row["confidence"],
            "doubtful": row["doubtful"],
        }
        for row in waiting.matches
    ]
    groups = [
        {
            "kind": "group",
            "voices": [{"jobId": str(row["job_id"]), "speaker": row["speaker"]} for row in group.voices],
            "candidates": [
                {"speakerId": str(each.speaker), "name": each.name, "confidence": each.confidence}
                for each in group.candidates
            ],
        }
        for group in waiting.groups
    ]
    return [*matches, *groups]


def _show(waiting: Waiting) -> None:
    if waiting.matches:
        rows = [
            (
                f"{row['job_id']}/{row['speaker']}",
                row["title"] or NOTHING,
                f"{row['seconds']:.1f}",
                f"{row['name']}{', by a sample that is gone' if row['doubtful'] else ''}",
                NOTHING if row["confidence"] is None else str(row["confidence"]),
            )
            for row in waiting.matches
        ]
        show(Table(_MATCHES, rows))
    if waiting.groups:
        rows = [
            (
                str(number) if at == 0 else "",
                f"{row['job_id']}/{row['speaker']}",
                row["title"] or NOTHING,
                f"{row['seconds']:.1f}",
                ", ".join(f"{each.name} {each.confidence}" for each in group.candidates) if at == 0 else "",
            )
            for number, group in enumerate(waiting.groups, 1)
            for at, row in enumerate(group.voices)
        ]
        show(Table(_GROUPS, rows))
    more = waiting.matches_total - len(waiting.matches), waiting.groups_total - len(waiting.groups)
    if any(more):
        typer.echo(f"And {more[0]} more names, {more[1]} more groups; --limit shows more.", err=True)
    if waiting.affected:
        typer.echo(
            f"Your people have changed since {waiting.affected} recordings were named; `timbre review rename` names"
            " them again.",
            err=True,
        )
