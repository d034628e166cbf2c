"""`timbre models`: the model files of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import json_line
from timbre.cli.display.progress import downloading
from timbre.cli.display.reports import show_held_out
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import NOTHING, megabytes
from timbre.cli.exits import Exit, warn
from timbre.cli.inputs.loading import load_engine, read_settings
from timbre.errors import ExtraMissing, ModelCorrupt, ModelMissing, ModelUnknown, OptionError

if TYPE_CHECKING:
    from timbre.cli.measuring.labelled_speech import Speech
    from timbre.models.catalogue import EncoderFile, ModelFile
    from timbre.models.same_voice import SameVoice
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
    for encoder in {pack.pack.encoder.name: pack.pack.encoder for pack in packs}.values():
        scores, _ = _calibration(encoder)
        if scores.fitted_to:
            typer.echo(f"\n{encoder.name}: calibrated on {scores.fitted_to}.")


@app.command()
def pull(
    pack: Annotated[
        str, typer.Argument(metavar="PACK", help="Name of the pack, such as standard; or of a model for words.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, where another pack is used from then on.")] = False,
) -> None:
    """Download what a pack still needs, and ask where another is used then; or a model of the extra `asr`."""
    from timbre.models.catalogue import catalogue  # noqa: PLC0415
    from timbre.recognition import onnx_models  # noqa: PLC0415

    if meaning := _meaning(pack):
        typer.echo(meaning, err=True)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Pull {pack}?", err=True):
            raise typer.Exit(Exit.USAGE)
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
def calibrate(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Pack whose encoder is calibrated, such as standard.")],
    *,
    speech: Annotated[
        Path | None,
        typer.Option(help="A folder with a folder of recordings for each person, or a manifest in CSV.", exists=True),
    ] = None,
    root: options.Root = None,
    as_shipped: Annotated[
        bool, typer.Option("--as-shipped", help="Go back to the calibration that comes with Timbre.")
    ] = False,
    json: options.AsJson = False,
) -> None:
    """Fit scores, centre and spread of a pack's encoder to labelled speech, and use it if it is truer than before."""
    from timbre.cli.measuring.encoder_fit import fit_encoder  # noqa: PLC0415
    from timbre.cli.measuring.labelled_speech import read_speech  # noqa: PLC0415
    from timbre.models.catalogue import catalogue  # noqa: PLC0415
    from timbre.models.fits import Fits  # noqa: PLC0415

    if (speech is None) != as_shipped:
        raise OptionError("Say with --speech what to fit to, or --as-shipped to go back to what comes with Timbre.")
    settings = read_settings()
    encoder = catalogue().pack(pack).encoder
    fits = Fits(settings.models_dir, encoder)
    if speech is None:
        fits.lay_aside()
        typer.echo(f"{encoder.name} scores as it comes with Timbre.")
        return
    people = read_speech(speech, root)
    fitted = fit_encoder(load_engine(pack), people, fitted_to=_described(people, speech))
    if fitted.is_better:
        fits.keep(fitted.same_voice, fitted.variation)
    if json:
        found = {"held_out": fitted.held_out.to_dict(), "before": fitted.before.to_dict(), "used": fitted.is_better}
        typer.echo(json_line({"encoder": encoder.name, **found}), nl=False)
        return
    parts = {part.source: part.report for part in fitted.held_out.sources}
    show_held_out(parts, fitted.held_out.pooled, fitted.before)
    if not fitted.is_better:
        warn("On what was held out it is no better than the calibration in use, which stays.")
        return
    typer.echo(
        f"\n{encoder.name} scores like this from now on. Voiceprints and galleries made before keep the calibration"
        " they were made with; `timbre speakers upgrade` brings a gallery over."
    )
    if settings.calibration is not None:
        warn(f"TIMBRE_CALIBRATION names {settings.calibration}, which is used instead as long as it does.")


@app.command()
def export(file: _Archive) -> None:
    """Write all model files but those that come with Timbre into one archive, for a machine without network."""
    _say_each(_store().export(file), "exported")


@app.command("import")
def import_(file: _Archive) -> None:
    """Take in the model files of an archive that `export` wrote."""
    _say_each(_store().import_(file), "imported")


def _meaning(name: str) -> str | None:
    """What it means to have a pack, where it is then taken in place of another; else None."""
    from timbre.models.catalogue import catalogue  # noqa: PLC0415
    from timbre.models.packs import find_pack  # noqa: PLC0415

    settings, models = read_settings(), catalogue()
    better = list(models.packs)
    try:
        now = find_pack("auto", settings)
    except ModelMissing:
        return None
    if settings.model != "auto" or name not in better or better.index(name) >= better.index(now.name):
        return None
    if models.pack(name).encoder.fingerprint == now.encoder.fingerprint:
        return None
    return (
        f"TIMBRE_MODEL is auto, so {name} is used from now on in place of {now.name}, by everybody on this machine.\n"
        f"People and voiceprints go on to be compared by {now.name} until they are upgraded: voiceprints are made again"
        " from recordings,\npeople by `timbre speakers upgrade` from the clips that are kept; whoever has no clip must"
        f" be enrolled again.\nTo stay with {now.name}, set TIMBRE_MODEL={now.name}."
    )


def _is_for_words(name: str) -> bool:
    from timbre.recognition.onnx_models import model_name  # noqa: PLC0415

    try:
        return bool(model_name(name))
    except (ExtraMissing, ModelUnknown):
        return False


def _store() -> Store:
    from timbre.models.store import Store  # noqa: PLC0415

    return Store(read_settings())


def _described(speech: Speech, place: Path) -> str:
    """Say in a few words what a calibration was fitted to."""
    people = sum(map(len, speech.values()))
    groups = f" in {len(speech)} groups" if len(speech) > 1 else ""
    return f"{people} people{groups}, {place.resolve().name}, {datetime.now().astimezone().date()}"


def _calibration(encoder: EncoderFile) -> tuple[SameVoice, bool]:
    """Return the calibration that an encoder scores with, and whether it was fitted on this machine."""
    from timbre.models.spaces import own_space  # noqa: PLC0415

    space = own_space(encoder, read_settings())
    return space.same_voice(), space.fit is not None


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
        scores, own = _calibration(pack.encoder)
        calibrated = "no" if not scores.fitted else "here" if own else "yes"
        rows.append((pack.name, state, _size(*files), calibrated, licences, pack.description))
    columns = (
        *(Column("Pack"), Column("State"), Column("Size", "number"), Column("Calibrated")),
        *(Column("Licences"), Column("What it is")),
    )
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
    scores, own = _calibration(status.pack.encoder)
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
        "calibration": {"fitted": scores.fitted, "fitted_to": scores.fitted_to or None, "fitted_here": own},
        "files": files,
    }
