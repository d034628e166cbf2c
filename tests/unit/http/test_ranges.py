"""Parts of recordings that are asked for, and what kind of file a recording is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import CONVERSATION, voice
from timbre.errors import RangeUnsatisfiable
from timbre.http.ranges import parse_range
from timbre.service.files.media_types import UNKNOWN, media_type


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-200", (0, 100)),
        ("Bytes = 5 - 6 ", (5, 7)),
        ("bytes=0-1,4-5", None),  # several parts
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=\N{ARABIC-INDIC DIGIT ONE}-", None),
        ("lines=0-1", None),
        (f"bytes={'9' * 4000}-", None),
    ],
)
def test_parts(header, part):
    assert parse_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_parts_beyond_the_end(header):
    with pytest.raises(RangeUnsatisfiable) as caught:
        parse_range(header, 100)
    assert caught.value.size == 100


@given(st.text(max_size=30) | st.from_regex(r"bytes=\d{0,20}-\d{0,20}"), st.integers(0, 10**9))
def test_whatever_is_asked_for_lies_in_the_file(header, size):
    try:
        part = parse_range(header, size)
    except RangeUnsatisfiable:
        return
    assert part is None or 0 <= part[0] < part[1] <= size


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3\x01", "audio/webm"),
        (b"FORM\x00\x00\x00\x00AIFF", "audio/aiff"),
        (b"RIFF\x24\x00\x00\x00AVI ", UNKNOWN),
        (b"<!doctype html>", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_kinds_of_files(head, kind):
    assert media_type(head) == kind


def test_the_samples():
    assert media_type(CONVERSATION.read_bytes()[:64]) == "audio/ogg"
    assert media_type(voice("Ada").read_bytes()[:64]) == "audio/flac"
