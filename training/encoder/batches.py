"""Batches of windows: who speaks, the clean window, and the same window as a microphone somewhere else would hear it.

A voice is a speaker at one speed: speech 10 % slower or faster sounds like somebody else, so each speaker makes three
(Ko et al., "Audio augmentation for speech recognition", Interspeech 2015).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.encoder.augmentation import LEAD, augmented
from training.encoder.corpus import RATE, Stretch
from training.encoder.network import samples_of
from training.encoder.transcoding import transcoded

SPEEDS = (1.0, 0.9, 1.1)
FRAMES = (120, 160, 160, 200)  # lengths of windows in mel frames of 10 ms; the engine's is 160
UNTOUCHED = 0.4  # share of the windows that stay clean
TRANSCODED = 0.35  # share of the others that come out of a codec
_AS_SPOKEN = 0.6  # share of windows at the speed at which they were spoken
_SOURCE_POWER = 0.5  # a source is drawn as the number of its speakers to this power


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one length."""

    voices: Tensor  # int64 [B]
    clean: Tensor  # float32 [B, n]
    heard: Tensor  # float32 [B, n]: `clean`, through what the world does to sound


@dataclass(frozen=True, slots=True)
class Take:
    """One stretch at one speed, clean and out of a codec."""

    clean: NDArray[np.int16]
    packed: NDArray[np.int16]


class Batches:
    """Draws batches from stretches of speech, the same ones for the same seed."""

    def __init__(self, stretches: Sequence[Stretch], folder: Path, *, size: int, seed: int) -> None:
        self.size = size
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        takes = takes_of(stretches, folder)
        speakers = sorted({stretch.speaker for stretch in stretches})
        self.voices = len(speakers) * len(SPEEDS)
        self._takes: list[list[Take]] = [[] for _ in range(self.voices)]
        for stretch, made in zip(stretches, takes, strict=True):
            first = speakers.index(stretch.speaker) * len(SPEEDS)
            for offset, take in enumerate(made):
                self._takes[first + offset].append(take)
        source = {stretch.speaker: stretch.source for stretch in stretches}
        counts = {name: list(source.values()).count(name) for name in set(source.values())}
        speeds = [_AS_SPOKEN, *[(1 - _AS_SPOKEN) / (len(SPEEDS) - 1)] * (len(SPEEDS) - 1)]
        weight = {name: count ** (_SOURCE_POWER - 1) for name, count in counts.items()}
        chance = np.array([weight[source[name]] * speed for name in speakers for speed in speeds])
        self._chance = chance / chance.sum()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            length = samples_of(int(self._rng.choice(FRAMES)))
            voices = self._rng.choice(self.voices, self.size, p=self._chance)
            windows = [self._window(int(voice), length) for voice in voices]
            clean = torch.from_numpy(np.stack([window[0] for window in windows]))
            packed = torch.from_numpy(np.stack([window[1] for window in windows]))
            heard = augmented(packed, self._generator)
            untouched = torch.rand(self.size, 1, generator=self._generator) < UNTOUCHED
            clean = clean[:, LEAD:]
            yield Batch(torch.from_numpy(voices), clean, torch.where(untouched, clean, heard))

    def of_voice(self, voice: int, length: int, count: int) -> Tensor:
        """Return clean windows of one voice, `[count, length]`."""
        windows = [self._window(voice, length)[0][LEAD:] for _ in range(count)]
        return torch.from_numpy(np.stack(windows))

    def _window(self, voice: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the same LEAD + length samples, clean and perhaps out of a codec."""
        takes = self._takes[voice]
        take = takes[self._rng.integers(len(takes))]
        total = take.clean.size
        begin = int(self._rng.integers(max(1, total - length + 1)))
        packed = take.packed if self._rng.random() < TRANSCODED else take.clean
        return _cut(take.clean, begin, length), _cut(packed, begin, length)


def _cut(samples: NDArray[np.int16], begin: int, length: int) -> NDArray[np.float32]:
    """Cut a window and what lies in front of it; speech shorter than the window is repeated."""
    if samples.size < length:
        samples = np.tile(samples, -(-length // samples.size))
    window = np.zeros(LEAD + length, np.float32)
    piece = samples[max(0, begin - LEAD) : begin + length]
    window[LEAD + length - piece.size :] = piece
    return window / 32_768


def takes_of(stretches: Sequence[Stretch], folder: Path) -> list[list[Take]]:
    """Return every stretch's takes; they are made once and kept in `folder`, for these stretches and some of them."""
    names = [f"{stretch.speaker} {stretch.samples.size}" for stretch in stretches]
    kept = folder / "takes.npz"
    if not kept.exists() or not set(names) <= set(np.load(kept)["names"].tolist()):
        with ProcessPoolExecutor() as pool:
            made = list(pool.map(partial(_make, seed=0), stretches, range(len(stretches)), chunksize=8))
        pieces = list(chain.from_iterable((take.clean, take.packed) for takes in made for take in takes))
        np.savez(kept, names=names, samples=np.concatenate(pieces), lengths=[piece.size for piece in pieces])
        return made
    with np.load(kept) as file:
        pieces = np.split(file["samples"], np.cumsum(file["lengths"])[:-1])
        place = {name: 2 * len(SPEEDS) * index for index, name in enumerate(file["names"].tolist())}
    return [
        [Take(pieces[first], pieces[first + 1]) for first in range(place[name], place[name] + 2 * len(SPEEDS), 2)]
        for name in names
    ]


def _make(stretch: Stretch, number: int, *, seed: int) -> list[Take]:
    rng = np.random.default_rng([seed, number])
    takes = []
    for speed in SPEEDS:
        clean = stretch.samples if speed == 1 else soxr.resample(stretch.samples, RATE * speed, RATE)
        takes.append(Take(clean, transcoded(clean, rng)))
    return takes
