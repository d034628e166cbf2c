"""The calibrated model: its arithmetic by hand, its files, and one calibration for every encoder of the catalogue."""

import math
from pathlib import Path

import numpy as np
import pytest

from timbre.errors import ModelCorrupt, ModelUnknown
from timbre.models.catalogue import catalogue
from timbre.models.same_voice import SameVoice, load_same_voice, read_same_voice, write_same_voice

MODEL = SameVoice(
    name="test",
    fitted=True,
    score_weight=10.0,
    enrol_weight=0.5,
    test_weight=1.0,
    bias=-3.0,
    centre=np.array([0.5, 0, 0, 0], np.float32),
)


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
    assert fitted == {"ge2e"}
    with pytest.raises(ModelUnknown):
        load_same_voice("nobody", 256)
