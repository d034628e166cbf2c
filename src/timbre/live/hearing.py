"""Answers the questions of streams, many at once: windows of all of them go through the encoder together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.audio.acoustics import UNKNOWN
from timbre.diarization.clustering import cluster
from timbre.diarization.known_voices import unite
from timbre.diarization.merging import Judge, SpeakerBounds
from timbre.diarization.windows import STEP_SECONDS, Windows, pure_windows, without_offset
from timbre.live.requests import AskSpeakers, AskSpeech, AskVoice, Question, Speech

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.recipe import Recipe
    from timbre.models.packs import Pack
    from timbre.models.same_voice import SameVoice
    from timbre.models.variation import Variation

_BETWEEN: Final = 640  # samples of silence between windows of several streams, so that none hears its neighbour


class Hearing:
    """The networks of one pack, without any memory of streams."""

    def __init__(self, pack: Pack, same_voice: SameVoice, variation: Variation, recipe: Recipe) -> None:
        self._pack = pack
        self._same_voice = same_voice
        self._variation = variation
        self._recipe = recipe

    def answer(self, questions: Sequence[Question]) -> list[Any]:
        """Answer questions, in their order."""
        voices = [question for question in questions if isinstance(question, AskVoice)]
        vectors = iter(self._voices([voice.window for voice in voices]))
        answers: list[Any] = []
        for question in questions:
            match question:
                case AskSpeech():
                    answers.append(self._speech(question))
                case AskVoice():
                    answers.append(next(vectors))
                case AskSpeakers():
                    answers.append(self._speakers(question))
        return answers

    def _speech(self, question: AskSpeech) -> Speech:
        stream = self._pack.vad.stream(question.state)
        return Speech(probabilities=stream.push(question.samples), state=stream.state)

    def _voices(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        by_length = defaultdict(list)
        for number, window in enumerate(windows):
            by_length[window.size].append(number)
        vectors: dict[int, NDArray[np.float32]] = {}
        for length, numbers in by_length.items():
            step = length + _BETWEEN
            samples = np.zeros(step * len(numbers), np.float32)
            for place, number in enumerate(numbers):
                samples[place * step : place * step + length] = without_offset(windows[number])
            found = self._pack.encoder.embed(samples, np.arange(len(numbers)) * step, length)
            vectors.update(zip(numbers, self._same_voice.centred(found), strict=True))
        return [vectors[number] for number in range(len(windows))]

    def _speakers(self, question: AskSpeakers) -> NDArray[np.int64]:
        """Cluster as a whole recording is; the windows that may hold a change go to whom they are nearest to."""
        windows = Windows(
            starts=question.starts,
            length=self._pack.encoder.window,
            speech=np.ones(len(question.starts), np.float32),
            embeddings=question.vectors,
        )
        pure = pure_windows(windows, least_speech=0.0, dropped=self._recipe.dropped)
        bounds = SpeakerBounds(most=question.most)
        found = cluster(
            question.vectors[pure],
            self._recipe.merging,
            self._same_voice,
            self._variation,
            seconds=STEP_SECONDS,
            bounds=bounds,
        )
        if question.known is not None:
            judge = Judge(rule=self._recipe.merging, same_voice=self._same_voice, seconds=STEP_SECONDS)
            found = unite(found, lambda _: question.known, judge, acoustics=UNKNOWN, bounds=bounds)
        labels = (question.vectors @ found.centroids.T).argmax(axis=1)
        labels[pure] = found.labels
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
