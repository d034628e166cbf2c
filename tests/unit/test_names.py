"""What somebody may be called."""

from __future__ import annotations

import pytest

from timbre.names import LONGEST_NAME, fault_of


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        " Ada ",
        "x" * LONGEST_NAME,
        "Željko Öztürk",
        "محمد",
        "می‌خواهم",  # with a character that is not seen, and that the script needs
        "\u200fאדה",  # with a mark of direction
        "クシュ",
        "👩‍🚀",
        "=Ada",
        "Speaker 1",
        'O\'Brien, "Pat"',
    ],
)
def test_names(name):
    assert fault_of(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "1 to 100 characters, got an empty text"),
        ("x" * 101, "at most 100 characters, got 101"),
        ("   ", "can be seen"),
        ("\u00a0\u3000", "can be seen"),
        ("\u3164", "can be seen"),
        ("\u200d", "can be seen"),
        ("\u200f", "can be seen"),
        ("\x00", "no control characters, got U+0000 as character 1"),
        ("A\nda", "no control characters, got U+000A as character 2"),
        ("Ada\x7f", "no control characters"),
        ("Ada\u2028", "no control characters"),
        ("\ud800", "no control characters, got U+D800"),
        ("A\u200bda", "no invisible characters, got U+200B as character 2"),
        ("\u202eadA", "no invisible characters"),
        ("SPEAKER_00", "does not begin with SPEAKER_"),
        ("\uff33PEAKER_00", "does not begin with SPEAKER_"),
        ("  speaker_x", "does not begin with SPEAKER_"),
        ("spea\u200dker_1", "does not begin with SPEAKER_"),
    ],
)
def test_what_is_no_name(name, fault):
    assert fault in (fault_of(name) or "")
