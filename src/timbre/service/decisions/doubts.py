"""Doubts about learning: why the voice of a recording should not become a sample of a person without being asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from timbre.errors import MasterKeyMissing, TemplateUnreadable, VoicesMissing
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.naming.named_output import namer_of_kept
from timbre.service.people.gallery import Gallery
from timbre.service.requests.selection import Selection
from timbre.service.results.voices import KeptVoices
from timbre.settings import Settings

Reason = Literal["unkept", "short", "encoder", "full", "unlike", "another"]
LEAST_SPEECH: Final = 3.0  # seconds of clean speech that somebody is learned from
UNLIKE: Final = 20  # of 100: from here down a voice does not sound like the person
LIKELY: Final = 50  # of 100: from here on it does
_NEAREST: Final = 5  # people that the person is weighed against


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why nothing was learned."""

    reason: Reason
    confidence: int | None = None  # 0-100, that it is the person
    seconds: float | None = None  # of clean speech
    likelier: tuple[UUID, str, int] | None = None  # somebody else, and the confidence that it is them

    @property
    def final(self) -> bool:
        """Whether nothing can be learned, even if somebody insists."""
        return self.reason not in {"unlike", "another"}

    @property
    def words(self) -> str:
        """It in words."""
        match self.reason:
            case "unkept":
                return "The voice itself is not kept, so there is nothing to learn from"
            case "short":
                return f"There are only {self.seconds or 0:.1f} s of clean speech; a sample needs {LEAST_SPEECH:g} s"
            case "encoder":
                return "The voice was heard with another encoder than the people of the gallery"
            case "full":
                return "The person has as many samples as one can have"
            case "unlike":
                return f"The voice does not sound like the person: {self.confidence or 0} of 100"
            case _:
                name = "somebody else" if self.likelier is None else f"{self.likelier[1]}, {self.likelier[2]} of 100"
                return f"The voice sounds more like {name}"


class Doubts:
    """Compares a voice with the person it is said to be."""

    def __init__(
        self, *, voices: KeptVoices, gallery: Gallery, candidates: CandidateSearch, settings: Settings
    ) -> None:
        self._voices = voices
        self._gallery = gallery
        self._candidates = candidates
        self._settings = settings

    async def of(
        self, team: UUID, job: UUID, label: str, person: UUID | None, *, besides: UUID | None = None
    ) -> Doubt | None:
        """Say what speaks against learning a voice of a job as that of a person, or of somebody new.

        Args:
            team: Whose job it is.
            job: Which.
            label: Of the voice.
            person: Who it is said to be; somebody new if None. Whoever has no sample yet is not compared.
            besides: Somebody whom it may sound like, for all that.
        """
        try:
            voices = await self._voices.get(team, job)
            voice = voices.find(label)
        except (VoicesMissing, MasterKeyMissing, TemplateUnreadable):
            return Doubt(reason="unkept")
        if voice.seconds < LEAST_SPEECH:
            return Doubt(reason="short", seconds=voice.seconds)
        space = await self._gallery.space(team)
        if space is not None and space != voices.space:
            return Doubt(reason="encoder")
        namer = await asyncio.to_thread(namer_of_kept, voices.space, self._settings)
        pool = await self._candidates.pool(team, voices.space, Selection())
        found = await self._candidates.near(pool, voice.embedding[None], _NEAREST)
        if person is not None:
            own = await self._gallery.voiceprints(team, voices.space, [person])
            if person not in own:
                return None
            found = {str(person): own[person]} | found
        people = {id_: voiceprint for id_, (_, voiceprint) in found.items()}
        (match,) = await asyncio.to_thread(namer.name, [voice], people, among=max(pool.people, len(people)))
        mine = 0 if person is None else match.confidence[str(person)]
        others = [(value, id_) for id_, value in match.confidence.items() if id_ not in {str(person), str(besides)}]
        best, other = max(others, default=(0, ""))
        if best >= LIKELY and best > mine:
            return Doubt(reason="another", confidence=mine, likelier=(UUID(other), found[other][0], best))
        return Doubt(reason="unlike", confidence=mine) if person is not None and mine <= UNLIKE else None
