"""Transcripts in outputs: labelled by their turns, and again when those get other names."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from timbre.errors import FormatError
from timbre.formats.json import exclusive_turns, loads_exclusive
from timbre.service.results.decisions import Decision
from timbre.service.results.outputs import Named, replace
from timbre.service.results.standing import stand
from timbre.service.results.transcripts import labelled
from timbre.transcripts import TranscriptFormat
from timbre.turns import Turn

ADA, BEN = UUID(int=1), UUID(int=2)
SRT = "1\n00:00:00,000 --> 00:00:01,000\nHi\n\n2\n00:00:02,000 --> 00:00:03,000\nHo\n"


def output(**more):
    """An identification of two people of the gallery, with an overlap at the end of the first turn."""
    turns = [("SPEAKER_00", 0.0, 1.5), ("SPEAKER_01", 1.0, 3.0)]
    apart = [("SPEAKER_00", 0.0, 1.2), ("SPEAKER_01", 1.2, 3.0)]
    people = [("SPEAKER_00", "Ada", ADA), ("SPEAKER_01", "Ben", BEN)]
    names = {label: name for label, name, _ in people}
    ids = {label: str(person) for label, _, person in people}
    return {
        "diarization": [{"speaker": label, "start": start, "end": end} for label, start, end in turns],
        "exclusiveDiarization": [
            {"speaker": label, "start": start, "end": end, "confidence": {"SPEAKER_00": 90, "SPEAKER_01": 10}}
            for label, start, end in apart
        ],
        "identification": [
            {
                "speaker": names[label],
                "start": start,
                "end": end,
                "diarizationSpeaker": label,
                "match": names[label],
                "speakerId": ids[label],
            }
            for label, start, end in turns
        ],
        "voiceprints": [
            {"speaker": label, "match": name, "speakerId": str(person), "confidence": {name: 99}, "candidates": []}
            for label, name, person in people
        ],
        **more,
    }


def labelled_output():
    return output(transcript=labelled(SRT, output())[0])


def test_the_turns_that_never_overlap_are_taken_by_name():
    turns = exclusive_turns(output())
    assert [(turn.speaker, turn.start, turn.end) for turn in turns] == [("Ada", 0.0, 1.2), ("Ben", 1.2, 3.0)]
    assert turns[0].confidence == {"SPEAKER_00": 90, "SPEAKER_01": 10}
    job = {"jobId": "8", "output": output()}
    assert loads_exclusive(json.dumps(job)) == turns


def test_without_such_turns_those_that_may_overlap_are_taken():
    of = output()
    del of["exclusiveDiarization"]
    named = (Turn(start=0.0, end=1.5, speaker="Ada"), Turn(start=1.0, end=3.0, speaker="Ben"))
    assert exclusive_turns(of) == named
    del of["identification"]
    assert [turn.speaker for turn in exclusive_turns(of)] == ["SPEAKER_00", "SPEAKER_01"]
    assert exclusive_turns(of["diarization"]) == exclusive_turns(of)


def test_nobody_who_is_not_matched_has_a_name():
    of = output()
    of["voiceprints"][1]["match"] = None
    assert [turn.speaker for turn in exclusive_turns(of)] == ["Ada", "SPEAKER_01"]
    of["voiceprints"] = None
    assert [turn.speaker for turn in exclusive_turns(of)] == ["SPEAKER_00", "SPEAKER_01"]


def test_what_is_no_output_is_refused():
    with pytest.raises(FormatError, match=r"JSON, \$: expected a list of segments"):
        loads_exclusive('{"voiceprint": "x"}')
    with pytest.raises(FormatError, match=r"JSON, \$.exclusiveDiarization\[0\]: expected an object"):
        loads_exclusive('{"exclusiveDiarization": [3]}')


def test_a_transcript_is_labelled():
    named = SRT.replace("Hi", "Ada: Hi").replace("Ho", "Ben: Ho")
    assert labelled(SRT, output()) == (named, ())
    assert labelled(SRT, output(), TranscriptFormat.SRT) == (named, ())
    with pytest.raises(FormatError):
        labelled(SRT, output(), TranscriptFormat.VTT)


def test_a_person_who_is_renamed_or_erased_is_so_in_the_transcript():
    of = labelled_output()
    replace(of, BEN, Named(id=BEN, name="Benjamin"))
    assert of["transcript"] == labelled_output()["transcript"].replace("Ben:", "Benjamin:")
    replace(of, BEN, None)
    assert of["transcript"] == labelled_output()["transcript"].replace("Ben:", "SPEAKER_01:")
    replace(of, ADA, Named(id=BEN, name="Ben"))
    assert of["transcript"] == SRT.replace("Hi", "Ben: Hi").replace("Ho", "SPEAKER_01: Ho")


def test_what_people_decide_is_so_in_the_transcript():
    of = labelled_output()
    joined = Decision(kind="join", revision=1, voice="SPEAKER_00", others=("SPEAKER_01",))
    assert stand(of, [joined], {})["transcript"] == SRT.replace("Hi", "Ada: Hi").replace("Ho", "Ada: Ho")
    assert of == labelled_output()


def test_an_output_without_a_transcript_stays_without():
    of = output()
    replace(of, BEN, None)
    assert "transcript" not in of


def test_a_transcript_that_has_grown_beyond_the_limits_is_labelled_again(monkeypatch):
    of = labelled_output()
    for limit in ("MOST_BYTES", "MOST_LINES", "MOST_SEGMENTS"):
        monkeypatch.setattr(f"timbre.transcripts.limits.{limit}", 1)
    replace(of, BEN, None)
    assert "SPEAKER_01: Ho" in of["transcript"]
