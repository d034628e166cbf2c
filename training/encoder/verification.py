"""Equal error rates of a network on speakers that it was not trained on.

Utterances are pooled as in enrolment: windows of 1.6 s every 0.2 s, each with the centre taken off, averaged. The
centre is 0.65 of the mean voice of the speakers that were trained on, as in training/calibration.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from timbre.evaluation.verification import equal_error_rate
from training.encoder.corpus import LEFT_OUT, Utterance
from training.encoder.network import STEP, mel_power, samples_of

SHRINKAGE = 0.65
ENROLLED = 3  # utterances that make one person's prototype
_WINDOW = samples_of(160)
_HOP = 20 * STEP
_CALLS = "wuw2_telephone"
_OVERLAPPING = 8  # windows that share samples with one
_BATCH = 64
_CENTRE = 2  # utterances a speaker
_CENTRE_SPEAKERS = 300  # of a source

Vectors = NDArray[np.float32]
Embedder = Callable[[Tensor], Tensor]  # mel power [B, T, 40] to unit vectors [B, 256]


@torch.no_grad()
def embed(encoder: Embedder, utterances: Sequence[Utterance]) -> list[Vectors]:
    """Return the window vectors of every utterance, not centred: `[windows, 256]`."""
    pieces, counts = [], []
    for said in utterances:
        samples = torch.from_numpy(said.samples.astype(np.float32) / 32_768)
        if len(samples) < _WINDOW:
            samples = torch.nn.functional.pad(samples, (0, _WINDOW - len(samples)))
        windows = samples.unfold(0, _WINDOW, _HOP)
        pieces.append(windows)
        counts.append(len(windows))
    every = torch.cat(pieces)
    parts = torch.cat([encoder(mel_power(batch)) for batch in every.split(_BATCH)])
    return np.split(parts.numpy(), np.cumsum(counts)[:-1])


def centre(utterances: Sequence[Utterance], vectors: Sequence[Vectors]) -> Vectors:
    """Return the shrunk mean voice: of sources, of their speakers, of their utterances."""
    voices: dict[str, dict[str, list[Vectors]]] = defaultdict(lambda: defaultdict(list))
    for said, windows in zip(utterances, vectors, strict=True):
        voices[said.source][said.speaker].append(windows.mean(axis=0))
    means = [np.mean([np.mean(said, axis=0) for said in of.values()], axis=0) for of in voices.values()]
    return SHRINKAGE * np.mean(means, axis=0)


def pooled(windows: Iterable[Vectors], middle: Vectors) -> Vectors:
    """Return one unit vector."""
    centred = [unit(rows - middle) for rows in windows]
    return unit(sum(unit(rows.sum(axis=0)) for rows in centred))


def unit(rows: Vectors) -> Vectors:
    """Bring the last axis to length 1."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def kind(said: Utterance) -> str:
    """Return what an utterance is measured as: its source, apart from languages that nobody trains on."""
    return f"{said.source}, languages left out" if said.language in LEFT_OUT else said.source


def error_rates(utterances: Sequence[Utterance], vectors: Sequence[Vectors], middle: Vectors) -> dict[str, float]:
    """Return the EER in % of every kind, each person against all others of it who speak the same language.

    Telephone is tested across calls only. Of a reader with one long utterance the second half is tested against the
    first.
    """
    cosines: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    labels: dict[str, list[NDArray[np.bool_]]] = defaultdict(list)
    for of, language in sorted({(kind(said), said.language) for said in utterances}):
        people: dict[str, dict[str, list[Vectors]]] = defaultdict(lambda: defaultdict(list))
        for said, windows in zip(utterances, vectors, strict=True):
            if (kind(said), said.language) == (of, language):
                people[said.speaker][said.session if of == _CALLS else ""].append(windows)
        enrolled, tested = _trials(people, middle, cross_session=of == _CALLS)
        if not enrolled or not tested:
            continue
        likeness = np.stack([vector for _, _, vector in tested]) @ np.stack([vector for _, _, vector in enrolled]).T
        same = np.array([[who == one for who, _, _ in enrolled] for one, _, _ in tested])
        own = np.array([[(who, call) == (one, line) for who, call, _ in enrolled] for one, line, _ in tested])
        fair = ~own if of == _CALLS else np.ones_like(own)
        cosines[of].append(likeness[fair].astype(np.float64))
        labels[of].append(same[fair])
    return {
        of: 100 * equal_error_rate(np.concatenate(some), np.concatenate(labels[of])) for of, some in cosines.items()
    }


def _trials(
    people: Mapping[str, Mapping[str, list[Vectors]]], middle: Vectors, *, cross_session: bool
) -> tuple[list[tuple[str, str, Vectors]], list[tuple[str, str, Vectors]]]:
    enrolled, tested = [], []
    for who, sessions in people.items():
        for session, said in sessions.items():
            if len(said) == 1 and not cross_session:
                half = len(said[0]) // 2
                if half <= _OVERLAPPING:
                    continue
                said = [said[0][:half], said[0][half + _OVERLAPPING :]]  # noqa: PLW2901
            first = said if cross_session else said[: min(ENROLLED, len(said) - 1)]
            enrolled.append((who, session, pooled(first[:ENROLLED], middle)))
            rest = said if cross_session else said[len(first) :]
            tested += [(who, session, pooled([windows], middle)) for windows in rest]
    return enrolled, tested


def measured(encoder: Embedder, known: Sequence[Utterance], tested: Sequence[Utterance]) -> dict[str, float]:
    """Return the EER in % of every source, centred on the speakers that may be trained on."""
    return error_rates(tested, embed(encoder, tested), centre_of(encoder, known))


def centre_of(encoder: Embedder, utterances: Sequence[Utterance]) -> Vectors:
    """Return the shrunk mean voice `[256]`, from the first utterances of some hundred speakers a source."""
    heard: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    few = []
    for said in utterances:
        speakers = heard[said.source]
        if said.speaker in speakers or len(speakers) < _CENTRE_SPEAKERS:
            speakers[said.speaker] += 1
            if speakers[said.speaker] <= _CENTRE:
                few.append(said)
    return centre(few, embed(encoder, few)).astype(np.float32)
