"""Fits of an encoder: one is in use, all are kept for the voiceprints that were made with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from timbre import Settings
from timbre.errors import ModelCorrupt, ModelError
from timbre.models.catalogue import catalogue
from timbre.models.fits import Fits
from timbre.models.same_voice import load_same_voice
from timbre.models.spaces import find_space, own_space
from timbre.models.variation import assumed

ENCODER = next(encoder for encoder in catalogue().encoders if encoder.name == "ge2e")


def moved(centre: float):
    shipped = load_same_voice("ge2e", 256)
    return replace(shipped, centre=np.full(256, centre, np.float32), fitted_to='20 people, "ours"')


def test_the_last_fit_is_used_and_all_are_found_by_their_spaces(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path)
    fits, shipped = Fits(tmp_path, ENCODER), own_space(ENCODER, settings)
    assert (fits.in_use, [*fits], shipped.fit) == (None, [], None)
    spaces = []
    for centre in (0.01, 0.02):
        fits.keep(moved(centre), replace(assumed(256), moods=np.full(256, centre, np.float32)))
        spaces.append(own_space(ENCODER, settings))
    assert len({shipped.name, *(space.name for space in spaces)}) == 3
    for space, centre in zip(spaces, (0.01, 0.02), strict=True):
        found = find_space(space.name, settings)
        assert found == space
        assert found.same_voice(256).centre[0] == pytest.approx(centre)
        assert found.same_voice(256).fitted_to == '20 people, "ours"'
        assert found.variation(256).moods[0] == pytest.approx(centre, rel=1e-3)
    assert find_space(shipped.name, settings) == shipped

    fits.lay_aside()
    fits.lay_aside()
    assert own_space(ENCODER, settings) == shipped
    assert find_space(spaces[0].name, settings) == spaces[0]


def test_a_calibration_of_the_settings_goes_before_and_keeps_the_spread_of_the_fit(tmp_path: Path) -> None:
    Fits(tmp_path, ENCODER).keep(moved(0.01), assumed(256))
    in_use = own_space(ENCODER, Settings(models_dir=tmp_path))
    named = own_space(ENCODER, Settings(models_dir=tmp_path, calibration=tmp_path / "ours.toml"))
    assert in_use.fit is not None
    assert named.fit is not None
    assert named.fit.scores == tmp_path / "ours.toml"
    assert named.fit.variation == in_use.fit.variation


def test_what_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "calibrations").touch()
    with pytest.raises(ModelError, match="calibrations"):
        Fits(tmp_path, ENCODER).keep(moved(0.01), assumed(256))
    fits = Fits(tmp_path / "other", ENCODER)
    fits.keep(moved(0.01), assumed(256))
    fit = fits.in_use
    assert fit is not None
    fit.scores.unlink()
    with pytest.raises(ModelCorrupt, match="timbre calibrate"):
        own_space(ENCODER, Settings(models_dir=tmp_path / "other")).same_voice(256)
