"""Whether the samples of a person agree: a voice that came in by mistake does not sound like the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from timbre.diarization.diarization import Voice
from timbre.errors import MasterKeyMissing, TemplateUnreadable, VoicesMissing
from timbre.identification.namer import Namer
from timbre.identification.voiceprint import Voiceprint
from timbre.service.naming.named_output import namer_of_kept
from timbre.service.people.gallery import Gallery
from timbre.service.people.samples import together
from timbre.settings import Settings


class Agreement:
    """Compares each sample of a person with the others."""

    def __init__(self, gallery: Gallery, settings: Settings) -> None:
        self._gallery = gallery
        self._settings = settings

    async def of(self, team: UUID, speaker: UUID) -> dict[UUID, int]:
        """How likely each sample is the same voice as the others of the gallery's space, 0 to 100.

        Only of samples that can be read and compared; a single one agrees with nothing.
        """
        space = await self._gallery.space(team)
        try:
            texts = await self._gallery.templates(team, [speaker])
            voiceprints = {id_: Voiceprint.from_text(text) for id_, text in texts.items()}
            current = {id_: made for id_, made in voiceprints.items() if made.space == space}
            if space is None or len(current) <= 1:
                return {}
            namer = await asyncio.to_thread(namer_of_kept, space, self._settings)
        except (MasterKeyMissing, TemplateUnreadable, VoicesMissing):
            return {}
        return await asyncio.to_thread(_agreeing, namer, current)


def _agreeing(namer: Namer, samples: Mapping[UUID, Voiceprint]) -> dict[UUID, int]:
    found = {}
    for id_, sample in samples.items():
        others = together([other for each, other in samples.items() if each != id_])
        voice = Voice(
            speaker="",
            embedding=sample.embedding,
            seconds=sample.speech_seconds,
            acoustics=sample.condition,
        )
        (match,) = namer.name([voice], {"others": others}, among=1)
        found[id_] = match.confidence["others"]
    return found
