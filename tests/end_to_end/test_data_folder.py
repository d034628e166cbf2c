"""What stands in the way of a server in its data folder: one line says what, and what to do, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from command_line import Ended, run
from machine import FULL, another_user, files_of_at_most
from timbre.cli.server.data_folder import database_url, embedded, held, log_file, note_address
from timbre.errors import DataFolderBusy, DiskFull, MasterKeyInvalid, PathUnusable, ServerError
from timbre.service.files.storage import open_storage
from timbre.service.keys.master_key import MasterKeys
from timbre.settings import Settings


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that root's database can reach."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def refused(*arguments: object) -> Ended:
    ended = run(*arguments)
    assert ended.code == 3, ended
    assert ended.out == ""
    assert ended.err.startswith("timbre: ")
    assert ended.err.count("\n") == 1
    assert "fault of Timbre" not in ended.err
    return ended


def file(path: Path) -> None:
    path.write_text("x")


def folder_with_a_file(path: Path) -> None:
    path.mkdir()
    (path / "diary.txt").touch()


def link_to_nowhere(path: Path) -> None:
    path.symlink_to("/proc/nowhere/at/all")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("timbre.lock", folder_with_a_file, "(it is a folder); move it away"),
        ("timbre.lock", link_to_nowhere, "(it is a link to nowhere); mend or remove it"),
        ("address", folder_with_a_file, "(it is a folder); move it away"),
        ("log", file, "(it is not a folder); move it away"),
        ("log", link_to_nowhere, "(it is a link to nowhere); mend or remove it"),
        ("log/api.log", folder_with_a_file, "(it is a folder); move it away"),
        ("log/worker-2.log", folder_with_a_file, "(it is a folder); move it away"),
        ("media", file, "(it is not a folder); move it away"),
        ("media", link_to_nowhere, "(it is a link to nowhere); mend or remove it"),
        ("postgres", file, "(it is not a folder); move it away"),
    ],
)
def test_what_is_in_the_way_is_named(folder: Path, name: str, make: Callable[[Path], None], said: str):
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    make(place)
    ended = refused("serve", "--port", 0, "--workers", 2, "--data-dir", folder)
    assert ended.err.startswith(f"timbre: {place} cannot be used {said}, or name another ")
    assert os.path.lexists(place)
    assert not (folder / "postgres" / "PG_VERSION").exists()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_data_folder_that_is_a_file_is_named(folder: Path, command: str):
    place = folder / "file"
    place.touch()
    ended = refused(command, "--data-dir", place)
    assert f"{place} cannot be used (it is not a folder); move it away, or name another folder" in ended.err


def test_a_home_of_nobody_is_named():
    ended = run("serve", "--data-dir", "~nobody-such/timbre")
    assert (ended.code, ended.out) == (2, "")
    assert "TIMBRE_DATA_DIR" in ended.err
    assert "~nobody-such/timbre begins with the home of nobody" in ended.err


@pytest.mark.parametrize("make", [folder_with_a_file, link_to_nowhere])
def test_a_log_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
):
    log = tmp_path / "timbre.log"
    make(log)
    monkeypatch.setenv("TIMBRE_LOG_FILE", str(log))
    monkeypatch.setenv("TIMBRE_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    for command in ("api", "worker"):
        assert f"{log} cannot be used (" in (said := refused(command).err)
        assert "or name another file with TIMBRE_LOG_FILE." in said


# Rights, and a disk that is full


USES: dict[str, Callable[[Path], object]] = {
    ".": lambda folder: held(folder / "data").__enter__(),
    "log": lambda folder: log_file(folder, "api"),
    "media": lambda folder: open_storage(Settings(data_dir=folder)),
    "address": lambda folder: note_address(folder, "http://127.0.0.1"),
    "postgres": lambda folder: embedded(Settings(data_dir=folder)).start(),
    "master.key": lambda folder: MasterKeys.make(Settings(data_dir=folder)),
}


def test_a_folder_is_held_though_its_lock_was_deleted(tmp_path: Path):
    with held(tmp_path):
        (tmp_path / "timbre.lock").unlink()
        with pytest.raises(DataFolderBusy), held(tmp_path):
            pass
    with held(tmp_path):
        pass


@pytest.mark.parametrize("name", USES)
def test_a_place_that_others_own_is_named_and_who_should_write_there(name: str):
    with another_user() as (folder, user):
        folder.chmod(0o555)
        if name in {"log", "media"}:  # which may be there, and closed
            folder.chmod(0o755)
            (folder / name).mkdir(mode=0o555)
        with pytest.raises(ServerError) as error:
            USES[name](folder)
        folder.chmod(0o755)
    said = str(error.value)
    assert str(folder / name) in said
    assert f"cannot be used (Permission denied); let the user {user} write there, or name another " in said
    assert "\n" not in said


def test_a_data_folder_that_is_closed_to_us_is_named():
    with another_user() as (folder, user):
        (folder / "postgres").mkdir(mode=0o000)
        with pytest.raises(PathUnusable, match=rf"Permission denied\); let the user {user} "):
            database_url(Settings(data_dir=folder)).__enter__()


def test_a_disk_without_room_at_the_start_is_named(tmp_path: Path):
    (tmp_path / "address").symlink_to(FULL)
    with pytest.raises(DiskFull, match=r"address cannot be used \(the disk is full\); make room, or "):
        note_address(tmp_path, "http://127.0.0.1")
    with files_of_at_most(0), pytest.raises(PathUnusable, match=r"timbre\.lock cannot be used \("), held(tmp_path):
        pass
    with files_of_at_most(10), pytest.raises(MasterKeyInvalid, match=r"master\.key cannot be used \("):
        MasterKeys.make(Settings(data_dir=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"address", "timbre.lock"}  # and no half a key
