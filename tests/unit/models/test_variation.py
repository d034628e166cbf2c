"""The file that says how an encoder's vectors vary."""

import numpy as np
import pytest

from timbre.errors import ModelCorrupt
from timbre.models.catalogue import catalogue
from timbre.models.variation import Variation, load_variation, read_variation, write_variation

MADE = Variation(
    axes=np.eye(6, 4, dtype=np.float32),
    people=np.array([4, 3, 2, 1], np.float32),
    moods=np.full(4, 0.25, np.float32),
    windows=np.full(4, 2.0, np.float32),
)


def test_what_is_written_is_read_again() -> None:
    data = write_variation(MADE)
    read = read_variation(data, "test", 6)
    for name in ("axes", "people", "moods", "windows"):
        assert (getattr(read, name) == getattr(MADE, name)).all()
    assert read.fitted
    assert write_variation(MADE) == data


def test_a_damaged_file_and_one_of_another_encoder_are_named() -> None:
    data = write_variation(MADE)
    with pytest.raises(ModelCorrupt, match="mine cannot be used"):
        read_variation(data[:100], "mine", 6)
    with pytest.raises(ModelCorrupt, match="mine is for vectors of 6 numbers, the encoder's have 192"):
        read_variation(data, "mine", 192)


def test_every_encoder_has_one_and_an_assumption_is_called_so() -> None:
    fitted = {encoder.name for encoder in catalogue().encoders if load_variation(encoder.calibration, 256).fitted}
    assert "timbre-voice-1" in fitted
    assert not load_variation("nobody", 192).fitted
    assert load_variation("nobody", 192).axes.shape == (192, 192)
