"""Answers of recognisers, read; and words in outputs."""

from __future__ import annotations

import json
import math

import pytest

from timbre.errors import RecogniserFailed
from timbre.service.outside.recogniser import read_answer
from timbre.service.results.words import TURNS, WORDS, as_text, attribute_again, captions, write_words
from timbre.transcripts.spoken import Word


def read(answer, seconds: float = 10.0):
    return read_answer(json.dumps(answer).encode(), seconds, "It")


def told(answer, seconds: float = 10.0) -> list[tuple[str, float | None, float | None]]:
    return [(word.text, word.start, word.end) for segment in read(answer, seconds).segments for word in segment.words]


def test_words_get_the_marks_of_the_text():
    words = [{"word": "Good", "start": 0.5, "end": 0.9}, {"word": "morning", "start": 0.9, "end": 1.5}]
    assert told({"text": "Good morning!", "words": words}) == [("Good", 0.5, 0.9), ("morning!", 0.9, 1.5)]
    assert [text for text, *_ in told({"text": "Something else", "words": words})] == ["Good", "morning"]


def test_words_within_segments():
    answer = {
        "text": " Hi. You?",
        "segments": [
            {
                "start": 0,
                "end": 1,
                "text": " Hi.",
                "words": [{"word": " Hi.", "start": 0.1, "end": 0.4, "probability": 1}],
            },
            {"start": 2, "end": 3, "text": " You?"},
        ],
    }
    assert told(answer) == [("Hi.", 0.1, 0.4), ("You?", None, None)]
    assert [segment.start for segment in read(answer).segments] == [0, 2]


def test_a_text_alone_has_no_times():
    found = read({"text": "Good morning."})
    assert not found.timed
    assert not found.faults
    assert read({"text": " "}).timed  # nothing was said, whenever


@pytest.mark.parametrize(
    "times",
    [
        [(5_000, 5_500), (6_000, 6_500)],  # milliseconds
        [(-5, -4), (-3, -2)],
        [(3, 1), (9, 2)],
        [(0, 0), (0, 0)],
    ],
)
def test_times_that_cannot_be_are_not_believed(times):
    words = [{"word": "a", "start": start, "end": end} for start, end in times]
    found = read({"text": "a a", "words": words})
    assert not found.timed
    assert "times that cannot be" in found.faults[0]
    assert [word.text for word in found.segments[0].words] == ["a", "a"]


def test_times_that_are_a_little_wrong_are_mended():
    words = [
        {"word": "a", "start": -0.1, "end": 2},
        {"word": "b", "start": 1.9, "end": 1.8},
        {"word": "c", "start": 9, "end": 10.4},
    ]
    assert told({"text": "a b c", "words": words}) == [("a", 0.0, 2), ("b", 1.9, 1.9), ("c", 9, 10.0)]
    odd = [
        {"word": "a", "start": None, "end": "x"},
        {"word": 3, "start": 1, "end": 2},
        "b",
        {"word": "c", "start": 1, "end": 2},
    ]
    assert told({"text": "a c", "words": odd}) == [("a", None, None), ("c", 1, 2)]
    assert told({"text": "a", "words": [{"word": "a", "start": 1, "end": math.nan}]}) == [("a", 1, None)]


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"null", b'{"segments": 3}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_transcription(answer):
    with pytest.raises(RecogniserFailed, match="It answered"):
        read_answer(answer, 10.0, "It")


def output() -> dict:
    return {
        "diarization": [
            {"speaker": "SPEAKER_00", "start": 0.0, "end": 2.0},
            {"speaker": "SPEAKER_01", "start": 2.0, "end": 4.0},
        ],
        "exclusiveDiarization": [
            {"speaker": "SPEAKER_00", "start": 0.0, "end": 2.0},
            {"speaker": "SPEAKER_01", "start": 2.0, "end": 4.0},
        ],
        "voiceprints": [{"speaker": "SPEAKER_00", "match": "Ada"}, {"speaker": "SPEAKER_01", "match": None}],
    }


def test_words_are_written_with_names_and_again_with_others():
    found = output()
    write_words(
        found, [Word("Good", 0.2, 0.8), Word("day.", 0.9, 1.4), Word(" Hello.", 2.2, 2.8), Word("Far", 9.0, 9.5)]
    )
    assert found[WORDS][0] == {"start": 0.2, "end": 0.8, "text": "Good", "speaker": "Ada"}
    assert [(turn["speaker"], turn["text"]) for turn in found[TURNS]] == [
        ("Ada", "Good day."),
        ("SPEAKER_01", "Hello."),
        ("SPEAKER_01", "Far"),  # somebody says every word: the nearest
    ]
    found["voiceprints"][1]["match"] = "Ben"
    attribute_again(found)
    assert {word["speaker"] for word in found[WORDS]} == {"Ada", "Ben"}


def test_scripts_without_spaces_get_none():
    assert as_text(["今日", "は", "。", "OK", "です"]) == "今日は。 OK です"
    assert as_text(["Good", "day."]) == "Good day."


def test_captions_are_short():
    said = [
        {
            "text": f"word{n}{'.' if n % 12 == 11 else ''}",
            "start": n / 3,
            "end": n / 3 + 0.3,
            "speaker": "Ada" if n < 50 else "Ben",
        }
        for n in range(80)
    ]
    shown = list(captions(said))
    assert " ".join(one.text for one in shown) == " ".join(word["text"] for word in said)
    assert all(len(one.text) <= 84 and one.end - one.start <= 7 for one in shown)
    assert [one.speaker for one in shown] == sorted(one.speaker for one in shown)
