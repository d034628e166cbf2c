"""What people said while a recording was a live stream, as it waits with the job for the recording to be heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from timbre.turns import Turn

_LEAST = 0.5  # share of what a voice said that another has, to be the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """The names that people gave to voices of a stream."""

    names: Mapping[str, str]  # by label of the stream
    turns: Sequence[Turn]  # of the voices that have one, by the same labels
    scopes: frozenset[str]  # of whoever had the stream made

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "names": dict(self.names),
            "turns": [[round(turn.start, 3), round(turn.end, 3), turn.speaker] for turn in self.turns],
            "scopes": sorted(self.scopes),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Streamed:
        """Read what `to_json` gave."""
        turns = [Turn(start=start, end=end, speaker=speaker) for start, end, speaker in kept["turns"]]
        return cls(names=kept["names"], turns=turns, scopes=frozenset(kept["scopes"]))

    def of(self, heard: Sequence[Turn]) -> dict[str, str]:
        """Return the names of the voices that were heard at the same time when the whole recording was there.

        Who has most of what a voice of the stream said is that voice, if it is half of it or more; of two names for
        one, that of the voice that said more of it stands.
        """
        shared: dict[tuple[str, str], float] = defaultdict(float)
        said: dict[str, float] = defaultdict(float)
        later = sorted(heard, key=lambda turn: turn.start)
        longest = max((turn.end - turn.start for turn in later), default=0.0)
        first = 0
        for turn in sorted(self.turns, key=lambda turn: turn.start):
            said[turn.speaker] += turn.end - turn.start
            while first < len(later) and later[first].start + longest < turn.start:
                first += 1
            for other in later[first:]:
                if other.start >= turn.end:
                    break
                both = min(turn.end, other.end) - max(turn.start, other.start)
                shared[turn.speaker, other.speaker] += max(0.0, both)
        best: dict[str, str] = {}
        found: dict[str, str] = {}
        for (live, voice), seconds in sorted(shared.items(), key=lambda item: -item[1]):
            if live in self.names and live not in best and seconds >= _LEAST * said[live]:
                best[live] = voice
                found.setdefault(voice, self.names[live])
        return found
