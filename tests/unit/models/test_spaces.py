"""Encoders are found by the spaces of what they made, whichever pack has them now."""

from __future__ import annotations

from pathlib import Path

import pytest

from timbre import Settings
from timbre.errors import VoiceprintMismatch
from timbre.identification.namer import common_space, load_namer_of
from timbre.identification.voiceprint import Voiceprint
from timbre.models.catalogue import catalogue
from timbre.models.same_voice import load_same_voice, write_same_voice
from timbre.models.spaces import find_space, own_space

ENCODERS = catalogue().encoders


def voiceprint(encoder: str, settings: Settings) -> Voiceprint:
    vectors = load_same_voice("ge2e", None).centre[None]
    file = next(file for file in ENCODERS if file.name == encoder)
    return Voiceprint(prototypes=vectors, seconds=(5.0,), space=own_space(file, settings).name)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda file: file.name)
def test_every_encoder_is_found_with_the_calibration_of_its_own(encoder):
    settings = Settings()
    found = find_space(own_space(encoder, settings).name, settings)
    assert found is not None
    assert found.encoder == encoder
    assert found.same_voice().name == encoder.calibration


def test_no_encoder_makes_the_space_of_another():
    assert len({own_space(encoder, Settings()).name for encoder in ENCODERS}) == len(ENCODERS)
    assert find_space("0123456789abcdef", Settings()) is None


def test_what_was_made_before_another_calibration_keeps_its_own(tmp_path: Path):
    before, file = Settings(), next(file for file in ENCODERS if file.name == "ge2e")
    text = write_same_voice(load_same_voice("timbre-voice-1", None))
    (tmp_path / "ours.toml").write_text(text)
    after = Settings(calibration=tmp_path / "ours.toml")
    old, new = own_space(file, before), own_space(file, after)
    assert old.name != new.name
    assert find_space(old.name, after) == old
    assert find_space(new.name, after) == new
    assert find_space(new.name, before) is None
    assert load_namer_of(old.name, after).same_voice.name == "ge2e"


def test_voiceprints_of_one_space_choose_it_and_those_of_several_are_named():
    settings = Settings()
    one, other = voiceprint("timbre-voice-1", settings), voiceprint("ge2e", settings)
    assert common_space({}, settings, own=one.space) == one.space
    assert common_space({"Ada": other, "Ben": other}, settings, own=one.space) == other.space
    with pytest.raises(VoiceprintMismatch, match=r"make again: Ada \(ge2e\), Cleo \(ge2e\)\.$"):
        common_space({"Ada": other, "Ben": one, "Cleo": other}, settings, own=one.space)
