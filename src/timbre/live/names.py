"""Which name a voice of a stream has, and how sure that is: unknown, tentative, confirmed.

A voice is named from all the speech that is known of it, never by one utterance. A name is tentative when it is first
the likeliest, and confirmed when the next look says the same; it is dropped when two looks in a row do not. What a
person says of a voice stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.acoustics import UNKNOWN
from timbre.diarization.diarization import Voice
from timbre.errors import OptionError
from timbre.identification.scoring import known_voices
from timbre.live.events import NameStatus, SpeakerName
from timbre.models.same_voice import Side
from timbre.names import fault_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.known_voices import KnownVoices
    from timbre.identification.namer import Namer
    from timbre.identification.voiceprint import Voiceprint

_SAID: Final = 100  # confidence in what a person said


@dataclass(slots=True)
class _Held:
    """What is thought of one voice."""

    match: str | None = None  # as it was told
    status: NameStatus = "unknown"
    confidence: int = 0
    rival: str | None = None  # what the last look said, where that is another name
    said: bool = False  # by a person


class Names:
    """The names of a stream's voices."""

    def __init__(
        self,
        namer: Namer,
        *,
        expected: Mapping[str, Voiceprint],
        among: int,
        threshold: float,
        exclusive: bool,
    ) -> None:
        """Begin with no names.

        Args:
            namer: Scores voices.
            expected: Those who are likely to speak: voiceprints that were given for this stream.
            among: People who are looked for, in all.
            threshold: Confidence, 0-100, from which a name is one.
            exclusive: Give a name to at most one voice.
        """
        self._namer = namer
        self._among = among
        self._threshold = threshold
        self._exclusive = exclusive
        self._held: dict[str, _Held] = {}
        self._expected = dict(expected)
        self._side = Side.of([one.speech_seconds for one in expected.values()], [UNKNOWN] * len(expected))
        self._rows = np.stack([one.embedding for one in expected.values()]) if expected else None

    @property
    def known_voices(self) -> KnownVoices | None:
        """Those who are expected, to cluster by."""
        return known_voices(list(self._expected.values()), among=self._among)

    def odds_of_expected(self, vector: NDArray[np.float32], seconds: float) -> dict[str, float]:
        """Return the log-odds that a window is of each of those who are expected."""
        if self._rows is None:
            return {}
        odds = self._namer.same_voice.log_odds(self._rows @ vector, self._side, seconds)
        return dict(zip(self._expected, odds.tolist(), strict=True))

    @property
    def taken(self) -> dict[str, str]:
        """The names that are given, and to whom."""
        return {held.match: speaker for speaker, held in self._held.items() if held.match is not None}

    @property
    def said(self) -> dict[str, str]:
        """The names that a person gave, by voice."""
        return {speaker: held.match for speaker, held in self._held.items() if held.said and held.match is not None}

    @property
    def looked_for(self) -> bool:
        """Whether anybody is looked for."""
        return self._among > 0

    def confirmed(self, speaker: str) -> str | None:
        """The name that a voice has for certain."""
        held = self._held.get(speaker)
        return held.match if held is not None and held.status == "confirmed" else None

    def say(self, speaker: str, name: str | None, time: float) -> list[SpeakerName]:
        """Take a person's word for who a voice is; None leaves it to the machine again.

        Raises:
            OptionError: that is no name.
        """
        if name is not None and (fault := fault_of(name)):
            raise OptionError(f"The name {name[:40]!r} cannot be given. {fault}.")
        held = self._held[speaker] = _Held() if name is None else _Held(name, "confirmed", _SAID, said=True)
        return [_told(speaker, held, time)]

    def moved(self, speaker: str, into: str) -> None:
        """Two voices were one: what a person said of the first is said of the second."""
        held = self._held.pop(speaker, None)
        if held is not None and held.said and not self._held.setdefault(into, _Held()).said:
            self._held[into] = held

    def look(self, voices: Sequence[Voice], people: Mapping[str, Voiceprint], time: float) -> list[SpeakerName]:
        """Compare all voices with people; return what is to be told."""
        said = {held.match for held in self._held.values() if held.said}
        open_ = [voice for voice in voices if not self._held.setdefault(voice.speaker, _Held()).said]
        left = {name: one for name, one in people.items() if not (self._exclusive and name in said)}
        if not open_ or not left:
            return []
        matches = self._namer.name(open_, left, among=self._among, threshold=self._threshold, exclusive=self._exclusive)
        told: list[SpeakerName] = []
        for voice, match in zip(open_, matches, strict=True):
            confidence = 0 if match.match is None else match.confidence[match.match]
            told += self._take(voice, match.match, confidence, time)
        return told

    def _take(self, voice: Voice, match: str | None, confidence: int, time: float) -> list[SpeakerName]:
        held = self._held[voice.speaker]
        if match == held.match:
            held.rival = match
            if held.status == "tentative":
                held.status, held.confidence = "confirmed", confidence
                return [_told(voice.speaker, held, time)]
            held.confidence = confidence
            return []
        if held.status != "confirmed":
            held.match, held.confidence, held.rival = match, confidence, match
            held.status = "unknown" if match is None else "tentative"
            return [_told(voice.speaker, held, time)]
        if match != held.rival:  # a name that was told is not dropped for a moment
            held.rival = match
            return []
        held.match, held.confidence = match, confidence
        held.status = "unknown" if match is None else "tentative"
        return [_told(voice.speaker, held, time)]


def _told(speaker: str, held: _Held, time: float) -> SpeakerName:
    return SpeakerName(time=time, speaker=speaker, match=held.match, confidence=held.confidence, status=held.status)
