"""The speech that the encoder learns from: one stretch of speech a speaker and session, pauses cut out.

Speakers are parted by the md5 of their names. A third of those of the three oldest sources and a sixth of the others
is for testing and never trained on, and neither are the speakers of the test conversations, whichever part they are
in, nor anybody who speaks one of five languages: whether training carries over to a language nobody trained on is the
question that matters.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from timbre.diarization.grid import FRAME, frame_count
from timbre.diarization.speech import SpeechRule, speech_frames, speech_gain
from timbre.models.store import Store
from timbre.models.vad import VoiceActivity
from timbre.settings import Settings

RATE = 16_000
LEFT_OUT = frozenset({"eu", "fa", "mt", "tr", "vi"})  # Basque, Persian, Maltese, Turkish, Vietnamese
_IN_THREE = frozenset({"librispeech_resemblyzer", "speechocean762", "wuw2_telephone"})
_APART = "librispeech_long"  # three readers, of whom long conversations are made
SHORTEST = RATE // 2  # samples of speech below which an utterance teaches nothing
_SPEECH = SpeechRule(onset=0.5, offset=0.35, padding=0.1, longest_gap=0.3, shortest=0.1)  # as in enrolment


@dataclass(frozen=True, slots=True)
class Utterance:
    """One file of the manifest and the speech in it."""

    path: str
    speaker: str
    source: str  # the manifest's set, as librispeech_resemblyzer
    language: str
    session: str
    samples: NDArray[np.int16]  # [n] 16 kHz, without pauses


@dataclass(frozen=True, slots=True)
class Stretch:
    """All speech of one speaker in one session."""

    speaker: str
    source: str
    language: str
    session: str
    samples: NDArray[np.int16]  # [n] 16 kHz


def is_for_testing(source: str, speaker: str, language: str) -> bool:
    """Return whether nobody may be trained on this speaker, so that there are voices to test with."""
    if language in LEFT_OUT or source == _APART:
        return True
    number = int(hashlib.md5(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    return number % (3 if source in _IN_THREE else 6) == 1


def read_utterances(data: Path, folder: Path) -> list[Utterance]:
    """Return every utterance of the manifest that holds speech; decoded once, then kept in `folder`."""
    rows = list(_rows(data / "speakers" / "manifest.csv"))
    kept = folder / "speech.npz"
    if not kept.exists():
        with ProcessPoolExecutor() as pool:
            speech = list(pool.map(_speech, [data / row["path"] for row in rows], chunksize=16))
        np.savez(kept, samples=np.concatenate(speech), lengths=[len(samples) for samples in speech])
    with np.load(kept) as file:
        samples = np.split(file["samples"], np.cumsum(file["lengths"])[:-1])
    return [
        Utterance(row["path"], row["speaker"], row["set"], row["language"], row["session"], speech)
        for row, speech in zip(rows, samples, strict=True)
        if len(speech) >= SHORTEST
    ]


def is_unseen(data: Path) -> Callable[[str], bool]:
    """Return what tells whether nothing of a speaker is trained on, also because of talking in a test conversation."""
    seen, tested = set[str](), {row["speaker"] for row in _rows(data / "conversations" / "enrol.csv")}
    for row in _rows(data / "speakers" / "manifest.csv"):
        of = tested if is_for_testing(row["set"], row["speaker"], row["language"]) else seen
        of.add(row["speaker"])
    return lambda speaker: speaker in tested or speaker not in seen


def training_speech(utterances: Iterable[Utterance], data: Path) -> list[Utterance]:
    """Return the utterances that may be trained on."""
    unseen = is_unseen(data)
    return [said for said in utterances if not unseen(said.speaker)]


def stretches(utterances: Iterable[Utterance]) -> list[Stretch]:
    """Put the utterances of each speaker and session together."""
    together: dict[tuple[str, str, str, str], list[NDArray[np.int16]]] = {}
    for said in utterances:
        of = (said.speaker, said.source, said.language, said.session)
        together.setdefault(of, []).append(said.samples)
    return [Stretch(*of, np.concatenate(parts)) for of, parts in together.items()]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _speech(path: Path) -> NDArray[np.int16]:
    with av.open(path) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out.to_ndarray()[0] for raw in container.decode(audio=0) for out in resampler.resample(raw)]
    samples = np.concatenate(frames)
    heard = samples.astype(np.float32) / 32_768
    stream = _vad().stream()
    probabilities = np.concatenate([stream.push(heard * np.float32(speech_gain(heard))), stream.flush()])
    centres = np.arange(frame_count(len(samples))) * FRAME + FRAME // 2
    speech = speech_frames(probabilities[np.minimum(centres // _vad().frame, len(probabilities) - 1)], _SPEECH)
    return samples[np.repeat(speech, FRAME)[: len(samples)]]


@cache
def _vad() -> VoiceActivity:
    return VoiceActivity(Store(Settings()).path("silero-vad-6"))
