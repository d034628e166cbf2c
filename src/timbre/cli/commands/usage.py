"""`timbre usage`: how much audio the teams had heard, and how much they may."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.database import with_database
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.settings import Settings
    from timbre.store.database import Database, Row

_HOUR: Final = 3600.0
_COLUMNS: Final = (
    Column("Team"),
    Column("Key"),
    Column("Ends in"),
    Column("Type"),
    Column("Jobs", "number"),
    Column("Hours", "number"),
)


def usage(
    *,
    team: Annotated[str | None, typer.Option("--team", help="Only this team.", show_default="all")] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="Month to show, as 2026-11, by UTC.", show_default="this one")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="HOURS|none",
            help="Set how many hours of audio the team may have heard a month, instead of showing anything.",
            show_default=False,
        ),
    ] = None,
    json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show jobs and hours of audio by team, key and type for a month, or set a team's monthly budget."""
    if budget is not None:
        _set_budget(team, budget, data_dir)
        return
    first = _first_day(month)
    reports = with_database(lambda database, _: _reports(database, team, first), data_dir)
    if json:
        from timbre.http.routes.usage import usage_report  # noqa: PLC0415

        teams = [{"team": owner["name"], **usage_report(report, owner["budget_seconds"])} for owner, report in reports]
        typer.echo(json_line({"month": f"{first:%Y-%m}", "teams": teams}), nl=False)
        return
    rows = [row for _, report in reports for row in report]
    cells = [
        (owner["name"], row["name"] or "?", row["hint"] or "", row["type"], str(row["jobs"]), _hours(row["seconds"]))
        for owner, report in reports
        for row in report
    ]
    total = (f"{first:%Y-%m}", "", "", "", str(sum(row["jobs"] for row in rows)), _hours(_seconds(rows)))
    show(Table(columns=_COLUMNS, rows=cells, total=total))
    for owner, report in reports:
        if owner["budget_seconds"] is not None:
            typer.echo(f"{owner['name']}: {_hours(_seconds(report))} of {_hours(owner['budget_seconds'])} hours")


def _set_budget(team: str | None, text: str, data_dir: DataDir) -> None:
    from timbre.service.accounts.teams import Teams  # noqa: PLC0415
    from timbre.service.accounts.usage import Usage  # noqa: PLC0415

    if team is None:
        raise OptionError("A budget is a team's; name it with --team.")
    seconds = _budget(text)

    async def act(database: Database, _: Settings) -> None:
        owner = await Teams(database).team(team)
        await Usage(database).set_budget(owner["id"], seconds)

    with_database(act, data_dir)
    if seconds is None:
        typer.echo(f"The team {team} may have any amount of audio heard.")
    else:
        typer.echo(f"The team {team} may have {seconds / _HOUR:g} hours of audio heard a month.")


async def _reports(database: Database, team: str | None, month: date) -> list[tuple[Row, list[Row]]]:
    from timbre.service.accounts.teams import Teams  # noqa: PLC0415
    from timbre.service.accounts.usage import Usage  # noqa: PLC0415

    teams = Teams(database)
    owners = await teams.teams() if team is None else [await teams.team(team)]
    return [(owner, await Usage(database).report(owner["id"], month)) for owner in owners]


def _first_day(month: str | None) -> date:
    try:
        return datetime.strptime(month or f"{datetime.now(UTC):%Y-%m}", "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise OptionError(f"--month {month}: expected a month such as 2026-11.") from None


def _budget(text: str) -> float | None:
    if text == "none":
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 <= hours < math.inf:
        raise OptionError(f"--budget {text}: expected hours, such as 100, or none.")
    return hours * _HOUR


def _seconds(report: Sequence[Row]) -> float:
    return sum((row["seconds"] for row in report), 0.0)


def _hours(seconds: float) -> str:
    return f"{seconds / _HOUR:.2f}"
