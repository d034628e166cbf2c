"""A result for people: the turns one after the other, then everybody who spoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import clock, percent
from timbre.identification.identification import Identification, NamedTurn
from timbre.turns import Turn, talk_time

if TYPE_CHECKING:
    from timbre.diarization.diarization import Diarization


def show_result(result: Diarization | Identification, recording: Path, *, exclusive: bool) -> None:
    """Print the tables of one recording."""
    diarization = result.diarization if isinstance(result, Identification) else result
    people = len(diarization.voices)
    typer.echo(f"{recording}: {clock(result.duration)}, {people} speaker{'' if people == 1 else 's'}")
    if people:
        show(_turns(result.exclusive_turns if exclusive else result.turns))
        typer.echo()
        show(_matches(result) if isinstance(result, Identification) else _speakers(diarization))
    typer.echo()


def _turns(turns: tuple[Turn, ...]) -> Table:
    return Table(
        columns=(Column("Start", "number"), Column("End", "number"), Column("Speaker"), Column("Confidence", "bar")),
        rows=[(clock(turn.start), clock(turn.end), turn.speaker, _sureness(turn)) for turn in turns],
    )


def _sureness(turn: Turn) -> str:
    """Return how sure it is that the turn is its speaker's."""
    label = turn.diarization_speaker if isinstance(turn, NamedTurn) else turn.speaker
    return "" if turn.confidence is None else str(turn.confidence[label])


def _speakers(diarization: Diarization) -> Table:
    return Table(
        columns=(Column("Speaker"), *_talk_columns(diarization)),
        rows=[(speaker, *talk) for speaker, talk in _talk(diarization).items()],
    )


def _matches(identification: Identification) -> Table:
    talk = _talk(identification.diarization)
    rows = []
    for match in identification.matches:
        nearest = match.match or max(match.confidence, key=match.confidence.__getitem__)
        name = match.match or f"unknown, nearest to {nearest}"
        rows.append((match.speaker, *talk[match.speaker], name, str(match.confidence[nearest])))
    return Table(
        columns=(
            Column("Speaker"),
            *_talk_columns(identification.diarization),
            Column("Name"),
            Column("Confidence", "bar"),
        ),
        rows=rows,
    )


def _talk_columns(diarization: Diarization) -> tuple[Column, ...]:
    channel = (Column("Channel", "number"),) if _separate(diarization) else ()
    return (*channel, Column("Talk time", "number"), Column("Share", "number"))


def _talk(diarization: Diarization) -> dict[str, tuple[str, ...]]:
    """Return the talk time and its share of all talk for every speaker, behind the channel where each has one."""
    seconds = talk_time(diarization.turns)
    total = sum(seconds.values()) or 1.0
    return {
        voice.speaker: (
            *([str(voice.channel)] if _separate(diarization) else []),
            clock(seconds.get(voice.speaker, 0.0)),
            percent(seconds.get(voice.speaker, 0.0) / total),
        )
        for voice in diarization.voices
    }


def _separate(diarization: Diarization) -> bool:
    return any(voice.channel is not None for voice in diarization.voices)
