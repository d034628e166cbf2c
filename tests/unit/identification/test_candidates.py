"""Naming without a network, and people who are looked up, with made-up voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from timbre import Settings, Voice, Voiceprint
from timbre.engine import voiceprint_space
from timbre.errors import OptionError, VoiceprintMalformed, VoiceprintMismatch
from timbre.identification.candidates import People
from timbre.identification.namer import Namer, load_namer
from timbre.models.same_voice import SameVoice, unit

SPACE = "0123456789abcdef"
MODEL = SameVoice(
    name="toy",
    fitted=True,
    score_weight=20.0,
    enrol_weight=0.0,
    test_weight=0.0,
    bias=-10.0,
    centre=np.full(8, 0.1, np.float32),
)
NAMER = Namer(MODEL, SPACE, model="toy")
VECTORS = unit(np.random.default_rng(3).standard_normal((120, 8)).astype(np.float32))


def voiceprint(number: int, space: str = SPACE) -> Voiceprint:
    return Voiceprint(prototypes=VECTORS[number][None], seconds=(20.0,), space=space)


def voice(number: int, label: str = "SPEAKER_00") -> Voice:
    return Voice(speaker=label, embedding=VECTORS[number], seconds=20.0)


EVERYBODY = {f"Person {number}": voiceprint(number) for number in range(120)}


class SmallGallery:
    """Finds the nearest twelve of the people who are given to it."""

    def __init__(self, known: Mapping[str, Voiceprint]) -> None:
        self.known = known
        self.people = len(known)
        self.asked: list[np.ndarray] = []

    def nearest(self, embeddings: np.ndarray) -> dict[str, Voiceprint]:
        self.asked.append(embeddings)
        names = list(self.known)
        cosines = embeddings @ np.stack([self.known[name].embedding for name in names]).T
        found = np.unique(np.argsort(-cosines)[:, :12])
        return {names[index]: self.known[names[index]] for index in found}


def test_a_voice_gets_the_name_of_its_person() -> None:
    voices = [voice(4), voice(9, "SPEAKER_01")]
    matches = NAMER.name(voices, EVERYBODY, threshold=50)
    assert [(match.speaker, match.match) for match in matches] == [
        ("SPEAKER_00", "Person 4"),
        ("SPEAKER_01", "Person 9"),
    ]
    assert set(matches[0].confidence) == set(EVERYBODY)


def test_who_was_looked_for_counts_as_much_as_who_is_compared() -> None:
    near = SmallGallery(EVERYBODY).nearest(VECTORS[[4]])
    whole = NAMER.name([voice(4)], EVERYBODY)[0].confidence
    part = NAMER.name([voice(4)], near, among=120)[0].confidence
    assert part == {name: whole[name] for name in near}
    assert NAMER.name([voice(4)], near)[0].confidence["Person 4"] >= part["Person 4"]
    odds = 20.0 * (VECTORS @ VECTORS[4]) - 10
    assert part["Person 4"] == round(100 / (1 + np.exp(-float(MODEL.among(odds, 120)[4]))))


def test_looking_people_up_names_as_comparing_all_of_them_does() -> None:
    gallery = SmallGallery(EVERYBODY)
    people = People(NAMER, {}, gallery)
    voices = [voice(4), voice(9, "SPEAKER_01"), voice(30, "SPEAKER_02")]
    near = people.near(np.stack([one.embedding for one in voices]))
    assert 12 <= len(near) <= 36 < len(people) == 120
    found = NAMER.name(voices, near, among=len(people), threshold=50)
    whole = NAMER.name(voices, EVERYBODY, threshold=50)
    assert [match.match for match in found] == [match.match for match in whole]
    for few, all_of_them in zip(found, whole, strict=True):
        assert few.confidence.items() <= all_of_them.confidence.items()


def test_voiceprints_at_hand_and_the_gallery_count_together() -> None:
    at_hand = {"Guest": voiceprint(39)}
    people = People(NAMER, at_hand, SmallGallery({name: EVERYBODY[name] for name in list(EVERYBODY)[:38]}))
    assert len(people) == 39
    near = people.near(VECTORS[[4]])
    assert {"Guest", "Person 4"} <= near.keys()
    known = people.known_voices(VECTORS[[4]])
    assert known is not None
    assert known.people == 39
    assert len(known.embeddings) == len(near)


def test_a_name_is_one_person() -> None:
    people = People(NAMER, {"Person 4": voiceprint(20)}, SmallGallery(EVERYBODY))
    with pytest.raises(OptionError, match=r"^Person 4 is the name of a voiceprint and of a person in the gallery"):
        people.near(VECTORS[[4]])


def test_what_a_gallery_finds_is_checked_as_what_is_given() -> None:
    with pytest.raises(VoiceprintMismatch, match=r"^Eve: .*another encoder"):
        People(NAMER, {}, SmallGallery({"Eve": voiceprint(0, "ff" * 8)})).near(VECTORS[[0]])
    with pytest.raises(OptionError, match="unknown speakers"):
        People(NAMER, {}, SmallGallery({"SPEAKER_00": voiceprint(0)})).near(VECTORS[[0]])


def test_without_anybody_nobody_is_named_and_nobody_is_looked_up() -> None:
    assert NAMER.name([voice(0)], {})[0].match is None
    assert People(NAMER, {}).known_voices(VECTORS[[0]]) is None
    gallery = SmallGallery(EVERYBODY)
    assert People(NAMER, {}, gallery).near(np.zeros((0, 8), np.float32)) == {}
    assert not gallery.asked


def test_vectors_of_another_length_are_refused_even_where_the_calibration_has_none() -> None:
    plain = Namer(
        replace(MODEL, centre=np.zeros(1, np.float32)),
        SPACE,
        model="toy",
    )
    short = Voiceprint(prototypes=np.ones((1, 3), np.float32), seconds=(5.0,), space=SPACE)
    for namer in (NAMER, plain):
        with pytest.raises(VoiceprintMalformed, match=r"^Eve: .*make it again"):
            namer.name([voice(0)], {"Eve": short})


def test_a_namer_needs_no_network_and_has_the_space_of_its_pack() -> None:
    namer = load_namer("base", Settings())
    assert (namer.model, namer.space) == voiceprint_space("base")
    assert namer.same_voice.fitted
    assert "did you mean 50" in namer.warnings(0.5)[0]
    assert namer.warnings(50) == ()
    unfitted = Namer(replace(MODEL, fitted=False), SPACE, model="toy")
    assert "not calibrated" in unfitted.warnings(50)[0]


def test_a_name_is_given_twice_only_where_both_voices_may_be_one_person() -> None:
    ada, ben = np.eye(8, dtype=np.float32)[:2]
    blend = Voiceprint(prototypes=unit(ada + ben)[None], seconds=(20.0,), space=SPACE)
    heard = {
        "SPEAKER_00": ada,
        "SPEAKER_01": unit(ben + np.float32(0.1) * ada),
        "SPEAKER_02": unit(ben + np.float32(0.9) * ada),
    }
    voices = [Voice(speaker=label, embedding=vector, seconds=20.0) for label, vector in heard.items()]

    def named(**options: float | bool) -> list[str | None]:
        return [match.match for match in NAMER.name(voices, {"Both": blend}, **options)]

    assert named(threshold=50, exclusive=False) == ["Both", "Both", "Both"]  # each may be the likeliest, the last
    del voices[2]
    assert named(threshold=50, exclusive=False) == [None, "Both"]
    assert named(threshold=0, exclusive=False) == ["Both", "Both"]
    assert named(threshold=50, exclusive=True) == [None, "Both"]
