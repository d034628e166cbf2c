"""`timbre evaluate` and `timbre calibrate` on the sample speech, and on voices made of it."""

from __future__ import annotations

import itertools
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import simpleder

from command_line import SAMPLES, run
from timbre import Engine, Voiceprint
from timbre.evaluation.corpus import read_corpus
from timbre.evaluation.diarization import evaluate_diarization
from timbre.models.same_voice import read_same_voice

pytestmark = pytest.mark.exhaustive
NAMES = ("Ada", "Ben", "Callum", "Dan")
SPEEDS = (0.94, 0.98, 1.02, 1.06)
PIECES = 4  # of each voice at each speed
SECONDS = 2.5
BASE = ("--model", "base")


@pytest.fixture(scope="module")
def speech(tmp_path_factory, voice) -> Path:
    """Sixteen people: each voice of the samples at four speeds, so near each other that they can be mistaken."""
    folder = tmp_path_factory.mktemp("speech")
    for name, speed in itertools.product(NAMES, SPEEDS):
        samples = voice(name)
        faster = np.interp(np.arange(0, len(samples) - 1, speed), np.arange(len(samples)), samples)
        length = int(SECONDS * 16_000)
        for piece in range(PIECES):
            write(folder / f"{name}-{speed}-{piece}.wav", faster[(2 * piece + 1) * length // 2 :][:length])
    return folder


def write(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())


def trials(speech: Path, name: str, speeds: tuple[float, ...] = SPEEDS, pieces: int = PIECES) -> Path:
    """Write a list of every piece against every other."""
    files = [
        (f"{name}-{speed}", f"{name}-{speed}-{piece}.wav")
        for name in NAMES
        for speed in speeds
        for piece in range(pieces)
    ]
    rows = [
        f"{int(enrolled == tested)},{enrolled},{one},{other}"
        for (enrolled, one), (tested, other) in itertools.permutations(files, 2)
    ]
    path = speech / f"{name}.csv"
    path.write_text("\n".join(["label,enrol_speaker,enrol_paths,test_path", *rows]))
    return path


def test_diarization_is_scored_as_by_python():
    ended = run("evaluate", "diarization", SAMPLES, "--json", *BASE)
    report = evaluate_diarization(read_corpus(SAMPLES), Engine("base").diarize)
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == report.to_dict()


def test_another_scorer_finds_the_same_error_in_the_files_we_write(tmp_path):
    found = tmp_path / "found.rttm"
    assert run("diarize", SAMPLES / "conversation.ogg", "-o", found, *BASE).code == 0
    ended = run("evaluate", "diarization", SAMPLES, "--json", *BASE)
    theirs = simpleder.corpus_der(
        simpleder.load_rttm(SAMPLES / "conversation.rttm"), simpleder.load_rttm(found), detailed=True
    )
    ours = json.loads(ended.out)["error"]
    named = {"missed": "miss", "false_alarm": "false_alarm", "confusion": "confusion", "total": "ref_length"}
    judged = {one: theirs[other] for one, other in named.items()} | {"rate": theirs["der"]}
    assert ours == pytest.approx(judged, rel=1e-9, abs=1e-9)
    assert ours["missed"] > 0


def test_diarization_is_shown_for_each_recording_and_for_all():
    lines = run("evaluate", "diarization", SAMPLES, *BASE).out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["conversation", "1:58.85"], ["all", "1:58.85"]]
    assert lines[1].split()[2:10] == lines[2].split()[2:10]
    assert lines[-1] == "Speakers counted within one: 100.0 %"


def test_verification_measures_every_list_and_leaves_out_what_cannot_be_heard(speech):
    near, far = trials(speech, "near", SPEEDS[:2], 2), trials(speech, "far", SPEEDS[:1], 2)
    write(speech / "silence.wav", np.zeros(32_000))
    with far.open("a") as file:
        file.write("\n1,Ada-0.94,Ada-0.94-0.wav,silence.wav")
    picture = speech / "picture.svg"
    ended = run("evaluate", "verification", near, far, "--plot", picture, "--json", *BASE)
    sources = {source["source"]: source for source in json.loads(ended.out)["sources"]}
    assert ended.code == 0
    assert [(name, source["trials"], source["targets"]) for name, source in sources.items()] == [
        ("near", 16 * 15, 16),
        ("far", 8 * 7, 8),
    ]
    assert sources["far"]["eer"] == 0.0 < sources["near"]["eer"] < 0.25
    assert [refused["recording"] for refused in sources["far"]["refused"]] == [str(speech / "silence.wav")]
    assert ended.err.startswith(f"timbre: warning: {speech / 'silence.wav'}: No speech was found")
    for kind in ("det", "reliability"):
        assert "near (" in (speech / f"picture-{kind}.svg").read_text()


def test_a_picture_of_another_kind_is_refused_before_the_work(speech):
    ended = run("evaluate", "verification", trials(speech, "any"), "--plot", "picture.jpg", *BASE)
    assert (ended.code, ended.out) == (2, "")


def test_people_of_trials_are_looked_for_in_galleries(speech):
    ended = run("evaluate", "identification", trials(speech, "two", SPEEDS[::3], 2), "--json", *BASE)
    alone = json.loads(ended.out)["galleries"]
    assert [result["gallery"] for result in alone] == [1]
    assert alone[0]["known_probes"] == 2 * alone[0]["draws"]
    assert alone[0]["unknown_probes"] == 14 * alone[0]["draws"]
    assert alone[0]["rank_1"] == 1.0
    assert 0.5 < alone[0]["detection_and_identification"] <= 1.0


@pytest.fixture
def enrol(tmp_path) -> Path:
    path = tmp_path / "enrol.csv"
    rows = [f"conversation,{name},enrol/{name}.flac" for name in NAMES]
    path.write_text("\n".join(["conversation,speaker,path", *rows]))
    return path


def test_names_in_a_conversation_are_scored_with_half_of_the_people_enrolled(enrol):
    options = ("--enrol", enrol, "--root", SAMPLES, "--enrolled-fraction", 0.5, "--seed", 1, *BASE)
    ended = run("evaluate", "identification", SAMPLES, *options, "--json")
    (score,) = json.loads(ended.out)["recordings"]
    error = score["error"]
    assert len(score["enrolled"]) == 2
    known = sum(error[part] for part in ("named_rightly", "named_wrongly", "unnamed"))
    (recording,) = read_corpus(SAMPLES)
    assert known == pytest.approx(
        sum(turn.duration for turn in recording.reference if turn.speaker in score["enrolled"])
    )
    assert error["rightly_rate"] > 0.75
    assert run("evaluate", "identification", SAMPLES, *options).out.splitlines()[1].split()[:2] == ["conversation", "2"]


def test_a_folder_needs_to_know_who_is_enrolled_in_it(enrol, tmp_path):
    assert run("evaluate", "identification", SAMPLES, *BASE).code == 2
    with enrol.open("a") as file:
        file.write("\nstandup,Ada,enrol/Ada.flac")
    ended = run("evaluate", "identification", SAMPLES, "--enrol", enrol, "--root", SAMPLES, *BASE)
    assert (ended.code, ended.err) == (1, f"timbre: {enrol}: there is no conversation standup in {SAMPLES}.\n")


def test_a_calibration_is_fitted_reported_and_used_and_voiceprints_stay_valid(speech, tmp_path, monkeypatch):
    path = tmp_path / "ours.toml"
    ended = run("calibrate", trials(speech, "all"), "-o", path, "--json", *BASE)
    assert ended.code == 0
    report = json.loads(ended.out)
    held_out = report["held_out"]
    assert [source["source"] for source in held_out["sources"]] == [f"speakers {fold}/5" for fold in range(1, 6)]
    assert held_out["pooled"]["trials"] == 64 * 63
    assert held_out["pooled"]["cllr"] < report["before"]["cllr"]

    before = Engine("base")
    ours = read_same_voice(path, before.same_voice.centre.size)
    assert ours.fitted
    assert ours.score_weight == pytest.approx(report["calibration"]["score_weight"], abs=1e-4)
    voiceprint = before.voiceprint(SAMPLES / "enrol" / "Ada.flac")
    monkeypatch.setenv("TIMBRE_CALIBRATION", str(path))
    after = Engine("base")
    assert after.same_voice.score_weight == ours.score_weight
    assert after.space == voiceprint.space
    assert after.identify(SAMPLES / "enrol" / "Ada.flac", {"Ada": Voiceprint.from_text(str(voiceprint))}).turns


def test_too_few_trials_make_no_calibration(speech, tmp_path):
    path = tmp_path / "ours.toml"
    ended = run("calibrate", trials(speech, "few", SPEEDS[:1], 2), "-o", path, *BASE)
    assert (ended.code, ended.out) == (1, "")
    assert "there are 4 speakers, 8 and 48 trials" in ended.err
    assert not path.exists()


def test_people_in_folders_move_the_calibration_and_too_few_are_told_what_to_add(tmp_path):
    for name in ("Ada", "Ben"):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "monday.flac").symlink_to(SAMPLES / "enrol" / f"{name}.flac")
    ended = run("calibrate", tmp_path / "people", "-o", tmp_path / "ours.toml", *BASE)
    assert (ended.code, ended.out) == (1, "")
    assert "there are 2 people, 0 of them with two; add 10 more people" in ended.err
    assert "or a recording of another day of Ada, Ben" in ended.err
    assert not (tmp_path / "ours.toml").exists()


def test_people_calibrate(speech, tmp_path):
    for name, speed, piece in itertools.product(NAMES, SPEEDS, range(2)):
        day = tmp_path / "people" / f"{name}-{speed}" / f"day {piece}"
        day.mkdir(parents=True)
        (day / "one.wav").symlink_to(speech / f"{name}-{speed}-{piece}.wav")
    ended = run("calibrate", tmp_path / "people", "-o", tmp_path / "ours.toml", "--json", *BASE)
    assert ended.code == 0
    report = json.loads(ended.out)
    before = Engine("base").same_voice
    ours = read_same_voice(tmp_path / "ours.toml", before.centre.size)
    assert ours.score_weight == pytest.approx(report["calibration"]["score_weight"], abs=1e-4)
    factor = ours.score_weight / before.score_weight
    assert ours.test_weight == pytest.approx(factor * before.test_weight, abs=1e-3)
    assert ours.strangers_spread == pytest.approx(factor * before.strangers_spread, abs=1e-3)
    assert report["held_out"]["pooled"]["cllr"] < 1
