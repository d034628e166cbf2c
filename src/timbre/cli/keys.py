"""`timbre keys`: who may use the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from timbre.cli.serve import DataDir
from timbre.settings import Settings

app = typer.Typer(no_args_is_help=True, help="API keys: make, list and revoke them.")
Team = Annotated[str, typer.Option("--team", help="Team that the key belongs to; made if it is new.")]
T = TypeVar("T")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    team: Team = "default",
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it may do, e.g. jobs:read; several times for more.", show_default="all"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it; nobody can see it again."""
    from timbre.service.teams import Scope, Teams  # noqa: PLC0415

    async def act(teams: Teams) -> str:
        return await teams.create_key(name, team=team, scopes=scope or tuple(Scope))

    typer.echo(with_teams(act, data_dir))


@app.command(name="list")
def list_(
    *,
    team: Annotated[str | None, typer.Option("--team", help="Only those of this team.", show_default="all")] = None,
    data_dir: DataDir = None,
) -> None:
    """List all keys, without what they are."""
    table = Table("id", "team", "name", "ends in", "scopes", "made", "revoked")
    for row in with_teams(lambda teams: teams.keys(team), data_dir):
        revoked = row["revoked_at"]
        table.add_row(
            str(row["id"]),
            row["team"],
            row["name"],
            row["hint"],
            " ".join(row["scopes"]),
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            f"{revoked:%Y-%m-%d %H:%M}" if revoked else "",
        )
    Console().print(table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or its last six characters.")], *, data_dir: DataDir = None
) -> None:
    """Make a key worthless at once."""
    name = with_teams(lambda teams: teams.revoke(key), data_dir)
    typer.echo(f"Revoked {name}.")


def with_teams(act: Callable[..., Awaitable[T]], data_dir: DataDir) -> T:
    """Do something with the teams of the server whose data folder, or database, this is."""
    from timbre.cli.data_folder import database_url  # noqa: PLC0415
    from timbre.service.teams import Teams  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415

    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)

    async def run(url: str) -> T:
        async with open_database(url, connections=1, application="timbre keys") as database:
            return await act(Teams(database))

    with database_url(settings) as url:
        return asyncio.run(run(url))
