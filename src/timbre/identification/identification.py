"""What identification says about a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from timbre.diarization.diarization import Diarization, segment
from timbre.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTurn(Turn):
    """A turn with the name of who speaks, or the diarization's label where nobody was matched."""

    diarization_speaker: str  # SPEAKER_00
    match: str | None  # the matched name


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerMatch:
    """One speaker of the recording against every voiceprint."""

    speaker: str  # SPEAKER_00
    match: str | None
    confidence: Mapping[str, int]  # label of every voiceprint to 0-100


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Who spoke when, by name."""

    diarization: Diarization
    turns: tuple[NamedTurn, ...]  # one for each of the diarization's turns, in the same order
    matches: tuple[SpeakerMatch, ...]  # one a speaker, in the order of their labels
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Length of the recording in seconds."""
        return self.diarization.duration

    @property
    def exclusive_turns(self) -> tuple[NamedTurn, ...]:
        """The turns that never overlap, by name."""
        return name_turns(self.diarization.exclusive_turns, self.matches)

    def to_dict(
        self, *, exclusive: bool = False, confidence: bool = False, turn_level_confidence: bool = False
    ) -> dict[str, Any]:
        """Return the output object of the REST API; see `Diarization.to_dict` for the options."""
        output = self.diarization.to_dict(
            exclusive=exclusive, confidence=confidence, turn_level_confidence=turn_level_confidence
        )
        output["identification"] = [
            {
                **segment(turn, turn_level_confidence),
                "diarizationSpeaker": turn.diarization_speaker,
                "match": turn.match,
            }
            for turn in self.turns
        ]
        output["voiceprints"] = [
            {"speaker": match.speaker, "match": match.match, "confidence": dict(match.confidence)}
            for match in self.matches
        ]
        if self.warnings:
            output["warning"] = "; ".join(self.warnings)
        return output


def name_turns(turns: tuple[Turn, ...], matches: tuple[SpeakerMatch, ...]) -> tuple[NamedTurn, ...]:
    """Give every turn the name that its speaker was matched with."""
    names = {match.speaker: match.match for match in matches}
    return tuple(
        NamedTurn(
            start=turn.start,
            end=turn.end,
            speaker=names.get(turn.speaker) or turn.speaker,
            confidence=turn.confidence,
            diarization_speaker=turn.speaker,
            match=names.get(turn.speaker),
        )
        for turn in turns
    )
