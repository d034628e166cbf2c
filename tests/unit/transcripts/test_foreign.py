"""Transcripts as tools write them, by the documentation of each."""

from __future__ import annotations

import json

import pytest

from timbre.transcripts import loads
from timbre.turns import Turn

TURNS = (Turn(start=0.0, end=5.0, speaker="Ada"), Turn(start=8.0, end=20.0, speaker="Ben"))


def labelled(document, **options):
    """Return the labelled document and the warnings."""
    transcript = loads(json.dumps(document, ensure_ascii=False))
    return json.loads(transcript.labelled(TURNS, **options)), transcript.warnings


def without_speakers(value, keys=("speaker", "speaker_label", "speakerLabel")):
    if isinstance(value, dict):
        return {key: without_speakers(each) for key, each in value.items() if key not in keys}
    return [without_speakers(each) for each in value] if isinstance(value, list) else value


WHISPER_CPP = {
    "systeminfo": "AVX = 1",
    "model": {"type": "base", "audio": {"ctx": 1500, "layer": 6}},
    "result": {"language": "en"},
    "transcription": [
        {
            "timestamps": {"from": "00:00:00,000", "to": "00:00:04,000"},
            "offsets": {"from": 0, "to": 4000},
            "text": " Hello to all of you.",
        },
        {
            "timestamps": {"from": "00:00:12,000", "to": "00:00:14,000"},
            "offsets": {"from": 12_000, "to": 14_000},
            "text": " Thank you very much, Ada.",
        },
    ],
}
TRANSFORMERS = {
    "text": " Hello to all of you. Thank you, Ada.",
    "chunks": [
        {"timestamp": [0.0, 4.0], "text": " Hello to all of you."},
        {"timestamp": [12.0, None], "text": " Thank you very much, Ada."},
    ],
}
TRANSFORMERS_WORDS = {
    "text": " Hello you.",
    "chunks": [{"text": " Hello", "timestamp": [0.5, 0.9]}, {"text": " you.", "timestamp": [12.1, 12.4]}],
}
DEEPGRAM = {
    "metadata": {"duration": 20.0, "channels": 1},
    "results": {
        "channels": [
            {
                "alternatives": [
                    {
                        "transcript": "hello you",
                        "confidence": 0.99,
                        "words": [
                            {"word": "hello", "start": 0.5, "end": 0.9, "confidence": 0.9, "punctuated_word": "Hello"},
                            {"word": "you", "start": 12.1, "end": 12.4, "confidence": 0.9, "punctuated_word": "you."},
                        ],
                    }
                ]
            }
        ]
    },
}
ASSEMBLYAI = {
    "id": "1",
    "status": "completed",
    "text": "Hello you.",
    "words": [
        {"text": "Hello", "start": 500, "end": 900, "confidence": 0.9, "speaker": None},
        {"text": "you.", "start": 12_100, "end": 12_400, "confidence": 0.9, "speaker": None},
    ],
    "utterances": [
        {
            "text": "Hello to all of you.",
            "start": 500,
            "end": 900,
            "speaker": "A",
            "words": [{"text": "Hello", "start": 500, "end": 900, "speaker": "A"}],
        },
        {
            "text": "Thank you very much, you.",
            "start": 12_100,
            "end": 12_400,
            "speaker": "A",
            "words": [{"text": "you.", "start": 12_100, "end": 12_400, "speaker": "A"}],
        },
    ],
}
AWS = {
    "jobName": "x",
    "results": {
        "transcripts": [{"transcript": "Hello. You."}],
        "items": [
            {
                "start_time": "0.5",
                "end_time": "0.9",
                "alternatives": [{"confidence": "1.0", "content": "Hello"}],
                "type": "pronunciation",
            },
            {"alternatives": [{"confidence": "0.0", "content": "."}], "type": "punctuation"},
            {
                "start_time": "12.1",
                "end_time": "12.4",
                "alternatives": [{"confidence": "1.0", "content": "You"}],
                "type": "pronunciation",
            },
            {"alternatives": [{"confidence": "0.0", "content": "."}], "type": "punctuation"},
        ],
    },
}
GOOGLE = {
    "results": [
        {
            "alternatives": [
                {
                    "transcript": "hello you",
                    "confidence": 0.9,
                    "words": [
                        {"startTime": "0.500s", "endTime": "0.900s", "word": "hello"},
                        {"startTime": "12.100s", "endTime": "12.400s", "word": "you"},
                    ],
                }
            ],
            "resultEndTime": "12.4s",
        }
    ]
}
GOOGLE_2 = {
    "results": [
        {
            "alternatives": [
                {
                    "transcript": "hello you",
                    "words": [
                        {"startOffset": "0.5s", "endOffset": "0.9s", "word": "hello"},
                        {"startOffset": "12.1s", "endOffset": "12.4s", "word": "you"},
                    ],
                }
            ]
        }
    ]
}
AZURE = {
    "source": "x",
    "durationInTicks": 200_000_000,
    "combinedRecognizedPhrases": [{"channel": 0, "display": "Hello. You."}],
    "recognizedPhrases": [
        {
            "channel": 0,
            "offset": "PT0.5S",
            "duration": "PT0.4S",
            "offsetInTicks": 5_000_000.0,
            "durationInTicks": 4_000_000.0,
            "nBest": [{"confidence": 0.9, "display": "Hello to all of you.", "lexical": "hello"}],
        },
        {
            "channel": 0,
            "offset": "PT12.1S",
            "duration": "PT0.3S",
            "offsetInTicks": 121_000_000.0,
            "durationInTicks": 3_000_000.0,
            "nBest": [{"confidence": 0.9, "display": "Thank you very much, Ada.", "lexical": "you"}],
        },
    ],
}
AZURE_FAST = {
    "durationMilliseconds": 20_000,
    "combinedPhrases": [{"text": "Hello to all of you."}],
    "phrases": [
        {
            "offsetMilliseconds": 500,
            "durationMilliseconds": 400,
            "text": "Hello to all of you.",
            "words": [{"text": "Hello", "offsetMilliseconds": 500, "durationMilliseconds": 400}],
        },
        {
            "offsetMilliseconds": 12_100,
            "durationMilliseconds": 300,
            "text": "Thank you very much, Ada.",
            "words": [{"text": "Ada.", "offsetMilliseconds": 12_100, "durationMilliseconds": 300}],
        },
    ],
}
NEMO = {
    "text": "hello you",
    "timestamp": {
        "word": [
            {"start_offset": 6, "end_offset": 11, "start": 0.5, "end": 0.9, "word": "hello"},
            {"start_offset": 151, "end_offset": 155, "start": 12.1, "end": 12.4, "word": "you"},
        ]
    },
}
SPEECHMATICS = {
    "format": "2.9",
    "results": [
        {"type": "word", "start_time": 0.5, "end_time": 0.9, "alternatives": [{"content": "Hello", "confidence": 1}]},
        {"type": "word", "start_time": 12.1, "end_time": 12.4, "alternatives": [{"content": "you", "confidence": 1}]},
    ],
}
REV = {
    "monologues": [
        {
            "speaker": 0,
            "elements": [
                {"type": "text", "value": "Hello", "ts": 0.5, "end_ts": 0.9, "confidence": 1},
                {"type": "punct", "value": " "},
                {"type": "text", "value": "you", "ts": 12.1, "end_ts": 12.4, "confidence": 1},
            ],
        }
    ]
}
VOSK = {"result": [{"conf": 1, "end": 0.9, "start": 0.5, "word": "hello"}, {"end": 12.4, "start": 12.1, "word": "you"}]}
ALL = {
    "whisper.cpp": (WHISPER_CPP, lambda d: [s["speaker"] for s in d["transcription"]]),
    "transformers": (TRANSFORMERS, lambda d: [s["speaker"] for s in d["chunks"]]),
    "transformers, words": (TRANSFORMERS_WORDS, lambda d: [s["speaker"] for s in d["chunks"]]),
    "Deepgram": (
        DEEPGRAM,
        lambda d: [w["speaker"] for w in d["results"]["channels"][0]["alternatives"][0]["words"]],
    ),
    "AssemblyAI, words": (ASSEMBLYAI, lambda d: [w["speaker"] for w in d["words"]]),
    "AssemblyAI, utterances": (ASSEMBLYAI, lambda d: [u["speaker"] for u in d["utterances"]]),
    "AssemblyAI, their words": (ASSEMBLYAI, lambda d: [u["words"][0]["speaker"] for u in d["utterances"]]),
    "AWS": (AWS, lambda d: [w["speaker_label"] for w in d["results"]["items"][::2]]),
    "AWS, marks": (AWS, lambda d: [w["speaker_label"] for w in d["results"]["items"][1::2]]),
    "Google": (GOOGLE, lambda d: [w["speakerLabel"] for w in d["results"][0]["alternatives"][0]["words"]]),
    "Google, version 2": (GOOGLE_2, lambda d: [w["speakerLabel"] for w in d["results"][0]["alternatives"][0]["words"]]),
    "Azure": (AZURE, lambda d: [p["speaker"] for p in d["recognizedPhrases"]]),
    "Azure, fast": (AZURE_FAST, lambda d: [p["speaker"] for p in d["phrases"]]),
    "NeMo": (NEMO, lambda d: [w["speaker"] for w in d["timestamp"]["word"]]),
    "Speechmatics": (SPEECHMATICS, lambda d: [w["speaker"] for w in d["results"]]),
    "Rev": (REV, lambda d: [w["speaker"] for w in d["monologues"][0]["elements"][::2]]),
    "Vosk": (VOSK, lambda d: [w["speaker"] for w in d["result"]]),
}


@pytest.mark.parametrize("tool", ALL)
def test_every_tool_gets_names_and_nothing_else_changed(tool):
    document, speakers = ALL[tool]

    named, warnings = labelled(document)

    assert speakers(named) == ["Ada", "Ben"]
    assert without_speakers(named) == without_speakers(document)
    assert all("missing" in warning or "milliseconds" in warning for warning in warnings)


def test_what_is_labelled_can_be_labelled_again():
    for document, speakers in ALL.values():
        named, _ = labelled(document)
        assert speakers(labelled(named)[0]) == ["Ada", "Ben"]


@pytest.mark.parametrize(("unit", "name"), [(1000, "milliseconds"), (100, "hundredths"), (10_000_000, "ticks")])
def test_the_unit_is_recognised_from_the_length_of_the_recording(unit, name):
    words = [("hi", 1.5, 2.4), ("there", 12, 12.4)]
    document = {"words": [{"text": text, "start": a * unit, "end": b * unit} for text, a, b in words]}

    named, warnings = labelled(document)

    assert [word["speaker"] for word in named["words"]] == ["Ada", "Ben"]
    assert name in warnings[0]


def test_a_segment_of_two_speakers_is_divided_in_its_own_unit():
    words = [{"word": "Hi.", "start": 1000, "end": 2000}, {"word": "Hello!", "start": 12_000, "end": 13_000}]
    named, _ = labelled({"segments": [{"start": 1000, "end": 13_000, "text": "Hi. Hello!", "words": words}]})

    assert [(one["start"], one["end"], one["speaker"]) for one in named["segments"]] == [
        (1000, 2000, "Ada"),
        (12_000, 13_000, "Ben"),
    ]


def test_a_transcript_of_another_recording_is_told():
    document = {"segments": [{"start": at, "end": at + 1.5, "text": "Hi"} for at in (1, 60, 70)]}

    named, warnings = labelled(document)

    assert [segment.get("speaker") for segment in named["segments"]] == ["Ada", None, None]
    assert warnings == (
        "2 of 3 times lie behind the end of the recording, at 25.0 s; is this the transcript of another?",
    )
    assert "at 65.0 s" in labelled(document, duration=65)[1][0]


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:13,000 --> 00:00:12,500\nBye\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n\n00:13.000 --> 00:12.500\nBye\n",
        '{"segments":[{"start":1,"end":2,"text":"Hi"},{"start":13,"end":12.5,"text":"Bye"}]}',
        '{"segments":[{"start":1,"end":2,"text":"Hi"},{"start":13,"end":null,"text":"Bye"}]}',
        '{"segments":[{"start":1,"end":2,"text":"Hi"},{"start":13,"text":"Bye"}]}',
    ],
)
def test_one_wrong_end_is_mended_and_told(text):
    transcript = loads(text)

    named = transcript.labelled(TURNS)

    assert named.index("Ada") < named.index("Ben")
    assert transcript.warnings == ("1 end is missing or before the start, which was taken for it",)
