"""Which parts of a file are recordings."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from media import wav
from timbre.audio.parts import find_beginning, find_parts

SOUND = np.random.default_rng(1).integers(-9000, 9000, 8000, dtype=np.int16).tobytes()
CHUNK = b"LIST" + struct.pack("<I", 10) + b"INFOabcdef"


@pytest.fixture
def parts(tmp_path):
    """A function that returns (start, end, warning) of each part of a file."""

    def find(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        with path.open("rb") as file:
            return [(part.start, part.end, part.warning) for part in find_parts(file)]

    return find


def test_a_file_that_keeps_its_promise_is_one_part(parts):
    file = wav(SOUND, rate=16_000)

    assert parts(file) == [(0, len(file), None)]


@pytest.mark.parametrize(
    "behind", [CHUNK, CHUNK + b"id3 " + struct.pack("<I", 4) + b"ID3x", b"TAG" + bytes(125), bytes(5000), b"xyz"]
)
def test_what_follows_the_sound_is_not_taken_for_sound(parts, behind):
    file = wav(SOUND, rate=16_000) + behind

    assert parts(file) == [(0, len(file), None)]


@pytest.mark.parametrize("claimed", [1000, 1001, len(SOUND) - 100])
def test_a_header_that_promises_less_than_follows_is_not_believed(parts, claimed):
    file = wav(SOUND, rate=16_000, claimed=claimed)

    ((start, end, warning),) = parts(file)

    assert (start, end) == (44, len(file))
    assert f"promises {claimed} bytes of sound, and {len(SOUND)} follow" in warning


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, len(SOUND) * 2])
def test_a_length_that_was_not_known_is_no_fault(parts, claimed):
    file = wav(SOUND, rate=16_000, claimed=claimed)

    assert parts(file) == [(0, len(file), None)]


def test_files_joined_end_to_end_are_parts(parts):
    file = wav(SOUND, rate=16_000)
    longer = wav(SOUND * 2, rate=8_000) + CHUNK

    assert parts(file + longer + file) == [
        (0, len(file), None),
        (len(file), len(file + longer), None),
        (len(file + longer), len(file + longer + file), None),
    ]


def test_a_recording_behind_something_else_is_found(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + wav(SOUND, rate=16_000))

    with path.open("rb") as file:
        part = find_beginning(file)

    assert part is not None
    assert (part.start, part.end) == (19, 19 + 44 + len(SOUND))
    assert "19 bytes before the recording" in (part.warning or "")


def test_nothing_is_found_in_noise(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(np.random.default_rng(3).bytes(300_000))

    with path.open("rb") as file:
        assert find_beginning(file) is None
