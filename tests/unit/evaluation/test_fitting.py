"""Fitting the calibration: the gradient, recovery of known weights, what is refused, and holding sources out."""

import math
from dataclasses import replace

import numpy as np
import pytest

from timbre.errors import TrialsError
from timbre.evaluation.calibration import cllr
from timbre.evaluation.fitting import FittedCalibration, fit, leave_one_source_out, weighted_loss
from timbre.evaluation.open_set import fit_strangers, nearest
from timbre.evaluation.refitting import refit
from timbre.evaluation.trials import ScoredTrials
from timbre.models.same_voice import SameVoice

TRUTH = FittedCalibration(score_weight=12.0, enrol_weight=0.8, test_weight=0.9, bias=-2.0)


def simulated(generator, count, *, source="toy", speakers=20, truth=TRUTH):
    """Trials whose answers are drawn from the probabilities of `truth`."""
    cosines = generator.uniform(-0.2, 1.0, count)
    enrol, test = np.exp(generator.uniform(math.log(0.3), math.log(60.0), (2, count)))
    same = generator.random(count) < 1 / (1 + np.exp(-truth.log_odds(cosines, enrol, test)))
    return ScoredTrials(
        source=source,
        same=same,
        cosines=cosines,
        enrol_seconds=enrol,
        test_seconds=test,
        speakers=np.array([f"{source}{i}" for i in generator.integers(0, speakers, count)]),
    )


def chosen(trials, rows, source="part"):
    return ScoredTrials(
        source=source,
        same=trials.same[rows],
        cosines=trials.cosines[rows],
        enrol_seconds=trials.enrol_seconds[rows],
        test_seconds=trials.test_seconds[rows],
        speakers=trials.speakers[rows],
    )


def test_log_odds_by_pencil_with_seconds_kept_between_half_and_forty():
    calibration = FittedCalibration(score_weight=10.0, enrol_weight=1.0, test_weight=2.0, bias=0.5)
    odds = calibration.log_odds(np.array([0.5, 0.5]), np.array([math.e, 1000.0]), np.array([1.0, 0.1]))
    assert odds == pytest.approx([5 - 1 - 0 + 0.5, 5 - math.log(40) + 2 * math.log(2) + 0.5], abs=1e-7)


def test_loss_by_pencil():
    design = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    loss, gradient = weighted_loss(
        np.array([math.log(3), 0.0, 0.0, 0.0]), design, np.array([True, False]), np.array([0.5, 0.5])
    )
    assert loss == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, abs=1e-7)
    assert gradient == pytest.approx([-1 / 8, 0, 0, -1 / 8 + 1 / 4], abs=1e-7)


def test_gradient_is_that_of_finite_differences():
    generator = np.random.default_rng(1)
    design = generator.normal(size=(50, 4))
    same, weights = generator.random(50) < 0.5, generator.random(50)
    for _ in range(10):
        parameters = generator.normal(size=4) * 3
        _, gradient = weighted_loss(parameters, design, same, weights)
        differences = [
            (
                weighted_loss(parameters + step, design, same, weights)[0]
                - weighted_loss(parameters - step, design, same, weights)[0]
            )
            / 2e-5
            for step in np.eye(4) * 1e-5
        ]
        np.testing.assert_allclose(gradient, differences, atol=1e-7)


def test_known_weights_are_found_again():
    trials = simulated(np.random.default_rng(2), 60_000)
    found = fit([trials])
    assert found.score_weight == pytest.approx(12.0, rel=0.05)
    assert found.enrol_weight == pytest.approx(0.8, rel=0.1)
    assert found.test_weight == pytest.approx(0.9, rel=0.1)
    # The classes weigh the same in the fit, so the share of targets in the trials leaves the log-odds.
    share = math.log(trials.same.mean() / (1 - trials.same.mean()))
    assert found.bias == pytest.approx(-2.0 - share, abs=0.2)


def test_the_fit_is_a_minimum_of_cllr():
    trials = simulated(np.random.default_rng(3), 2_000)
    found = fit([trials])

    def cost(calibration):
        return cllr(calibration.log_odds(trials.cosines, trials.enrol_seconds, trials.test_seconds), trials.same)

    least = cost(found)
    for name, value in found.to_dict().items():
        for factor in [0.97, 1.03] if value else []:
            assert least < cost(FittedCalibration(**{**found.to_dict(), name: value * factor}))


def test_doubling_one_class_changes_nothing():
    trials = simulated(np.random.default_rng(4), 2_000)
    targets = np.flatnonzero(trials.same)
    doubled = fit([trials, chosen(trials, targets)])
    assert doubled.to_dict() == pytest.approx(fit([trials]).to_dict(), rel=1e-3)


def test_a_weight_of_two_is_giving_the_source_twice():
    generator = np.random.default_rng(5)
    one = simulated(generator, 1_000, source="one")
    other = simulated(generator, 1_000, source="other", truth=FittedCalibration(**{**TRUTH.to_dict(), "bias": 1.0}))
    twice, weighted = fit([one, other, other]), fit([one, other], {"other": 2.0})
    assert weighted.to_dict() == pytest.approx(twice.to_dict(), rel=1e-3)
    assert weighted.bias != pytest.approx(fit([one, other]).bias, rel=1e-3)


def test_seconds_never_speak_for_the_same_person():
    truth = FittedCalibration(score_weight=8.0, enrol_weight=-1.0, test_weight=-1.0, bias=-6.0)
    found = fit([simulated(np.random.default_rng(6), 3_000, truth=truth)])
    assert (found.enrol_weight, found.test_weight) == (0.0, 0.0)
    assert found.score_weight > 0


def test_too_little_is_refused():
    trials = simulated(np.random.default_rng(7), 1_000)
    few = np.concatenate([np.flatnonzero(trials.same)[:99], np.flatnonzero(~trials.same)])
    with pytest.raises(
        TrialsError, match=r"at least 10 enrolled speakers and 100 trials each .* there are 20 .*, 99 and"
    ):
        fit([chosen(trials, few)])
    with pytest.raises(TrialsError, match="there are 9 speakers"):
        fit([simulated(np.random.default_rng(7), 1_000, speakers=9)])
    with pytest.raises(TrialsError, match="and 0 trials"):
        fit([chosen(trials, np.flatnonzero(trials.same))])
    with pytest.raises(TrialsError, match="two sources"):
        leave_one_source_out([trials])


def test_scores_without_an_error_are_refused():
    same = np.tile([True, False], 200)
    perfect = ScoredTrials(
        source="easy",
        same=same,
        cosines=np.where(same, 0.8, 0.3) + np.linspace(0, 0.1, 400),
        enrol_seconds=np.full(400, 10.0),
        test_seconds=np.full(400, 10.0),
        speakers=np.array([f"s{i % 20}" for i in range(400)]),
    )
    with pytest.raises(TrialsError, match="without a single error"):
        fit([perfect])


def test_values_that_are_no_numbers_are_refused():
    trials = simulated(np.random.default_rng(8), 1_000)
    trials.cosines[3] = math.nan
    with pytest.raises(TrialsError, match="not finite"):
        fit([trials])


def test_each_source_is_measured_by_the_fit_to_the_others():
    generator = np.random.default_rng(9)
    sources = [simulated(generator, 1_500, source=name) for name in ["one", "two", "three"]]
    result = leave_one_source_out(sources)
    assert [held.source for held in result.sources] == ["one", "two", "three"]
    assert result.sources[1].calibration == fit([sources[0], sources[2]])
    assert [held.report.trials for held in result.sources] == [1_500] * 3
    assert result.pooled.trials == 4_500
    assert result.pooled.calibration_loss < 0.05
    assert result.to_dict()["sources"][0]["calibration"]["score_weight"] > 0


def recorded(generator, count, truth, **columns):
    """Trials whose sides are a telephone or noisy at random, of `truth`."""
    trials = simulated(generator, count)
    names = ["enrol_telephone", "test_telephone", "enrol_snr", "test_snr"]
    values = [*generator.integers(0, 2, (2, count)).astype(float), *generator.uniform(0, 30, (2, count))]
    trials = replace(trials, **dict(zip(names, values, strict=True)), **columns)
    odds = truth.log_odds(trials.cosines, trials.enrol, trials.test)
    return replace(trials, same=generator.random(count) < 1 / (1 + np.exp(-odds)))


def test_what_channels_and_noise_do_is_found_again():
    truth = FittedCalibration(
        **{**TRUTH.to_dict(), "channel_mismatch": 3.0, "noise_mismatch": 2.0, "noise_shared": 1.0}
    )
    found = fit([recorded(np.random.default_rng(10), 40_000, truth)])
    assert found.channel_mismatch == pytest.approx(3.0, rel=0.1)
    assert found.noise_mismatch == pytest.approx(2.0, rel=0.1)
    assert found.noise_shared == pytest.approx(1.0, rel=0.15)


def test_copies_count_less_than_the_trials_and_are_left_out_with_their_source():
    generator = np.random.default_rng(11)
    sources = [simulated(generator, 1_500, source=name) for name in ("one", "two")]
    wrong = FittedCalibration(**{**TRUTH.to_dict(), "bias": 3.0})
    copy = simulated(generator, 1_500, source="two", truth=wrong)
    plain, moved, whole = (fit(sources, copies=copies).bias for copies in ((), (copy,), (copy,) * 4))
    assert abs(plain - moved) < abs(plain - whole)
    crossed = leave_one_source_out(sources, copies=[copy])
    assert crossed.sources[1].calibration == fit([sources[0]])
    assert crossed.sources[0].calibration == fit([sources[1]], copies=[copy])


CURRENT = SameVoice(name="toy", fitted=True, centre=np.zeros(2, np.float32), **TRUTH.to_dict())


def test_strangers_are_fitted_and_the_share_of_them_who_are_named_does_not_grow():
    chance = np.random.default_rng(12)
    of_voice = chance.normal(-5.0, 2.0, (200, 1))  # some voices are like many people, others like few
    odds = of_voice + chance.normal(0.0, 2.0, (200, 250))
    fitted = fit_strangers(odds, CURRENT)
    assert fitted.rivals_spread < 0.9
    assert replace(fitted, strangers_mean=0, strangers_spread=0, rivals_spread=0, rivals_people=0) == replace(
        CURRENT, strangers_mean=0, strangers_spread=0, rivals_spread=0, rivals_people=0
    )
    alone = np.mean(odds > 0)
    for size in (10, 100, 250):
        best = nearest(odds, size, draws=20, seed=1)
        assert np.mean(fitted.among(best, size)[:, -1] > 0) == pytest.approx(alone, rel=0.35)
        assert np.mean(best[:, -1] > 0) > 3 * alone
    with pytest.raises(TrialsError, match="20 people"):
        fit_strangers(odds[:, :19], CURRENT)


def test_few_people_move_the_calibration_a_little_and_many_where_they_say():
    other = FittedCalibration(**{**TRUTH.to_dict(), "bias": 1.0})
    few = refit(CURRENT, simulated(np.random.default_rng(13), 2_000, speakers=10, truth=other))
    many = refit(CURRENT, simulated(np.random.default_rng(13), 2_000, speakers=1_000, truth=other))
    assert CURRENT.bias < few.bias < many.bias
    assert few.enrol_weight / few.score_weight == pytest.approx(CURRENT.enrol_weight / CURRENT.score_weight)
    assert few.strangers_mean > CURRENT.strangers_mean * few.score_weight / CURRENT.score_weight
    loose = refit(replace(CURRENT, fitted=False), simulated(np.random.default_rng(13), 2_000, speakers=10, truth=other))
    assert loose.fitted
    assert abs(loose.bias - many.bias) < abs(few.bias - many.bias)
