"""`timbre keys`: who may use the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from timbre.cli.display.tables import show_rows
from timbre.cli.options import DataDir
from timbre.cli.server.database import with_database, with_teams
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.service.accounts.teams import Teams
    from timbre.settings import Settings
    from timbre.store.database import Database

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys: make, list and revoke them.")
Team = Annotated[str, typer.Option("--team", help="Team that the key belongs to; made if it is new.")]


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
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="Whom it is for, as history and audit shall call them.",
            show_default="anybody, who may do all",
        ),
    ] = None,
    role: Annotated[
        Literal["viewer", "editor", "admin"] | None,
        typer.Option("--role", help="What they may do from now on; goes with --name.", show_default="viewer"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Where browsers reach the server.", show_default="where it runs"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a link that signs one browser in to the web app, once, within 15 minutes."""
    from timbre.cli.server.data_folder import noted_address, sign_in_link  # noqa: PLC0415
    from timbre.service.accounts.roles import Role  # noqa: PLC0415
    from timbre.service.accounts.sessions import Sessions  # noqa: PLC0415

    if role is not None and name is None:
        raise OptionError("A role is somebody's; say whose with --name.")

    async def act(database: Database, settings: Settings) -> str:
        sessions = Sessions(database, settings)
        token = await (sessions.link(team) if name is None else sessions.link_for(name, Role(role or "viewer"), team))
        return sign_in_link(address or noted_address(settings), token)

    typer.echo(with_database(act, data_dir))
