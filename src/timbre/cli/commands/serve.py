"""`timbre serve`, and the parts of it that run by themselves at scale: `api`, `worker`, `migrate`."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from timbre.cli import options
from timbre.cli.exits import tell
from timbre.cli.inputs.loading import read_settings
from timbre.disk import needed
from timbre.errors import AddressBusy, OptionError
from timbre.settings import Settings

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default=False)]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 for any.", show_default=False)
]
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
_IN_USE: Final = 98  # EADDRINUSE


def serve(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: options.DataDir = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Worker processes.", show_default=False)
    ] = None,
    device: options.Device = None,
) -> None:
    """Run a server: database, API and workers, until Ctrl-C."""
    from timbre.cli.server.data_folder import embedded, held, note_address, opened_to_others  # noqa: PLC0415
    from timbre.cli.server.forks import apart  # noqa: PLC0415
    from timbre.cli.server.supervisor import Signals, Supervisor  # noqa: PLC0415
    from timbre.engine import voiceprint_space  # noqa: PLC0415
    from timbre.models.runtime import check_device  # noqa: PLC0415
    from timbre.service.files.storage import open_storage  # noqa: PLC0415
    from timbre.store.schema import migrate  # noqa: PLC0415

    _open_streams()
    settings = read_settings(host=host, port=port, data_dir=data_dir, workers=workers, device=device)
    if settings.device != "cpu":
        apart(lambda: check_device(settings.device))
    voiceprint_space(settings=settings)  # says so now if the pack is not there
    folder = Path(os.path.realpath(settings.data_dir))
    signals = Signals()
    with ExitStack() as stack:
        locks = stack.enter_context(held(folder))
        listener = stack.enter_context(_listen(settings))
        address = _address(settings, listener)
        note_address(folder, address)
        if settings.storage_url is None:
            open_storage(settings)  # says so now if it cannot be used
        else:
            apart(lambda: open_storage(settings))
        postgres = None if settings.database_url else embedded(settings)
        supervisor = Supervisor(
            settings,
            folder,
            listener,
            locks=locks,
            postgres=postgres,
            signals=signals,
            say=lambda text: tell(text, err=True),
        )
        signals.catch()
        url = settings.database_url or ""
        if postgres:
            if opened := opened_to_others(folder):
                tell(
                    "Run by root, the database belongs to the user pgserver; for it others may pass through these"
                    f" folders now: {', '.join(map(str, opened))}. A user of its own for Timbre, or --data-dir"
                    " elsewhere, avoids that.",
                    err=True,
                )
            stack.callback(postgres.stop)
            url = postgres.start()
        migrate(url)
        if made := asyncio.run(_protect(settings, url)):
            tell(
                f"The key that protects voiceprints was made: {made}. Back it up apart from the database; without it"
                " nobody can read them again.",
                err=True,
            )
        if postgres:
            asyncio.run(_abandon_all(url))
        stack.callback(supervisor.stop)
        supervisor.start(address, url)
        if not signals.came:
            _welcome(address, folder, *asyncio.run(_first_key_and_link(url, settings)), settings.public_url)
        supervisor.run()
        tell("Stopping; jobs that are not done go on at the next start.")


def api(*, host: Host = None, port: Port = None) -> None:
    """Run the API alone, on the database that TIMBRE_DATABASE_URL names."""
    from timbre.cli.server.parts import run_api  # noqa: PLC0415

    settings = read_settings(host=host, port=port)

    def listening() -> socket.socket:
        listener = _listen(settings)
        tell(f"The API listens on {_address(settings, listener)}.", err=True)
        return listener

    run_api(settings, _required(settings), listening)


def worker(
    *,
    lanes: Annotated[
        str | None,
        typer.Option(
            "--lanes",
            help="What it does, with commas: fetch, short, long, webhooks, upgrades.",
            show_default="TIMBRE_LANES, or all",
        ),
    ] = None,
    model: options.Model = None,
    device: options.Device = None,
) -> None:
    """Run one worker, on the database that TIMBRE_DATABASE_URL names."""
    settings = read_settings(lanes=lanes, model=model, device=device)
    url = _required(settings)
    from timbre.cli.server.parts import run_worker  # noqa: PLC0415

    run_worker(settings, url)


def migrate(*, data_dir: options.DataDir = None) -> None:
    """Bring the database up to date."""
    from timbre.cli.server.data_folder import database_url  # noqa: PLC0415
    from timbre.store.schema import HEAD  # noqa: PLC0415
    from timbre.store.schema import migrate as bring_up_to_date  # noqa: PLC0415

    with database_url(read_settings(data_dir=data_dir), make=True) as url:
        bring_up_to_date(url)
    typer.echo(f"The database is at version {HEAD}.")


def _required(settings: Settings) -> str:
    if settings.database_url is None:
        raise OptionError(
            "Set TIMBRE_DATABASE_URL to the PostgreSQL that all parts share, or run everything with `timbre serve`."
        )
    return settings.database_url


def _listen(settings: Settings) -> socket.socket:
    from timbre.cli.server.supervisor import listen  # noqa: PLC0415

    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        if error.errno == _IN_USE:
            raise AddressBusy(
                f"Another program listens on {settings.host}:{settings.port}; stop it, or choose another port with"
                " --port (0 takes any free one)."
            ) from None
        raise AddressBusy(f"Cannot listen on {settings.host}:{settings.port}: {error}.") from None


def _address(settings: Settings, listener: socket.socket) -> str:
    host = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


async def _abandon_all(url: str) -> None:
    """No worker can be alive, so nobody need wait for the heartbeats of those that are not."""
    from timbre.store.database import open_database  # noqa: PLC0415
    from timbre.store.queries import queries  # noqa: PLC0415

    async with open_database(url, connections=1, application="timbre serve") as database:
        await database.one(queries("jobs")["abandon_all"])


async def _first_key_and_link(url: str, settings: Settings) -> tuple[str | None, str | None]:
    """A key if there has never been one, and what signs a browser in if there is a team to sign in to."""
    from timbre.service.accounts.sessions import Sessions  # noqa: PLC0415
    from timbre.service.accounts.teams import Teams  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415

    async with open_database(url, connections=1, application="timbre serve") as database:
        key = await Teams(database).first_key()
        try:
            return key, await Sessions(database, settings).link()
        except OptionError:  # all keys are of other teams
            return key, None


async def _protect(settings: Settings, url: str) -> Path | None:
    """Make sure that there is a master key, and that it fits; return its file if it was made now."""
    from timbre.service.keys.master_key import key_file  # noqa: PLC0415
    from timbre.service.keys.template_protection import check_master_key  # noqa: PLC0415
    from timbre.service.upkeep.key_rotation import drop_unused  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415

    path = key_file(settings)
    with needed(path, "name another file with TIMBRE_MASTER_KEY_FILE"):
        there = settings.master_key is not None or path.exists()
    async with open_database(url, connections=1, application="timbre serve") as database:
        await check_master_key(database, settings, make=True)
        if settings.master_key is None and settings.database_url is None:
            await drop_unused(database, settings)  # of a rotation that was broken off
    return None if there else path


def _welcome(address: str, folder: Path, key: str | None, token: str | None, public_url: str | None) -> None:
    from timbre.cli.server.data_folder import sign_in_link  # noqa: PLC0415

    tell(f"Timbre is ready on {address}; its data is in {folder}.\n")
    if token:
        tell(f"  web app  {sign_in_link(public_url or address, token)}   (works once)")
    where = f"--data-dir {shlex.quote(str(folder))}"
    tell(f"  again    timbre keys link {where}")
    if key:
        tell(f"  API key  {key}   (shown this once)")
    tell(f"  more     timbre keys create NAME {where}")
    tell(f'  try it   curl -H "Authorization: Bearer {key or "$TIMBRE_KEY"}" {address}/v1/test')
    tell("  stop     Ctrl-C\n")


def _open_streams() -> None:
    """Make sure that the numbers of the three streams are taken, so that no socket gets one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
