"""The kinds of conversations that diarization is tuned on, and those it is tested on.

The people come from speech that no encoder was trained on. Those of the languages that are left out of every training
talk in the conversations for testing, and in no other; the other sources are parted by person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.encoder.corpus import LEFT_OUT, Utterance
from training.simulation.talk import Setting
from training.simulation.turn_taking import LIVELY, MONOLOGUE

Speech = Mapping[str, Sequence[NDArray[np.int16]]]  # what every person says


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Some conversations that are alike."""

    name: str
    source: str  # of `Pool.of`
    people: tuple[int, ...]  # of each conversation
    minutes: float  # of each, at most
    setting: Setting
    repeats: int = 1  # how often an utterance may be said, in other moods


_CALL = Setting(line=True, room=False)
_MOODS = Setting(manner=LIVELY, moods=1.0)
KINDS = (
    Kind(name="calm", source="readers", people=(3,), minutes=10, setting=Setting(moods=0.25)),
    Kind(name="calm", source="readers", people=(2, 3), minutes=30, setting=Setting(moods=0.25)),
    Kind(name="calm", source="voices", people=(5, 9), minutes=20, setting=Setting(moods=0.25), repeats=2),
    Kind(name="lively", source="readers", people=(3, 2), minutes=30, setting=_MOODS),
    Kind(name="lively", source="readers", people=(3,), minutes=80, setting=_MOODS, repeats=2),
    Kind(name="lively", source="voices", people=(5, 9), minutes=40, setting=_MOODS, repeats=6),
    Kind(name="learners", source="learners", people=(4, 12), minutes=15, setting=Setting()),
    Kind(name="learners", source="learners", people=(26,), minutes=35, setting=Setting()),
    Kind(name="telephone", source="telephone", people=(2, 2, 3), minutes=4, setting=_CALL),
    Kind(name="telephone", source="telephone", people=(8,), minutes=8, setting=Setting(room=False)),
    Kind(name="short", source="voices", people=(2, 3, 4, 6), minutes=2.5, setting=Setting(moods=0.4)),
    Kind(name="short", source="learners", people=(2, 4), minutes=2.5, setting=Setting(moods=0.4)),
    Kind(name="alone", source="readers", people=(1,), minutes=20, setting=Setting(manner=MONOLOGUE, moods=1.0)),
    Kind(name="alone", source="voices", people=(1,) * 6, minutes=3, setting=Setting(manner=MONOLOGUE, moods=1.0)),
    Kind(name="alone", source="learners", people=(1,) * 4, minutes=2, setting=Setting(manner=MONOLOGUE)),
)


def pools(unseen: Sequence[Utterance], *, testing: bool) -> dict[str, Speech]:
    """Return what people say, of the sources that the kinds name, for tuning or for testing."""
    by: dict[str, dict[str, list[NDArray[np.int16]]]] = {}
    for said in unseen:
        source = _SOURCES.get(said.source)
        if source is not None and said.samples.size >= 16_000 and _is_for(said, testing):
            by.setdefault(source, {}).setdefault(said.speaker, []).append(said.samples)
    return {
        source: {name: said for name, said in people.items() if len(said) >= _LEAST[source]}
        for source, people in by.items()
    }


_SOURCES = {
    "librispeech_long": "readers",
    "commonvoice": "voices",
    "speechocean762": "learners",
    "wuw2_telephone": "telephone",
}
_ENROLLED = 10.0  # seconds
_LEAST = {"readers": 1, "voices": 4, "learners": 4, "telephone": 4}  # utterances of a person


def _is_for(said: Utterance, testing: bool) -> bool:
    if said.source == "commonvoice":
        return (said.language in LEFT_OUT) == testing
    if said.source == "librispeech_long":
        return True  # three people: the same ones, in other moods and orders
    return (sum(said.speaker.encode()) % 2 == 1) == testing


def casts(kind: Kind, pool: Speech, rng: np.random.Generator) -> Iterator[Speech]:
    """Yield who talks in each conversation of a kind: as many people as there are, if it wants more."""
    for count in kind.people:
        yield {str(name): pool[name] for name in rng.permutation(sorted(pool))[:count]}


def kept_for_enrolment(said: Sequence[NDArray[np.int16]]) -> int:
    """Return how many of a person's utterances to enrol them with: some ten seconds, and at most half of them."""
    seconds = np.cumsum([samples.size for samples in said]) / 16_000
    return max(1, min(int(np.searchsorted(seconds, _ENROLLED)) + 1, len(said) // 2))
