"""`timbre speakers upgrade`: everybody embedded again, with the encoder that the server hears with now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timbre.cli import options
from timbre.cli.display.output import json_line
from timbre.cli.display.progress import filling
from timbre.cli.exits import warn
from timbre.cli.inputs.loading import load_engine
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.gallery import Team, open_gallery
from timbre.errors import UpgradeRefused

if TYPE_CHECKING:
    from timbre.service.upkeep.gallery_upgrade import Standing


def upgrade(
    *,
    check: Annotated[bool, typer.Option("--check", help="Say how it stands, and change nothing.")] = False,
    without_them: Annotated[
        bool,
        typer.Option(
            "--without-them", help="Let people of whom no clip is kept stay behind, until they have a new sample."
        ),
    ] = False,
    json: AsJson = False,
    device: options.Device = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Bring people who were enrolled with an earlier model to the one the server hears with, from clips of them."""
    with open_gallery(team, data_dir) as gallery:
        standing = gallery.ask(gallery.upgrade.standing(gallery.team))
        run = None
        if standing.needed and not check:
            run = gallery.ask(gallery.upgrade.ask(gallery.team, without_them=without_them))
        if run is not None:
            with filling("embedding") as draw:
                gallery.ask(gallery.upgrade.run(run, load_engine(None, device), progress=draw))
            standing = gallery.ask(gallery.upgrade.standing(gallery.team))
            if standing.run is not None and standing.run["state"] != "succeeded":
                raise UpgradeRefused(standing.run["error"])
    if json:
        from timbre.http.routes.speakers.upgrade import upgrade_state  # noqa: PLC0415

        typer.echo(json_line(upgrade_state(standing)), nl=False)
        return
    _show(standing, upgraded=run is not None)


def _show(standing: Standing, *, upgraded: bool) -> None:
    if upgraded and standing.run is not None:
        typer.echo(
            f"{standing.run['done']} samples were embedded again; people are compared by {standing.encoder} now."
        )
    elif not standing.needed:
        typer.echo(f"People are compared by {standing.encoder}, which the server hears with; there is nothing to do.")
    else:
        typer.echo(
            f"People are compared by {standing.encoder}, and the server hears with {standing.own}. {standing.samples}"
            f" samples of {len(standing.earlier) - len(standing.without_clip)} people can be embedded again."
        )
    if standing.run is not None and standing.run["state"] == "running":
        typer.echo(f"It is being done: {standing.run['done']} of {standing.run['total']} samples.")
    for row in standing.without_clip:
        warn("nothing is kept to embed them again from; add a recording of them", row["name"])
