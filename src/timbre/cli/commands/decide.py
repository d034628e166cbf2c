"""`timbre decide` and `timbre history`: what people say about the result of a job."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from timbre.cli.display.output import json_line
from timbre.cli.display.tables import show_rows
from timbre.cli.display.units import NOTHING
from timbre.cli.exits import warn
from timbre.cli.options import AsJson, DataDir
from timbre.cli.server.results import OpenResult, open_result
from timbre.errors import OptionError, SpeakerUnknown

Job = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]
Team = Annotated[str, typer.Option("--team", help="Team whose job it is.")]


def decide(
    job: Job,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="name, nobody, reject, learn, join, give, cut, unite, retime, delete, check, reword, undo or redo;"
            " without it what stands is shown.",
            show_default=False,
        ),
    ] = None,
    *,
    voice: Annotated[str | None, typer.Option("--voice", help="Label of the voice, as SPEAKER_00.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", help="Name or id of a person of the gallery.")] = None,
    new: Annotated[str | None, typer.Option("--new", help="Name of somebody new, instead.")] = None,
    consent: Annotated[
        str | None, typer.Option("--consent", help="Why the voice of somebody new may be kept, in your words.")
    ] = None,
    learn: Annotated[
        bool | None,
        typer.Option("--learn/--no-learn", help="Make the voice a sample of the person or not.", show_default=False),
    ] = None,
    into: Annotated[str | None, typer.Option("--into", help="Of join: the label that stays.")] = None,
    merged: Annotated[
        list[str] | None,
        typer.Option("--from", help="Of join: a label that becomes it; several times for more.", show_default=False),
    ] = None,
    turn: Annotated[
        list[str] | None, typer.Option("--turn", help="A turn; several times for more.", show_default=False)
    ] = None,
    at: Annotated[float | None, typer.Option("--at", help="Of cut: where the second part begins, in seconds.")] = None,
    start: Annotated[float | None, typer.Option("--start", help="Of retime: where it begins, in seconds.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="Of retime: where it ends, in seconds.")] = None,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Of check: take the mark away.")] = False,
    word: Annotated[
        list[str] | None,
        typer.Option(
            "--word",
            metavar="PLACE=TEXT",
            help="Of reword: a word that was recognised or handed in, counted from 0, and what it reads; several times"
            " for more.",
            show_default=False,
        ),
    ] = None,
    revision: Annotated[
        int | None, typer.Option("--revision", help="The revision that was seen; refused if it is another by now.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who says it, for the history.")] = None,
    json: AsJson = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Say who speaks and when in a result, and show what stands; it stands whatever is found later."""
    with open_result(job, team, data_dir) as result:
        if kind is not None:
            body: dict[str, Any] = {
                "kind": kind,
                "voice": voice,
                "name": new,
                "consent": None if consent is None else {"basis": consent},
                "learn": learn,
                "into": into,
                "from": merged or None,
                "at": at,
                "start": start,
                "end": end,
                "checked": False if unchecked else None,
                "revision": revision,
                "by": by,
            }
            if turn:
                body |= {"turn": turn[0]} if kind in {"cut", "retime"} else {"turns": turn}
            if word:
                body["words"] = [_reading(each) for each in word]
            if speaker is not None:
                body["speakerId"] = str(_person(result, speaker))
            made = result.say(body)
            if made.doubt is not None:
                warn(f"nothing was learned: {made.doubt.words}")
        output = result.output()
    if json:
        typer.echo(json_line(output), nl=False)
    else:
        _show(output)


def history(job: Job, *, json: AsJson = False, team: Team = "default", data_dir: DataDir = None) -> None:
    """List what people have said about a result, by whom and when, the oldest first."""
    with open_result(job, team, data_dir) as result:
        items = result.history()
    if json:
        for item in items:
            typer.echo(json_line(item), nl=False)
        return
    about = ("voice", "into", "from", "name", "turns", "cutAt", "start", "end", "words")
    rows = [
        (
            str(item["revision"]),
            item["at"],
            item["by"] or NOTHING,
            item["kind"],
            "; ".join(f"{key} {_words(item[key])}" for key in about if item.get(key) is not None),
            item.get("state", ""),
        )
        for item in items
    ]
    show_rows(("revision", "at", "by", "kind", "about", "state"), rows)


def _reading(text: str) -> dict[str, Any]:
    place, equals, said = text.partition("=")
    if not equals or not (place.isascii() and place.isdigit() and len(place) < 10):  # noqa: PLR2004 - digits
        raise OptionError(f"--word: expected a word as 12=Bletchley, got {text[:60]!r}.")
    return {"word": int(place), "text": said}


def _person(result: OpenResult, speaker: str) -> object:
    try:
        return result.gallery.find(speaker).id
    except SpeakerUnknown as error:
        raise OptionError(f"{error} Somebody new is named with --new.") from None


def _show(output: dict[str, Any]) -> None:
    turns = output.get("identification") or output.get("diarization", ())
    names = {voice["speaker"]: voice for voice in output.get("voiceprints", ())}
    rows = []
    for number, turn in enumerate(turns):
        label = turn.get("diarizationSpeaker", turn["speaker"])
        voice = names.get(label, {})
        rows.append(
            (
                turn.get("turn", str(number)),
                f"{turn['start']:.3f}",
                f"{turn['end']:.3f}",
                label,
                voice.get("match") or NOTHING,
                "by hand" if turn.get("decided") else "",
            )
        )
    show_rows(("turn", "start", "end", "voice", "name", "decided"), rows)


def _words(value: object) -> str:
    return " ".join(map(_word, value)) if isinstance(value, list) else str(value)


def _word(item: object) -> str:
    return f"{item['word']}={item['text']!r}" if isinstance(item, dict) else str(item)
