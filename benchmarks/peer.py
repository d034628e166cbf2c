"""The plain recipe of many projects on our own models, to show what our pipeline adds.

Silero VAD with its published defaults, Resemblyzer's GE2E vectors of 1.6 s windows, `spectralcluster` from PyPI.

Everything is as the packages do it, with the choices they leave open made in the recipe's favour. Figures are strict
diarization error rates of the 26 recordings we measure with.

* The recording is levelled as Resemblyzer does it (one gain for the whole file, up to -30 dBFS, never down), and that
  *before* voice activity detection, because meetings are quiet: 25.2 instead of 26.8 %.
* 1.3 windows a second are Resemblyzer's default. As it comes, the clusterer copes worse with more (2.5 a second 35.8 %,
  16 as in Resemblyzer's demonstration 42.9 %), and at its best threshold no better (22.0 % for 2.5 a second).
* Windows stand on one grid over the recording, and those whose centre is speech count: 25.2 %; 29.1 % if silence is
  cut out first, as Resemblyzer does, 28 % with a grid of its own for every stretch of speech.
* Clustering has the options of `spectralcluster.configs.icassp2018_clusterer`, but may find 8 speakers instead of 7:
  the same as it comes, 21.8 instead of 24.3 % at the best threshold. It never finds one speaker alone
  (`min_clusters=2`); with `min_clusters=1` the package's own test for a single speaker makes it 25.8 %.
* Fewer than 5 windows go to the package's fallback clusterer; more than 1 000 are first reduced by its hierarchical
  stage, since the spectral one takes cubic time.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from spectralcluster import FallbackOptions, SpectralClusterer
from spectralcluster.configs import icassp2018_refinement_options

from timbre.audio.mel import BANDS, SAMPLE_RATE, STEP, mel_spectrogram
from timbre.models.encoder import batch_size
from timbre.models.ge2e import Ge2eEncoder
from timbre.models.runtime import in_batches
from timbre.models.vad import VoiceActivity
from timbre.turns import Turn, in_order

P_PERCENTILES: Final = (0.80, 0.85, 0.88, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)  # to sweep

_LEVEL: Final = 10 ** (-30 / 20)
_WINDOW: Final = 160  # mel frames of 10 ms

# Silero's defaults, in samples where they are times.
_ON: Final = 0.5
_OFF: Final = 0.35
_MIN_SPEECH: Final = 4_000
_MIN_SILENCE: Final = 1_600
_PAD: Final = 480

_FEWEST_FOR_SPECTRAL: Final = 5
_MOST_FOR_SPECTRAL: Final = 1_000

Stretch = tuple[int, int]  # first sample, sample after the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the models say about a recording, before clustering."""

    speech: tuple[Stretch, ...]
    centres: NDArray[np.int64]  # [k] middle sample of each window
    embeddings: NDArray[np.float32]  # [k, 256]


class Peer:
    """Voice activity, one vector per window, spectral clustering."""

    def __init__(
        self,
        vad_path: Path,
        encoder_path: Path,
        *,
        p_percentile: float = icassp2018_refinement_options.p_percentile,
        min_clusters: int = 2,
        max_clusters: int = 8,
        rate: float = 1.3,
        threads: int = 1,
    ) -> None:
        """Load the models.

        Args:
            vad_path: Silero VAD as ONNX, as in the pack `ge2e`.
            encoder_path: GE2E as ONNX, as in the pack `ge2e`.
            p_percentile: threshold of the clusterer: affinities below this share of their row's largest count little.
            min_clusters: fewest speakers to find.
            max_clusters: most speakers to find.
            rate: windows a second.
            threads: cores for the encoder.
        """
        self._vad = VoiceActivity(vad_path)
        self._encoder = Ge2eEncoder(encoder_path, name="ge2e", fingerprint="")
        self._p_percentile = p_percentile
        self._min_clusters = min_clusters
        self._max_clusters = max_clusters
        self._threads = threads
        self._step = round(SAMPLE_RATE / rate / STEP)

    def diarize(self, samples: NDArray[np.float32]) -> tuple[Turn, ...]:
        """Say who speaks when in float32 `[n]` at 16 kHz; turns never overlap."""
        return self.turns(self.hear(samples))

    def hear(self, samples: NDArray[np.float32]) -> Heard:
        """Run the models; the result serves any threshold."""
        levelled = normalized(samples)
        stream = self._vad.stream()
        probabilities = np.concatenate([stream.push(levelled), stream.flush()])
        speech = tuple(speech_timestamps(probabilities, samples.size, self._vad.frame))
        centres = windows(speech, samples.size, self._step)
        return Heard(speech=speech, centres=centres, embeddings=self._embed(levelled, centres))

    def turns(self, heard: Heard, *, p_percentile: float | None = None) -> tuple[Turn, ...]:
        """Cluster the windows, at another threshold if asked, and give all speech the speaker of the nearest window."""
        if not heard.centres.size:
            return ()
        labels = self._clusterer(p_percentile).predict(heard.embeddings.astype(np.float64)).astype(int)
        return in_order(turn for stretch in heard.speech for turn in labelled(stretch, heard.centres, labels))

    def _embed(self, samples: NDArray[np.float32], centres: NDArray[np.int64]) -> NDArray[np.float32]:
        if not centres.size:
            return np.zeros((0, self._encoder.dimension), np.float32)
        mel = np.pad(mel_spectrogram(samples), ((_WINDOW // 2, _WINDOW // 2), (0, 0)))
        every = np.lib.stride_tricks.sliding_window_view(mel, (_WINDOW, BANDS))[:, 0]
        return in_batches(
            lambda frames: self._encoder.embed_mel(every[frames]),
            centres // STEP,
            size=batch_size("cpu"),
            threads=self._threads,
        )

    def _clusterer(self, p_percentile: float | None) -> SpectralClusterer:
        options = copy.deepcopy(icassp2018_refinement_options)
        options.p_percentile = self._p_percentile if p_percentile is None else p_percentile
        return SpectralClusterer(
            min_clusters=self._min_clusters,
            max_clusters=self._max_clusters,
            refinement_options=options,
            fallback_options=FallbackOptions(spectral_min_embeddings=_FEWEST_FOR_SPECTRAL),
            max_spectral_size=_MOST_FOR_SPECTRAL,
            custom_dist="cosine",
        )


def normalized(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Raise the whole recording to -30 dBFS if it is quieter."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    if level == 0.0 or level >= _LEVEL:
        return samples
    return (samples * (_LEVEL / level)).astype(np.float32)


def speech_timestamps(probabilities: NDArray[np.float32], length: int, frame: int) -> list[Stretch]:
    """Turn Silero's probabilities into padded stretches of speech, by its own rules and defaults."""
    found = [(start, end) for start, end in hysteresis(probabilities, length, frame) if end - start > _MIN_SPEECH]
    padded = []
    for index, (start, end) in enumerate(found):
        before = start - found[index - 1][1] if index else 2 * start
        after = found[index + 1][0] - end if index + 1 < len(found) else 2 * (length - end)
        padded.append((start - min(_PAD, before // 2), end + min(_PAD, after // 2)))
    return padded


def hysteresis(probabilities: NDArray[np.float32], length: int, frame: int) -> Iterator[Stretch]:
    """Yield speech: from a probability of _ON to the first under _OFF that _MIN_SILENCE without _ON follows."""
    start = end = None
    for sample, probability in zip(range(0, length, frame), probabilities, strict=True):
        if probability >= _ON:
            start, end = sample if start is None else start, None
        elif start is not None and probability < _OFF:
            end = sample if end is None else end
            if sample - end >= _MIN_SILENCE:
                yield start, end
                start = end = None
    if start is not None:
        yield start, length


def windows(speech: tuple[Stretch, ...], length: int, step: int) -> NDArray[np.int64]:
    """Return the middle samples of the windows, every `step` frames, that lie in speech.

    Where the grid misses all speech, each stretch gets one window.
    """
    grid = np.arange(0, length, step * STEP)
    inside = np.zeros(grid.size, bool)
    for start, end in speech:
        inside |= (start <= grid) & (grid < end)
    if speech and not inside.any():
        return np.array([(start + end) // 2 for start, end in speech])
    return grid[inside]


def labelled(stretch: Stretch, centres: NDArray[np.int64], labels: NDArray[np.int64]) -> Iterator[Turn]:
    """Divide a stretch of speech among the speakers of the nearest windows."""
    start, end = stretch
    frames = np.arange(start, end, STEP)
    nearest = labels[nearest_index(centres, frames + STEP // 2)]
    changes = [0, *(np.flatnonzero(np.diff(nearest)) + 1), frames.size]
    for first, stop in itertools.pairwise(changes):
        yield Turn(
            start=int(frames[first]) / SAMPLE_RATE,
            end=min(end, start + stop * STEP) / SAMPLE_RATE,
            speaker=f"SPEAKER_{nearest[first]:02d}",
        )


def nearest_index(centres: NDArray[np.int64], samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the nearest of the sorted centres for each sample."""
    boundaries = (centres[:-1] + centres[1:]) / 2
    return np.searchsorted(boundaries, samples)
