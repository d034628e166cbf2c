"""`timbre models`: the model files of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import json_line
from timbre.cli.display.progress import downloading
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import NOTHING, megabytes
from timbre.cli.inputs.loading import read_settings
from timbre.errors import ExtraMissing, ModelCorrupt, ModelUnknown

if TYPE_CHECKING:
    from timbre.models.catalogue import ModelFile
    from timbre.models.store import FileStatus, PackStatus, Store

app = typer.Typer(help="Get and check the models, which come in packs.", no_args_is_help=True, rich_markup_mode=None)

_Archive = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.")]


@app.command("list")
def list_models(*, json: options.AsJson = False) -> None:
    """List the packs and their files: what is on this machine, how large, under which licence."""
    packs = _store().status()
    if json:
        typer.echo(json_line({"packs": [_document(pack) for pack in packs]}), nl=False)
        return
    show(_packs(packs))
    typer.echo()
    statuses = {status.file.name: status for pack in packs for status in pack.files}.values()
    show(_files(statuses))
    for status in statuses:
        if status.file.note:
            typer.echo(f"\n{status.file.name}: {status.file.note}")


@app.command()
def pull(
    pack: Annotated[
        str, typer.Argument(metavar="PACK", help="Name of the pack, such as standard; or of a model for words.")
    ],
) -> None:
    """Download what a pack still needs; or a model of the extra `asr`, such as parakeet-tdt-0.6b-v3."""
    from timbre.models.catalogue import catalogue  # noqa: PLC0415
    from timbre.recognition import onnx_models  # noqa: PLC0415

    with downloading() as progress:
        if pack in catalogue().packs or not _is_for_words(pack):
            _store().pull(pack, progress)
        else:
            onnx_models.pull(pack, read_settings(), progress)
    typer.echo(f"{pack}: complete")


@app.command()
def verify() -> None:
    """Check every file that is on this machine against its checksum."""
    statuses = _store().verify()
    show(_files(statuses))
    damaged = [status.file for status in statuses if status.state != "present"]
    if shipped := [file.name for file in damaged if file.shipped]:
        raise ModelCorrupt(f"Damaged, of what comes with Timbre: {', '.join(shipped)}; install Timbre again.")
    if damaged:
        names = ", ".join(file.name for file in damaged)
        raise ModelCorrupt(f"Damaged: {names}; get them again with `timbre models pull PACK`.")


@app.command()
def add(path: Annotated[Path, typer.Argument(metavar="PATH", help="A model file of the catalogue.")]) -> None:
    """Take in a model file that you have already."""
    file = _store().add(path)
    typer.echo(f"{file.name}: {'comes with Timbre' if file.shipped else 'added'}")


@app.command()
def export(file: _Archive) -> None:
    """Write all model files but those that come with Timbre into one archive, for a machine without network."""
    _say_each(_store().export(file), "exported")


@app.command("import")
def import_(file: _Archive) -> None:
    """Take in the model files of an archive that `export` wrote."""
    _say_each(_store().import_(file), "imported")


def _is_for_words(name: str) -> bool:
    from timbre.recognition.onnx_models import model_name  # noqa: PLC0415

    try:
        return bool(model_name(name))
    except (ExtraMissing, ModelUnknown):
        return False


def _store() -> Store:
    from timbre.models.store import Store  # noqa: PLC0415

    return Store(read_settings())


def _say_each(files: Iterable[ModelFile], done: str) -> None:
    for file in files:
        typer.echo(f"{file.name}: {done}")


def _packs(packs: Iterable[PackStatus]) -> Table:
    rows = []
    for status in packs:
        pack = status.pack
        files = (pack.vad, *pack.segmenters[:1], pack.encoder)
        licences = ", ".join(sorted({file.licence for file in files}))
        state = "complete" if status.complete else "missing"
        rows.append((pack.name, state, _size(*files), licences, pack.description))
    columns = (Column("Pack"), Column("State"), Column("Size", "number"), Column("Licences"), Column("What it is"))
    return Table(columns=columns, rows=rows)


def _files(statuses: Iterable[FileStatus]) -> Table:
    rows = [
        (status.file.name, status.file.kind, status.state, _size(status.file), status.file.licence)
        for status in statuses
    ]
    return Table(
        columns=(Column("File"), Column("Kind"), Column("State"), Column("Size", "number"), Column("Licence")),
        rows=rows,
    )


def _size(*files: ModelFile) -> str:
    """Return the size of what is published, or `NOTHING` where one of the files is of unknown size."""
    sizes = [file.bytes for file in files if file.bytes is not None]
    return megabytes(sum(sizes)) if len(sizes) == len(files) else NOTHING


def _document(status: PackStatus) -> dict[str, Any]:
    files = [
        {
            "name": file.file.name,
            "kind": file.file.kind,
            "state": file.state,
            "bytes": file.file.bytes,
            "licence": file.file.licence,
            "shipped": file.file.shipped,
            "note": file.file.note,
        }
        for file in status.files
    ]
    return {
        "name": status.pack.name,
        "complete": status.complete,
        "description": status.pack.description,
        "files": files,
    }
