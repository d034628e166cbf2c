"""`timbre speakers`: the people of the gallery, by name or id."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from datetime import date as date_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from timbre.cli import options
from timbre.cli.commands.gallery_upgrade import upgrade
from timbre.cli.commands.speaker_transfer import export, import_
from timbre.cli.commands.speaker_upkeep import retention, scrub
from timbre.cli.display.output import json_line
from timbre.cli.display.tables import show_rows
from timbre.cli.display.units import NOTHING
from timbre.cli.exits import Exit, report, warn
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import OpenGallery, Team, checked, gallery_engine, hear, open_gallery
from timbre.errors import AudioError, EnrolmentRefused, OptionError, SampleUnknown, VoiceprintError

if TYPE_CHECKING:
    from timbre.engine import Engine
    from timbre.identification.voiceprint import Voiceprint
    from timbre.service.people.person import Consent, Person
    from timbre.service.people.requests import CreateSpeakerRequest
    from timbre.service.people.samples import Origin

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="People of the gallery: who they are and how they sound."
)
app.command()(export)
app.command(name="import")(import_)
app.command()(retention)
app.command()(scrub)
app.command()(upgrade)
Speaker = Annotated[str, typer.Argument(metavar="SPEAKER", help="Name or id of the person.")]
MaxSeconds = Annotated[
    float | None, typer.Option(help="Seconds that a voice is learned from; of a longer recording the best part.")
]
Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", help="A word to choose people by; several times for more.", show_default=False),
]
_PAGE: Final = 100  # people that are read at a time


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As results will name them.")],
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RECORDING]",
            help="Recordings of the person alone.",
            show_default=False,
            callback=options.all_given,
        ),
    ] = None,
    *,
    tag: Tag = None,
    consent: Annotated[
        str | None, typer.Option("--consent", help="Why their voice may be kept, in your words.", show_default=False)
    ] = None,
    max_seconds: MaxSeconds = 30.0,
    channel: options.Channel = None,
    model: options.Model = None,
    device: options.Device = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Make room for a person, learn their voice from recordings if there are any, and print the person's id."""
    wanted = checked({"name": name, "tags": tag or [], "consent": consent and {"basis": consent}})
    with open_gallery(team, data_dir, make=True) as gallery:
        heard: list[tuple[Path, Voiceprint, Origin]] = []
        worst = Exit.DONE
        if recordings:
            engine = gallery_engine(gallery, model, device)
            heard, worst = _hear_all(gallery, engine, recordings, max_seconds=max_seconds, channel=channel)
            if not heard:
                raise typer.Exit(worst)
        created = gallery.ask(
            gallery.people.create(gallery.team, name=wanted.name, tags=wanted.tags, consent=_consent(wanted))
        )
        typer.echo(str(created))
        for each in heard:
            _keep(gallery, created, *each)
        if worst:
            raise typer.Exit(worst)


@app.command(name="list")
def list_(
    *,
    tag: Annotated[str | None, typer.Option("--tag", help="Only people who have this tag.", show_default=False)] = None,
    part: Annotated[
        str | None, typer.Option("--name", help="Only people in whose name this is.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, a line a person.")] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """List people, newest first."""
    with open_gallery(team, data_dir) as gallery:
        space = gallery.space
        people = list(_everybody(gallery, tag, part))
    if json:
        from timbre.http.routes.speakers.responses import speaker_item  # noqa: PLC0415

        for person in people:
            typer.echo(json_line(speaker_item(person, space)), nl=False)
        return
    rows = [
        (
            str(person.id),
            person.name,
            " ".join(person.tags),
            str(len(person.samples)),
            f"{person.speech_seconds:.0f} s",
            f"{person.heard_at:%Y-%m-%d}" if person.heard_at else NOTHING,
            "; ".join(person.advice(space, _today())),
        )
        for person in people
    ]
    show_rows(("id", "name", "tags", "samples", "speech", "heard", "advice"), rows, whole=("id",))


@app.command()
def show(
    speaker: Speaker,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON in the shape of the API's answer.")] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Show a person with all samples, and what would make them surer to recognise."""
    with open_gallery(team, data_dir) as gallery:
        from timbre.service.naming.agreement import Agreement  # noqa: PLC0415

        person, space = gallery.find(speaker), gallery.space
        alike = gallery.ask(Agreement(gallery.people, gallery.settings).of(gallery.team, person.id))
    if json:
        from timbre.http.routes.speakers.responses import speaker_detail  # noqa: PLC0415

        typer.echo(json_line(speaker_detail(person, space, alike)), nl=False)
        return
    consent = person.consent
    told = {
        "name": person.name,
        "id": str(person.id),
        "tags": " ".join(person.tags),
        "consent": " ".join(str(part) for part in consent.to_json().values() if part) if consent else "",
        "review": str(person.review_on or ""),
        "heard": f"{person.heard_at:%Y-%m-%d %H:%M}" if person.heard_at else "",
    }
    for label, text in told.items():
        typer.echo(f"{label:<8} {text or NOTHING}")
    typer.echo()
    rows = [
        (
            str(sample.id),
            sample.source,
            f"{sample.seconds:.1f} s",
            "current" if sample.space == space else "other",
            f"{alike[sample.id]} of 100" if sample.id in alike else NOTHING,
            f"{sample.created_at:%Y-%m-%d}",
            "; ".join(sample.quality.advice) if sample.quality else "",
        )
        for sample in person.samples
    ]
    show_rows(("sample", "from", "speech", "model", "like the others", "made", "advice"), rows, whole=("sample",))
    for sentence in person.advice(space, _today()):
        warn(sentence, person.name)


@app.command()
def rename(
    speaker: Speaker,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name from now on; stored results follow.")],
    *,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Give a person another name."""
    wanted = checked({"name": name})
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        gallery.ask(gallery.people.update(gallery.team, person.id, name=wanted.name))
    typer.echo(f"{person.name} is called {wanted.name} now.")


@app.command()
def tag(
    speaker: Speaker,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG]", help="Tags to add.", show_default=False)] = None,
    *,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", help="A tag to take away; several times for more.", show_default=False),
    ] = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Add tags to a person, or take them away, and print those there are."""
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        after = [each for each in (*person.tags, *(tags or ())) if each not in (remove or ())]
        wanted = checked({"name": person.name, "tags": list(dict.fromkeys(after))})
        gallery.ask(gallery.people.update(gallery.team, person.id, tags=wanted.tags))
    typer.echo(" ".join(wanted.tags))


@app.command()
def consent(
    speaker: Speaker,
    basis: Annotated[
        str | None,
        typer.Argument(metavar="[BASIS]", help="Why their voice may be kept, in your words.", show_default=False),
    ] = None,
    *,
    date: Annotated[
        str | None, typer.Option("--date", help="When they agreed, as 2026-10-02.", show_default=False)
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", help="Where the form is, and the like.", show_default=False)
    ] = None,
    review: Annotated[
        str | None,
        typer.Option("--review", help="When to ask whether they may stay, as 2027-10-02, or none.", show_default=False),
    ] = None,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Take the record away; erasing the person is another command.")
    ] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Record why a person's voice may be kept, and when that is to be reviewed."""
    if not (basis or withdrawn or review) or (basis and withdrawn):
        raise OptionError("Say on what basis their voice may be kept, or --withdrawn, or when to --review.")
    if (date or note) and not basis:
        raise OptionError("--date and --note belong to a basis; give that, too.")
    given = basis and {"basis": basis, "date": date, "note": note}
    wanted = checked({"name": "x", "consent": given, "reviewDate": None if review == "none" else review})
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        kept = None if withdrawn else _consent(wanted) or person.consent
        due = person.review_on if review is None else wanted.review_date
        gallery.ask(gallery.people.update(gallery.team, person.id, consent=kept, review_on=due))
    typer.echo(f"Recorded for {person.name}.")


@app.command()
def add(
    speaker: Speaker,
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RECORDING]",
            help="Recordings of the person alone; each becomes a sample.",
            show_default=False,
            callback=options.all_given,
        ),
    ] = None,
    *,
    voiceprint: Annotated[
        list[Path] | None,
        typer.Option(
            "--voiceprint",
            help="A file that `timbre voiceprint` wrote; several times for more.",
            show_default=False,
            callback=options.all_given,
        ),
    ] = None,
    max_seconds: MaxSeconds = 30.0,
    channel: options.Channel = None,
    model: options.Model = None,
    device: options.Device = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Add samples of a person's voice, and say how good the recordings are."""
    if not (recordings or voiceprint):
        raise OptionError("Name recordings of the person, or voiceprints with --voiceprint.")
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        worst = Exit.DONE
        for path in voiceprint or ():
            worst = max(worst, _add_voiceprint(gallery, person, path))
        if recordings:
            engine = gallery_engine(gallery, model, device)
            heard, fault = _hear_all(gallery, engine, recordings, max_seconds=max_seconds, channel=channel)
            worst = max(worst, fault)
            for each in heard:
                _keep(gallery, person.id, *each)
    if worst:
        raise typer.Exit(worst)


@app.command(name="remove-sample")
def remove_sample(
    speaker: Speaker,
    sample: Annotated[
        str, typer.Argument(metavar="SAMPLE", help="Id of the sample, as `timbre speakers show` has it.")
    ],
    *,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Erase a sample of a person."""
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        try:
            id_ = UUID(sample)
        except ValueError:
            raise SampleUnknown(f"{sample} is no id of a sample; `timbre speakers show` has those there are.") from None
        gallery.ask(gallery.people.remove_sample(gallery.team, person.id, id_))
    typer.echo(f"Erased a sample of {person.name}.")


@app.command()
def merge(
    speaker: Speaker,
    others: Annotated[
        list[str], typer.Argument(metavar="OTHER", help="Names or ids of those who are the same person.")
    ],
    *,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Make one person of several: samples, tags and results become those of the first, and the others are gone."""
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        gone = [gallery.find(other) for other in others]
        gallery.ask(gallery.people.merge(gallery.team, person.id, [other.id for other in gone]))
    typer.echo(f"{person.name} is now also {', '.join(other.name for other in gone)}.")


@app.command()
def delete(
    speaker: Speaker,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Erase a person: samples, clips, consent, and the name in stored results; it cannot be undone."""
    with open_gallery(team, data_dir) as gallery:
        person = gallery.find(speaker)
        if not yes and not sys.stdin.isatty():
            raise OptionError("This cannot be undone; say that it is meant with --yes.")
        if not yes and not typer.confirm(f"Erase {person.name} and all {len(person.samples)} samples?", err=True):
            raise typer.Exit(Exit.USAGE)
        gallery.ask(gallery.people.erase(gallery.team, person.id))
    typer.echo(f"Erased {person.id}.")


def _everybody(gallery: OpenGallery, tag: str | None, part: str | None) -> Iterator[Person]:
    before = None
    while True:
        page, _ = gallery.ask(gallery.people.page(gallery.team, limit=_PAGE, before=before, tag=tag, part=part))
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].id


def _consent(wanted: CreateSpeakerRequest) -> Consent | None:
    return None if wanted.consent is None else wanted.consent.value


def _hear_all(
    gallery: OpenGallery,
    engine: Engine,
    recordings: Sequence[Path],
    *,
    max_seconds: float | None,
    channel: int | None,
) -> tuple[list[tuple[Path, Voiceprint, Origin]], Exit]:
    """Hear recordings; one that cannot be used stops no other. Return what was heard, and the worst that happened."""
    found, worst = [], Exit.DONE
    for recording in recordings:
        try:
            found.append((recording, *hear(gallery, engine, recording, max_seconds=max_seconds, channel=channel)))
        except (AudioError, EnrolmentRefused) as error:
            worst = max(worst, report(error, recording))
    return found, worst


def _keep(gallery: OpenGallery, person: UUID, recording: Path, heard: Voiceprint, origin: Origin) -> None:
    """Keep what was heard as a sample of a person, and say how good it is."""
    sample, _ = gallery.keep(person, heard, origin)
    typer.echo(f"{recording}: {heard.speech_seconds:.1f} s of speech, sample {sample}", err=True)
    for sentence in heard.quality[0].advice:
        warn(sentence, recording)


def _add_voiceprint(gallery: OpenGallery, person: Person, path: Path) -> Exit:
    from timbre.identification.voiceprint import Voiceprint  # noqa: PLC0415
    from timbre.service.people.samples import Origin  # noqa: PLC0415

    try:
        made = Voiceprint.load(path)
        sample, _ = gallery.keep(person.id, made, Origin(source="voiceprint"))
    except VoiceprintError as error:
        return report(error, path)
    typer.echo(f"{path}: {made.speech_seconds:.1f} s of speech, sample {sample}", err=True)
    return Exit.DONE


def _today() -> date_:
    return datetime.now(UTC).date()
