"""People who are too many to compare every one of them: they are looked up by how voices sound.

    class MyGallery:
        people = 12_000

        def nearest(self, embeddings):                  # [voices, dimension]
            found = index.search(embeddings, NEAREST)   # whom each voice sounds like most
            return {person.name: person.voiceprint for person in found}

    engine.identify("meeting.mp3", gallery=MyGallery())

However few of them are looked at, all of them count: a stranger among 12 000 people has 12 000 chances to sound like
somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from timbre.diarization.known_voices import KnownVoices
from timbre.errors import OptionError
from timbre.identification.namer import Namer
from timbre.identification.scoring import known_voices
from timbre.identification.voiceprint import Voiceprint

if TYPE_CHECKING:
    from numpy.typing import NDArray


NEAREST: Final = 20  # people to look up for each voice


class Gallery(Protocol):
    """People of whom those who sound like a voice can be looked up."""

    @property
    def people(self) -> int:
        """How many there are in all, with those who are not found."""
        ...

    def nearest(self, embeddings: NDArray[np.float32]) -> Mapping[str, Voiceprint]:
        """Return those who sound most like voices, by name.

        Args:
            embeddings: Unit rows `[voices, dimension]`, centred, of the engine's space. Of each of them at least the
                11 people are wanted whose `Voiceprint.embedding` has the highest cosine, better `NEAREST`: those who
                are not the best tell how sure the best must be.
        """
        ...


class People:
    """Everybody who may be named: voiceprints at hand, and a gallery of others."""

    def __init__(
        self, namer: Namer, voiceprints: Mapping[str, Voiceprint | str | PathLike[str]], gallery: Gallery | None = None
    ) -> None:
        """Read the voiceprints at hand, by name.

        Raises:
            OptionError: a name is too long, empty, or looks like the label of an unknown speaker.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: a voiceprint was made by another encoder.
        """
        self._namer = namer
        self.voiceprints = namer.voiceprints(voiceprints)
        self._gallery = gallery

    def __len__(self) -> int:
        return len(self.voiceprints) + (self._gallery.people if self._gallery is not None else 0)

    def near(self, embeddings: NDArray[np.float32]) -> dict[str, Voiceprint]:
        """Return the voiceprints at hand and those of the people of the gallery who sound like one of the voices.

        Args:
            embeddings: Unit rows `[voices, dimension]`.

        Raises:
            OptionError: one of these people has the name of a voiceprint at hand, or one that nobody may have.
            VoiceprintError: the voiceprint of one of them is not of this space.
        """
        if self._gallery is None or not len(embeddings):
            return dict(self.voiceprints)
        found = self._namer.voiceprints(self._gallery.nearest(embeddings))
        if both := sorted(found.keys() & self.voiceprints.keys()):
            raise OptionError(
                f"{both[0]} is the name of a voiceprint and of a person in the gallery; give one another name."
            )
        return {**self.voiceprints, **found}

    def known_voices(self, embeddings: NDArray[np.float32]) -> KnownVoices | None:
        """Return what diarization is told of the people near these rows, to merge speakers by; None if of nobody."""
        return known_voices(list(self.near(embeddings).values()), among=len(self))
