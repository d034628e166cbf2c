"""What can be said about a result."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self, get_args

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from timbre.service.people.requests import ConsentRequest, Id, PersonName, Seconds
from timbre.service.requests.body import Request
from timbre.service.requests.values import Speaker, Switch, Title, expect, refuse
from timbre.service.results.conversation import SHORTEST
from timbre.service.results.decisions import Kind

MOST_TURNS: Final = 10_000  # of one decision
MOST_WORDS: Final = 10_000  # of one decision
LONGEST_WORD: Final = 500  # characters; somebody may say more than was heard
MOST_VOICES: Final = 100  # that are joined at once
_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # lines, and what is no text
_TURN: Final = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
_KINDS: Final[tuple[str, ...]] = get_args(Kind)
# Of each kind, what it cannot do without; what stands for a person is one of two.
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "name": ("voice",),
    "nobody": ("voice",),
    "reject": ("voice", "speaker_id"),
    "learn": ("voice", "learn"),
    "join": ("into", "merged"),
    "give": ("turns",),
    "cut": ("turn", "at"),
    "unite": ("turns",),
    "retime": ("turn",),
    "delete": ("turns",),
    "check": ("turns",),
    "reword": ("words",),
}
_WIRE: Final = {"speaker_id": "speakerId", "merged": "from"}


def _kind(came: object) -> object:
    if came not in _KINDS:
        expect(f"one of {', '.join(_KINDS)}", came)
    return came


def _turn(came: object) -> str:
    if not isinstance(came, str) or not re.fullmatch(_TURN.strip("^$"), came):
        expect('a turn, as "17"', came)
    return came


def _turns(came: object) -> tuple[str, ...]:
    if not isinstance(came, list | tuple) or not came:
        expect(f"a list of 1 to {MOST_TURNS} turns", came)
    if len(came) > MOST_TURNS:
        refuse(f"Expected at most {MOST_TURNS} turns, got {len(came)}")
    for number, turn in enumerate(came):
        if not isinstance(turn, str) or not re.fullmatch(_TURN.strip("^$"), turn):
            expect('a turn, as "17"', turn, str(number))
    return tuple(dict.fromkeys(came))


def _voices(came: object) -> object:
    if not isinstance(came, list | tuple) or not 1 <= len(came) <= MOST_VOICES:
        expect(f"a list of 1 to {MOST_VOICES} labels of voices", came)
    return came


def _place(came: object) -> int:
    if isinstance(came, bool) or not isinstance(came, int) or not 0 <= came < 2**31:
        expect("the place of a word, counted from 0", came)
    return came


def _reading(came: object) -> str:
    expected = f"a text of at most {LONGEST_WORD} characters in one line; none where nothing is said"
    if not isinstance(came, str) or len(came) > LONGEST_WORD or _BREAKS.search(came):
        expect(expected, came)
    return came.strip()


def _words(came: object) -> object:
    if not isinstance(came, list | tuple) or not 1 <= len(came) <= MOST_WORDS:
        expect(f"a list of 1 to {MOST_WORDS} words", came)
    return came


def _revision(came: object) -> int:
    if isinstance(came, bool) or not isinstance(came, int) or not 0 <= came < 2**31:
        expect("the revision that was seen, as 0", came)
    return came


def _kinds(schema: dict[str, Any]) -> None:
    """Say in the reference what each kind needs, and that a new person has a name where a known one has an id."""
    choices: list[dict[str, Any]] = []
    for kind, fields in _NEEDED.items():
        needed = ["kind", *(_WIRE.get(field, field) for field in fields)]
        alternatives = [[*needed, "speakerId"], [*needed, "name"]] if kind == "name" else [needed]
        if kind == "retime":
            alternatives = [[*needed, "start"], [*needed, "end"]]
        choices += [{"properties": {"kind": {"const": kind}}, "required": required} for required in alternatives]
    schema["anyOf"] = choices


Revision = Annotated[int, Field(ge=0), BeforeValidator(_revision)]
TurnId = Annotated[str, Field(json_schema_extra={"pattern": _TURN}), BeforeValidator(_turn)]


class ReadingRequest(Request):
    """How a word reads."""

    word: Annotated[int, Field(ge=0), BeforeValidator(_place)] = Field(
        description="Its place in `wordLevelTranscription` as it was recognised or handed in, counted from 0, or its"
        " `word`.",
        examples=[12],
    )
    text: Annotated[str, Field(max_length=LONGEST_WORD), BeforeValidator(_reading)] = Field(
        description="What is said there; empty if nothing is.", examples=["Bletchley"]
    )


class StepRequest(Request):
    """Undo or redo."""

    revision: Revision | None = Field(
        None, description="The revision of the result that was seen: refused if it is another by now. Any if unset."
    )
    by: Title | None = Field(None, description="Who does it, for the history; the name of the API key if unset.")


class DecisionRequest(StepRequest):
    """Say something about a result."""

    model_config = ConfigDict(json_schema_extra=_kinds)

    kind: Annotated[Kind, BeforeValidator(_kind)] = Field(
        description="`name`: this voice is that person. `nobody`: it is nobody we know. `reject`: it is not that"
        " person. `learn`: it is, or is not, to be a sample of the person it was named. `join`: these voices are one."
        " `give`: these turns are that voice's. `cut`: this turn is two. `unite`: these turns are one. `retime`: this"
        " turn begins or ends elsewhere. `delete`: these turns do not exist. `check`: these turns were looked at."
        " `reword`: these words read otherwise.",
        examples=["name"],
    )
    voice: Speaker | None = Field(
        None,
        description="Label of the voice; of `give` the one that gets the turns, a new one if unset.",
        examples=["SPEAKER_00"],
    )
    speaker_id: Id | None = Field(None, description="The person of the gallery.")
    name: PersonName | None = Field(
        None,
        description="In place of `speakerId`: the name of somebody new, who is made with the decision and goes when it"
        " is undone.",
        examples=["Ada Lovelace"],
    )
    consent: ConsentRequest | None = Field(None, description="Why the voice of somebody new may be kept.")
    learn: Switch | None = Field(
        None,
        description="Whether the voice becomes a sample of the person. If unset, it does if it sounds like them rather"
        " than like somebody else, and enough clean speech was heard.",
    )
    into: Speaker | None = Field(None, description="Of `join`: the label that stays.", examples=["SPEAKER_00"])
    merged: Annotated[tuple[Speaker, ...], BeforeValidator(_voices)] | None = Field(
        None,
        alias="from",
        description="Of `join`: the labels that become it.",
        examples=[["SPEAKER_02"]],
        json_schema_extra={"minItems": 1, "maxItems": MOST_VOICES},
    )
    turn: TurnId | None = Field(None, description="A turn: its place in `diarization`, counted from 0, or its `turn`.")
    turns: Annotated[tuple[TurnId, ...], BeforeValidator(_turns)] | None = Field(
        None,
        description="Turns likewise.",
        examples=[["17", "18"]],
        json_schema_extra={"minItems": 1, "maxItems": MOST_TURNS},
    )
    at: Seconds | None = Field(None, description="Of `cut`: where the second part begins, in seconds.")
    start: Seconds | None = Field(None, description="Of `retime`: where it begins, in seconds.")
    end: Seconds | None = Field(None, description="Of `retime`: where it ends, in seconds.")
    checked: Switch | None = Field(None, description="Of `check`: false takes the mark away.")

    words: Annotated[tuple[ReadingRequest, ...], BeforeValidator(_words)] | None = Field(
        None,
        description="Of `reword`: words that were recognised or handed in, and what they should read.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_WORDS},
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for field in _NEEDED[self.kind]:
            if getattr(self, field) is None:
                refuse(f"Expected a value, as {self.kind} is about one, got none", _WIRE.get(field, field))
        if self.kind == "name" and (self.speaker_id is None) == (self.name is None):
            refuse("Expected `speakerId`, or the `name` of somebody new, and not both", "speakerId")
        if self.kind == "unite" and len(self.turns or ()) < 2:  # noqa: PLR2004 - to join
            refuse("Expected two turns or more", "turns")
        if self.kind == "join" and self.into in (self.merged or ()):
            refuse("Expected another label than `into`", f"from.{(self.merged or ()).index(self.into or '')}")
        if self.kind == "retime":
            if self.start is None and self.end is None:
                refuse("Expected `start`, `end`, or both, got neither", "start")
            if self.start is not None and self.end is not None and self.end < self.start + SHORTEST:
                refuse(f"Expected an end at least {SHORTEST:g} s after the start", "end")
        return self
