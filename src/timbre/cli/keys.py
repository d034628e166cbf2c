"""`timbre keys`: who may use the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from timbre.cli.loading import read_settings
from timbre.cli.serve import DataDir, sign_in_link
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.service.accounts.teams import Teams
    from timbre.settings import Settings
    from timbre.store.database import Database

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys: make, list and revoke them.")
Team = Annotated[str, typer.Option("--team", help="Team that the key belongs to; made if it is new.")]
T = TypeVar("T")
_WIDEST: Final = 1000  # characters of a line that is not for a terminal: nothing is folded, nothing cut


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    *,
    team: Team = "default",
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it may do, e.g. jobs:read; several times for more.", show_default="all"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it; nobody can see it again."""
    from timbre.service.accounts.teams import Scope  # noqa: PLC0415

    async def act(teams: Teams) -> str:
        return await teams.create_key(name, team=team, scopes=scope or tuple(Scope))

    typer.echo(with_teams(act, data_dir, make=True))


@app.command(name="list")
def list_(
    *,
    team: Annotated[str | None, typer.Option("--team", help="Only those of this team.", show_default="all")] = None,
    data_dir: DataDir = None,
) -> None:
    """List all keys, without what they are."""
    rows = [
        (
            str(row["id"]),
            row["team"],
            row["name"],
            row["hint"],
            " ".join(row["scopes"]),
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            f"{row['revoked_at']:%Y-%m-%d %H:%M}" if row["revoked_at"] else "",
        )
        for row in with_teams(lambda teams: teams.keys(team), data_dir)
    ]
    show_rows(("id", "team", "name", "ends in", "scopes", "made", "revoked"), rows, whole=("id", "ends in"))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, its last six characters, or the key itself.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Make a key worthless at once."""
    name = with_teams(lambda teams: teams.revoke(key), data_dir)
    typer.echo(f"Revoked {name}.")


@app.command()
def link(
    *,
    team: Annotated[str, typer.Option("--team", help="Team that is signed in to.")] = "default",
    address: Annotated[
        str | None,
        typer.Option("--address", help="Where browsers reach the server.", show_default="where it runs"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a link that signs one browser in to the web app, once, within 15 minutes."""
    from timbre.cli.data_folder import noted_address  # noqa: PLC0415
    from timbre.service.accounts.sessions import Sessions  # noqa: PLC0415

    async def act(database: Database, settings: Settings) -> str:
        token = await Sessions(database, settings).link(team)
        return sign_in_link(address or noted_address(settings), token)

    typer.echo(with_database(act, data_dir))


def with_teams(act: Callable[[Teams], Awaitable[T]], data_dir: DataDir, *, make: bool = False) -> T:
    """Do something with the teams of the server whose data folder, or database, this is; see `with_database`."""
    from timbre.service.accounts.teams import Teams  # noqa: PLC0415

    return with_database(lambda database, _: act(Teams(database)), data_dir, make=make)


def with_database(act: Callable[[Database, Settings], Awaitable[T]], data_dir: DataDir, *, make: bool = False) -> T:
    """Do something with the database of the server whose data folder, or database, this is; `make` it if there is none.

    Raises:
        ServerError: there is none.
        OptionError: a setting has a value it cannot have.
        DatabaseUnavailable: the database cannot be reached.
        DataFolderBusy: a server is just starting or stopping there.
    """
    from timbre.cli.data_folder import database_url  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415

    settings = read_settings()
    if data_dir is not None:
        if settings.database_url:
            raise OptionError("--data-dir and TIMBRE_DATABASE_URL name two servers; leave one of them out.")
        settings = settings.model_copy(update={"data_dir": data_dir})

    async def run(url: str) -> T:
        # Two: one that is asked, one for what it is asked meanwhile.
        async with open_database(url, connections=2, application="timbre command") as database:
            return await act(database, settings)

    with database_url(settings, make=make) as url:
        return asyncio.run(run(url))


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Sequence[str] = ()) -> None:
    """Print a table on stdout.

    Args:
        columns: The headers.
        rows: As many cells each; what they hold is shown as it is.
        whole: Columns that are never folded, so that they can be copied.
    """
    import sys  # noqa: PLC0415

    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in whole, overflow="ignore" if column in whole else "fold")
    for cells in rows:
        table.add_row(*cells)
    width = None if sys.stdout.isatty() else _WIDEST
    Console(width=width, markup=False, emoji=False, highlight=False).print(table, soft_wrap=False)
