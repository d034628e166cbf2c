"""Batches of windows: who speaks, the clean window, and the same window as a microphone somewhere else would hear it.

A voice is a speaker at one speed: speech 10 % slower or faster sounds like somebody else, so each speaker makes three
(Ko et al., "Audio augmentation for speech recognition", Interspeech 2015).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from timbre.evaluation.moods import FASTEST, moody
from training.encoder.augmentation import LEAD, augmented
from training.encoder.corpus import Stretch
from training.encoder.network import samples_of
from training.encoder.transcoding import transcoded

SPEEDS = (1.0, 0.9, 1.1)
FRAMES = (100, 130, 160, 180)  # lengths of windows in mel frames of 10 ms; the engine's is 160
UNTOUCHED = 0.35  # share of the windows that stay clean
MOODY = 0.4  # share of all windows that are said in another mood
TRANSCODED = 0.35  # share of the others that come out of a codec
_AS_SPOKEN = 0.6  # share of windows at the speed at which they were spoken
_GROUP_POWER = 0.5  # a source, and a language in it, is drawn as the number of its speakers to this power


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one length."""

    voices: Tensor  # int64 [B]
    clean: Tensor  # float32 [B, n]
    heard: Tensor  # float32 [B, n]: `clean`, through what moods do to a voice and the world to sound


@dataclass(frozen=True, slots=True)
class Take:
    """One stretch, clean and out of a codec."""

    clean: NDArray[np.int16]
    packed: NDArray[np.int16]


class Batches:
    """Draws batches from stretches of speech, the same ones for the same seed."""

    def __init__(self, stretches: Sequence[Stretch], folder: Path, *, size: int, seed: int) -> None:
        self.size = size
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        speakers = {name: number for number, name in enumerate(sorted({stretch.speaker for stretch in stretches}))}
        self.voices = len(speakers) * len(SPEEDS)
        self._takes: list[list[Take]] = [[] for _ in speakers]
        for stretch, take in zip(stretches, takes_of(stretches, folder), strict=True):
            self._takes[speakers[stretch.speaker]].append(take)
        groups = {stretch.speaker: (stretch.source, stretch.language) for stretch in stretches}
        chance = _chance([groups[name] for name in speakers])
        speeds = [_AS_SPOKEN, *[(1 - _AS_SPOKEN) / (len(SPEEDS) - 1)] * (len(SPEEDS) - 1)]
        self._chance = np.outer(chance, speeds).ravel()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            length = samples_of(int(self._rng.choice(FRAMES)))
            voices = self._rng.choice(self.voices, self.size, p=self._chance)
            windows = [self._window(int(voice), length) for voice in voices]
            clean = torch.from_numpy(np.stack([window[0] for window in windows]))[:, -length:]
            said = torch.from_numpy(np.stack([window[1] for window in windows]))
            calm = said[:, -LEAD - length :].clone()
            rows = np.flatnonzero(self._rng.random(self.size) < MOODY)
            calm[rows] = torch.from_numpy(moody(said[rows].numpy(), LEAD + length, self._rng))
            heard = augmented(calm, self._generator)
            untouched = torch.rand(self.size, 1, generator=self._generator) < UNTOUCHED
            yield Batch(torch.from_numpy(voices), clean, torch.where(untouched, calm[:, LEAD:], heard))

    def of_voice(self, voice: int, length: int, count: int) -> Tensor:
        """Return clean windows of one voice, `[count, length]`."""
        windows = [self._window(voice, length)[0][-length:] for _ in range(count)]
        return torch.from_numpy(np.stack(windows))

    def _window(self, voice: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the same samples, clean and perhaps out of a codec: a window, and before it what a fast mood needs."""
        speaker, speed = divmod(voice, len(SPEEDS))
        takes = self._takes[speaker]
        take = takes[self._rng.integers(len(takes))]
        wanted = int(FASTEST * (LEAD + length)) + 1
        needed = round(wanted * SPEEDS[speed])
        end = int(self._rng.integers(min(round(length * SPEEDS[speed]), take.clean.size), take.clean.size + 1))
        packed = take.packed if self._rng.random() < TRANSCODED else take.clean
        return tuple(_at_speed(_ending(samples, end, needed), wanted) for samples in (take.clean, packed))


def _ending(samples: NDArray[np.int16], end: int, count: int) -> NDArray[np.int16]:
    """Return so many samples up to `end`; what is missing in front comes from the stretch's own end."""
    return np.take(samples, np.arange(end - count, end), mode="wrap")


def _at_speed(samples: NDArray[np.int16], count: int) -> NDArray[np.float32]:
    resampled = samples if len(samples) == count else soxr.resample(samples, len(samples), count, quality="MQ")
    return np.resize(resampled, count).astype(np.float32) / 32_768


def _chance(groups: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Return how often each speaker is drawn: first a source, then a language of it, then anybody who speaks it."""
    of_source: dict[str, dict[str, int]] = {}
    for source, language in groups:
        counts = of_source.setdefault(source, {})
        counts[language] = counts.get(language, 0) + 1
    sources = {source: sum(counts.values()) ** _GROUP_POWER for source, counts in of_source.items()}
    weights = []
    for source, language in groups:
        counts = of_source[source]
        share = counts[language] ** _GROUP_POWER / sum(count**_GROUP_POWER for count in counts.values())
        weights.append(sources[source] * share / counts[language])
    chance = np.array(weights)
    return np.asarray(chance / chance.sum())


def takes_of(stretches: Sequence[Stretch], folder: Path) -> list[Take]:
    """Return every stretch's take; they are made once and kept in `folder`, for these stretches and some of them."""
    names = [f"{stretch.speaker} {stretch.session} {stretch.samples.size}" for stretch in stretches]
    kept = folder / "takes.npz"
    if not kept.exists() or not set(names) <= set(np.load(kept)["names"].tolist()):
        with ProcessPoolExecutor() as pool:
            packed = list(pool.map(partial(_packed, seed=0), stretches, range(len(stretches)), chunksize=8))
        np.savez(kept, names=names, samples=np.concatenate(packed), lengths=[len(piece) for piece in packed])
        del packed
    with np.load(kept) as file:
        pieces = np.split(file["samples"], np.cumsum(file["lengths"])[:-1])
        place = {name: index for index, name in enumerate(file["names"].tolist())}
    return [Take(stretch.samples, pieces[place[name]]) for stretch, name in zip(stretches, names, strict=True)]


def _packed(stretch: Stretch, number: int, *, seed: int) -> NDArray[np.int16]:
    return transcoded(stretch.samples, np.random.default_rng([seed, number]))
