"""The candidates for a name: the people of a team whom voices sound like.

The worker asks while it hears a recording, through `timbre.identification.candidates.Gallery`; a rematch asks with the
voices that were kept. People go by their ids until an output is written: names can change meanwhile, ids cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from timbre.errors import GalleryMoved
from timbre.identification.voiceprint import Voiceprint
from timbre.service.people.gallery import Gallery
from timbre.service.people.search import Search
from timbre.service.requests.selection import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAREST: Final = 20  # people that each voice is compared with in earnest

Found = dict[str, tuple[str, Voiceprint]]  # id to name and voiceprint
Ask = Callable[[Callable[[], Coroutine[Any, Any, Found]]], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePool:
    """The people among whom somebody is looked for."""

    team: UUID
    space: str  # that voices are compared in
    selection: Selection
    people: int  # who have a voice in it
    version: int  # of the gallery
    gallery: str | None  # the space of the gallery, which is another one where nobody is found


class CandidateSearch:
    """Looks people up by how voices sound."""

    def __init__(self, search: Search, gallery: Gallery) -> None:
        self._search = search
        self._gallery = gallery

    async def space(self, team: UUID) -> str | None:
        """The space that voices have to be of, to be compared with the people of a team; see `Gallery.space`."""
        return await self._gallery.space(team)

    async def pool(self, team: UUID, space: str, selection: Selection) -> CandidatePool:
        """The people that a selection means now."""
        gallery, version = await self._gallery.space(team), await self._gallery.version(team)
        people = await self._search.count(team, space, selection)
        return CandidatePool(
            team=team, space=space, selection=selection, people=people, version=version, gallery=gallery
        )

    async def near(self, pool: CandidatePool, embeddings: NDArray[np.float32], most: int = _NEAREST) -> Found:
        """The people nearest to each of some voices, by id.

        Args:
            pool: Who comes into question.
            embeddings: Unit rows `[voices, dimension]` of its space.
            most: At most so many for each of them.

        Raises:
            MasterKeyMissing, TemplateUnreadable: their voiceprints cannot be read.
            GalleryMoved: the gallery was brought to another space meanwhile.
        """
        nearest = await self._search.nearest(pool.team, pool.space, embeddings, pool.selection, most)
        ids = dict.fromkeys(found.speaker for voice in nearest for found in voice)
        people = await self._gallery.voiceprints(pool.team, pool.space, list(ids))
        if pool.people and await self._gallery.space(pool.team) != pool.gallery:
            raise GalleryMoved
        return {str(person): people[person] for person in ids if person in people}


@dataclass(slots=True)
class TeamGallery:
    """A pool as the engine knows it: it asks from its thread, and is answered with voiceprints by id."""

    pool: CandidatePool
    candidates: CandidateSearch
    ask: Ask
    names: dict[str, str] = field(default_factory=dict)  # of everybody who was found, by id

    @property
    def people(self) -> int:
        """How many there are in all."""
        return self.pool.people

    def nearest(self, embeddings: NDArray[np.float32]) -> Mapping[str, Voiceprint]:
        """Return those who sound most like voices; see `timbre.identification.candidates`."""
        found = self.ask(lambda: self.candidates.near(self.pool, embeddings))
        self.names |= {person: name for person, (name, _) in found.items()}
        return {person: voiceprint for person, (_, voiceprint) in found.items()}
