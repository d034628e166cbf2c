"""`timbre batch`: a folder through a server, gone on with after whatever broke it off."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from command_line import Ended, run
from s3 import Bucket, running_s3
from server import Server, voice
from timbre.cli.inputs.collection import open_collection, recordings
from timbre.cli.server.ledger import NAME, open_ledger
from timbre.errors import OptionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "recordings"
    (place / "monday").mkdir(parents=True)
    shutil.copy(voice("Ada"), place / "monday" / "ada.flac")
    shutil.copy(voice("Ben"), place / "=ben.flac")
    (place / "broken.wav").write_bytes(b"this is no recording")
    (place / "notes.txt").write_text("nor is this")
    return place


@pytest.fixture
def batch(server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIMBRE_KEY", server.key)

    def batch(*more: object) -> Ended:
        return run("batch", folder, "-o", tmp_path / "out", "--url", server.address, *more)

    return batch


def jobs(tmp_path: Path) -> dict[str, str | None]:
    with open_ledger(tmp_path / "out") as ledger:
        return {name: step.job for name, step in ledger.steps.items()}


def summary(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_is_heard_and_gone_on_with(batch, folder: Path, tmp_path: Path, server: Server) -> None:
    done = batch("--tag", "batch")
    assert done.code == 1
    assert "2 results" in done.out
    assert "timbre: broken.wav: Could not load audio" in done.err
    assert "3 of 3 recordings, " in done.err
    output = json.loads((tmp_path / "out" / "monday" / "ada.flac.json").read_text())
    (label,) = {turn["speaker"] for turn in output["diarization"]}
    rows = summary(tmp_path)
    assert [(row["recording"], row["state"], row["speaker"]) for row in rows] == [
        ("'=ben.flac", "succeeded", label),  # which a spreadsheet would run
        ("broken.wav", "failed", ""),
        ("monday/ada.flac", "succeeded", label),
    ]
    assert 10 < float(rows[2]["seconds"]) <= float(rows[2]["duration"])
    assert int(rows[2]["turns"]) == len(output["diarization"])
    before = jobs(tmp_path)
    with server.client() as client:
        assert client.get(f"/v1/jobs/{before['monday/ada.flac']}").json()["tags"] == ["batch"]

    # Again: nothing is submitted. What was submitted when it broke off is waited for, what is new is heard.
    ledger = tmp_path / "out" / NAME
    lines = [line for line in ledger.read_text().splitlines() if '"submitted"' in line or "ada" not in line]
    ledger.write_text("\n".join([*lines, '{"recording": "cut o']))
    again = batch("--tag", "batch", "--parallel", "1")
    assert "2 of 3 recordings were done before" in again.err
    assert jobs(tmp_path) == before
    shutil.copy(voice("Dan"), folder / "monday" / "ada.flac")
    os.utime(folder / "monday" / "ada.flac", (1, 1))
    assert batch("--tag", "batch").code == 1
    after = jobs(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"monday/ada.flac"}


def test_who_is_asked_for_and_in_which_format(batch, folder: Path, tmp_path: Path) -> None:
    for path in ("broken.wav", "=ben.flac"):
        (folder / path).unlink()
    done = batch("--speakers", "all", "--format", "rttm")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "monday" / "ada.flac.rttm").read_text().startswith("SPEAKER ")
    assert summary(tmp_path)[0]["turns"]


def test_what_concerns_all_recordings_ends_it(batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert batch("--match", "*.mp3").code == 2
    unknown = batch("--model", "none")
    assert unknown.code == 2
    assert "model: " in unknown.err
    monkeypatch.setenv("TIMBRE_KEY", "sk_wrong")
    refused = batch("--retry")
    assert refused.code == 3
    assert "API key" in refused.err
    monkeypatch.delenv("TIMBRE_KEY")
    assert batch("--retry").code == 2
    with open_ledger(tmp_path / "out"):
        assert "Another batch" in batch().err


def test_recordings_of_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_s3() as endpoint:
        bucket = Bucket(endpoint=endpoint, name="heap")
        bucket.create()
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        bucket.plant("calls/a.wav", b"sound")
        bucket.plant("calls/list.txt", b"text")
        collection = open_collection("s3://heap/calls")
        (member,) = recordings(collection, None)
        assert (member.name, member.bytes) == ("a.wav", 5)
        assert b"".join(collection.pieces(member)) == b"sound"
        assert [each.name for each in recordings(collection, "*.txt")] == ["list.txt"]
    with pytest.raises(OptionError):
        open_collection("ftp://heap")
