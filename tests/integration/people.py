"""People for tests: a gallery on a database, and voices made of numbers."""

from __future__ import annotations

import base64

import numpy as np
from database import Service

from timbre.audio.acoustics import Acoustics
from timbre.identification.voiceprint import Voiceprint, as_kept
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
