"""`timbre models`, `doctor` and `version`: what is on this machine, and what is missing."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from command_line import run, started
from hub import running_hub
from server import CONVERSATION, SAMPLES
from timbre import __version__
from timbre.identification.voiceprint import Voiceprint
from timbre.models import store
from timbre.models.catalogue import catalogue
from timbre.models.fits import Fits
from timbre.models.same_voice import load_same_voice
from timbre.models.variation import assumed

PLACE = Path(store.__file__).parent / "shipped"
SHIPPED = ("silero-vad-6", "timbre-voice-1")  # the pack base


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder of models of a machine that has none."""
    folder = tmp_path / "models"
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(folder))
    return folder


@pytest.fixture
def archive(tmp_path) -> Path:
    """The models of this machine, exported."""
    path = tmp_path / "models.tar"
    ended = run("models", "export", path)
    assert ended.code == 0
    assert "ge2e: exported" in ended.out.splitlines()
    assert not any(name in ended.out for name in SHIPPED)
    return path


def test_models_travel_in_an_archive_to_a_machine_without_network(archive, folder, monkeypatch):
    monkeypatch.setenv("TIMBRE_OFFLINE", "1")
    missing = run("models", "pull", "ge2e")
    assert missing.code == 3
    assert "TIMBRE_OFFLINE" in missing.err
    imported = run("models", "import", archive)
    assert "ge2e: imported" in imported.out.splitlines()
    pulled = run("models", "pull", "ge2e")
    assert (pulled.code, pulled.out, pulled.err) == (0, "ge2e: complete\n", "")


def test_base_is_complete_from_the_start(folder):
    pulled = run("models", "pull", "base")
    assert (pulled.code, pulled.out, pulled.err) == (0, "base: complete\n", "")
    verified = run("models", "verify")
    assert verified.code == 0
    assert [line.split()[0] for line in verified.out.splitlines()[1:]] == [*SHIPPED]
    nothing = run("models", "export", folder.parent / "models.tar")
    assert nothing.code == 3
    assert "There is nothing to export" in nothing.err
    assert not folder.exists()


def test_a_pull_that_changes_what_everybody_uses_says_what_it_means_and_asks(folder, monkeypatch):
    monkeypatch.setenv("TIMBRE_MODEL", "auto")
    monkeypatch.setenv("TIMBRE_OFFLINE", "1")  # so that what was agreed to ends at once
    ended = run("models", "pull", "standard")  # nobody is there to be asked
    assert (ended.code, ended.out) == (3, "")
    assert "standard is used from now on in place of base, by everybody on this machine." in ended.err
    assert "timbre speakers upgrade" in ended.err
    for answer, code in ((b"n\n", 2), (b"y\n", 3)):
        terminal, standing_in = pty.openpty()
        os.write(terminal, answer)
        asked = started("models", "pull", "standard", stdin=standing_in)
        _, told = asked.communicate(timeout=60)
        assert asked.returncode == code, told
        assert "Pull standard? [y/N]" in told.decode()
        os.close(terminal)
        os.close(standing_in)
    monkeypatch.setenv("TIMBRE_MODEL", "base")  # nobody is concerned
    assert "in place of" not in run("models", "pull", "standard").err


def test_a_damaged_file_is_found_and_named(archive, folder):
    run("models", "import", archive)
    with (folder / "ge2e.onnx").open("ab") as file:
        file.write(b"\0")
    ended = run("models", "verify")
    assert ended.code == 3
    states = {line.split()[0]: line.split()[2] for line in ended.out.splitlines()[1:]}
    assert states["silero-vad-6"] == states["timbre-voice-1"] == "present"
    assert states["ge2e"] == "corrupt"
    assert ended.err == "timbre: Damaged: ge2e; get them again with `timbre models pull PACK`.\n"
    examined = run("doctor", "--model", "ge2e")
    assert examined.code == 3
    assert "pack ge2e: timbre models pull ge2e" in examined.out.splitlines()


def test_damage_to_what_comes_with_timbre_asks_for_another_installation(folder, tmp_path, monkeypatch):
    copy = tmp_path / "shipped"
    shutil.copytree(PLACE, copy)
    monkeypatch.setattr("timbre.models.store._SHIPPED", copy)
    (copy / "silero-vad-6.onnx").write_bytes(b"damaged")
    ended = run("models", "verify")
    assert ended.code == 3
    assert ended.err == "timbre: Damaged, of what comes with Timbre: silero-vad-6; install Timbre again.\n"
    examined = run("doctor")
    assert examined.code == 3
    assert "pack base: install Timbre again" in examined.out.splitlines()


def test_a_file_is_known_by_its_content_and_not_added_if_it_comes_with_timbre(folder, tmp_path):
    shutil.copyfile(PLACE / "silero-vad-6.onnx", tmp_path / "any.name")
    ended = run("models", "add", tmp_path / "any.name")
    assert (ended.code, ended.out) == (0, "silero-vad-6: comes with Timbre\n")
    foreign = tmp_path / "foreign"
    foreign.write_text("no model")
    assert run("models", "add", foreign).code == 3


def test_the_list_says_what_is_here_how_large_and_under_which_licence(archive, folder):
    run("models", "import", archive)
    lines = run("models", "list").out.splitlines()
    assert any(line.split()[:7] == ["base", "complete", "3.8", "MB", "yes", "Apache-2.0,", "MIT"] for line in lines)
    assert "silero-vad-6           vad        present   1.2 MB  MIT" in lines
    packs = {pack["name"]: pack for pack in json.loads(run("models", "list", "--json").out)["packs"]}
    assert packs["base"]["complete"]
    assert [file["name"] for file in packs["base"]["files"] if file["shipped"]] == [*SHIPPED]
    assert not packs["standard"]["complete"]


def test_a_hub_that_lacks_the_file_ends_the_pull_with_the_reason(folder, monkeypatch):
    with running_hub() as hub:
        monkeypatch.setenv("TIMBRE_HUB_ENDPOINT", hub.endpoint)
        ended = run("models", "pull", "base-segmented")
    assert (ended.code, ended.out) == (3, "")
    assert f"{hub.endpoint} does not give segmentation-3.0" in ended.err


def test_the_doctor_hears_for_itself_that_diarization_works():
    ended = run("doctor", "--model", "base", "--json")
    report = json.loads(ended.out)
    findings = {finding["subject"]: finding for finding in report["findings"]}
    assert (ended.code, report["works"]) == (0, True)
    assert findings["pack base"]["state"] == "ok"
    assert findings["diarization"]["detail"].startswith("works: pack base on cpu, 4.0 s of sound in ")


def test_without_a_gpu_the_doctor_and_the_commands_say_what_to_install():
    ended = run("doctor", "--model", "base", "--device", "cuda")
    assert ended.code == 3
    assert "onnxruntime-gpu" in " ".join(ended.out.split())
    ended = run("diarize", "nothing.wav", "--model", "base", "--device", "cuda")
    assert ended.code == 3
    assert "docs/how-to/use-a-gpu.md" in ended.err


def test_the_doctor_says_how_to_get_what_is_missing(folder):
    ended = run("doctor", "--model", "ge2e")
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert "pack ge2e: timbre models pull ge2e" in lines
    assert any(line.split()[:2] == ["diarization", "broken"] and "timbre models pull" in line for line in lines)


def test_the_doctor_survives_settings_that_cannot_be(monkeypatch):
    monkeypatch.setenv("TIMBRE_MAX_HOURS", "-1")
    ended = run("doctor")
    assert ended.code == 3
    assert "TIMBRE_MAX_HOURS: Input should be greater than 0" in ended.out


def test_the_version_is_that_of_the_package():
    assert run("version").out == f"timbre {__version__}\n"


@pytest.fixture
def speech(tmp_path, voice) -> Path:
    """Twenty-eight people, four times each: those of the samples, and what they are when read slower and faster."""
    for name in ("Ada", "Ben", "Callum", "Dan"):
        for rate in (0.74, 0.82, 0.9, 1.0, 1.11, 1.22, 1.35):
            for day in range(4):
                said = voice(name)[day * 80_000 :][: int(64_000 * rate)]
                place = tmp_path / "speech" / f"{name}-{rate}" / f"{day}.wav"
                place.parent.mkdir(parents=True, exist_ok=True)
                read = np.interp(np.arange(0, len(said) - 1, rate), np.arange(len(said)), said)
                with wave.open(str(place), "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(16_000)
                    file.writeframes((read * 32_767).astype("<i2").tobytes())
    return tmp_path / "speech"


@pytest.mark.exhaustive
def test_an_encoder_is_calibrated_on_labelled_speech_and_goes_back(speech, folder, tmp_path):
    encoder = next(encoder for encoder in catalogue().encoders if encoder.name == "timbre-voice-1")
    shipped = load_same_voice(encoder.calibration, 256)
    before = voiceprint_of_ada()
    worthless = dataclasses.replace(shipped, fitted=False, score_weight=1.0, bias=0.0)
    Fits(folder, encoder).keep(worthless, assumed(256))

    broken = speech / "Ada-1.0" / "0-broken.wav"  # the first of its person
    broken.write_bytes(b"no sound")
    ended = run("models", "calibrate", "base", "--speech", speech)
    assert ended.code == 0, ended.err
    assert f"{broken}: " in ended.err
    assert "timbre-voice-1 scores like this from now on" in ended.out
    listed = json.loads(run("models", "list", "--json").out)["packs"]
    own = next(pack["calibration"] for pack in listed if pack["name"] == "base")
    assert own["fitted"]
    assert own["fitted_here"]
    assert own["fitted_to"].startswith("28 people, speech, ")
    assert "timbre-voice-1: calibrated on 28 people, speech" in run("models", "list").out
    after = voiceprint_of_ada()
    assert Voiceprint.from_text(after).space != Voiceprint.from_text(before).space

    # Who has a voiceprint of before is heard as before; both kinds at once are refused.
    (tmp_path / "before.voiceprint").write_text(before)
    (tmp_path / "after.voiceprint").write_text(after)
    named = run("identify", CONVERSATION, "--voiceprint", f"Ada={tmp_path / 'before.voiceprint'}", "--format", "csv")
    assert named.code == 0, named.err
    assert "Ada" in named.out
    both = [f"--voiceprint={name}={tmp_path / f'{name}.voiceprint'}" for name in ("before", "after")]
    assert run("identify", CONVERSATION, *both).code != 0

    back = run("models", "calibrate", "base", "--as-shipped")
    assert (back.code, back.out) == (0, "timbre-voice-1 scores as it comes with Timbre.\n")
    again = json.loads(run("models", "list", "--json").out)["packs"]
    assert not next(pack["calibration"]["fitted_here"] for pack in again if pack["name"] == "base")


def test_what_an_encoder_cannot_be_calibrated_on_is_said(folder, tmp_path):
    neither = run("models", "calibrate", "base")
    assert neither.code != 0
    assert "--speech" in neither.err
    (tmp_path / "speech" / "Ada").mkdir(parents=True)
    few = run("models", "calibrate", "base", "--speech", tmp_path / "speech")
    assert few.code != 0
    assert "takes 25 people" in few.err


def voiceprint_of_ada() -> str:
    ended = run("voiceprint", SAMPLES / "enrol" / "Ada.flac")
    assert ended.code == 0, ended.err
    return ended.out.strip()
