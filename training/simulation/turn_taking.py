"""Who speaks when: turns, pauses, overlaps, interruptions and answers of a word, as real talk has them.

What the numbers follow: the next speaker begins some 200 ms after the last one ended, give or take half a second, so
that two transitions in five overlap (Heldner and Edlund, "Pauses, gaps and overlaps in conversations", Journal of
Phonetics 2010; Stivers et al., "Universals and cultural variation in turn-taking in conversation", PNAS 2009); a fifth
of what is said in conversation is a backchannel (Jurafsky et al., "Switchboard discourse language modeling", 1997);
people take very unequal shares (Fay et al., "Group discussion as interactive dialogue or as serial monologue",
Psychological Science 2000).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How people take turns."""

    pause: float = 0.45  # s, mean pause between two utterances of one speaker
    holds: float = 0.45  # how often the same speaker goes on
    gap: float = 0.2  # s, mean from one speaker to the next
    gap_spread: float = 0.5
    silence: float = 0.08  # how often nobody speaks for a while
    backchannel: float = 0.2  # how often somebody says a word into an utterance
    inequality: float = 0.6  # spread of the logarithm of how much people say


MONOLOGUE = Manner(holds=1.0, backchannel=0.0)
LIVELY = Manner(pause=0.3, holds=0.35, gap=0.05, gap_spread=0.6, silence=0.03, backchannel=0.3)


@dataclass(frozen=True, slots=True)
class Slot:
    """An utterance to come."""

    speaker: int
    gap: float  # s after the end of the last utterance that was no backchannel; below 0 they overlap
    short: bool  # a backchannel, which begins that long before the end of the utterance it answers


def slots(people: int, manner: Manner, rng: np.random.Generator) -> Iterator[Slot]:
    """Yield utterances without end."""
    share = np.exp(manner.inequality * rng.standard_normal(people))
    speaker = int(rng.integers(people))
    yield Slot(speaker, 0.5, short=False)
    while True:
        if people > 1 and rng.random() < manner.backchannel:
            yield Slot(_other(speaker, share, rng), -rng.uniform(0.5, 2.0), short=True)
        silence = rng.exponential(2.0) if rng.random() < manner.silence else 0.0
        if people == 1 or rng.random() < manner.holds:
            yield Slot(speaker, rng.exponential(manner.pause) + silence, short=False)
        else:
            speaker = _other(speaker, share, rng)
            yield Slot(speaker, max(-1.2, rng.normal(manner.gap, manner.gap_spread)) + silence, short=False)


def _other(speaker: int, share: np.ndarray, rng: np.random.Generator) -> int:
    chance = share.copy()
    chance[speaker] = 0
    return int(rng.choice(len(share), p=chance / chance.sum()))
