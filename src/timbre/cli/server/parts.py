"""The parts of a server that run in processes of their own: the API and the workers."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from timbre.cli.server.logs import start_log
from timbre.settings import Settings


def run_api(settings: Settings, url: str, listening: Callable[[], socket.socket]) -> None:
    """Answer on a socket, from the database at this address, until SIGINT or SIGTERM.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
        SchemaOutdated: it is of another version.
        MasterKeyInvalid: the master key does not fit it.
        AddressBusy: there is no such socket.
        PathUnusable, DiskFull: the log cannot be written to.
    """
    start_log(settings)
    asyncio.run(_check(settings, url))
    # Slow to import; whoever has to mend a setting first need not wait for it.
    from timbre.http.app import create_app  # noqa: PLC0415
    from timbre.http.server import serve  # noqa: PLC0415

    with listening() as listener:
        serve(
            create_app(settings, url),
            listener,
            stop_seconds=settings.stop_seconds,
            drain_seconds=settings.drain_seconds,
        )


def run_worker(settings: Settings, url: str) -> None:
    """Work on the jobs in the database at this address until SIGINT or SIGTERM, and end the process.

    Raises:
        ModelError: the device cannot be used, or the default pack not be loaded.
        TimbreError: what `timbre.service.worker.process` lists, and what `run_api` does.
    """
    # Slow to import, as above.
    from timbre.models.runtime import check_device  # noqa: PLC0415
    from timbre.service.worker import process  # noqa: PLC0415

    check_device(settings.device)
    start_log(settings)
    asyncio.run(process.run_worker(settings, url))
    # An engine's thread that did not notice in time would hold the process; its job goes on later.
    os._exit(0)


def load() -> None:
    """Import all that parts import, before they are forked."""
    import timbre.http.app  # noqa: PLC0415
    import timbre.http.server  # noqa: PLC0415
    import timbre.service.worker.process  # noqa: F401, PLC0415


async def _check(settings: Settings, url: str) -> None:
    from timbre.service.keys.template_protection import check_master_key  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415
    from timbre.store.schema import check_schema  # noqa: PLC0415

    async with open_database(url, connections=1, application="timbre api") as database:
        async with database.transaction() as own:
            await check_schema(own)
        await check_master_key(database, settings)
