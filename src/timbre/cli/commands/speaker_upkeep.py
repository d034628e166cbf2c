"""`timbre speakers retention` and `scrub`: who is to be erased, and what is left of who was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.database import with_database
from timbre.errors import DataFolderBusy

if TYPE_CHECKING:
    from timbre.service.people.retention import Report
    from timbre.service.upkeep.scrubbing import Scrubbed
    from timbre.settings import Settings
    from timbre.store.database import Database, Row

_COLUMNS: Final = (Column("Name"), Column("Id"), Column("Last named"), Column("What"))


def retention(
    *,
    team: Annotated[str, typer.Option("--team", help="Team whose people these are.")] = "default",
    months: Annotated[
        int | None,
        typer.Option("--months", min=0, help="As if this were the setting.", show_default="TIMBRE_SPEAKER_MONTHS"),
    ] = None,
    json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say who is to be erased, as no recording has named them for months, and whose review is due."""

    async def act(database: Database, settings: Settings) -> Report:
        from timbre.service.accounts.teams import Teams  # noqa: PLC0415
        from timbre.service.keys.template_protection import Protection  # noqa: PLC0415
        from timbre.service.models.packs import Packs  # noqa: PLC0415
        from timbre.service.people.gallery import Gallery  # noqa: PLC0415
        from timbre.service.people.retention import SpeakerRetention  # noqa: PLC0415

        if months is not None:
            settings = settings.model_copy(update={"speaker_months": months})
        gallery = Gallery(database, Protection(database, settings), Packs(settings))
        owner = await Teams(database).team(team)
        return await SpeakerRetention(database, gallery.erase, settings).report(owner["id"])

    report = with_database(act, data_dir)
    if json:
        from timbre.http.routes.speakers.responses import retention_report  # noqa: PLC0415

        typer.echo(json_line(retention_report(report)), nl=False)
        return
    rows = [
        *(_row(row, f"erased from {row['erased_from']:%Y-%m-%d} on") for row in report.due_now),
        *(_row(row, f"due on {row['due_at']:%Y-%m-%d}") for row in report.due_soon),
        *(_row(row, f"review due since {row['review_on']:%Y-%m-%d}") for row in report.review_due),
    ]
    if rows:
        show(Table(_COLUMNS, rows))
    setting = f"after {report.months} months" if report.months else "never"
    typer.echo(f"People whom no recording names are erased {setting} (TIMBRE_SPEAKER_MONTHS).", err=True)


def scrub(*, data_dir: DataDir = None) -> None:
    """Take what was erased out of the files of the database, however large they are; a server waits meanwhile."""

    async def act(database: Database, settings: Settings) -> Scrubbed | None:
        from timbre.service.keys.template_protection import Protection  # noqa: PLC0415
        from timbre.service.people.search import Search  # noqa: PLC0415
        from timbre.service.upkeep.scrubbing import Scrubbing  # noqa: PLC0415

        return await Scrubbing(database, Search(database, Protection(database, settings), settings)).scrub()

    done = with_database(act, data_dir)
    if done is None:
        raise DataFolderBusy("A worker is doing this just now; repeat it when that is done.")
    log = "let go" if done.log else "kept, as this database's user may not let it go"
    typer.echo(f"Written anew: {', '.join(done.rewritten)}. The log written ahead was {log}.")


def _row(row: Row, what: str) -> tuple[str, str, str, str]:
    heard = f"{row['heard_at']:%Y-%m-%d}" if row["heard_at"] else "never"
    return row["name"], str(row["id"]), heard, what
