"""Files that appear whole or not at all, and what is said where the disk refuses."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from machine import FULL, another_user, files_of_at_most
from timbre.disk import is_full, needed, written
from timbre.errors import DiskFull, PathUnusable


def link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / "at all")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.touch, "it is not a folder); move it away"),
        (link_to_nowhere, "it is a link to nowhere); mend or remove it"),
        (link_to_itself, "it is a link to nowhere); mend or remove it"),
    ],
)
def test_what_stands_in_the_way_of_a_folder_is_named(tmp_path: Path, make: Callable[[Path], None], reason: str):
    folder = tmp_path / "media"
    make(folder)
    with pytest.raises(PathUnusable) as refused, needed(folder):
        folder.mkdir(exist_ok=True)
    assert str(refused.value) == f"{folder} cannot be used ({reason}, or name another folder with --data-dir."


def test_what_stands_in_the_way_of_a_file_is_named(tmp_path: Path):
    file = tmp_path / "address"
    file.mkdir()
    said = r"\(it is a folder\); move it away, or choose another\.$"
    with pytest.raises(PathUnusable, match=said), needed(file, "choose another"):
        file.open("w")
    file.rmdir()
    link_to_nowhere(file)
    with pytest.raises(PathUnusable, match=r"\(it is a link to nowhere\)"), needed(file):
        file.open("w")


def test_what_stands_above_is_named(tmp_path: Path):
    above = tmp_path / "file"
    above.touch()
    deep = above / "data" / "media"
    with pytest.raises(PathUnusable, match=rf"^{deep} cannot be used \({above} is not a folder\)"), needed(deep):
        deep.mkdir(parents=True)


def test_who_may_not_write_is_named(tmp_path: Path):
    with another_user() as (folder, name):
        (folder / "theirs").mkdir(mode=0o555)
        file = folder / "theirs" / "address"
        said = rf"\(Permission denied\); let the user {name} write there, or "
        with pytest.raises(PathUnusable, match=said), needed(file):
            file.touch()


def test_a_full_disk_is_an_error_of_its_own():
    said = r"^/dev/full cannot be used \(the disk is full\); make room, or "
    with pytest.raises(DiskFull, match=said), needed(FULL), FULL.open("w") as file:
        file.write("x")


# Files that are whole


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path):
    file = tmp_path / "ada.voiceprint"
    with written(file) as draft:
        draft.write(b"new")
        draft.flush()
        assert not file.exists()
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]
    (tmp_path / "plain").touch()
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("before", [None, b"what was there"])
def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path, before: bytes | None):
    file = tmp_path / "people.jsonl"
    if before:
        file.write_bytes(before)
    with pytest.raises(OSError, match="File too large"), files_of_at_most(10_000), written(file) as draft:
        draft.write(bytes(100_000))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([before] if before else [])


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), written(tmp_path / "people.jsonl"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_file_keeps_its_rights_and_a_link_stays_one(tmp_path: Path):
    file, link = tmp_path / "turns.rttm", tmp_path / "latest.rttm"
    file.touch(mode=0o600)
    link.symlink_to(file.name)
    with written(link) as draft:
        draft.write(b"turns")
    assert link.readlink() == Path(file.name)
    assert file.read_bytes() == b"turns"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_no_file_is_written_as_it_is(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written(pipe) as file:
        file.write(b"turns")
    assert os.read(reading, 100) == b"turns"
    os.close(reading)
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="No space left") as full, written(FULL) as file:
        file.write(b"x")
    assert is_full(full.value)
    assert FULL.is_char_device()


def test_a_file_of_ours_in_a_folder_of_others_is_written_as_it_is():
    with another_user() as (folder, _):
        file = folder / "turns.rttm"
        file.write_bytes(b"before")
        folder.chmod(0o555)
        with written(file) as draft:
            draft.write(b"after")
        assert file.read_bytes() == b"after"
        folder.chmod(0o755)


def test_a_file_that_may_not_be_written_is_not_replaced():
    with another_user() as (folder, _):
        file = folder / "turns.rttm"
        file.write_bytes(b"before")
        file.chmod(0o444)
        with pytest.raises(PermissionError), written(file):
            pass
        assert [path.read_bytes() for path in folder.iterdir()] == [b"before"]
