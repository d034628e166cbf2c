"""Simulated talk and the search on it, as far as they need no torch."""

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest

from timbre.diarization.recipe import WITHOUT_SEGMENTER
from timbre.models.same_voice import SameVoice
from timbre.models.variation import Variation
from training.merging import Talk, by_kind, value
from training.simulation.turn_taking import LIVELY, MONOLOGUE, Manner, slots


def some(people: int, manner: Manner, count: int = 3_000) -> list:
    return list(islice(slots(people, manner, np.random.default_rng(1)), count))


def test_transitions_are_as_in_real_talk() -> None:
    """Some 200 ms after the last one, two in five overlapping (Heldner and Edlund, 2010)."""
    said = [slot for slot in some(3, Manner()) if not slot.short]
    gaps = np.array([after.gap for before, after in pairwise(said) if before.speaker != after.speaker])
    assert np.median(gaps) == pytest.approx(0.2, abs=0.1)
    assert (gaps < 0).mean() == pytest.approx(0.35, abs=0.1)


def test_a_backchannel_comes_from_somebody_else_and_takes_no_turn() -> None:
    said = some(4, LIVELY)
    for before, short, after in zip(said, said[1:], said[2:], strict=False):
        if short.short and not before.short:
            assert short.speaker != before.speaker
            assert short.gap < 0
            assert after.short or after.gap > -1.3
    assert 0.15 < np.mean([slot.short for slot in said]) < 0.35


def test_somebody_alone_only_pauses() -> None:
    said = some(1, MONOLOGUE)
    assert {slot.speaker for slot in said} == {0}
    assert all(slot.gap > 0 and not slot.short for slot in said)


def test_the_same_talk_for_the_same_seed() -> None:
    assert some(3, LIVELY) == some(3, LIVELY)


def test_a_setting_costs_its_errors_and_its_wrong_count() -> None:
    """Two voices told apart cost nothing; made one they cost half of the windows, and a speaker too few."""
    vectors = np.repeat(np.eye(2, 8, dtype=np.float32), 20, axis=0)
    whose = np.repeat([0, 1], 20)
    talk = Talk(kind="made up", people=2, pure=vectors, local=(), every=vectors, whose=whose)
    model = SameVoice(
        name="toy",
        fitted=True,
        score_weight=20.0,
        enrol_weight=0.0,
        test_weight=0.0,
        bias=-10.0,
        centre=np.zeros(8, np.float32),
    )
    variation = Variation(
        axes=np.eye(8, dtype=np.float32),
        people=np.full(8, 0.3, np.float32),
        moods=np.full(8, 0.01, np.float32),
        windows=np.full(8, 0.1, np.float32),
    )
    rule = WITHOUT_SEGMENTER.merging
    right = by_kind([talk], replace(rule, prior=0.0), model, variation)
    wrong = by_kind([talk], replace(rule, prior=-99.0), model, variation)
    assert right == {"made up": (0.0, 0.0)}
    assert wrong == {"made up": (0.5, 1.0)}
    assert value(right) == 0 < value(wrong)
