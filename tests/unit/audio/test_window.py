"""A stretch of a file as a file of its own."""

from __future__ import annotations

import os

import pytest

from timbre.audio.window import Window


@pytest.fixture
def window(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        yield Window(file, 3, 8, b"ab")


def test_the_head_stands_before_the_stretch(window):
    assert window.read() == b"ab34567"
    assert window.read() == b""


@pytest.mark.parametrize(
    ("at", "size", "data"), [(0, 1, b"a"), (1, 3, b"b34"), (2, 2, b"34"), (6, 9, b"7"), (9, 1, b"")]
)
def test_any_part_can_be_read(window, at, size, data):
    assert window.seek(at) == at
    assert window.read(size) == data
    assert window.tell() == at + len(data)


def test_one_seeks_from_the_end_and_from_here(window):
    assert window.seek(-2, os.SEEK_END) == 5
    assert window.seek(-1, os.SEEK_CUR) == 4
    assert window.read(2) == b"56"


def test_nothing_is_before_the_beginning(window):
    with pytest.raises(OSError, match="before"):
        window.seek(-1)
