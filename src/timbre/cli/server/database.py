"""The database of a server, for commands that look into it or change what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from timbre.cli.inputs.loading import read_settings
from timbre.cli.options import DataDir
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.service.accounts.teams import Teams
    from timbre.settings import Settings
    from timbre.store.database import Database

T = TypeVar("T")


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
    from timbre.cli.server.data_folder import database_url  # noqa: PLC0415
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
