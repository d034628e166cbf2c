"""A gallery of 10 000 people who do not exist: strangers stay unknown, and those who are enrolled are still found."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.errors import TrialsError
from timbre.evaluation.open_set import fit_strangers
from timbre.evaluation.population import Drawn, Population, Voices, fit_population
from timbre.identification.scoring import confidences
from timbre.models.same_voice import SameVoice

pytestmark = pytest.mark.exhaustive
PEOPLE = 10_000
VOICES = 400  # of strangers, and of people who are enrolled
SECONDS = 20.0
DIMENSION = 96
MODEL = SameVoice(
    name="toy",
    fitted=True,
    score_weight=16.4,
    enrol_weight=0.0,
    test_weight=0.0,
    bias=-8.0,
    centre=np.zeros(DIMENSION, np.float32),
)


def population() -> Population:
    """Voices of 12 types, spread like those of real speakers: in few directions far, in many a little."""
    chance = np.random.default_rng(0)
    spectrum = 1 / (1 + np.arange(DIMENSION))
    spread = np.sqrt(0.35 * spectrum / spectrum.sum())
    directions = np.linalg.qr(chance.standard_normal((DIMENSION, DIMENSION)))[0]
    return Population(
        sources=(
            Voices(
                types=chance.standard_normal((12, DIMENSION)) * spread @ directions.T,
                members=tuple(np.array([kind]) for kind in range(12)),
                between=directions * spread,
                within=np.eye(DIMENSION) * np.sqrt(0.13 / DIMENSION),
            ),
        )
    )


def log_odds(heard: np.ndarray, enrolled: np.ndarray) -> np.ndarray:
    return MODEL.log_odds(heard @ enrolled.T, SECONDS, SECONDS)


@pytest.fixture(scope="module")
def fitted() -> SameVoice:
    """The calibration, fitted to a few hundred people as those that ship are."""
    few = population().draw(600, seed=1)
    return fit_strangers(log_odds(few.heard[:200], few.enrolled[200:]), MODEL)


@pytest.fixture(scope="module")
def many() -> Drawn:
    return population().draw(PEOPLE + VOICES, seed=2)


@pytest.fixture(scope="module")
def strangers(many: Drawn) -> np.ndarray:
    """Log-odds `[strangers, people]`."""
    return log_odds(many.heard[PEOPLE:], many.enrolled[:PEOPLE])


@pytest.mark.parametrize("size", [10, 100, 1_000, 10_000])
def test_the_share_of_strangers_who_get_a_name_does_not_grow_with_the_gallery(fitted, strangers, size) -> None:
    alone = float(np.mean(strangers > 0))
    assert 0.005 < alone < 0.03
    galleries = [strangers[:, begin : begin + size] for begin in range(0, PEOPLE, max(size, PEOPLE // 10))]
    named = np.mean([(confidences(odds, fitted) >= 50).any(axis=1).mean() for odds in galleries])
    assert named < 2 * alone
    if size > 10:
        plain = np.mean([(odds > 0).any(axis=1).mean() for odds in galleries])
        assert plain > 0.4, "without looking at how many people there are most strangers would be somebody"


def test_people_are_found_among_ten_thousand(fitted: SameVoice, many: Drawn) -> None:
    own = np.arange(VOICES)
    odds = log_odds(many.heard[:VOICES], many.enrolled[:PEOPLE])
    scores = confidences(odds, fitted)
    right = (odds.argmax(axis=1) == own) & (scores[own, own] >= 50)
    assert right.mean() > 0.3
    deaf = SameVoice(**{name: getattr(fitted, name) for name in fitted.__slots__} | {"rivals_people": 1e12})
    blindly = (odds.argmax(axis=1) == own) & (confidences(odds, deaf)[own, own] >= 50)
    assert right.mean() > 3 * blindly.mean(), "what a voice's rivals say is what finds people in a large gallery"


def test_the_nearest_twenty_decide_as_all_ten_thousand_do(fitted: SameVoice, strangers: np.ndarray) -> None:
    near = -np.sort(-strangers, axis=1)[:, :20]
    all_of_them = -np.sort(-confidences(strangers, fitted), axis=1)[:, :20]
    assert (confidences(near, fitted, PEOPLE) == all_of_them).all()


def test_a_population_is_like_the_people_it_was_fitted_to(many: Drawn) -> None:
    real = slice(0, 800)
    sources = np.arange(800) % 2
    heard = many.heard[real].copy()
    heard[sources == 1] = np.nan  # nobody of this source was recorded twice
    heard[1:20:2] = many.heard[1:20:2]
    made = fit_population(many.enrolled[real], heard, sources).draw(1_500, seed=3)
    again = fit_population(many.enrolled[real], heard, sources).draw(1_500, seed=3)
    assert (made.heard == again.heard).all()
    assert set(made.like.tolist()) <= set(range(800))
    assert abs(np.mean(made.like % 2) - 0.5) < 0.05
    of_drawn, of_real = (log_odds(some.heard[:750], some.enrolled[750:1_500]) for some in (made, many))
    assert np.quantile(of_drawn, [0.5, 0.9, 0.99]) == pytest.approx(np.quantile(of_real, [0.5, 0.9, 0.99]), abs=1.0)
    same = [np.median(np.sum(some.heard[:800] * some.enrolled[:800], axis=1)) for some in (made, many)]
    assert same[0] == pytest.approx(same[1], abs=0.03)


def test_too_few_people_are_no_population() -> None:
    rows = np.eye(15, dtype=np.float32)
    with pytest.raises(TrialsError, match="16 people"):
        fit_population(rows, rows, np.zeros(15, np.int64))
