"""`timbre recordings`: what a server has heard, found, tagged, kept and taken as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import NOTHING
from timbre.cli.exits import warn
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.archive import checked_as, open_archive
from timbre.disk import written
from timbre.errors import JobUnknown, OptionError
from timbre.formats import Format

app = typer.Typer(no_args_is_help=True, help="The recordings of a server: find, tag, keep, delete and take them.")
Team = Annotated[str, typer.Option("--team", help="Team whose recordings these are.")]
Jobs_ = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids of jobs.")]
_COLUMNS: Final = (
    Column("Id"),
    Column("Title"),
    Column("State"),
    Column("Submitted"),
    Column("Seconds", "number"),
    Column("People"),
    Column("Unknown", "number"),
    Column("Tags"),
    Column("Kept"),
)
_PAGE: Final = 100


@app.command("list")
def list_(
    *,
    title: Annotated[str | None, typer.Option("--title", help="Only those in whose title this is.")] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", help="Only those in which this person speaks, by name or id.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only those that bear this tag.")] = None,
    status: Annotated[
        Literal["pending", "created", "running", "succeeded", "failed", "canceled"] | None,
        typer.Option("--status", help="Only those in this state."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only those that were submitted then or later, as 2026-11-30.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Only those that were submitted before, as 2026-11-30T12:00.")
    ] = None,
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Only those in which somebody speaks whom nobody has named.")
    ] = False,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Only those with turns that nobody has looked at.")
    ] = False,
    sort: Annotated[
        Literal["newest", "oldest", "title", "longest"], typer.Option("--sort", help="In which order.")
    ] = "newest",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    json: AsJson = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """List recordings with who speaks in them, and how long they are kept."""
    from timbre.http.routes.jobs.responses import job_item  # noqa: PLC0415
    from timbre.service.jobs.jobs import Filter  # noqa: PLC0415

    with open_archive(team, data_dir) as here:
        only = Filter(
            status=status,
            speaker=None if speaker is None else here.gallery.find(speaker).id,
            part=title,
            types=["diarize", "identify", "label"],
            tag=tag,
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
            unnamed=unnamed,
            unchecked=unchecked,
        )
        rows: list[Any] = []
        while len(rows) < limit:
            most, before = min(_PAGE, limit - len(rows)), rows[-1]["id"] if rows else None
            page = here.gallery.ask(here.jobs.page(here.gallery.team, limit=most, before=before, only=only, sort=sort))
            rows += page
            if len(page) < most:
                break
        items = [job_item(row, here.gallery.settings) for row in rows]
    if json:
        for item in items:
            typer.echo(json_line(item), nl=False)
    elif items:
        show(Table(_COLUMNS, [_row(item) for item in items]))


@app.command()
def change(
    jobs: Jobs_,
    *,
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--no-keep", help="Keep them until they are deleted, or by the rules.", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag that they get; several times for more.", show_default=False)
    ] = None,
    untag: Annotated[
        list[str] | None,
        typer.Option("--untag", help="A tag that they lose; several times for more.", show_default=False),
    ] = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Keep recordings, or tag them."""
    from timbre.service.jobs.requests import ChangeJobsRequest  # noqa: PLC0415

    body = {"jobs": jobs, "kept": keep, "addTags": tag or [], "removeTags": untag or []}
    wanted = checked_as(ChangeJobsRequest, body)
    with open_archive(team, data_dir) as here:
        changed = here.gallery.ask(here.archive.change(here.gallery.team, wanted))
    _tell_missing([str(job) for job in wanted.jobs if job not in changed], len(wanted.jobs))
    typer.echo(f"Changed: {len(changed)}.")


@app.command()
def delete(jobs: Jobs_, *, team: Team = "default", data_dir: DataDir = None) -> None:
    """Cancel what is still to be heard, and delete what was, with all that is kept of it, for good."""
    from timbre.service.jobs.requests import JobsRequest  # noqa: PLC0415

    wanted = checked_as(JobsRequest, {"jobs": jobs})
    with open_archive(team, data_dir) as here:
        done = here.gallery.ask(here.archive.delete(here.gallery.team, wanted.jobs))
    _tell_missing([str(job) for job in done.missing], len(wanted.jobs))
    typer.echo(f"Deleted: {len(done.deleted)}. Canceled: {len(done.canceled)}.")


@app.command()
def export(
    jobs: Jobs_,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip file.", dir_okay=False)],
    format_: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Format of the files; several times for more.", show_default="json"),
    ] = None,
    recordings: Annotated[
        bool, typer.Option("--recordings", help="The recordings themselves too, as long as they are kept.")
    ] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Write the results of recordings into a zip file, each named after its recording."""
    from timbre.service.jobs.requests import ExportJobsRequest  # noqa: PLC0415

    formats = [each.value for each in format_ or [Format.JSON]]
    wanted = checked_as(ExportJobsRequest, {"jobs": jobs, "formats": formats, "recordings": recordings})
    with open_archive(team, data_dir) as here, written(output) as file:
        here.gallery.ask(_save(here.archive.export(here.gallery.team, wanted), file))


@app.command()
def keeping(
    *,
    web: Annotated[
        str | None,
        typer.Option("--web", metavar="DAYS|forever", help="How long those are kept that came through the web app."),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(
            "--api",
            metavar="DAYS|forever|server",
            help="How long those are kept that came through the API; server for as long as the settings say.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="TAG=DAYS|forever|none",
            help="How long those are kept that bear a tag; several times for more.",
            show_default=False,
        ),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Change nothing, and tell how many would go.")] = False,
    json: AsJson = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Show the rules for how long recordings are kept, or set some; they hold for what is there as well."""
    from timbre.service.upkeep.keeping_requests import KeepingRequest  # noqa: PLC0415

    body: dict[str, Any] = {}
    if web is not None:
        body["web"] = _days(web)
    if api is not None:
        body["api"] = _days(api)
    if tag:
        body["tags"] = dict(_rule(each) for each in tag)
    with open_archive(team, data_dir) as here:
        if not body:
            rules, over = here.gallery.ask(here.keeping.rules(here.gallery.team)), None
        else:
            wanted = checked_as(KeepingRequest, body)
            rules, over = here.gallery.ask(here.keeping.change(here.caller, wanted, preview=preview))
        hours = here.gallery.settings.output_hours
    if json:
        typer.echo(json_line({"web": rules.web, "api": rules.api, "tags": dict(rules.tags), "over": over}), nl=False)
        return
    rows = [
        ("through the web app", _time(rules.web, hours)),
        ("through the API", _time(rules.api, hours)),
        *((f"tagged {name}", _time(days, hours)) for name, days in rules.tags.items()),
    ]
    show(Table((Column("Recordings"), Column("Kept")), rows))
    if over:
        warn(f"{over} are over their time by this and {'would go' if preview else 'go'} with the next sweep")


async def _save(pieces: Awaitable[AsyncIterator[bytes]], file: IO[bytes]) -> None:
    async for piece in await pieces:
        file.write(piece)


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    kept = "by hand" if item["kept"] else "by a rule" if item["stays"] else item["outputExpiresAt"] or NOTHING
    return (
        item["id"],
        item["title"] or NOTHING,
        item["status"],
        item["createdAt"],
        NOTHING if item["quantity"] is None else str(item["quantity"]),
        ", ".join(person["name"] for person in item["speakers"]) or NOTHING,
        str(item["unnamed"]),
        ", ".join(item["tags"]) or NOTHING,
        kept,
    )


def _time(days: int | str | None, hours: float) -> str:
    if days is None:
        return f"{hours:g} hours, as the server is set"
    return "for ever" if days == "forever" else f"{days} days"


def _days(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text  # noqa: PLR2004 - digits


def _rule(text: str) -> tuple[str, int | str | None]:
    tag, equals, days = text.rpartition("=")
    if not equals or not tag:
        raise OptionError(f"Expected a rule as interviews=365, got {text[:60]!r}.")
    return tag, None if days == "none" else _days(days)


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{option}: expected a day or a moment, as 2026-11-30, got {text[:40]!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tell_missing(missing: list[str], of: int) -> None:
    if len(missing) == of:
        raise JobUnknown
    for job in missing:
        warn(f"there is no job {job}")
