"""`timbre keys rotate-master`, `rotate-team`, `forget-team`: the keys that voiceprints are protected by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from timbre.cli.options import DataDir
from timbre.cli.server.database import with_database
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.service.upkeep.key_rotation import Kept
    from timbre.settings import Settings
    from timbre.store.database import Database

Team = Annotated[str, typer.Option("--team", help="Team whose people these are.")]


def rotate_master(*, data_dir: DataDir = None) -> None:
    """Replace the master key; the keys of all teams are wrapped by the new one."""

    async def act(database: Database, settings: Settings) -> tuple[int, str]:
        from timbre.service.keys.master_key import key_file  # noqa: PLC0415
        from timbre.service.upkeep.key_rotation import rotate_master  # noqa: PLC0415

        teams = await rotate_master(database, settings)
        if settings.master_key is not None or settings.database_url is not None:
            return teams, "take the old key away now, on every machine"
        return teams, f"{key_file(settings)} holds the new key: back it up again"

    teams, then = with_database(act, data_dir)
    typer.echo(f"The keys of {teams} teams are wrapped by the new master key; {then}.")


def rotate_team(*, team: Team = "default", data_dir: DataDir = None) -> None:
    """Replace a team's key: all that it protects is encrypted again, every search vector turned anew."""

    async def act(database: Database, settings: Settings) -> Kept:
        from timbre.service.accounts.teams import Teams  # noqa: PLC0415
        from timbre.service.upkeep.key_rotation import rotate_team  # noqa: PLC0415

        return await rotate_team(database, settings, (await Teams(database).team(team))["id"])

    typer.echo(f"Team {team} has another key: {_counted(with_database(act, data_dir))} were protected anew.")


def forget_team(
    *,
    team: Annotated[str, typer.Option("--team", help="Team whose people these are.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it: nobody can undo this.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete a team's key, and with it what its people sound like; they stay by name, without a voice."""
    if not yes:
        raise OptionError(f"This makes every voiceprint of team {team} unreadable for good; add --yes to do it.")

    async def act(database: Database, _: Settings) -> Kept:
        from timbre.service.accounts.teams import Teams  # noqa: PLC0415
        from timbre.service.upkeep.key_rotation import forget_team  # noqa: PLC0415

        return await forget_team(database, (await Teams(database).team(team))["id"])

    typer.echo(f"The key of team {team} is gone, and so are {_counted(with_database(act, data_dir))}.")


def _counted(kept: Kept) -> str:
    return f"{kept.samples} samples, {kept.vectors} search vectors and the voices of {kept.voices} jobs"
