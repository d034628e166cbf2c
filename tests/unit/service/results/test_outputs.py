"""What changes in a stored output when people change: checked on one that a person can read."""

import json
from copy import deepcopy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbre.identification.identification import SpeakerMatch
from timbre.service.naming.candidate_pool import CandidatePool
from timbre.service.naming.named_output import name_output
from timbre.service.requests.selection import Selection
from timbre.service.results.outputs import MOST_CANDIDATES, Named, dumped, packed, people_of, replace, unpacked

ADA, BEN, CLEO = UUID(int=1), UUID(int=2), UUID(int=3)


def turn(speaker, start, **more):
    return {"speaker": speaker, "start": start, "end": start + 1.0, **more}


@pytest.fixture
def output():
    """Ada speaks, then somebody unknown who might be Ada or Ben; `guest` is a voiceprint that was sent."""
    return {
        "diarization": [turn("SPEAKER_00", 0.0), turn("SPEAKER_01", 1.0)],
        "identification": [
            turn("Ada", 0.0, diarizationSpeaker="SPEAKER_00", match="Ada", speakerId=str(ADA)),
            turn("SPEAKER_01", 1.0, diarizationSpeaker="SPEAKER_01", match=None, speakerId=None),
        ],
        "voiceprints": [
            {
                "speaker": "SPEAKER_00",
                "match": "Ada",
                "speakerId": str(ADA),
                "confidence": {"guest": 3, "Ada": 90, "Ben": 10},
                "candidates": [
                    {"speakerId": str(ADA), "name": "Ada", "confidence": 90},
                    {"speakerId": str(BEN), "name": "Ben", "confidence": 10},
                ],
            },
            {
                "speaker": "SPEAKER_01",
                "match": None,
                "speakerId": None,
                "confidence": {"guest": 3, "Ben": 40, "Ada": 20},
                "candidates": [
                    {"speakerId": str(BEN), "name": "Ben", "confidence": 40},
                    {"speakerId": str(ADA), "name": "Ada", "confidence": 20},
                ],
            },
        ],
        "gallery": {"version": 7, "people": 2},
    }


def test_who_is_mentioned(output):
    assert people_of(output) == {ADA: True, BEN: False}
    assert people_of({"diarization": []}) == {}
    hosted = {"voiceprints": [{"speaker": "SPEAKER_00", "match": "Ada", "confidence": {"Ada": 3}}]}
    assert people_of(hosted) == {}


def test_a_person_is_forgotten(output):
    replace(output, ADA, None)
    assert "Ada" not in json.dumps(output)
    assert str(ADA) not in json.dumps(output)
    assert output["identification"][0] == turn(
        "SPEAKER_00", 0.0, diarizationSpeaker="SPEAKER_00", match=None, speakerId=None
    )
    first, second = output["voiceprints"]
    assert (first["match"], first["speakerId"], first["confidence"]) == (None, None, {"guest": 3, "Ben": 10})
    assert second["confidence"] == {"guest": 3, "Ben": 40}
    assert people_of(output) == {BEN: False}


def test_a_person_is_renamed(output):
    before = deepcopy(output)
    replace(output, ADA, Named(id=ADA, name="Countess"))
    assert json.loads(json.dumps(before).replace('"Ada"', '"Countess"')) == output
    replace(output, ADA, Named(id=ADA, name="Ada"))
    assert output == before


def test_people_are_merged(output):
    replace(output, BEN, Named(id=ADA, name="Ada"))
    first, second = output["voiceprints"]
    assert first["candidates"] == [{"speakerId": str(ADA), "name": "Ada", "confidence": 90}]
    assert first["confidence"] == {"guest": 3, "Ada": 90}
    assert second["candidates"] == [{"speakerId": str(ADA), "name": "Ada", "confidence": 40}]
    assert second["confidence"] == {"guest": 3, "Ada": 40}
    assert people_of(output) == {ADA: True}


def test_whoever_is_not_mentioned_changes_nothing(output):
    before = deepcopy(output)
    replace(output, CLEO, None)
    replace(output, CLEO, Named(id=ADA, name="Ada"))
    assert output == before


def test_it_comes_back_as_it_was(output):
    body, length = packed(output)
    assert unpacked(body) == output
    assert length == len(dumped(output))
    assert packed(dumped(output)) == (body, length)


# What names write

CROWD = CandidatePool(team=UUID(int=9), space="0" * 16, selection=Selection(), people=12, version=3, gallery=None)


def match(number, chosen, **confidence):
    return SpeakerMatch(speaker=f"SPEAKER_{number:02}", match=chosen, confidence=confidence)


def test_without_a_gallery_it_is_what_the_hosted_service_says():
    output = {"diarization": [turn("SPEAKER_00", 0.0, confidence={"SPEAKER_00": 99})]}
    name_output(output, [match(0, "Ada", Ada=90)])
    assert output == {
        "diarization": [turn("SPEAKER_00", 0.0, confidence={"SPEAKER_00": 99})],
        "identification": [
            turn("Ada", 0.0, confidence={"SPEAKER_00": 99}, diarizationSpeaker="SPEAKER_00", match="Ada")
        ],
        "voiceprints": [{"speaker": "SPEAKER_00", "match": "Ada", "confidence": {"Ada": 90}}],
    }


def test_whoever_is_matched_is_a_candidate():
    people = {str(UUID(int=number)): f"Person {number}" for number in range(8)}
    sure = {person: 60 - number for number, person in enumerate(people)}
    last = list(people)[-1]
    output = {"diarization": [turn("SPEAKER_00", 0.0)]}
    name_output(output, [match(0, last, guest=70, **sure)], pool=CROWD, names=people)
    (voice,) = output["voiceprints"]
    assert [each["name"] for each in voice["candidates"]] == [
        "Person 0", "Person 1", "Person 2", "Person 3", "Person 7",
    ]  # fmt: skip
    assert voice["confidence"] == {
        "guest": 70,
        "Person 0": 60,
        "Person 1": 59,
        "Person 2": 58,
        "Person 3": 57,
        "Person 7": 53,
    }
    assert (voice["match"], voice["speakerId"]) == ("Person 7", last)
    assert output["gallery"] == {"version": 3, "people": 12}


PEOPLE = {
    str(UUID(int=number)): name for number, name in enumerate(("Ada", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus"), 1)
}


@st.composite
def named(draw):
    """An output with names, as naming writes it."""
    count = draw(st.integers(1, 4))
    output = {"diarization": [turn(f"SPEAKER_{number % count:02}", float(number)) for number in range(count + 2)]}
    matches = []
    for number in range(count):
        confidence = {person: draw(st.integers(0, 100)) for person in draw(st.permutations(list(PEOPLE)))}
        confidence["guest"] = draw(st.integers(0, 100))
        matches.append(match(number, draw(st.sampled_from([None, *confidence])), **confidence))
    name_output(output, matches, pool=CROWD, names=PEOPLE)
    return output


@given(
    named(), st.lists(st.tuples(st.sampled_from(sorted(PEOPLE)), st.sampled_from([None, *sorted(PEOPLE)])), max_size=6)
)
def test_whatever_changes_the_output_says_the_same_everywhere(output, changes):
    gone = set()
    for person, other in changes:
        by = None if other is None or other in gone else Named(id=UUID(other), name=PEOPLE[other])
        if by is None or by.id != UUID(person):
            gone.add(person)
        replace(output, UUID(person), by)
    text = json.dumps(output)
    for person in gone - {str(by) for by in people_of(output)}:
        assert person not in text
    told = {voice["speaker"]: voice for voice in output["voiceprints"]}
    for item in output["identification"]:
        voice = told[item["diarizationSpeaker"]]
        assert (item["match"], item["speakerId"]) == (voice["match"], voice["speakerId"])
        assert item["speaker"] == (voice["match"] or item["diarizationSpeaker"])
    for voice in output["voiceprints"]:
        names = [each["name"] for each in voice["candidates"]]
        assert len(names) == len(set(names)) <= MOST_CANDIDATES
        assert set(voice["confidence"]) == {"guest", *names}
        assert [each["confidence"] for each in voice["candidates"]] == sorted(
            (each["confidence"] for each in voice["candidates"]), reverse=True
        )
        assert voice["speakerId"] is None or PEOPLE[voice["speakerId"]] == voice["match"]
        assert voice["match"] in {None, "guest", *names}
