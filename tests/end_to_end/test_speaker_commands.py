"""`timbre speakers` and `timbre identify --speakers`: with a server and without one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from command_line import Ended, run
from server import CONVERSATION, Server, voice
from timbre.cli.commands.speaker_transfer import recordings_by_person
from timbre.errors import InputError

pytestmark = pytest.mark.usefixtures("no_fault")


class Commands:
    """Commands about the people of a team of its own."""

    def __init__(self, server: Server) -> None:
        self.team = f"speakers-{uuid4().hex[:8]}"
        self._folder = server.folder
        self.key = server.run("keys", "create", "commands", "--team", self.team)

    def run(self, *arguments: object) -> Ended:
        return run(*arguments, "--team", self.team, "--data-dir", self._folder)

    def __call__(self, *arguments: object) -> str:
        ended = self.run("speakers", *arguments)
        assert ended.code == 0, ended.err
        return ended.out

    def refused(self, *arguments: object, code: int) -> str:
        ended = self.run("speakers", *arguments)
        assert ended.code == code, ended.err
        assert "fault of Timbre" not in ended.err
        return ended.err

    def person(self, name: str) -> dict:
        return json.loads(self("show", name, "--json"))


@pytest.fixture
def speakers(server: Server) -> Commands:
    return Commands(server)


@pytest.fixture(scope="module")
def voiceprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("voiceprints")
    for name in ("Ada", "Ben"):
        assert run("voiceprint", voice(name), "-o", folder / name).code == 0
    return {name: folder / name for name in ("Ada", "Ben")}


def test_a_person_from_the_first_recording_to_the_last(speakers, voiceprints):
    id_ = speakers("create", "Ada Lovelace", voice("Ada"), "--tag", "board", "--consent", "form").strip()
    assert str(UUID(id_)) == id_
    person = speakers.person("ada lovelace")
    assert (person["id"], person["tags"], person["consent"]["basis"]) == (id_, ["board"], "form")
    (sample,) = person["samples"]
    assert (sample["source"], sample["hasClip"], sample["model"]) == ("recording", True, "current")
    assert speakers("rename", id_, "Ada") == "Ada Lovelace is called Ada now.\n"
    assert speakers("tag", "Ada", "x", "y", "--remove", "board") == "x y\n"
    assert speakers("consent", "Ada", "contract", "--date", "2026-10-02", "--note", "shelf 3", "--review", "2020-01-01")
    assert speakers.person("Ada")["consent"] == {"basis": "contract", "date": "2026-10-02", "note": "shelf 3"}
    assert speakers("consent", "Ada", "--review", "none")
    assert (speakers.person("Ada")["consent"]["basis"], speakers.person("Ada")["reviewDate"]) == ("contract", None)
    assert speakers("consent", "Ada", "--withdrawn")
    assert speakers.person("Ada")["consent"] is None
    speakers("add", "Ada", "--voiceprint", voiceprints["Ben"])
    assert len(speakers.person("Ada")["samples"]) == 2
    speakers("create", "Alias")
    assert speakers("merge", "Ada", "Alias") == "Ada is now also Alias.\n"
    assert speakers("remove-sample", "Ada", sample["id"]) == "Erased a sample of Ada.\n"
    header, _, row = speakers("list").splitlines()
    assert header.split() == ["id", "name", "tags", "samples", "speech", "heard", "advice"]
    assert row.split()[:5] == [id_, "Ada", "x", "y", "1"]
    shown = speakers.run("speakers", "show", "Ada")
    assert "x y" in shown.out
    assert "timbre: Ada: warning: All speech is from one recording" in shown.err
    assert speakers("list", "--tag", "z").splitlines()[2:] == []
    assert json.loads(speakers("list", "--name", "AD", "--json"))["name"] == "Ada"
    assert speakers("delete", "Ada", "--yes") == f"Erased {id_}.\n"
    assert speakers("list").splitlines()[2:] == []


def test_what_cannot_be_done_is_said(speakers, voiceprints, tmp_path):
    speakers("create", "Ada")
    assert "SPEAKER_" in speakers.refused("create", "SPEAKER_01", code=2)
    assert "called ada already" in speakers.refused("create", "ada", code=1)
    assert "timbre speakers list" in speakers.refused("show", "Nobody", code=1)
    assert "timbre speakers list" in speakers.refused("rename", str(uuid4()), "x", code=1)
    assert "name:" in speakers.refused("rename", "Ada", "a\nb\x00", code=2)
    assert "tags" in speakers.refused("tag", "Ada", "x" * 51, code=2)
    assert "--yes" in speakers.refused("delete", "Ada", code=2)
    assert "basis" in speakers.refused("consent", "Ada", code=2)
    assert "basis" in speakers.refused("consent", "Ada", "--note", "x", "--review", "2027-01-01", code=2)
    assert "reviewDate" in speakers.refused("consent", "Ada", "--review", "soon", code=2)
    assert "recordings" in speakers.refused("add", "Ada", code=2)
    assert "no id" in speakers.refused("remove-sample", "Ada", "x", code=1)
    assert "no such sample" in speakers.refused("remove-sample", "Ada", str(uuid4()), code=1)
    silence = tmp_path / "silence.wav"
    silence.write_bytes(b"nothing")
    said = speakers.refused("add", "Ada", silence, voice("Ada"), code=1)
    assert f"timbre: {silence}: " in said
    assert speakers.person("Ada")["sampleCount"] == 1
    (tmp_path / "no voiceprint").write_text("x")
    speakers.refused("add", "Ada", "--voiceprint", tmp_path / "no voiceprint", code=1)
    no_team = run("speakers", "list", "--team", "nobody's", "--data-dir", speakers._folder)
    assert (no_team.code, "nobody's" in no_team.err) == (2, True)


def test_a_gallery_goes_through_a_file(server, speakers, voiceprints, tmp_path):
    for name, path in voiceprints.items():
        speakers("create", name, "--tag", name.lower())
        speakers("add", name, "--voiceprint", path)
    file = tmp_path / "speakers.jsonl"
    speakers("export", "-o", file)
    assert speakers("export") == file.read_text()
    other = Commands(server)
    assert other("import", file) == "2 people made, 0 changed, 2 samples added.\n"
    assert other("import", file) == "0 people made, 0 changed, 0 samples added.\n"
    assert other("export") == speakers("export")
    file.write_text('{"name":"SPEAKER_1"}\n' + file.read_text())
    said = other.refused("import", file, code=1)
    assert f"{file}, line 1: warning: name: " in said


def test_a_folder_of_recordings_becomes_people(speakers, tmp_path):
    folder = tmp_path / "people"
    (folder / "Ben" / "phone").mkdir(parents=True)
    shutil.copy(voice("Ada"), folder / "Ada.flac")
    shutil.copy(voice("Ben"), folder / "Ben" / "phone" / "one.flac")
    (folder / "Ben" / "notes.txt").write_text("no recording")
    (folder / "Broken.wav").write_bytes(b"nothing")
    shutil.copy(voice("Dan"), folder / "SPEAKER_07.flac")
    ended = speakers.run("speakers", "import", folder)
    assert ended.code == 1
    assert ended.out == "2 people made, 0 changed, 2 samples added.\n"
    assert {line.split(": ")[1] for line in ended.err.splitlines()} == {
        str(folder / "Broken.wav"),
        str(folder / "SPEAKER_07.flac"),
    }
    assert [line.split()[1] for line in speakers("list").splitlines()[2:]] == ["Ben", "Ada"]
    (folder / "Broken.wav").unlink()
    (folder / "SPEAKER_07.flac").unlink()
    assert speakers("import", folder) == "0 people made, 0 changed, 0 samples added.\n"


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no recording")
    with pytest.raises(InputError, match=r"Ada\.wav"):
        recordings_by_person(tmp_path)


@pytest.mark.exhaustive
def test_people_are_recognised_without_a_server(tmp_path):
    folder = ("--data-dir", tmp_path / "data")
    for name in ("Ada", "Ben", "Callum"):
        ended = run("speakers", "create", name, voice(name), "--tag", "ab" if name < "C" else "c", *folder)
        assert ended.code == 0, ended.err
    found = run("identify", CONVERSATION, "--speakers", "all", "--json", *folder)
    assert found.code == 0, found.err
    everybody = {voice_["match"] for voice_ in json.loads(found.out)["voiceprints"]}
    assert {"Ada", "Ben", "Callum"} <= everybody
    for chosen, names in ((["tag:ab"], {"Ada", "Ben"}), (["ada"], {"Ada"}), (["Ada", "Ben"], {"Ada", "Ben"})):
        asked = [part for each in chosen for part in ("--speakers", each)]
        found = run("identify", CONVERSATION, *asked, "--json", *folder)
        assert {voice_["match"] for voice_ in json.loads(found.out)["voiceprints"]} - {None} == names
    refused = run("identify", CONVERSATION, "--speakers", "Zoe", *folder)
    assert (refused.code, "Zoe" in refused.err) == (1, True)
    mixed = run("identify", CONVERSATION, "--speakers", "Ada", "--speakers", "tag:c", *folder)
    assert mixed.code == 2
    nobody = run("identify", CONVERSATION, "--speakers", "tag:nobody", "--json", *folder)
    assert nobody.code == 0
    assert "nobody is looked for" in nobody.err
    neither = run("identify", CONVERSATION)
    assert (neither.code, "--speakers all" in neither.err) == (2, True)
