"""CTM, STM and plain text with times."""

from __future__ import annotations

import pytest

from timbre.errors import FormatError
from timbre.transcripts import loads
from timbre.turns import Turn

TURNS = (Turn(start=0.0, end=5.0, speaker="Ada Lovelace"), Turn(start=8.0, end=20.0, speaker="Ben"))


def labelled(text, form):
    transcript = loads(text)
    assert transcript.form == form
    named = transcript.labelled(TURNS)
    assert loads(named).labelled(TURNS) == named  # again
    return named


def test_ctm_gets_its_eighth_field():
    text = ";; made by x\ntalk 1 0.50 0.40 Good 0.93\ntalk 1 0.90 0.40 morning\ntalk 1 12.10 0.30 you 0.9 lex\n"

    assert labelled(text, "ctm") == (
        ";; made by x\ntalk 1 0.50 0.40 Good 0.93 lex Ada%20Lovelace\n"
        "talk 1 0.90 0.40 morning NA lex Ada%20Lovelace\ntalk 1 12.10 0.30 you 0.9 lex Ben\n"
    )


def test_stm_gets_its_third():
    text = ";; x\ntalk 1 S1 0.50 2.00 <o,f0,male> good morning\ntalk 1 S1 12.1 13 thank you\ntalk 1 S1 70 71 bye\n"

    assert labelled(text, "stm") == (
        ";; x\ntalk 1 Ada%20Lovelace 0.50 2.00 <o,f0,male> good morning\n"
        "talk 1 Ben 12.1 13 thank you\ntalk 1 unknown 70 71 bye\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[00:00:00.500 --> 00:00:02.000]  Good morning.\n[00:00:12.100 --> 00:00:13.000]  Thank you.\n",
            "[00:00:00.500 --> 00:00:02.000]  Ada Lovelace: Good morning.\n"
            "[00:00:12.100 --> 00:00:13.000]  Ben: Thank you.\n",
        ),
        (
            "00:01 Good morning.\n  and so on\n00:12 Thank you.\n",
            "00:01 Ada Lovelace: Good morning.\n  and so on\n00:12 Ben: Thank you.\n",
        ),
        ("[0:01] SPEAKER_00: Hi\r\n[0:12] SPEAKER_00: Ho\r\n", "[0:01] Ada Lovelace: Hi\r\n[0:12] Ben: Ho\r\n"),
        ("(00:00:01) Hi\n(00:00:12) Ho: well", "(00:00:01) Ada Lovelace: Hi\n(00:00:12) Ben: Ho: well"),
    ],
)
def test_plain_text_gets_names_before_the_words(text, expected):
    assert labelled(text, "txt") == expected


def test_an_end_before_its_start_is_mended():
    transcript = loads("[00:12 --> 00:10] Hi\n")

    assert transcript.labelled(TURNS) == "[00:12 --> 00:10] Ben: Hi\n"
    assert transcript.warnings == ("1 end is missing or before the start, which was taken for it",)


def test_text_without_times_is_refused():
    with pytest.raises(FormatError, match="expected lines with times"):
        loads("Good morning.\n", "txt")
    with pytest.raises(FormatError, match="SRT, line 1"):
        loads("Good morning.\n")
