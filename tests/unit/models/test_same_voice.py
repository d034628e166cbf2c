"""The calibrated model: its arithmetic by hand, its files, and one calibration for every encoder of the catalogue."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from timbre.audio.acoustics import Acoustics
from timbre.errors import ModelCorrupt, ModelUnknown
from timbre.models.catalogue import catalogue
from timbre.models.same_voice import SameVoice, Side, load_same_voice, read_same_voice, write_same_voice

MODEL = SameVoice(
    name="test",
    fitted=True,
    score_weight=10.0,
    enrol_weight=0.5,
    test_weight=1.0,
    bias=-3.0,
    centre=np.array([0.5, 0, 0, 0], np.float32),
    channel_mismatch=3.0,
    noise_mismatch=2.0,
    noise_shared=1.0,
)
CALL = Side(seconds=10.0, telephone=1.0, snr=30.0)
STUDIO = Side(seconds=10.0, telephone=0.0, snr=30.0)
NOISY = Side(seconds=10.0, telephone=0.0, snr=5.0)


def test_log_odds_by_hand() -> None:
    assert float(MODEL.log_odds(0.8, math.e, 1.0)) == pytest.approx(10 * 0.8 - 0.5 - 3)
    assert float(MODEL.probability(0.3, 1.0, 1.0)) == pytest.approx(0.5)


def test_durations_are_clipped_to_where_they_mean_something() -> None:
    assert float(MODEL.log_odds(0.5, 0.01, 1e6)) == float(MODEL.log_odds(0.5, 0.5, 40.0))


def test_cosine_at_is_the_inverse() -> None:
    cosine = MODEL.cosine_at(2.0, 12.0, 3.0)
    assert float(MODEL.log_odds(cosine, 12.0, 3.0)) == pytest.approx(2.0)


def test_centring_takes_the_mean_off_and_gives_unit_rows() -> None:
    rows = MODEL.centred(np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.5, 0, 0, 0]], np.float32))
    assert rows.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(write_same_voice(MODEL))
    read = read_same_voice(path, 4)
    assert (read.name, read.fitted, read.score_weight, read.bias) == ("mine", True, 10.0, -3.0)
    assert read.centre.tolist() == MODEL.centre.tolist()
    assert replace(read, name="test", centre=MODEL.centre) == MODEL


@pytest.mark.parametrize("text", ["", "fitted = maybe", "fitted = true\nscore_weight = 'a lot'"])
def test_files_that_are_no_calibration_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ModelCorrupt, match=r"mine\.toml.*timbre calibrate"):
        read_same_voice(path, 4)


def test_a_calibration_for_another_dimension_is_refused() -> None:
    with pytest.raises(ModelCorrupt, match="256"):
        load_same_voice("ge2e", 192)


def test_every_encoder_has_a_calibration_that_says_whether_it_was_fitted() -> None:
    encoders = [file for file in catalogue().files.values() if file.kind == "encoder"]
    fitted = {encoder.name for encoder in encoders if load_same_voice(encoder.calibration, 256).fitted}
    assert fitted == {"ge2e", "timbre-voice-1"}
    with pytest.raises(ModelUnknown):
        load_same_voice("nobody", 256)


def test_channels_and_noise_by_hand() -> None:
    plain = float(MODEL.log_odds(0.5, 10.0, 10.0))
    assert float(MODEL.log_odds(0.5, CALL, STUDIO)) == pytest.approx(plain + 3.0)
    assert float(MODEL.log_odds(0.5, STUDIO, NOISY)) == pytest.approx(plain + 2.0 * 1.5)
    assert float(MODEL.log_odds(0.5, NOISY, NOISY)) == pytest.approx(plain - 1.0 * 1.5)


def test_like_channels_and_what_is_not_known_change_nothing() -> None:
    plain = float(MODEL.log_odds(0.5, 10.0, 10.0))
    unknown = Side.of([10.0], [Acoustics()])
    for pair in ((CALL, CALL), (STUDIO, STUDIO), (unknown, NOISY), (CALL, unknown), (unknown, unknown)):
        assert float(np.squeeze(MODEL.log_odds(0.5, *pair))) == pytest.approx(plain)


def test_a_higher_cosine_always_means_more() -> None:
    for sides in ((CALL, NOISY), (NOISY, NOISY), (CALL, CALL), (Side(seconds=0.1), Side(seconds=100.0))):
        assert (np.diff(MODEL.log_odds(np.linspace(-1, 1, 50), *sides)) > 0).all()


def test_one_voiceprint_is_worth_what_it_was_and_more_people_ask_for_more() -> None:
    odds = np.linspace(-20, 20, 81)[:, None]  # each a voice of its own
    assert (MODEL.among(odds, 1) == odds).all()
    worth = np.stack([MODEL.among(odds, people) for people in (1, 2, 10, 1_000, 1_000_000)])
    assert np.isfinite(worth).all()
    assert (np.diff(worth, axis=0) < 0).all()
    assert (np.diff(worth, axis=1) > 0).all()


def test_who_has_the_higher_log_odds_is_worth_more_whatever_the_gallery() -> None:
    row = np.linspace(-20, 20, 81)
    for people in (81, 1_000, 1_000_000):
        worth = MODEL.among(row, people)
        assert np.isfinite(worth).all()
        assert (np.diff(worth) > 0).all()


def test_the_best_of_a_few_strangers_passes_as_rarely_as_one() -> None:
    people, strangers = 10, np.random.default_rng(1).normal(-4.5, 3.0, (20_000, 10))
    alone = float(np.mean(strangers > 0))
    assert np.mean(MODEL.among(strangers, people).max(axis=1) > 0) == pytest.approx(alone, rel=0.1)


def test_by_hand_among_ten_thousand() -> None:
    """The 11th best lies 3.07 spreads above the mean in so many; it is one of 10 000 / 10 200 parts of the answer."""
    row = np.array([[5.0, *[2.0] * 10, *[-3.0] * 9]])
    place, own = 3.0722, 0.75 * 3.0
    mean = -4.5 * 200 / 10_200 + (2.0 - own * place) * 10_000 / 10_200
    spread = 3.0 * 200 / 10_200 + own * 10_000 / 10_200
    single = 10_000 * math.log(0.5 * math.erfc(-(5.0 - mean) / spread / math.sqrt(2)))
    worth = float(MODEL.among(row, 10_000)[0, 0])
    assert math.log(0.5 * math.erfc(-(worth + 4.5) / 3.0 / math.sqrt(2))) == pytest.approx(single, rel=1e-3)


def test_a_voice_that_is_like_many_has_to_be_surer() -> None:
    def worth(rivals: float, people: int = 1_000) -> float:
        return float(MODEL.among(np.array([5.0, *[rivals] * 20]), people)[0])

    assert worth(3.0) < worth(1.5) < worth(0.5)
    assert worth(-5.0) == worth(-20.0), "so few likenesses are not believed"
    assert worth(3.0, 11) - worth(1.5, 11) > worth(3.0) - worth(1.5), "in a small gallery they count little"


def test_a_second_sample_of_a_person_takes_nothing_from_the_first() -> None:
    row = np.linspace(0, -12, 30)
    once, twice = np.append(5.0, row), np.array([5.0, 5.0, *row[1:]])
    assert MODEL.among(once, 1_000)[0] == pytest.approx(float(MODEL.among(twice, 1_000)[0]), abs=0.2)


def test_the_nearest_people_are_enough() -> None:
    rows = np.random.default_rng(4).normal(-4.5, 3.0, (5, 2_000))
    near = -np.sort(-rows, axis=1)[:, :20]
    assert MODEL.among(near, 2_000) == pytest.approx(-np.sort(-MODEL.among(rows, 2_000), axis=1)[:, :20])


def test_a_file_of_an_earlier_version_is_read_with_nothing_for_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    weights = ("score_weight = 9.0", "enrol_weight = 0.1", "test_weight = 0.2", "bias = -1.0", "strangers_power = 0.9")
    path.write_text("\n".join(("fitted = true", *weights)))
    read = read_same_voice(path, 4)
    assert (read.channel_mismatch, read.noise_mismatch, read.noise_shared) == (0.0, 0.0, 0.0)
    assert (read.strangers_mean, read.strangers_spread) == (-4.5, 3.0)
    assert (read.rivals_spread, read.rivals_people) == (0.75, 200.0)
