"""Naming by the people of a team: whom voices sound like, and what an output says of it.

The worker asks while it hears a recording, through `timbre.identification.gallery.Gallery`; a rematch asks with the
voices that were kept. People go by their ids until an output is written: names can change meanwhile, ids cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from timbre.errors import ModelError, VoicesMissing
from timbre.identification.naming import Namer, load_namer
from timbre.identification.result import SpeakerMatch
from timbre.identification.voiceprint import Voiceprint
from timbre.service.people.gallery import Gallery
from timbre.service.people.search import Search
from timbre.service.requests.selection import Selection
from timbre.service.results.outputs import MOST_CANDIDATES, Output
from timbre.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAREST: Final = 20  # people that each voice is compared with in earnest

Found = dict[str, tuple[str, Voiceprint]]  # id to name and voiceprint
Ask = Callable[[Callable[[], Coroutine[Any, Any, Found]]], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The people among whom somebody is looked for."""

    team: UUID
    space: str  # that voices are compared in
    selection: Selection
    people: int  # who have a voice in it
    version: int  # of the gallery


class Naming:
    """Looks people up by how voices sound."""

    def __init__(self, search: Search, gallery: Gallery) -> None:
        self._search = search
        self._gallery = gallery

    async def crowd(self, team: UUID, space: str, selection: Selection) -> Crowd:
        """The people that a selection means now."""
        version = await self._gallery.version(team)
        people = await self._search.count(team, space, selection)
        return Crowd(team=team, space=space, selection=selection, people=people, version=version)

    async def near(self, crowd: Crowd, embeddings: NDArray[np.float32], most: int = _NEAREST) -> Found:
        """The people nearest to each of some voices, by id.

        Args:
            crowd: Who comes into question.
            embeddings: Unit rows `[voices, dimension]` of its space.
            most: At most so many for each of them.

        Raises:
            MasterKeyMissing, TemplateUnreadable: their voiceprints cannot be read.
        """
        nearest = await self._search.nearest(crowd.team, crowd.space, embeddings, crowd.selection, most)
        ids = dict.fromkeys(found.speaker for voice in nearest for found in voice)
        people = await self._gallery.voiceprints(crowd.team, crowd.space, list(ids))
        return {str(person): people[person] for person in ids if person in people}


@dataclass(slots=True)
class Hall:
    """A crowd as the engine knows it: it asks from its thread, and is answered with voiceprints by id."""

    crowd: Crowd
    naming: Naming
    ask: Ask
    names: dict[str, str] = field(default_factory=dict)  # of everybody who was found, by id

    @property
    def people(self) -> int:
        """How many there are in all."""
        return self.crowd.people

    def nearest(self, embeddings: NDArray[np.float32]) -> Mapping[str, Voiceprint]:
        """Return those who sound most like voices; see `timbre.identification.gallery`."""
        found = self.ask(lambda: self.naming.near(self.crowd, embeddings))
        self.names |= {person: name for person, (name, _) in found.items()}
        return {person: voiceprint for person, (_, voiceprint) in found.items()}


def load_namer_of(model: str, space: str, settings: Settings) -> Namer:
    """Load what names voices that were kept with a job.

    Args:
        model: The pack that heard them.
        space: What their vectors belong to.
        settings: Where the pack is looked for.

    Raises:
        VoicesMissing: the pack is gone, or is no longer what it was.
    """
    try:
        namer = load_namer(model, settings)
    except ModelError as error:
        raise VoicesMissing(f"The voices of this job cannot be compared any more: {error}") from None
    if namer.space != space:
        raise VoicesMissing("The voices of this job were heard with another version of its model; submit it again.")
    return namer


def name_output(
    output: Output,
    matches: Sequence[SpeakerMatch],
    *,
    crowd: Crowd | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Write into an output who its speakers are.

    Args:
        output: With `diarization`; what it says of names is replaced.
        matches: One a voice, by label or, for people of the gallery, by id.
        crowd: Among whom they were looked for; None where only voiceprints were sent.
        names: Of the people of the gallery, by id.
    """
    names = names or {}
    named = {match.speaker: match.match for match in matches}
    output["identification"] = [_turn(turn, named.get(turn["speaker"]), names, crowd) for turn in output["diarization"]]
    output["voiceprints"] = [_voice(match, names, crowd) for match in matches]
    output.pop("gallery", None)
    if crowd is not None:
        output["gallery"] = {"version": crowd.version, "people": crowd.people}


def _turn(turn: Mapping[str, Any], match: str | None, names: Mapping[str, str], crowd: Crowd | None) -> Output:
    name = None if match is None else names.get(match, match)
    named = {**turn, "speaker": name or turn["speaker"], "diarizationSpeaker": turn["speaker"], "match": name}
    return named if crowd is None else {**named, "speakerId": match if match in names else None}


def _voice(match: SpeakerMatch, names: Mapping[str, str], crowd: Crowd | None) -> Output:
    if crowd is None:
        return {"speaker": match.speaker, "match": match.match, "confidence": dict(match.confidence)}
    people = [person for person in match.confidence if person in names]
    # Whoever is matched is a candidate, even where others, who are matched elsewhere, sound more like this voice.
    people.sort(key=lambda person: (-match.confidence[person], person != match.match))
    best = people[:MOST_CANDIDATES]
    if match.match is not None and match.match in names and match.match not in best:
        best[-1] = match.match
    candidates = [
        {"speakerId": person, "name": names[person], "confidence": match.confidence[person]} for person in best
    ]
    sent = {label: confidence for label, confidence in match.confidence.items() if label not in names}
    return {
        "speaker": match.speaker,
        "match": None if match.match is None else names.get(match.match, match.match),
        "speakerId": match.match if match.match in names else None,
        "confidence": sent | {each["name"]: each["confidence"] for each in candidates if each["name"] not in sent},
        "candidates": candidates,
    }
