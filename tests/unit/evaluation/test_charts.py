"""Pictures: what they say, that they are the same each time, and what is refused."""

import re
import sys

import matplotlib as mpl
import numpy as np
import pytest

from timbre.errors import ExtraMissing, OptionError
from timbre.evaluation.calibration import calibration_report
from timbre.evaluation.charts import draw_det, draw_reliability
from timbre.evaluation.verification import det_curve

GENERATOR = np.random.default_rng(1)
SAME = np.tile([True, False, False], 300)
SCORES = 3 * GENERATOR.normal(size=900) + 8 * SAME - 4
CURVES = {"telephone": det_curve(SCORES, SAME), "studio": det_curve(SCORES + 6 * SAME, SAME)}
REPORTS = {"telephone": calibration_report(SCORES, SAME)}


def texts(path):
    return re.findall(r"<text [^>]*>(.*?)</text>", path.read_text(encoding="utf-8"))


def test_the_det_picture_names_axes_curves_and_error_rates(tmp_path):
    draw_det(CURVES, tmp_path / "det.svg")
    shown = texts(tmp_path / "det.svg")
    rate = 100 * CURVES["telephone"].equal_error_rate
    assert f"telephone (EER {rate:.1f} %)" in shown
    assert "False alarms: different people accepted (%)" in shown
    assert "Misses: same person refused (%)" in shown


def test_the_reliability_picture_names_axes_and_measures(tmp_path):
    draw_reliability(REPORTS, tmp_path / "reliability.svg")
    shown = texts(tmp_path / "reliability.svg")
    report = REPORTS["telephone"]
    label = f"telephone (Cllr {report.cllr:.3f}, min {report.min_cllr:.3f}, ECE {report.ece:.3f})"
    assert label in shown
    assert "Predicted probability that it is the same person" in shown


@pytest.mark.parametrize(("draw", "values"), [(draw_det, CURVES), (draw_reliability, REPORTS)])
def test_the_same_values_give_the_same_bytes(tmp_path, draw, values):
    for name in ["one.svg", "two.svg"]:
        draw(values, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()


@pytest.mark.parametrize(("draw", "values"), [(draw_det, CURVES), (draw_reliability, REPORTS)])
def test_png_by_the_extension_whatever_its_case(tmp_path, draw, values):
    draw(values, tmp_path / "chart.PNG")
    assert (tmp_path / "chart.PNG").read_bytes().startswith(b"\x89PNG")


def test_perfect_and_hopeless_scores_can_be_drawn(tmp_path):
    perfect, hopeless = det_curve([0.0, 1.0], [False, True]), det_curve([1.0, 0.0], [False, True])
    draw_det({"perfect": perfect, "hopeless": hopeless}, tmp_path / "det.svg")
    assert "perfect (EER 0.0 %)" in texts(tmp_path / "det.svg")


def test_matplotlib_is_left_as_it_was(tmp_path):
    before = mpl.rcParams.copy()
    draw_det(CURVES, tmp_path / "det.svg")
    assert mpl.rcParams.copy() == before


def test_other_kinds_of_pictures_are_refused(tmp_path):
    with pytest.raises(OptionError, match=r"det\.pdf: a picture's file ends in \.png or \.svg"):
        draw_det(CURVES, tmp_path / "det.pdf")


def test_without_the_extra_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ExtraMissing, match=r'pip install "timbre\[evaluation\]"'):
        draw_det(CURVES, tmp_path / "det.png")
