"""A conversation as it stands: the machine's turns and voices, and what decisions make of them one after the other.

Turns and voices have names that stay, so that a decision means the same whatever was decided besides: a turn is the
number of its line in the machine's `diarization`, or what a cut made of it (`17.5`: cut off from 17 by revision 5); a
voice is its label. A turn has one voice. Turns of a voice that come to overlap become one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from timbre.service.results.decisions import Decision, Reading
from timbre.service.results.words import WORDS

SHORTEST: Final = 0.01  # seconds that a turn has at least, once somebody has touched it
_TOUCHING: Final = 0.001  # seconds: times have three decimals
_MOSTLY: Final = 0.5  # of a voice's time, that it must still have to be learned from


@dataclass(slots=True)  # without names of arguments: thousands are made for every decision
class Spoken:
    """A turn."""

    id: str
    start: float  # seconds
    end: float
    voice: str  # label
    line: int  # of the machine's `diarization` that it is from
    touched: bool = False  # whether somebody gave it, cut it or moved an edge of it
    checked: bool = False


@dataclass(slots=True, kw_only=True)
class Speaking:
    """A voice."""

    label: str
    parts: list[str] = field(default_factory=list)  # labels of the machine that it is made of
    naming: Decision | None = None  # the last that said who it is, or that nobody knows
    rejected: set[UUID] = field(default_factory=set)  # people it is not

    @property
    def person(self) -> UUID | None:
        """Who it is by decision."""
        return None if self.naming is None else self.naming.speaker


@dataclass(slots=True, kw_only=True)
class Naming:
    """A decision that may have taught a person's voice."""

    revision: int
    voice: str  # label it was about
    parts: tuple[str, ...]  # labels of the machine that were it then
    speaker: UUID
    learn: bool


class Conversation:
    """Turns and voices, to be changed by decisions."""

    def __init__(self, proposal: Mapping[str, Any]) -> None:
        """Begin with what the machine found.

        Args:
            proposal: Its output, with `diarization`.
        """
        self.turns: dict[str, Spoken] = {}
        self.voices: dict[str, Speaking] = {}
        self.namings: list[Naming] = []
        self.readings: dict[int, str] = {}  # how words read that somebody changed, by their place
        self._words: Sequence[Mapping[str, Any]] = proposal.get(WORDS, ())
        self._gone: dict[str, tuple[int, str]] = {}  # turns and labels: in which revision, and what became of them
        self._lines: dict[str, list[tuple[float, str]]] = {}  # of each voice: where its turns begin
        listed = [voice["speaker"] for voice in proposal.get("voiceprints", ())]
        for label in sorted({*(turn["speaker"] for turn in proposal["diarization"]), *listed}):
            self.voices[label] = Speaking(label=label, parts=[label])
            self._lines[label] = []
        self._found: Sequence[Mapping[str, Any]] = proposal["diarization"]
        for number, turn in enumerate(self._found):
            id_, start, label = str(number), turn["start"], turn["speaker"]
            self.turns[id_] = Spoken(id_, start, turn["end"], label, number)
            self._lines[label].append((start, id_))
        for line in self._lines.values():
            line.sort()

    def new_label(self) -> str:
        """A label that no voice has or had."""
        used = [int(label.rpartition("_")[2]) for label in {*self.voices, *self._gone} if label.startswith("SPEAKER_")]
        return f"SPEAKER_{max(used, default=-1) + 1:02}"

    def heard(self, label: str) -> Speaking | None:
        """The voice that speaks under a label of the machine now."""
        return next((voice for voice in self.voices.values() if label in voice.parts), None)

    def missing_voice(self, label: str) -> str:
        """Say of a label that no voice has what there is, and what became of it."""
        there = ", ".join(self.voices) or "none"
        if label in self._gone:
            revision, what = self._gone[label]
            return f"{label} {what} at revision {revision}; there are: {there}"
        return f"There is no voice {label}; there are: {there}"

    def faults(self, decision: Decision) -> Iterator[tuple[str, str]]:
        """Say what stands in the way of a decision, by the field of the request that is at fault."""
        get = {"join": "into"}.get(decision.kind, "voice")
        makes_one = decision.kind == "give" and decision.voice is not None and decision.voice not in self._gone
        if decision.voice is not None and decision.voice not in self.voices and not makes_one:
            yield get, self.missing_voice(decision.voice)
        for number, label in enumerate(decision.others):
            if label not in self.voices:
                yield f"from.{number}", self.missing_voice(label)
        field_ = "turn" if decision.kind in {"cut", "retime"} else "turns"
        for number, turn in enumerate(decision.turns):
            if turn not in self.turns:
                yield field_ if field_ == "turn" else f"turns.{number}", self._missing_turn(turn)
                return
        if decision.kind == "cut":
            yield from self._cut_faults(decision)
        for number, reading in enumerate(decision.readings):
            if fault := self._word_fault(reading):
                yield f"words.{number}.word", fault
                return

    def word(self, place: int) -> str | None:
        """The word that was recognised, or handed in, at a place; None where there is none."""
        if self._words and "word" not in self._words[0]:
            return self._words[place]["text"] if place < len(self._words) else None
        at = bisect_left(self._words, place, key=_place_of)
        return self._words[at]["text"] if at < len(self._words) and _place_of(self._words[at]) == place else None

    def apply(self, decision: Decision) -> None:
        """Do what a decision says; one that has faults does nothing."""
        if any(True for _ in self.faults(decision)):
            return
        match decision.kind:
            case "name" | "nobody" | "reject" | "learn":
                self._name(decision)
            case "join":
                self._join(decision)
            case "give":
                self._give(decision)
            case "cut":
                self._cut(decision)
            case "unite":
                self._unite(decision)
            case "retime":
                self._retime(decision)
            case "delete":
                self._delete(decision)
            case "check":
                for turn in decision.turns:
                    self.turns[turn].checked = decision.checked
            case "reword":
                self.readings |= {reading.word: reading.text for reading in decision.readings}

    def learned(self) -> dict[int, Naming]:
        """The namings that people's voices are learned from, by revision.

        Those whose voice still carries the person by decision, and still has most of its turns.
        """
        if not self.namings:
            return {}
        talk: defaultdict[str, float] = defaultdict(float)  # seconds of each label of the machine
        kept: defaultdict[str, float] = defaultdict(float)  # those that are still with the voice of their label
        for line in self._found:
            talk[line["speaker"]] += line["end"] - line["start"]
        homes = {part: voice.label for voice in self.voices.values() for part in voice.parts}
        for turn in self.turns.values():
            label = self._found[turn.line]["speaker"]
            if homes.get(label) == turn.voice:
                kept[label] += turn.end - turn.start
        found = {}
        for naming in self.namings:
            voice = self.heard(naming.voice)
            if voice is None or voice.person != naming.speaker or not naming.learn:
                continue
            if sum(kept[part] for part in naming.parts) >= _MOSTLY * sum(talk[part] for part in naming.parts):
                found[naming.revision] = naming
        return found

    def _name(self, decision: Decision) -> None:
        voice = self.voices[decision.voice or ""]
        match decision.kind:
            case "name":
                voice.naming = decision
                if decision.speaker is not None:
                    voice.rejected.discard(decision.speaker)
                    heard = tuple(voice.parts)
                    self.namings.append(
                        Naming(
                            revision=decision.revision,
                            voice=voice.parts[0] if heard else voice.label,
                            parts=heard,
                            speaker=decision.speaker,
                            learn=decision.learn and bool(heard),
                        )
                    )
            case "nobody":
                voice.naming = decision
            case "reject":
                if decision.speaker is not None:
                    voice.rejected.add(decision.speaker)
                    if voice.person == decision.speaker:
                        voice.naming = None
            case _:
                for naming in self.namings:
                    if naming.voice in voice.parts and naming.speaker == voice.person:
                        naming.learn = decision.learn

    def _join(self, decision: Decision) -> None:
        voice = self.voices[decision.voice or ""]
        for label in decision.others:
            if label == voice.label or label not in self.voices:
                continue
            other = self.voices.pop(label)
            voice.parts += other.parts
            voice.rejected |= other.rejected
            if voice.naming is None:
                voice.naming = other.naming
            for _, turn in self._lines.pop(label):
                self.turns[turn].voice = voice.label
                self._place(self.turns[turn], decision.revision, _TOUCHING)
            self._gone[label] = decision.revision, f"was joined into {voice.label}"

    def _give(self, decision: Decision) -> None:
        label = decision.voice or ""
        if label not in self.voices:
            self.voices[label] = Speaking(label=label)
            self._lines[label] = []
        for id_ in decision.turns:
            turn = self.turns.get(id_)
            if turn is None or turn.voice == label:  # it may have become one with another of these turns
                continue
            self._lift(turn)
            turn.voice, turn.touched = label, True
            self._place(turn, decision.revision)

    def _cut_faults(self, decision: Decision) -> Iterator[tuple[str, str]]:
        turn, at = self.turns[decision.turns[0]], decision.start or 0.0
        if not turn.start + SHORTEST <= at <= turn.end - SHORTEST:
            yield (
                "at",
                f"Expected a time inside of turn {turn.id}, which lasts from {turn.start:.3f} to {turn.end:.3f}, got"
                f" {at:g}",
            )

    def _cut(self, decision: Decision) -> None:
        turn, at = self.turns[decision.turns[0]], decision.start or 0.0
        second = replace(turn, id=f"{turn.id.partition('.')[0]}.{decision.revision}", start=at, touched=True)
        turn.end, turn.touched = at, True
        self.turns[second.id] = second
        insort(self._lines[turn.voice], (second.start, second.id))

    def _unite(self, decision: Decision) -> None:
        first, *others = sorted((self.turns[turn] for turn in decision.turns), key=lambda turn: turn.start)
        self._lift(first)
        for other in others:
            first.end = max(first.end, other.end)
            self._drop(other, decision.revision, f"was joined with turn {first.id}")
        first.touched = True
        self._place(first, decision.revision)

    def _retime(self, decision: Decision) -> None:
        turn = self.turns[decision.turns[0]]
        self._lift(turn)
        turn.start = turn.start if decision.start is None else decision.start
        turn.end = turn.end if decision.end is None else decision.end
        turn.end = max(turn.end, turn.start + SHORTEST)
        turn.touched = True
        self._place(turn, decision.revision)

    def _delete(self, decision: Decision) -> None:
        for turn in decision.turns:
            self._drop(self.turns[turn], decision.revision, "was deleted")

    def _drop(self, turn: Spoken, revision: int, what: str) -> None:
        self._lift(turn)
        del self.turns[turn.id]
        self._gone[turn.id] = revision, what

    def _lift(self, turn: Spoken) -> None:
        """Take a turn out of the line of its voice."""
        line = self._lines[turn.voice]
        line.pop(bisect_left(line, (turn.start, turn.id)))

    def _place(self, turn: Spoken, revision: int, gap: float = -_TOUCHING) -> None:
        """Put a turn into the line of its voice; where it overlaps others, or comes this near, they become one."""
        line = self._lines[turn.voice]
        at = bisect_left(line, (turn.start, turn.id))
        if at and (before := self.turns[line[at - 1][1]]).end + gap >= turn.start:
            before.end = max(before.end, turn.end)
            before.touched |= turn.touched
            del self.turns[turn.id]
            self._gone[turn.id] = revision, f"became one with turn {before.id}"
            at, turn = at - 1, before
        else:
            line.insert(at, (turn.start, turn.id))
        while at + 1 < len(line) and (after := self.turns[line[at + 1][1]]).start <= turn.end + gap:
            turn.end = max(turn.end, after.end)
            line.pop(at + 1)
            del self.turns[after.id]
            self._gone[after.id] = revision, f"became one with turn {turn.id}"

    def _word_fault(self, reading: Reading) -> str:
        if not self._words:
            return (
                "There are no words in this result; submit its recording with `transcription`, or hand in a transcript"
            )
        heard = self.word(reading.word)
        if heard is None:
            return f"There is no word {reading.word}; there are {len(self._words)}, counted from 0"
        return "" if reading.was in {None, heard} else f"Word {reading.word} is another now: {heard[:40]!r}"

    def _missing_turn(self, turn: str) -> str:
        if turn in self._gone:
            revision, what = self._gone[turn]
            return f"Turn {turn[:40]} {what} at revision {revision}"
        return f"There is no turn {turn[:40]!r}; GET /v1/jobs/{{jobId}} lists those there are"


def _place_of(word: Mapping[str, Any]) -> int:
    place: int = word["word"]
    return place


def conversation(proposal: Mapping[str, Any], decisions: Sequence[Decision]) -> Conversation:
    """What decisions make of what the machine found, in the order they were made."""
    talk = Conversation(proposal)
    for decision in decisions:
        talk.apply(decision)
    return talk
