"""`timbre models`, `doctor` and `version`: what is on this machine, and what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from command_line import run
from hub import running_hub
from timbre import Settings, __version__

FILES = ("silero-vad-6", "ge2e")  # of the pack base


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
    assert {f"{name}: exported" for name in FILES} <= set(ended.out.splitlines())
    return path


def test_models_travel_in_an_archive_to_a_machine_without_network(archive, folder, monkeypatch):
    monkeypatch.setenv("TIMBRE_OFFLINE", "1")
    assert run("models", "verify").code == 3
    missing = run("models", "pull", "base")
    assert missing.code == 3
    assert "TIMBRE_OFFLINE" in missing.err
    imported = run("models", "import", archive)
    assert {f"{name}: imported" for name in FILES} <= set(imported.out.splitlines())
    pulled = run("models", "pull", "base")
    assert (pulled.code, pulled.out, pulled.err) == (0, "base: complete\n", "")


def test_a_damaged_file_is_found_and_named(archive, folder):
    run("models", "import", archive)
    with (folder / "ge2e.onnx").open("ab") as file:
        file.write(b"\0")
    ended = run("models", "verify")
    assert ended.code == 3
    states = {line.split()[0]: line.split()[2] for line in ended.out.splitlines()[1:]}
    assert {name: states[name] for name in FILES} == {"silero-vad-6": "present", "ge2e": "corrupt"}
    assert ended.err == "timbre: Damaged: ge2e; get them again with `timbre models pull PACK`.\n"
    examined = run("doctor", "--model", "base")
    assert examined.code == 3
    assert "pack base: timbre models pull base" in examined.out.splitlines()


def test_a_file_that_one_has_is_taken_in_under_its_name(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("TIMBRE_MODELS_DIR")
    found = Settings().models_dir / "silero-vad-6.onnx"
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(folder))
    shutil.copyfile(found, tmp_path / "any.name")
    ended = run("models", "add", tmp_path / "any.name")
    assert (ended.code, ended.out) == (0, "silero-vad-6: added\n")
    foreign = tmp_path / "foreign"
    foreign.write_text("no model")
    assert run("models", "add", foreign).code == 3


def test_the_list_says_what_is_here_how_large_and_under_which_licence(archive, folder):
    run("models", "import", archive)
    lines = run("models", "list").out.splitlines()
    assert any(line.split()[:6] == ["base", "complete", "18.3", "MB", "Apache-2.0,", "MIT"] for line in lines)
    assert "silero-vad-6           vad        present   1.2 MB  MIT" in lines
    packs = {pack["name"]: pack for pack in json.loads(run("models", "list", "--json").out)["packs"]}
    assert packs["base"]["complete"]
    assert [file["name"] for file in packs["base"]["files"]] == [*FILES]
    assert not packs["standard"]["complete"]


def test_a_hub_that_lacks_the_file_ends_the_pull_with_the_reason(archive, folder, monkeypatch):
    run("models", "import", archive)
    (folder / "segmentation-3.0-int8.onnx").unlink(missing_ok=True)
    (folder / "segmentation-3.0.onnx").unlink(missing_ok=True)
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
    ended = run("doctor")
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert "pack base: timbre models pull base" in lines
    assert any(line.split()[:2] == ["diarization", "broken"] and "timbre models pull" in line for line in lines)


def test_the_doctor_survives_settings_that_cannot_be(monkeypatch):
    monkeypatch.setenv("TIMBRE_MAX_HOURS", "-1")
    ended = run("doctor")
    assert ended.code == 3
    assert "TIMBRE_MAX_HOURS: Input should be greater than 0" in ended.out


def test_the_version_is_that_of_the_package():
    assert run("version").out == f"timbre {__version__}\n"
