"""Samples of people, in the transaction of whoever changes them.

A sample is kept as the text of a voiceprint with one prototype, encrypted. What search looks through is the mean of a
person's samples in one space, turned by the team's rotation; every change here brings it up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from psycopg.types.json import Jsonb

from timbre.audio.acoustics import UNKNOWN
from timbre.errors import SamplesFull, VoiceprintMalformed
from timbre.identification.quality import Quality
from timbre.identification.voiceprint import MOST_PROTOTYPES, Voiceprint
from timbre.service.keys.template_protection import Protection, TeamCipher
from timbre.service.people.person import Source, quality_json
from timbre.store.database import Connection, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SQL: Final = queries("speakers")
CLIP: Final = "clip"  # the part of a sample that is sealed beside its template
MOST_DIMENSIONS: Final = 512  # of a vector; no encoder makes more, and a rotation costs the cube of it
_LENGTH_ERROR: Final = 0.01  # of unit vectors in float16; more was not made by an encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where samples are from."""

    source: Source
    job: UUID | None = None  # whose recording it is
    decision: int | None = None  # of that job, that taught it; with which it goes
    quality: Quality | None = None  # what was measured on it; that of the voiceprint where None
    clip: bytes | None = None  # some seconds to listen to, as a file
    created_at: datetime | None = None  # where another server kept it before


class Samples:
    """The samples of every team's people; whoever calls holds the team, so that nothing changes meanwhile."""

    def __init__(self, protection: Protection) -> None:
        self._protection = protection

    async def add(
        self, connection: Connection, team: UUID, speaker: UUID, voiceprint: Voiceprint, origin: Origin
    ) -> tuple[UUID, int]:
        """Add a sample for each prototype that is not there yet.

        Returns:
            The id of the first prototype's sample, and how many were added.

        Raises:
            SamplesFull: there is no room for them.
            VoiceprintMalformed: the voiceprint is damaged.
        """
        singles, space = apart(voiceprint), voiceprint.space
        await self._check_dimension(connection, team, voiceprint)
        cipher = await self._protection.cipher(team, connection)
        templates = await self._templates(connection, cipher, speaker, space)
        kept = {str(template): id_ for id_, template in templates.items()}
        before = len(kept)
        for single in singles:
            if (text := str(single)) in kept:
                continue
            if len(kept) == MOST_PROTOTYPES:
                raise SamplesFull
            kept[text] = id_ = new_id()
            templates[id_] = single
            await connection.execute(
                _SQL["add_sample"],
                {
                    "id": id_,
                    "speaker": speaker,
                    "team": team,
                    "source": origin.source,
                    "job": origin.job,
                    "decision": origin.decision,
                    "space": space,
                    "seconds": single.speech_seconds,
                    "telephone": single.condition.telephone,
                    "quality": _measured(origin.quality or next(iter(single.quality), None)),
                    "template": cipher.seal(text.encode("ascii"), id_),
                    "created_at": origin.created_at,
                    "clip": None if origin.clip is None else cipher.seal(origin.clip, id_, part=CLIP),
                },
            )
        if len(kept) > before:
            await self._keep_mean(connection, cipher, team, speaker, space, list(templates.values()))
        return kept[str(singles[0])], len(kept) - before

    async def refresh(self, connection: Connection, team: UUID, speaker: UUID, space: str) -> None:
        """Bring what search looks through up to date; of samples that are the same, the oldest stays.

        Raises:
            SamplesFull: there are more than a person can have.
        """
        if await one(connection, _SQL["any_sample"], {"speaker": speaker, "space": space}) is None:
            await connection.execute(_SQL["drop_vector"], {"speaker": speaker, "space": space})
            return
        cipher = await self._protection.cipher(team, connection)
        distinct: dict[str, Voiceprint] = {}
        double = []
        for id_, template in (await self._templates(connection, cipher, speaker, space)).items():
            if distinct.setdefault(str(template), template) is not template:
                double.append(id_)
        if len(distinct) > MOST_PROTOTYPES:
            raise SamplesFull
        await connection.execute(_SQL["remove_samples"], {"ids": double})
        await self._keep_mean(connection, cipher, team, speaker, space, list(distinct.values()))

    async def _templates(
        self, connection: Connection, cipher: TeamCipher, speaker: UUID, space: str
    ) -> dict[UUID, Voiceprint]:
        rows = await (await connection.execute(_SQL["templates"], {"speaker": speaker, "space": space})).fetchall()
        return {row["id"]: _opened(cipher, row) for row in rows}

    async def _keep_mean(  # noqa: PLR0917 - it says what of whom
        self,
        connection: Connection,
        cipher: TeamCipher,
        team: UUID,
        speaker: UUID,
        space: str,
        templates: Sequence[Voiceprint],
    ) -> None:
        mean = together(templates).embedding
        if not mean.any():  # opposite vectors, which no voice makes: there is no direction to search in
            await connection.execute(_SQL["drop_vector"], {"speaker": speaker, "space": space})
            return
        row = {"speaker": speaker, "team": team, "space": space, "vector": vector_text(cipher.turn(mean))}
        await connection.execute(_SQL["keep_vector"], row)

    async def _check_dimension(self, connection: Connection, team: UUID, voiceprint: Voiceprint) -> None:
        """Refuse vectors that cannot be compared with those of the same space: search would fail over them."""
        row = await one(connection, _SQL["dimension"], {"team": team, "space": voiceprint.space})
        if row is not None and row["dimension"] != voiceprint.prototypes.shape[1]:
            raise VoiceprintMalformed("This voiceprint was damaged; make it again from a recording.")


async def read_voiceprints(
    connection: Connection, cipher: TeamCipher, team: UUID, space: str, ids: Sequence[UUID]
) -> dict[UUID, tuple[str, Voiceprint]]:
    """Names and voiceprints of those people of a team who have samples in a space."""
    asked = {"team": team, "space": space, "ids": list(ids)}
    names, templates = {}, dict[UUID, list[Voiceprint]]()
    for row in await (await connection.execute(_SQL["templates_of_team"], asked)).fetchall():
        names[row["speaker_id"]] = row["name"]
        templates.setdefault(row["speaker_id"], []).append(_opened(cipher, row))
    return {person: (names[person], together(theirs)) for person, theirs in templates.items()}


async def read_texts(connection: Connection, cipher: TeamCipher, team: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The voiceprints of all samples of people as text, by the ids of the samples."""
    rows = await (await connection.execute(_SQL["all_templates"], {"team": team, "ids": list(ids)})).fetchall()
    return {row["id"]: cipher.open(row["template"], row["id"]).decode("ascii") for row in rows}


def apart(voiceprint: Voiceprint) -> list[Voiceprint]:
    """Return a voiceprint for every prototype.

    Raises:
        VoiceprintMalformed: a prototype is no unit vector or has too many dimensions, or the seconds of one are none.
    """
    if voiceprint.prototypes.shape[1] > MOST_DIMENSIONS:
        raise VoiceprintMalformed(f"This voiceprint has more than {MOST_DIMENSIONS} dimensions: no voice has.")
    lengths = np.linalg.norm(voiceprint.prototypes, axis=1)
    if not (np.abs(lengths - 1) < _LENGTH_ERROR).all() or min(voiceprint.seconds) < 0:
        raise VoiceprintMalformed("This voiceprint was damaged: it holds no voice; make it again from a recording.")
    return [
        Voiceprint(
            prototypes=voiceprint.prototypes[number : number + 1],
            seconds=voiceprint.seconds[number : number + 1],
            space=voiceprint.space,
            acoustics=voiceprint.acoustics[number : number + 1],
            quality=voiceprint.quality[number : number + 1],
        )
        for number in range(len(voiceprint.seconds))
    ]


def together(voiceprints: Sequence[Voiceprint]) -> Voiceprint:
    """Return one voiceprint with the prototypes of all, which are of one space."""
    return Voiceprint(
        prototypes=np.concatenate([one_.prototypes for one_ in voiceprints]),
        seconds=tuple(seconds for one_ in voiceprints for seconds in one_.seconds),
        space=voiceprints[0].space,
        acoustics=tuple(known for one_ in voiceprints for known in one_.acoustics or (UNKNOWN,) * len(one_.seconds)),
    )


def vector_text(vector: NDArray[np.float32]) -> str:
    """Return a vector as the database reads it."""
    return f"[{','.join(f'{value:.6g}' for value in vector.tolist())}]"


def _opened(cipher: TeamCipher, row: Mapping[str, Any]) -> Voiceprint:
    return Voiceprint.from_text(cipher.open(row["template"], row["id"]).decode("ascii"))


def _measured(quality: Quality | None) -> Jsonb | None:
    return None if quality is None else Jsonb(quality_json(quality))
