"""Unknown, tentative, confirmed; and what a person says."""

from __future__ import annotations

import numpy as np
import pytest

from timbre.diarization.diarization import Voice
from timbre.errors import OptionError
from timbre.identification.namer import Namer
from timbre.identification.voiceprint import Voiceprint
from timbre.live.names import Names
from timbre.models.same_voice import SameVoice, unit

SPACE = "00" * 8
SAME = SameVoice(
    name="test", fitted=True, score_weight=20.0, enrol_weight=0.0, test_weight=0.0, bias=-10.0,
    centre=np.zeros(3, np.float32),
)  # fmt: skip
AXES = np.eye(3, dtype=np.float32)
PEOPLE = {name: Voiceprint(prototypes=AXES[[row]], seconds=(20.0,), space=SPACE) for row, name in enumerate("AB")}


def names(*, exclusive: bool = True) -> Names:
    namer = Namer(SAME, SPACE, model="test")
    return Names(namer, expected=PEOPLE, among=2, threshold=50.0, exclusive=exclusive)


def voice(vector: np.ndarray, seconds: float, speaker: str = "SPEAKER_00") -> Voice:
    return Voice(speaker=speaker, embedding=unit(vector.astype(np.float32)), seconds=seconds)


def told(events: list) -> list[tuple[str | None, str]]:
    return [(event.match, event.status) for event in events]


def test_name_must_hold() -> None:
    found = names()
    assert told(found.look([voice(AXES[2], 1.0)], PEOPLE, 1.0)) == []
    assert told(found.look([voice(AXES[0], 1.4)], PEOPLE, 1.4)) == [("A", "tentative")]
    assert found.confirmed("SPEAKER_00") is None
    assert told(found.look([voice(AXES[0], 1.8)], PEOPLE, 1.8)) == [("A", "confirmed")]
    assert found.confirmed("SPEAKER_00") == "A"


def test_confirmed_name_is_not_dropped_for_a_moment() -> None:
    found = names()
    for seconds in (1.0, 2.0):
        found.look([voice(AXES[0], seconds)], PEOPLE, seconds)
    assert told(found.look([voice(AXES[1], 2.4)], PEOPLE, 2.4)) == []
    assert told(found.look([voice(AXES[0], 2.8)], PEOPLE, 2.8)) == []
    assert told(found.look([voice(AXES[1], 3.2)], PEOPLE, 3.2)) == []
    assert told(found.look([voice(AXES[1], 4.2)], PEOPLE, 4.2)) == [("B", "tentative")]
    assert told(found.look([voice(AXES[2], 4.6)], PEOPLE, 4.6)) == [(None, "unknown")]


def test_what_a_person_says_stands() -> None:
    found = names()
    assert told(found.say("SPEAKER_00", "B", 1.0)) == [("B", "confirmed")]
    both = [voice(AXES[0], 9.0), voice(AXES[1], 9.0, "SPEAKER_01")]
    assert told(found.look(both, PEOPLE, 9.0)) == []  # and B is nobody else
    found.moved("SPEAKER_00", "SPEAKER_02")
    assert found.confirmed("SPEAKER_02") == "B"
    assert told(found.say("SPEAKER_02", None, 10.0)) == [(None, "unknown")]
    with pytest.raises(OptionError, match="cannot be given"):
        found.say("SPEAKER_00", "speaker_1", 1.0)


def test_odds_of_those_who_are_expected() -> None:
    odds = names().odds_of_expected(AXES[1], 1.6)
    assert odds == {"A": -10.0, "B": 10.0}
    assert names().known_voices is not None
