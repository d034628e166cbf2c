"""The database of a server, for commands that look into it or change what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from timbre.cli.options import DataDir

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
        SchemaOutdated: it is of another version.
        DataFolderBusy: a server is just starting or stopping there.
        PathUnusable, DiskFull: there is no way to start it.
    """
    from timbre.cli.server.data_folder import database_url, server_settings  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415
    from timbre.store.schema import check_schema  # noqa: PLC0415

    settings = server_settings(data_dir)

    async def run(url: str) -> T:
        # Two: one that is asked, one for what it is asked meanwhile.
        async with open_database(url, connections=2, application="timbre command") as database:
            async with database.transaction() as own:
                await check_schema(own)
            return await act(database, settings)

    with database_url(settings, make=make) as url:
        return asyncio.run(run(url))
