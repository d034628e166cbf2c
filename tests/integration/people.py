"""People for tests: a gallery on a database, and voices made of numbers."""

from __future__ import annotations

import base64
from uuid import UUID

import numpy as np
from database import Service

from timbre.audio.acoustics import Acoustics
from timbre.identification.voiceprint import MOST_PROTOTYPES, Voiceprint, as_kept
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
SPACE, OTHER_SPACE = "00112233445566aa", "00112233445566bb"


def gallery(here: Service) -> Gallery:
    return Gallery(here.database, Protection(here.database, here.settings), Packs(here.settings))


def voiceprint(
    *seeds: int, space: str = SPACE, dimension: int = 32, seconds: float = 6.0, telephone: float | None = 0.0
) -> Voiceprint:
    """A voiceprint with a prototype for each seed; the same seed is the same recording."""
    return Voiceprint(
        prototypes=np.stack([vector(seed, dimension) for seed in seeds]),
        seconds=(seconds,) * len(seeds),
        space=space,
        acoustics=(as_kept(Acoustics(telephone=telephone, snr=20.0)),) * len(seeds),
    )


def vector(seed: int, dimension: int = 32) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float16).astype(np.float32)


def parsed(text: str) -> np.ndarray:
    """A vector as the database prints it."""
    return np.array([float(number) for number in text.strip("[]").split(",")])


async def assert_consistent(here: Service, people: Gallery, team: UUID) -> None:
    """What search looks through is the mean of the samples that can be read, turned; nobody is there twice."""
    cipher = await Protection(here.database, here.settings).cipher(team)
    everybody, total = await people.page(team, limit=1000)
    assert len(everybody) == total == len({person.name.lower() for person in everybody})
    rows = await here.rows(
        "SELECT speaker_id, space, vector::text FROM speaker_vectors WHERE team_id = %(team)s", team=team
    )
    kept = {(row["speaker_id"], row["space"]): parsed(row["vector"]) for row in rows}
    for space in (SPACE, OTHER_SPACE):
        found = await people.voiceprints(team, space, [person.id for person in everybody])
        for person in everybody:
            count = sum(sample.space == space for sample in person.samples)
            assert count <= MOST_PROTOTYPES
            assert (person.id in found) == (count > 0) == ((person.id, space) in kept)
            if not count:
                continue
            name, made = found[person.id]
            assert name == person.name
            assert len(made.seconds) == count == len({row.tobytes() for row in made.prototypes})
            np.testing.assert_allclose(kept.pop((person.id, space)), cipher.turn(made.embedding), atol=1e-3)
    assert not kept
