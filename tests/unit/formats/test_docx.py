"""Documents of Word, and what is said where nothing can write them."""

from __future__ import annotations

import io
import json
import re
import sys
from uuid import UUID

import docx
import pytest

from timbre.errors import ExtraMissing, OptionError, RequestInvalid
from timbre.formats import content, dumps, write
from timbre.service.results.exports import export
from timbre.turns import Turn

JOB = {"id": UUID(int=1), "title": "Board & co", "duration": 10.0}
TURNS = [
    Turn(start=0.5, end=2.0, speaker="Ada <A> & Co", text="Shall we\nbegin?"),
    Turn(start=2.1, end=4.0, speaker="Ada <A> & Co", text="All of us."),
    Turn(start=3661.0, end=3662.0, speaker="Ben\x00\ud800", text="Yes\x0b."),
]


def opened(held: bytes) -> docx.document.Document:
    return docx.Document(io.BytesIO(held))


def test_words_are_paragraphs_and_turns_a_table():
    document = opened(content(TURNS, "docx", recording="Board", duration=4000.0))
    assert [each.text for each in document.paragraphs] == [
        "Board",
        "Ada <A> & Co [0:00:00] Shall we begin? All of us.",
        "Ben\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} [1:01:01] Yes .",
    ]
    assert (document.core_properties.title, document.core_properties.author) == ("Board", "")
    silent = opened(content([Turn(start=0.5, end=2.0, speaker="Ada")], "docx", recording="Board", duration=2.0))
    assert [[cell.text for cell in row.cells] for row in silent.tables[0].rows] == [
        ["Start", "End", "Speaker"],
        ["0:00:00", "0:00:02", "Ada"],
    ]


def test_a_document_is_called_as_its_recording():
    said = {"turnLevelTranscription": [{"start": 0.5, "end": 2.0, "speaker": "Ada", "text": "Hello."}]}
    document = opened(export(json.dumps(said).encode(), JOB, "docx"))
    assert [each.text for each in document.paragraphs] == ["Board & co", "Ada [0:00:00] Hello."]


def test_it_is_no_text():
    with pytest.raises(OptionError, match="docx is no text"):
        dumps(TURNS, "docx", recording="Board", duration=4.0)


def test_who_lacks_what_writes_it_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "docx", None)
    advice = re.escape('-m pip install "timbre[docx]"')
    with pytest.raises(ExtraMissing, match=advice):
        write(TURNS, tmp_path / "talk.docx", recording="Board", duration=4.0)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RequestInvalid) as refused:
        export(json.dumps({"diarization": []}).encode(), JOB, "docx")
    assert [field for field, _ in refused.value.errors] == ["format"]
    assert 'pip install "timbre[docx]"' in refused.value.errors[0][1]
