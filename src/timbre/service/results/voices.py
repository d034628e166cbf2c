"""How the speakers of a job sound: kept sealed beside its output, and for as long.

So voices can be named again, or become samples of people, without the recording.

The sealed body is a length (4 bytes, little-endian), that many bytes of JSON, the embeddings as float32, and the clips:

    {"space": "9f3c…", "voices": [{"speaker", "seconds", "telephone", "snr", "channel", "clip"}],
     "asked": {"speakers": "all", "voiceprints": {"Ada": "VE1C…"}, "threshold": 50.0, "exclusive": true}}

`clip` is the length of each voice's clip in bytes. `asked` is how the voices were named last, null if they never were.
The same without clips and `asked` is sealed beside it, a few kilobytes, for reviews, which compare many recordings.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import numpy as np

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.errors import VoicesMissing
from timbre.service.keys.template_protection import Protection, TeamCipher
from timbre.service.requests.selection import Selection, read_selection
from timbre.service.results.decisions import read_log, walk
from timbre.service.results.joining import merge_voices
from timbre.store.database import Connection, one
from timbre.store.queries import queries

_SQL: Final = queries("voices")
_HEAD: Final = struct.Struct("<I")
VECTORS: Final = "vectors"  # what is sealed beside the body


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How voices are to be named."""

    selection: Selection | None  # people of the gallery; None if none of them
    voiceprints: Mapping[str, str]  # of other people, by label
    threshold: float
    exclusive: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "speakers": None if self.selection is None else self.selection.to_json(),
            "voiceprints": dict(self.voiceprints),
            "threshold": self.threshold,
            "exclusive": self.exclusive,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Asked | None:
        """Read what `to_json` gave."""
        if kept is None:
            return None
        speakers = kept["speakers"]
        return cls(
            selection=None if speakers is None else read_selection(speakers),
            voiceprints=kept["voiceprints"],
            threshold=kept["threshold"],
            exclusive=kept["exclusive"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """The voices of one recording."""

    space: str  # that their vectors belong to
    voices: tuple[Voice, ...]  # in the order of their labels
    clips: Mapping[str, bytes] = field(default_factory=dict)  # some seconds of each by its label, as a file
    asked: Asked | None = None  # how they were named last

    def find(self, speaker: str) -> Voice:
        """The voice with this label.

        Raises:
            VoicesMissing: there is none.
        """
        for voice in self.voices:
            if voice.speaker == speaker:
                return voice
        labels = ", ".join(voice.speaker for voice in self.voices) or "none"
        raise VoicesMissing(f"This job has no voice {speaker[:40]!r}; it has: {labels}.")

    def to_bytes(self) -> bytes:
        """Return them as they are sealed."""
        head = {
            "space": self.space,
            "voices": [
                {
                    "speaker": voice.speaker,
                    "seconds": voice.seconds,
                    "telephone": voice.acoustics.telephone,
                    "snr": voice.acoustics.snr,
                    "channel": voice.channel,
                    "clip": len(self.clips.get(voice.speaker, b"")),
                }
                for voice in self.voices
            ],
            "asked": None if self.asked is None else self.asked.to_json(),
        }
        text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
        vectors = [voice.embedding.astype("<f4").tobytes() for voice in self.voices]
        clips = [self.clips.get(voice.speaker, b"") for voice in self.voices]
        return b"".join((_HEAD.pack(len(text)), text, *vectors, *clips))

    @classmethod
    def from_bytes(cls, body: bytes) -> Voices:
        """Read what `to_bytes` wrote."""
        (length,) = _HEAD.unpack_from(body)
        begin = _HEAD.size + length
        head = json.loads(body[_HEAD.size : begin])
        items = head["voices"]
        clips = len(body) - sum(item["clip"] for item in items)
        # One row at least, so that nobody at all can be told in as many rows.
        vectors = np.frombuffer(body[begin:clips], "<f4").reshape(max(1, len(items)), -1).astype(np.float32)
        voices, heard = [], {}
        for item, vector in zip(items, vectors[: len(items)], strict=True):
            voices.append(
                Voice(
                    speaker=item["speaker"],
                    embedding=vector,
                    seconds=item["seconds"],
                    acoustics=Acoustics(telephone=item["telephone"], snr=item["snr"]),
                    channel=item["channel"],
                )
            )
            if item["clip"]:
                heard[item["speaker"]] = body[clips : clips + item["clip"]]
                clips += item["clip"]
        return cls(space=head["space"], voices=tuple(voices), clips=heard, asked=Asked.from_json(head["asked"]))


def seal_vectors(cipher: TeamCipher, job: UUID, voices: Voices) -> bytes:
    """Seal voices without their clips, and without how they were named."""
    return cipher.seal(replace(voices, clips={}, asked=None).to_bytes(), job, part=VECTORS)


class KeptVoices:
    """The voices of every job."""

    def __init__(self, protection: Protection) -> None:
        self._protection = protection

    async def cipher(self, team: UUID, connection: Connection) -> TeamCipher:
        """What `keep` seals with. Ask at the beginning of a transaction, before anything else is held.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: the team's key was wrapped by another master key.
        """
        return await self._protection.cipher(team, connection)

    async def keep(self, connection: Connection, cipher: TeamCipher, team: UUID, job: UUID, voices: Voices) -> None:
        """In the transaction that writes a job's output, keep its voices, in place of those before."""
        sealed, vectors = cipher.seal(voices.to_bytes(), job), seal_vectors(cipher, job, voices)
        row = {"job": job, "team": team, "body": sealed, "vectors": vectors, "space": voices.space}
        await connection.execute(_SQL["keep"], row)

    async def vectors(self, team: UUID, space: str, jobs: Sequence[UUID]) -> dict[UUID, Voices]:
        """How the voices of many jobs sound that were heard in a space, without their clips.

        Raises:
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: they were sealed with another key.
        """
        async with self._protection.reading(team) as (connection, cipher):
            asked = {"team": team, "space": space, "jobs": list(jobs)}
            rows = await (await connection.execute(_SQL["vectors"], asked)).fetchall()
        opened = ((row["job_id"], cipher.open(row["vectors"], row["job_id"], part=VECTORS)) for row in rows)
        return {job: Voices.from_bytes(body) for job, body in opened}

    async def get(self, team: UUID, job: UUID) -> Voices:
        """The voices of a job as they stand: those that somebody joined are one.

        Raises: as `heard`
        """
        voices = await self.heard(team, job)
        async with self._protection.reading(team) as (connection, _):
            log = await read_log(connection, job)
        for decision in walk(log).stands:
            labels = {voice.speaker for voice in voices.voices}
            if decision.kind == "join" and decision.voice in labels:
                others = [label for label in decision.others if label in labels]
                voices = merge_voices(voices, decision.voice, others)
        return voices

    async def heard(self, team: UUID, job: UUID) -> Voices:
        """The voices of a job as the machine heard them.

        Raises:
            VoicesMissing: they are not kept, or no longer; or the team has no such job.
            MasterKeyMissing: the server has no master key.
            TemplateUnreadable: they were sealed with another key.
        """
        async with self._protection.reading(team) as (connection, cipher):
            row = await one(connection, _SQL["get"], {"job": job, "team": team})
            if row is None:
                raise VoicesMissing
            return Voices.from_bytes(cipher.open(row["body"], job))
