"""What is kept of a recording beside the output, in the transaction that ends its job."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import structlog

from timbre.errors import GalleryMoved, MasterKeyMissing, SpeakerUnknown, TemplateUnreadable
from timbre.service.jobs.attempts import Attempt
from timbre.service.people.gallery import Gallery
from timbre.service.requests.submissions import EnrolRequest
from timbre.service.results.heard import summary
from timbre.service.results.outputs import dumped, note_people, settle
from timbre.service.results.voices import KeptVoices
from timbre.service.worker.inference import STORED, Heard
from timbre.store.database import Connection

_log: Final = structlog.get_logger("timbre.work")


class Persistence:
    """Keeps voices, samples of people, and who was heard."""

    def __init__(self, voices: KeptVoices, gallery: Gallery) -> None:
        self._voices = voices
        self._gallery = gallery

    async def keep(self, connection: Connection, attempt: Attempt, heard: Heard) -> bytes | None:
        """Write what belongs to an output; return another output to keep, as JSON, where names changed meanwhile.

        Raises:
            SpeakerUnknown: the person whose sample it was to be is gone.
            SamplesFull: there is no room for it.
            MasterKeyMissing, TemplateUnreadable: the sample cannot be protected.
            GalleryMoved: the gallery was brought to another model while the sample was heard.
        """
        if attempt.type == "enrol":
            return await self._add_sample(connection, attempt, heard)
        if heard.voices is None:
            return None
        output = deepcopy(heard.output)
        cipher = None
        try:
            cipher = await self._voices.cipher(attempt.team, connection)
        except (MasterKeyMissing, TemplateUnreadable) as error:
            # The result is worth having without them.
            _log.info("voices not kept", job=str(attempt.job), reason=str(error))
        mentioned, changed = await settle(connection, attempt.team, output)
        if cipher is not None:
            await self._voices.keep(connection, cipher, attempt.team, attempt.job, heard.voices)
        await note_people(connection, attempt.team, attempt.job, mentioned, summary(output))
        return dumped(output) if changed else None

    async def forget_unheard(self, connection: Connection, attempt: Attempt) -> None:
        """Erase the person whom a refused sample was to create, unless they have got another meanwhile."""
        if attempt.type == "enrol" and attempt.params.get("first"):
            request = EnrolRequest.model_validate(attempt.params, context=STORED)
            await self._gallery.erase_unheard(attempt.team, request.speaker_id, key=attempt.key, connection=connection)

    async def _add_sample(self, connection: Connection, attempt: Attempt, heard: Heard) -> bytes:
        request = EnrolRequest.model_validate(attempt.params, context=STORED)
        assert heard.voiceprint is not None  # noqa: S101 - it is what these jobs are for
        if heard.voiceprint.space != await self._gallery.space(attempt.team, connection):
            raise GalleryMoved
        try:
            sample = await self._gallery.add_sample(
                attempt.team,
                request.speaker_id,
                heard.voiceprint,
                source="recording" if request.job_id is None else "job",
                job=request.job_id,
                clip=heard.clip,
                key=attempt.key,
                connection=connection,
            )
        except SpeakerUnknown:
            raise SpeakerUnknown(
                "This person was erased before the recording was heard; nothing of it was kept."
            ) from None
        return dumped({"speakerId": str(request.speaker_id), "sampleId": str(sample), **heard.output})
