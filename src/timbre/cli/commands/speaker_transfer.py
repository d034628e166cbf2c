"""`timbre speakers export` and `import`: a gallery as lines of JSON, or as a folder of recordings.

people/Ada.wav            a recording named by the person,
people/Ben/monday.wav     or a folder for each person, with any number of them
people/Ben/phone.m4a
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, writing
from timbre.cli.exits import Exit, report, warn
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import OpenGallery, Team, checked, gallery_engine, hear, open_gallery
from timbre.disk import written
from timbre.errors import InputError, OptionError, SamplesFull

if TYPE_CHECKING:
    from timbre.engine import Engine

_PIECE: Final = 1 << 16  # bytes


def export(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; stdout if left out.", show_default=False)
    ] = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Write everybody with their voiceprints, a line of JSON each; nothing protects them outside."""
    if output is not None:
        check_place(output)
    with open_gallery(team, data_dir) as gallery:
        gallery.ask(_write(gallery, output))


def import_(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="PLACE",
            help="What `timbre speakers export` wrote, or a folder of recordings: Ada.wav, or Ada/ with several.",
            callback=options.place_given,
        ),
    ],
    *,
    max_seconds: Annotated[
        float | None, typer.Option(help="Seconds that a voice is learned from; of a longer recording the best part.")
    ] = 30.0,
    model: options.Model = None,
    device: options.Device = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Add people of an export, or of a folder of recordings named by person, to those who are there."""
    recordings = recordings_by_person(place) if place.is_dir() else {}
    with open_gallery(team, data_dir, make=True) as gallery:
        if place.is_dir():
            worst = _import_folder(gallery, gallery_engine(gallery, model, device), recordings, max_seconds)
        else:
            worst = gallery.ask(_import_lines(gallery, place))
    if worst:
        raise typer.Exit(worst)


def recordings_by_person(folder: Path) -> Mapping[str, Sequence[Path]]:
    """The recordings of a folder, by the name of the person.

    Raises:
        InputError: there are none.
    """
    from timbre.evaluation.corpus import AUDIO_EXTENSIONS  # noqa: PLC0415

    people: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        name = entry.name if entry.is_dir() else entry.stem
        paths = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        found = [path for path in paths if path.is_file() and path.suffix.lower() in AUDIO_EXTENSIONS]
        if found:
            people.setdefault(name, []).extend(found)
    if not people:
        raise InputError(f"{folder}: there are no recordings; expected Ada.wav, or a folder Ada with several of them.")
    return people


async def _write(gallery: OpenGallery, output: Path | None) -> None:
    lines = gallery.transfer.export(gallery.team)
    if output is None:
        async for line in lines:
            typer.echo(line.decode(), nl=False)
        return
    with writing(output), written(output) as file:
        async for line in lines:
            file.write(line)


async def _import_lines(gallery: OpenGallery, path: Path) -> Exit:
    async def pieces() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    try:
        imported = await gallery.transfer.import_(gallery.team, pieces())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    for line, message in imported.errors:
        warn(message, f"{path}, line {line}")
    _tell(imported.created, imported.updated, imported.samples)
    return Exit.INPUT if imported.failed else Exit.DONE


def _import_folder(
    gallery: OpenGallery, engine: Engine, people: Mapping[str, Sequence[Path]], max_seconds: float | None
) -> Exit:
    """Add people with the recordings that can be used; the others are reported, and stop nothing."""
    worst = Exit.DONE
    created = updated = samples = 0
    for name, recordings in people.items():
        person, is_new, added = None, False, 0
        for recording in recordings:
            try:
                heard, origin = hear(gallery, engine, recording, max_seconds=max_seconds)
                if person is None:
                    person, is_new = _person(gallery, name)
                added += gallery.keep(person, heard, origin)[1]
            except (InputError, SamplesFull) as error:
                worst = max(worst, report(error, recording))
        created, updated, samples = created + is_new, updated + (not is_new and added > 0), samples + added
    _tell(created, updated, samples)
    return worst


def _person(gallery: OpenGallery, name: str) -> tuple[UUID, bool]:
    """The id of the person of a name, and whether they were made just now.

    Raises:
        InputError: nobody can have this name.
    """
    try:
        wanted = checked({"name": name})
    except OptionError as error:
        raise InputError(f"{name!r} cannot be the name of a person: {error}") from None
    there = gallery.ask(gallery.people.find(gallery.team, wanted.name))
    if there is not None:
        return there.id, False
    return gallery.ask(gallery.people.create(gallery.team, name=wanted.name)), True


def _tell(created: int, updated: int, samples: int) -> None:
    """Say what became of an import."""
    people = f"{created} {'person' if created == 1 else 'people'} made, {updated} changed"
    typer.echo(f"{people}, {samples} {'sample' if samples == 1 else 'samples'} added.")
