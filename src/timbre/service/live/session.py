"""A stream that is being heard: its questions go to the processes that hear, and to the gallery."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from timbre.live.opening import new_stream
from timbre.live.requests import AskPeople
from timbre.service.live.spaces import space_of
from timbre.service.naming.candidate_pool import CandidatePool, CandidateSearch

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray

    from timbre.identification.voiceprint import Voiceprint
    from timbre.live.events import Event
    from timbre.live.stream import Asking, LiveStream
    from timbre.service.live.hearers import Hearers
    from timbre.service.live.streams import OpenStream
    from timbre.settings import Settings

_LOOK_UP: Final = 2.0  # seconds from one search of the gallery to the next


@dataclass(slots=True, kw_only=True)
class _People:
    """Who may be named."""

    voiceprints: Mapping[str, Voiceprint]
    pool: CandidatePool | None
    candidates: CandidateSearch
    found: Mapping[str, Voiceprint]
    looked: float = -_LOOK_UP

    async def near(self, embeddings: NDArray[np.float32]) -> Mapping[str, Voiceprint]:
        now = time.monotonic()
        if self.pool is not None and now - self.looked >= _LOOK_UP:
            self.looked = now
            people = await self.candidates.near(self.pool, embeddings)
            self.found = dict(people.values())
        return {**self.voiceprints, **self.found}


class Session:
    """One stream; for one task at a time."""

    def __init__(self, stream: LiveStream, team: UUID, space: str, people: _People, hearers: Hearers) -> None:
        self._stream = stream
        self._team = team
        self._space = space
        self._people = people
        self._hearers = hearers

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._stream.seconds

    @property
    def said(self) -> dict[str, str]:
        """The names that a person gave, by label."""
        return self._stream.said

    async def push(self, samples: NDArray[np.float32]) -> list[Event]:
        """Hear the next samples, float32 `[n]` at 16 kHz.

        Raises:
            ServiceUnavailable: nothing can be heard at the moment.
        """
        return await self._driven(self._stream.push(samples))

    async def finish(self) -> list[Event]:
        """Hear what is left; the open turn ends."""
        return await self._driven(self._stream.finish())

    def cut(self) -> list[Event]:
        """End the open turn where it is."""
        return self._stream.cut()

    def name(self, speaker: str, name: str | None) -> list[Event]:
        """Take a person's word for who a voice is; see `LiveStream.name`."""
        return self._stream.name(speaker, name)

    async def _driven(self, asking: Asking) -> list[Event]:
        try:
            question = next(asking)
            while True:
                if isinstance(question, AskPeople):
                    question = asking.send(await self._people.near(question.embeddings))
                else:
                    question = asking.send(await self._hearers.ask(self._team, self._space, question))
        except StopIteration as done:
            events: list[Event] = done.value
            return events


async def open_session(
    opened: OpenStream, *, hearers: Hearers, candidates: CandidateSearch, settings: Settings
) -> Session:
    """Begin to hear a stream.

    Raises:
        RequestInvalid: voiceprints are damaged, or do not compare with each other or the gallery.
        ModelError: the models are not on this machine.
    """
    request = opened.request
    gallery = None if request.speakers is None else await candidates.space(opened.team)
    space, voiceprints = space_of(request, gallery, settings)
    name = space.namer.space
    pool = None if request.speakers is None else await candidates.pool(opened.team, name, request.speakers)
    stream = new_stream(
        space,
        voiceprints=voiceprints,
        among=len(voiceprints) + (pool.people if pool else 0),
        threshold=request.threshold,
        max_speakers=request.max_speakers,
        partial=request.partial,
    )
    people = _People(voiceprints=voiceprints, pool=pool, candidates=candidates, found={})
    return Session(stream, opened.team, name, people, hearers)
