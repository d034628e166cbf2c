"""`timbre batch`: thousands of recordings through the queue of a server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.commands.mcp import DEFAULT_URL
from timbre.cli.display.progress import batching
from timbre.cli.exits import SAYS, Exit, tell
from timbre.errors import OptionError
from timbre.formats import Format

if TYPE_CHECKING:
    from timbre.cli.server.batch import Order
    from timbre.cli.server.ledger import Ledger

_TAG = "tag:"


def batch(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="Folder with recordings, or a bucket: s3://…, gs://…, az://….")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; also what is gone on with.")],
    url: Annotated[str, typer.Option("--url", help="Address of the Timbre server.", metavar="URL")] = DEFAULT_URL,
    match: Annotated[
        str | None,
        typer.Option("--match", help="Only names like this, as '*.wav'.", show_default="all that are recordings"),
    ] = None,
    speakers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="all|ID|tag:TAG",
            help="People of the gallery who may speak: all, an id, or a tag; several times for more.",
            show_default=False,
        ),
    ] = None,
    threshold: options.Threshold = None,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    transcription: Annotated[bool, typer.Option("--transcription", help="Recognise the words, too.")] = False,
    recogniser: Annotated[
        str | None,
        typer.Option(help="With --transcription: model for the words.", show_default="the server's own choice"),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Pack of models of the server to use.", show_default="the server's own choice")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Format to write the results in.")] = Format.JSON,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag for the recordings; several times.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=256, help="Recordings that are under way at a time.")] = 8,
    retry: Annotated[bool, typer.Option("--retry", help="Submit again what failed.")] = False,
) -> None:
    """Have a server hear all recordings of a folder or a bucket, and write each result and a summary."""
    from timbre.cli.server.batch import Order, write_summary  # noqa: PLC0415
    from timbre.cli.server.ledger import open_ledger  # noqa: PLC0415

    body = {
        "speakers": _selection(speakers),
        "matching": None if threshold is None else {"threshold": threshold},
        "numSpeakers": num_speakers,
        "minSpeakers": min_speakers,
        "maxSpeakers": max_speakers,
        "transcription": transcription or None,
        "transcriptionConfig": None if recogniser is None else {"model": recogniser},
        "model": model,
        "tags": tag,
    }
    order = Order(
        kind="identify" if speakers else "diarize",
        body={name: value for name, value in body.items() if value is not None},
        form=form,
        folder=output,
        retry=retry,
    )
    with open_ledger(output) as ledger:
        try:
            asyncio.run(_run(place, match, url, order, ledger, parallel=parallel))
        finally:
            write_summary(output, ledger.steps.values())
        failed = [step for step in ledger.steps.values() if step.state == "failed"]
    tell(f"{len(ledger.steps) - len(failed)} results and summary.csv are in {output}.")
    for step in failed:
        tell(f"{SAYS}{step.recording}: {step.error}", err=True)
    if failed:
        raise typer.Exit(Exit.INPUT)


async def _run(place: str, match: str | None, url: str, order: Order, ledger: Ledger, *, parallel: int) -> None:
    from timbre.cli.inputs.collection import open_collection, recordings  # noqa: PLC0415
    from timbre.cli.server.batch import Batch  # noqa: PLC0415
    from timbre.cli.server.remote import open_remote  # noqa: PLC0415

    collection = open_collection(place)
    members = recordings(collection, match)
    if not members:
        raise OptionError(f"There are no recordings in {place}; --match says which names are meant.")
    async with open_remote(url, os.environ.get("TIMBRE_KEY", "")) as remote:
        with batching(len(members)) as shown:
            batch = Batch(collection, ledger, remote, order, lambda step: shown(step.duration or 0.0))
            left = batch.open(members)
            shown.skip(len(members) - len(left))
            await batch.run(left, parallel)


def _selection(speakers: Sequence[str] | None) -> Any:
    """People as the API takes them."""
    if not speakers:
        return None
    if "all" in speakers:
        return "all"
    tags = [text.removeprefix(_TAG) for text in speakers if text.startswith(_TAG)]
    if not tags:
        return list(speakers)
    if len(tags) < len(speakers):
        raise OptionError("--speakers takes tags or ids, not both; give the people a tag of their own.")
    return {"tags": tags}
