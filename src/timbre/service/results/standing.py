"""What stands: the output that a client sees, made of what the machine found and of what people decided.

    proposal ─┐
              ├─► stand ─► output
    decisions ┘

`diarization` stays the machine's. `identification` is what stands, and has beside what it always has: `turn`, by which
decisions mean it; `decided`, whether a person said who speaks or touched the turn; `checked`. The same turns without
overlaps are `exclusiveIdentification`, where the job was asked for such. Words that were recognised read as people say.
Without decisions the output is the machine's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from heapq import heappop, heappush
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from timbre.service.results.conversation import Conversation, Speaking, Spoken, conversation
from timbre.service.results.decisions import Decision
from timbre.service.results.transcripts import labels_kept

Output = dict[str, Any]
_NOBODY: Final[Output] = {"match": None, "speakerId": None, "confidence": {}, "candidates": []}


def stand(proposal: Output, decisions: Sequence[Decision], names: Mapping[UUID, str]) -> Output:
    """Return what stands.

    Args:
        proposal: The machine's output, with `diarization`; it stays as it is.
        decisions: Those that stand, in the order they were made.
        names: Of the people they mean. Whoever has none is nobody we know.
    """
    return stand_as(proposal, conversation(proposal, decisions), names) if decisions else proposal


def stand_as(proposal: Output, talk: Conversation, names: Mapping[UUID, str]) -> Output:
    """Return a machine's output with who speaks when in a conversation that decisions made of it."""
    output = {**proposal}
    with labels_kept(output, talk.readings):
        _write(output, talk, names)
    return output


def _write(output: Output, talk: Conversation, names: Mapping[UUID, str]) -> None:
    found = {voice["speaker"]: voice for voice in output.get("voiceprints", ())}
    spoken = in_time(talk.turns.values())
    speaking = {turn.voice for turn in spoken}
    voices = [
        _voice(voice, found, names)
        for voice in sorted(talk.voices.values(), key=lambda voice: voice.label)
        if voice.label in speaking
    ]
    by_label = {voice["speaker"]: voice for voice in voices}
    machine = output["diarization"]
    output["identification"] = [_turn(turn, machine[turn.line], by_label[turn.voice]) for turn in spoken]
    output["voiceprints"] = voices
    if "exclusiveDiarization" in output:
        output["exclusiveIdentification"] = [
            _segment(turn, by_label[turn.voice], start, end)
            for turn, start, end in _alone(spoken, machine, output["exclusiveDiarization"])
        ]


def _voice(voice: Speaking, found: Mapping[str, Output], names: Mapping[UUID, str]) -> Output:
    """A voice as `voiceprints` has it: by decision, or else as the machine found one of its parts."""
    rejected = {str(person) for person in voice.rejected}
    parts = [found[part] for part in voice.parts if part in found and found[part].get("speakerId") not in rejected]
    own = [part for part in parts if part["speaker"] == voice.label]
    guessed = [part for part in (*own, *parts) if part["match"] is not None] or own or parts
    machine = deepcopy(guessed[0]) if guessed else dict(deepcopy(_NOBODY))
    candidates = [each for each in machine.get("candidates", ()) if each["speakerId"] not in rejected]
    gone = {each["name"] for each in machine.get("candidates", ()) if each["speakerId"] in rejected}
    said = {
        "speaker": voice.label,
        "match": machine["match"],
        "speakerId": machine.get("speakerId"),
        "confidence": {name: value for name, value in machine["confidence"].items() if name not in gone},
        "candidates": candidates,
        "decided": voice.naming is not None,
    }
    if voice.naming is not None:
        name = None if voice.person is None else names.get(voice.person)
        said |= {"match": name, "speakerId": None if name is None else str(voice.person)}
        said["decided"] = name is not None or voice.naming.kind == "nobody"  # else whoever it was is erased
    return said


def in_time(turns: Iterable[Spoken]) -> list[Spoken]:
    """Turns by their start; those that begin together by their lines."""
    ordered = sorted(turns, key=attrgetter("start"))  # a third of what the whole key takes, which seldom matters
    if any(first.start == after.start for first, after in pairwise(ordered)):
        ordered.sort(key=attrgetter("start", "line", "id"))
    return ordered


# Both are made for every turn of every decision, so each in one piece.
def _segment(turn: Spoken, voice: Output, start: float, end: float) -> Output:
    name = voice["match"]
    return {
        "speaker": name or turn.voice,
        "start": start,
        "end": end,
        "diarizationSpeaker": turn.voice,
        "match": name,
        "speakerId": voice["speakerId"],
    }


def _turn(turn: Spoken, machine: Output, voice: Output) -> Output:
    name = voice["match"]
    named = {
        "speaker": name or turn.voice,
        "start": turn.start,
        "end": turn.end,
        "diarizationSpeaker": turn.voice,
        "match": name,
        "speakerId": voice["speakerId"],
        "turn": turn.id,
        "decided": turn.touched or voice["decided"],
    }
    if "confidence" in machine:
        named["confidence"] = machine["confidence"]
    if turn.checked:
        named["checked"] = True
    return named


def _alone(
    spoken: Sequence[Spoken], machine: Sequence[Output], exclusive: Sequence[Output]
) -> Iterator[tuple[Spoken, float, float]]:
    """Cut turns so that none overlap: where several talk, that one goes on whom the machine heard as the louder one.

    Args:
        spoken: By their start.
        machine: Its `diarization`.
        exclusive: Its turns that never overlap, by their start.
    """
    begins = [segment["start"] for segment in exclusive]
    at = 0
    while at < len(spoken):
        turn, after, end = spoken[at], at + 1, spoken[at].end
        while after < len(spoken) and (other := spoken[after]).start < end:
            after, end = after + 1, max(end, other.end)
        if after == at + 1:  # most stand alone
            yield turn, turn.start, end
        else:
            first = max(0, bisect_right(begins, turn.start) - 1)
            yield from _louder(spoken[at:after], machine, exclusive[first : bisect_right(begins, end)])
        at = after


def _louder(
    group: Sequence[Spoken], machine: Sequence[Output], exclusive: Sequence[Output]
) -> list[tuple[Spoken, float, float]]:
    edges = sorted(
        {edge for turn in group for edge in (turn.start, turn.end)}
        | {edge for segment in exclusive for edge in (segment["start"], segment["end"])}
    )
    pieces: list[tuple[Spoken, float, float]] = []
    active: list[tuple[float, int]] = []  # ends and places of turns that have begun
    begun, louder = 0, 0
    for start, end in pairwise(edges):
        while begun < len(group) and group[begun].start <= start:
            heappush(active, (group[begun].end, begun))
            begun += 1
        while active and active[0][0] <= start:
            heappop(active)
        while louder < len(exclusive) and exclusive[louder]["end"] <= start:
            louder += 1
        if not active:
            continue
        heard = louder < len(exclusive) and exclusive[louder]["start"] <= start
        label = exclusive[louder]["speaker"] if heard else None
        places = sorted(place for _, place in active)
        turn = group[next((each for each in places if machine[group[each].line]["speaker"] == label), places[0])]
        if pieces and pieces[-1][0] is turn and pieces[-1][2] == start:
            pieces[-1] = turn, pieces[-1][1], end
        else:
            pieces.append((turn, start, end))
    return pieces
