"""`timbre webhooks`: what became of deliveries, and the secrets that sign them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from timbre.cli.display.tables import show_rows
from timbre.cli.options import DataDir
from timbre.cli.server.database import with_database
from timbre.errors import DeliveryUnknown

if TYPE_CHECKING:
    from timbre.service.outside.webhooks import Webhooks
    from timbre.settings import Settings
    from timbre.store.database import Database

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Webhooks: deliveries, and the secrets that sign them."
)
Team = Annotated[str, typer.Option("--team", help="Team whose webhooks these are.")]
T = TypeVar("T")


class State(StrEnum):
    """What may have become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@app.command(name="list")
def list_(
    *,
    team: Team = "default",
    job: Annotated[UUID | None, typer.Option("--job", help="Only those of this job.", show_default=False)] = None,
    state: Annotated[
        State | None, typer.Option("--state", help="Only those in this state.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """List deliveries with their attempts, newest first."""
    page = _with_webhooks(
        lambda webhooks, owner: webhooks.page(owner, job=job, state=state and state.value, limit=limit), team, data_dir
    )
    rows = [
        (str(row["id"]), str(row["job_id"]), row["state"], "\n".join(map(_attempt, row["attempts"])), row["url"])
        for row in page
    ]
    show_rows(("id", "job", "state", "attempts", "url"), rows, whole=("id", "job"))


@app.command()
def replay(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Id of the delivery.")],
    *,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Deliver once more, with all retries, whatever became of it before; a running server does it at once."""
    try:
        id_ = UUID(delivery)
    except ValueError:
        raise DeliveryUnknown(f"{delivery} is no id of a delivery; `timbre webhooks list` shows them.") from None
    _with_webhooks(lambda webhooks, owner: webhooks.replay(owner, id_), team, data_dir)
    typer.echo(f"Delivering {id_} once more.")


@app.command()
def secret(*, team: Team = "default", data_dir: DataDir = None) -> None:
    """Show the secrets that a receiver may verify with, the one of X-Signature first."""
    found = _with_webhooks(lambda webhooks, owner: webhooks.secret_rows(owner), team, data_dir)
    rows = [
        (
            row["secret"],
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            f"{row['expires_at']:%Y-%m-%d %H:%M}" if row["expires_at"] else "until the next one",
        )
        for row in found
    ]
    show_rows(("secret", "made", "valid"), rows, whole=("secret",))


@app.command()
def rotate(
    *,
    team: Team = "default",
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Make those before worthless now, as when one has leaked.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new secret and print it; the one before stays valid for a while, so that receivers can follow."""
    typer.echo(_with_webhooks(lambda webhooks, owner: webhooks.rotate_secret(owner, at_once=at_once), team, data_dir))


def _with_webhooks(act: Callable[[Webhooks, UUID], Awaitable[T]], team: str, data_dir: DataDir) -> T:
    """Do something with the webhooks of a team."""
    from timbre.service.accounts.teams import Teams  # noqa: PLC0415
    from timbre.service.outside.webhooks import Webhooks  # noqa: PLC0415
    from timbre.store.queue import Queue  # noqa: PLC0415

    async def with_service(database: Database, settings: Settings) -> T:
        queue = Queue(database)
        await queue.open()
        owner = await Teams(database).team(team)
        return await act(Webhooks(database, queue, settings), owner["id"])

    return with_database(with_service, data_dir)


def _attempt(attempt: dict[str, Any]) -> str:
    outcome = attempt["error"] or f"answered {attempt['status']}"
    return f"{attempt['at']} {attempt['reason'] or 'delivered'}: {outcome} ({attempt['seconds']} s)"
