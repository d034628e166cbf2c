"""Conversations put together from what single people said, with exact turns.

Everybody has a place in the room, a microphone far or near, and moods that last some minutes; nobody says the same
twice in the same mood.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from timbre.evaluation.moods import FASTEST, moody
from training.encoder.augmentation import coloured_noise, reverberant, telephone
from training.simulation.turn_taking import Manner, slots

RATE = 16_000
_SCENE = 90.0  # s, how long a mood lasts, in the mean
_SHORT = (0.25, 0.8)  # s, a backchannel

Turn = tuple[float, float, int]  # begin and end in s, who


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how people talk."""

    manner: Manner = field(default_factory=Manner)
    moods: float = 0.0  # how far moods go: 0 as it was spoken, 1 from tired to shouting
    room: bool = True
    line: bool = False  # a telephone line for everybody
    noise: tuple[float, float] = (15.0, 35.0)  # dB below speech, from and to


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation."""

    samples: NDArray[np.int16]  # [n] 16 kHz
    turns: list[Turn]


def conversation(voices: Sequence[Sequence[NDArray[np.int16]]], seconds: float, setting: Setting, seed: int) -> Talk:
    """Let people talk for so long, or until they have nothing left to say.

    Args:
        voices: Of each person the utterances, int16 `[n]` of 16 kHz.
        seconds: How long at most.
        setting: Where and how.
        seed: The same talk for the same seed.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    mixed = np.zeros(int((seconds + 30) * RATE), np.float32)
    left = [[said[index] for index in rng.permutation(len(said))] for said in voices]
    levels = 10 ** (rng.normal(0, 3, len(voices)) / 20)
    places = [(rng.uniform(0.15, 0.6), rng.uniform(-3, 12)) for _ in voices]
    moods, changes = np.zeros(len(voices)), np.zeros(len(voices))
    turns: list[Turn] = []
    end = 0.0
    for slot in slots(len(voices), setting.manner, rng):
        who = slot.speaker
        if end > seconds or not any(left):
            break
        if not left[who]:
            continue
        if end > changes[who]:
            moods[who], changes[who] = rng.normal(0, 0.8), end + rng.exponential(_SCENE)
        said = left[who][-1] if slot.short else left[who].pop()
        said = said.astype(np.float32) / 32_768
        if slot.short:
            said = said[: int(rng.uniform(*_SHORT) * RATE)]
        elif setting.moods:
            arousal = float(np.clip(setting.moods * (moods[who] + rng.normal(0, 0.4)), -1.6, 1.6))
            said = moody(said[None], int(len(said) / FASTEST), rng, np.array([[arousal]], np.float32))[0]
        said = said / max(float(np.sqrt(np.mean(said**2))), 1e-4) * 0.05 * levels[who]
        begin = max(0.0, end + slot.gap)
        turns.append((begin, begin + len(said) / RATE, who))
        if setting.room:
            decay, direct = places[who]
            row = torch.from_numpy(np.pad(said, (0, RATE // 4)))[None]
            said = reverberant(row, torch.tensor([[decay]]), torch.tensor([[direct]]), generator)[0].numpy()
        first = int(begin * RATE)
        said = said[: len(mixed) - first]
        mixed[first : first + len(said)] += said
        if not slot.short:
            end = turns[-1][1]
    mixed = mixed[: int((max(turn[1] for turn in turns) + 0.5) * RATE)]
    noise = coloured_noise(torch.Size([1, len(mixed)]), torch.tensor([[rng.uniform(0.5, 2)]]), generator)[0].numpy()
    mixed = mixed + noise * 0.05 * 10 ** (-rng.uniform(*setting.noise) / 20)
    if setting.line:
        mixed = _over_the_line(mixed)
    return Talk((mixed / max(1.0, float(np.abs(mixed).max())) * 32_000).astype(np.int16), sorted(turns))


def _over_the_line(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    made = [
        telephone(torch.from_numpy(part)[None], torch.tensor([[300.0]]), torch.tensor([[3400.0]]))[0].numpy()
        for part in np.array_split(samples, max(1, len(samples) // (60 * RATE)))
    ]
    return np.concatenate(made)
