"""A change of a result: something that is said, and what it makes of what stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from timbre.errors import NothingToStep, OutputMissing
from timbre.service.jobs.jobs import Once
from timbre.service.results.conversation import Conversation, Naming, conversation
from timbre.service.results.decisions import Decision, Entry, Kind, Step, Walked, walk
from timbre.service.results.outputs import unpacked
from timbre.service.results.standing import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is said, before it is written down."""

    kind: Kind | Step
    revision: int | None  # that was seen
    by: str | None
    once: Once | None
    decide: Callable[[Conversation, int], Decision] | None  # what is decided about a result as it stands; not of a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """What a change makes of a result."""

    change: Change
    decision: Decision | None  # None of a step
    body: bytes  # the machine's proposal as it is kept
    proposal: Output
    talk: Conversation  # as it stands now
    stands: tuple[Decision, ...]
    said: list[Decision]  # ever
    dropped: list[int]  # revisions that nobody can redo any more
    withdrawn: set[int]  # revisions whose samples go
    taught: list[Naming]  # that are learned from now
    people_before: set[UUID]  # who were voices by decision
    people: set[UUID]  # who are

    @property
    def made(self) -> dict[UUID, Decision]:
        """The people whom namings made, each with the naming."""
        return {each.speaker: each for each in self.said if each.speaker is not None and each.create is not None}

    @property
    def changes_people(self) -> bool:
        """Whether people of the gallery, or what is known of their voices, change with it."""
        return bool(self.withdrawn or self.taught or self.made.keys() & (self.people_before ^ self.people))


def turn(change: Change, log: Sequence[Entry], body: bytes) -> Turned:
    """Find out what a change makes of a result, and refuse it where it cannot be.

    Args:
        change: What is said.
        log: What was said before.
        body: What the machine found, as it is kept.

    Raises:
        OutputMissing: it does not say who speaks.
        NothingToStep: there is nothing to undo, or to redo.
        RequestInvalid: what is decided about is not there.
    """
    proposal = unpacked(body)
    if "diarization" not in proposal:
        raise OutputMissing("This job's output does not say who speaks, so there is nothing to decide about.")
    walked = walk(log)
    talk = conversation(proposal, walked.stands)
    learned, people = talk.learned(), _people(talk)
    decision, stands = None, walked.stands
    if change.decide is not None:
        decision = change.decide(talk, len(log) + 1)
        stands = (*stands, decision)
        talk.apply(decision)
    else:
        stands = _stepped(change.kind, walked)
        talk = conversation(proposal, stands)
    now = talk.learned()
    return Turned(
        change=change,
        decision=decision,
        body=body,
        proposal=proposal,
        talk=talk,
        stands=stands,
        said=[each for each in (*(entry.decision for entry in log), decision) if each is not None],
        dropped=[each.revision for each in walked.undone] if decision is not None else [],
        withdrawn=learned.keys() - now.keys(),
        taught=[naming for revision, naming in now.items() if revision not in learned],
        people_before=people,
        people=_people(talk),
    )


def _people(talk: Conversation) -> set[UUID]:
    return {voice.person for voice in talk.voices.values() if voice.person is not None}


def _stepped(step: str, walked: Walked) -> tuple[Decision, ...]:
    if step == "undo":
        if not walked.stands:
            raise NothingToStep("There is nothing to undo: what stands is what the machine found.")
        return walked.stands[:-1]
    if not walked.undone:
        raise NothingToStep("There is nothing to redo: nothing was undone since the last decision.")
    return (*walked.stands, walked.undone[-1])
