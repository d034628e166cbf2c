"""Events in words."""

from __future__ import annotations

import pytest

from timbre.cli.display.listening import line
from timbre.live.events import Event, Partial, Revision, SpeakerEnd, SpeakerName, SpeakerStart


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (SpeakerStart(time=62.5, speaker="SPEAKER_00"), "01:02.5  SPEAKER_00 speaks"),
        (SpeakerEnd(time=3.0, speaker="SPEAKER_00", match="Ada"), "00:03.0  Ada stops"),
        (
            SpeakerName(time=2.0, speaker="SPEAKER_00", match="Ada", confidence=61, status="tentative"),
            "00:02.0  SPEAKER_00 may be Ada (61 %)",
        ),
        (
            SpeakerName(time=2.0, speaker="SPEAKER_00", match="Ada", confidence=90, status="confirmed"),
            "00:02.0  SPEAKER_00 is Ada (90 %)",
        ),
        (
            SpeakerName(time=2.0, speaker="SPEAKER_00", match=None, confidence=0, status="unknown"),
            "00:02.0  SPEAKER_00 is nobody who is known",
        ),
        (
            Revision(start=1.0, end=2.0, speaker="SPEAKER_01", was="SPEAKER_00"),
            "00:01.0  to 00:02.0 was SPEAKER_01, not SPEAKER_00",
        ),
        (Partial(time=1.0, speech=3, speaker=None, match=None, confidence=0), "00:01.0  now: nobody"),
    ],
)
def test_lines(event: Event, said: str) -> None:
    assert line(event) == said
