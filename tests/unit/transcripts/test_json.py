"""The JSON of transcribers: what is labelled and divided, what stays as it is, what is refused."""

import json

import pytest

from timbre.errors import FormatError, OptionError
from timbre.transcripts import Transcript, TranscriptFormat, loads, looks_like, read
from timbre.turns import Turn

TALK = (
    Turn(start=0.0, end=4.0, speaker="Ada"),
    Turn(start=4.0, end=8.0, speaker="Zoë"),
    Turn(start=10.0, end=12.0, speaker="Ada"),
)


def labelled(text, turns=TALK):
    """Label a transcript, twice: the second time changes nothing. Without turns it loses its names at most."""
    once = loads(text).labelled(turns)
    assert loads(once).labelled(turns) == once
    return once


def words(*spoken, key="word", score="probability"):
    return [{key: text, "start": start, "end": end, score: 0.9} for text, start, end in spoken]


# openai-whisper: `segments` with leading spaces in texts and words

WHISPER = {
    "text": " Good morning, all. I looked at it. Wonderful.",
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 7.5,
            "text": " Good morning, all. I looked at it.",
            "tokens": [50364, 2205, 2446, 13],
            "temperature": 0.0,
            "avg_logprob": -0.2513,
            "compression_ratio": 1.1,
            "no_speech_prob": 1e-05,
            "words": words(
                (" Good", 0.0, 0.4),
                (" morning,", 0.4, 0.9),
                (" all.", 3.2, 4.1),
                (" I", 4.9, 5.0),
                (" looked", 5.0, 5.6),
                (" at", 5.6, 5.8),
                (" it.", 5.8, 6.1),
            ),
        },
        {"id": 1, "seek": 750, "start": 10.0, "end": 11.0, "text": " Wonderful.", "tokens": [50364], "words": []},
    ],
    "language": "en",
}


@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_whisper_with_words(layout, ensure_ascii):
    text = json.dumps({**WHISPER, "language": "é"}, ensure_ascii=ensure_ascii, **layout)
    first, last = WHISPER["segments"]
    ada = [{**word, "speaker": "Ada"} for word in first["words"][:3]]
    zoe = [{**word, "speaker": "Zoë"} for word in first["words"][3:]]
    expected = {
        **WHISPER,
        "segments": [
            {**first, "end": 4.1, "text": " Good morning, all.", "words": ada, "speaker": "Ada"},
            {**first, "start": 4.9, "text": " I looked at it.", "words": zoe, "speaker": "Zoë"},
            {**last, "speaker": "Ada"},
        ],
        "language": "é",
    }
    once = labelled(text)
    assert once == json.dumps(expected, ensure_ascii=ensure_ascii, **layout)
    assert [list(segment) for segment in json.loads(once)["segments"]][1][-1] == "speaker"
    assert loads(text).labelled([]) == text


def test_numbers_keys_and_spaces_stay_as_they_are_written():
    text = (
        '{ "model":"x",\r\n"segments" : [ {"start":0.50, "end":1.0e0,"text":"\\u0041\\/b", "end":2.00,\n'
        '   "avg_logprob":NaN, "n":12345678901234567890123 } ]\n, "z":[ 1 ]}\n\n'
    )
    assert labelled(text) == text.replace("0123 }", '0123,"speaker":"Ada" }')


# faster-whisper: the same keys, and often null for words; Segment and Word as dictionaries in a bare list


def test_faster_whisper_in_a_bare_list():
    segments = [
        {"id": 1, "start": 0.0, "end": 3.0, "text": " Good morning.", "words": None},
        {"id": 2, "start": 3.5, "end": 6.0, "text": " I did. What?", "words": words((" I", 4.2, 5.0))},
    ]
    once = json.loads(labelled(json.dumps(segments)))
    assert once[0] == {**segments[0], "speaker": "Ada"}
    assert once[1]["speaker"] == once[1]["words"][0]["speaker"] == "Zoë"
    assert len(once) == 2


# WhisperX: words without leading spaces, some without times; `word_segments` repeats them

X_WORDS = words(
    ("In", 0.1, 0.3), ("2014", None, None), ("she", 0.9, 1.2), ("Yes.", 4.1, 4.5), key="word", score="score"
)
for word in X_WORDS:
    if word["start"] is None:
        del word["start"], word["end"], word["score"]
WHISPER_X = {
    "segments": [{"start": 0.1, "end": 4.5, "text": "In 2014 she Yes.", "words": X_WORDS}],
    "word_segments": X_WORDS,
    "language": "en",
}


def test_whisperx_with_its_list_of_words():
    once = json.loads(labelled(json.dumps(WHISPER_X, indent=1)))
    assert [(one["text"], one["start"], one["end"], one["speaker"]) for one in once["segments"]] == [
        ("In 2014 she", 0.1, 1.2, "Ada"),
        ("Yes.", 4.1, 4.5, "Zoë"),
    ]
    labels = [word["speaker"] for word in once["word_segments"]]
    assert labels == ["Ada", "Ada", "Ada", "Zoë"]
    assert once["word_segments"] == [word for segment in once["segments"] for word in segment["words"]]


def test_whisperx_that_was_diarized_gets_the_new_names():
    before = loads(json.dumps(WHISPER_X)).labelled(
        [Turn(start=0.0, end=4.0, speaker="SPEAKER_00"), Turn(start=4.0, end=8.0, speaker="SPEAKER_01")]
    )
    assert labelled(before) == labelled(json.dumps(WHISPER_X))


def test_where_nobody_speaks_names_are_taken_away():
    text = (
        '[{"speaker": "A", "start": 60, "end": 61}, {"start": 60, "speaker": "A" , "end": 61},'
        ' {"start": 60, "end": 61, "speaker": "A"}, {"start": 60, "end": 61, "text": "x", "words":'
        ' [{"text": "x", "speaker": "A"}, {"speaker": "A", "word": "y"}]}]'
    )
    assert labelled(text) == (
        '[{"start": 60, "end": 61}, {"start": 60, "end": 61}, {"start": 60, "end": 61},'
        ' {"start": 60, "end": 61, "text": "x", "words": [{"text": "x"}, {"word": "y"}]}]'
    )


# OpenAI's API: words beside the segments, without marks


def test_words_beside_the_segments_divide_them():
    spoken = words(("Good", 0.0, 0.4), ("morning", 0.5, 0.9), ("Hi", 4.2, 4.4), ("Ada", 4.5, 4.8), ("Wow", 10.0, 10.4))
    segments = [
        {"id": 0, "start": 0.0, "end": 5.0, "text": ' Good morning. "Hi, Ada."'},
        {"id": 1, "start": 10.0, "end": 11.0, "text": " Wow!"},
    ]
    once = json.loads(labelled(json.dumps({"task": "transcribe", "words": spoken, "segments": segments})))
    assert [(one["id"], one["text"], one["start"], one["end"], one["speaker"]) for one in once["segments"]] == [
        (0, " Good morning.", 0.0, 0.9, "Ada"),
        (0, ' "Hi, Ada."', 4.2, 5.0, "Zoë"),
        (1, " Wow!", 10.0, 11.0, "Ada"),
    ]
    assert [word["speaker"] for word in once["words"]] == ["Ada", "Ada", "Zoë", "Zoë", "Ada"]


def test_words_that_are_not_those_of_the_segments_are_labelled_by_themselves():
    transcript = {
        "segments": [{"start": 0.0, "end": 5.0, "text": "Good morning."}],
        "words": words(("Hi", 4.2, 4.4), ("there", 4.5, 4.9)),
    }
    once = json.loads(labelled(json.dumps(transcript)))
    assert once["segments"] == [{**transcript["segments"][0], "speaker": "Ada"}]
    assert [word["speaker"] for word in once["words"]] == ["Zoë", "Zoë"]


def test_words_without_segments():
    once = json.loads(labelled(json.dumps({"text": "x", "words": words(("a", 1.0, 2.0), ("b", 5.0, 6.0))})))
    assert [word["speaker"] for word in once["words"]] == ["Ada", "Zoë"]
    assert labelled('{"words": []}') == '{"words": []}'


# Plain segments


def test_plain_segments():
    text = '[\n  {"start": 1, "end": 2, "text": "Hi"},\n  {"start": 8.6, "end": 9.4, "text": "-"}\n]'
    assert labelled(text) == text.replace('"Hi"', '"Hi", "speaker": "Ada"')
    assert labelled('{"segments": []}') == '{"segments": []}'
    assert labelled("\ufeff[]\n") == "\ufeff[]\n"


def test_a_text_that_is_not_its_words_is_made_of_them():
    segment = {"start": 3.0, "end": 5.0, "text": "Well…", "words": words(("Yes", 3.0, 3.5), ("No", 4.5, 5.0))}
    once = json.loads(labelled(json.dumps([segment])))
    assert [one["text"] for one in once] == ["Yes", "No"]


def test_segments_without_times_have_those_of_their_words():
    once = json.loads(labelled(json.dumps([{"text": "a b", "words": words(("a", 3.0, 3.5), ("b", 4.5, 5.0))}])))
    assert [(one["text"], one["speaker"]) for one in once] == [("a", "Ada"), ("b", "Zoë")]
    assert "start" not in once[0]


def test_halves_of_characters_stay_escaped():
    segment = {"start": 3.0, "end": 5.0, "text": "\ud83d é", "words": words(("\ud83d", 3.0, 3.5), ("é", 4.5, 5.0))}
    once = labelled(json.dumps([segment])[:-1] + ', {"start": 5, "end": 6, "text": "é"}]')
    assert [one["text"] for one in json.loads(once)] == ["\ud83d", "é", "é"]
    once.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "JSON, line 1, column 1: Expecting value"),
        ('{"segments": [\n{"start": 1,}]}', "JSON, line 2, column 13: "),
        ('{"segments": []} x', "JSON, line 1: expected the end of the file, got 'x'"),
        ("3", "JSON, line 1, $: expected a list of segments, or an object that has one as \"segments\", got '3'"),
        (
            '\n{"text": ""}',
            'JSON, line 2, $: expected a list of segments, or an object that has one as "segments", got [',
        ),
        ('{"segments": {}}', "JSON, line 1, $: expected a list of segments"),
        (
            '{"segments": [\n3]}',
            'JSON, line 2, $.segments[0]: expected an object with "start", "end" and "text", got 3.0',
        ),
        ('[{"end": 1}]', 'JSON, line 1, $[0]: expected "start" and "end" in seconds, got [\'end\']'),
        ('[{"start": "1", "end": 2}]', "JSON, line 1, $[0].start: expected a number of seconds, got '1'"),
        ('[{"start": true, "end": 2}]', "JSON, line 1, $[0].start: expected a number of seconds, got True"),
        ('[{"start": 1, "end": 1e999}]', "JSON, line 1, $[0].end: expected a number of seconds, got inf"),
        ('[{"start": 1, "end": 2, "words": {}}]', "JSON, line 1, $[0].words: expected a list of words, got {}"),
        ('[{"start": 1, "end": 2, "words": [\n3]}]', 'JSON, line 2, $[0].words[0]: expected an object with "word"'),
        ('[{"start": 1, "end": 2, "words": [{}]}]', 'JSON, line 1, $[0].words[0]: expected an object with "word"'),
        (
            '{"words": [{"word": "a", "start": []}]}',
            "JSON, line 1, $.words[0].start: expected a number of seconds, got []",
        ),
        (
            '[{"start": ' + "9" * 6000 + ', "end": 2}]',
            "JSON, line 1, $[0].start: expected a number of seconds, got inf",
        ),
        ("[" * 100_000, "JSON: expected segments, got lists in lists without end"),
        ('[{"start": 1, "end": 2, "x": ' + '{"a":' * 100_000, "JSON: expected segments, got lists in lists"),
    ],
)
def test_json_malformed(text, message):
    with pytest.raises(FormatError) as caught:
        loads(text, "json")
    assert str(caught.value).startswith(message)


# Formats, files and limits


def test_what_a_transcript_looks_like():
    assert loads('\ufeff \n{"segments": []}').form is TranscriptFormat.JSON
    assert loads("[]").form is TranscriptFormat.JSON
    assert loads("WEBVTT").form is TranscriptFormat.VTT
    assert loads("").form is TranscriptFormat.SRT
    with pytest.raises(OptionError, match="There is no transcript format 'ass'; use one of srt, vtt, json"):
        loads("", "ass")


def test_a_file_is_read_by_its_extension_or_by_what_it_looks_like(tmp_path):
    for name in ("talk.json", "talk.txt"):
        path = tmp_path / name
        path.write_text('[{"start": 1, "end": 2}]')
        assert read(path).form is TranscriptFormat.JSON
    path = tmp_path / "talk.srt"
    path.write_text("[]")
    with pytest.raises(FormatError, match=r"talk\.srt: SRT, line 1: expected times"):
        read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing.srt")


@pytest.mark.parametrize(
    ("limit", "text", "message"),
    [
        ("MOST_BYTES", "[\n\n\n\n\n]", "expected at most 6 bytes, got more; cut the transcript in two"),
        ("MOST_LINES", "\r\n" * 7, "expected at most 6 lines, got more; cut the transcript in two"),
        ("MOST_LINES", "WEBVTT" + "\r" * 7, "expected at most 6 lines, got more; cut the transcript in two"),
        ("MOST_VALUES", "[0,0,0,0,0,0,0,0]", "expected at most 6 values, got more; cut the transcript in two"),
        ("MOST_OBJECTS", "[[[[[[[]]]]]]]", "expected at most 6 objects and lists, got more; cut the transcript in two"),
        ("MOST_SEGMENTS", json.dumps([{"start": 1, "end": 2}] * 7), "expected at most 6 segments, got more; cut"),
        ("MOST_WORDS", json.dumps({"words": [{"word": "x"}] * 7}), "expected at most 6 words, got more; cut the"),
    ],
)
def test_limits(tmp_path, monkeypatch, limit, text, message):
    monkeypatch.setattr(f"timbre.transcripts.limits.{limit}", 6)
    with pytest.raises(FormatError, match=message):
        loads(text)
    path = tmp_path / "talk"
    path.write_bytes(text.encode())
    with pytest.raises(FormatError, match=message):
        read(path)
    if limit not in {"MOST_OBJECTS", "MOST_VALUES"}:
        Transcript(text, looks_like(text))  # what was accepted and has grown since is read again


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "talk.srt"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(FormatError, match=r"talk\.srt: expected at most 50000000 bytes, got more"):
        read(path)
