"""A stream of ten seconds, scored with a pencil."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from timbre.evaluation.corpus import Recording
from timbre.evaluation.streaming import StreamReport, Told, score_stream
from timbre.live.events import Revision, SpeakerEnd, SpeakerName, SpeakerStart
from timbre.turns import Turn

# Ada from 1 to 4 s, Ben from 5 to 9 s. The stream says that of Ada after 0.8 s; takes Ben for her, and knows better 2 s
# later; and gives Ada's name to her own voice when she has spoken for 2 s.
TALK = Recording(
    name="talk",
    audio=Path("talk.wav"),
    reference=(Turn(start=1.0, end=4.0, speaker="Ada"), Turn(start=5.0, end=9.0, speaker="Ben")),
)
TOLD = [
    Told(at=1.8, event=SpeakerStart(time=1.0, speaker="SPEAKER_00")),
    Told(at=2.5, event=SpeakerName(time=2.5, speaker="SPEAKER_00", match="Ada", confidence=60, status="tentative")),
    Told(at=3.0, event=SpeakerName(time=3.0, speaker="SPEAKER_00", match="Ada", confidence=80, status="confirmed")),
    Told(at=4.4, event=SpeakerEnd(time=4.0, speaker="SPEAKER_00")),
    Told(at=5.5, event=SpeakerStart(time=5.0, speaker="SPEAKER_00")),
    Told(at=7.0, event=SpeakerEnd(time=6.0, speaker="SPEAKER_00")),
    Told(at=7.0, event=SpeakerStart(time=6.0, speaker="SPEAKER_01")),
    Told(at=8.0, event=Revision(start=5.0, end=6.0, speaker="SPEAKER_01", was="SPEAKER_00")),
    Told(at=9.6, event=SpeakerEnd(time=9.0, speaker="SPEAKER_01")),
]


def test_scores() -> None:
    pytest.importorskip("pyannote.metrics")
    score = score_stream(TALK, TOLD, 10.0, {"Ada", "Ben"})
    # At 5 s of latency everything is known, at 2 s but for the second that a revision came too late for.
    assert score.errors[5.0].rate == pytest.approx(0.0, abs=0.01)
    assert score.errors[2.0].confusion == pytest.approx(1.0, abs=0.11)
    # At half a second: 0.3 s of Ada's start are missed, and Ben is Ada up to 6.5 s.
    assert score.errors[0.5].missed == pytest.approx(0.3, abs=0.11)
    assert score.errors[0.5].confusion == pytest.approx(1.5, abs=0.15)
    assert score.starts == pytest.approx((0.8, 0.5))
    assert score.ends == pytest.approx((0.4, 0.6))
    assert score.first_names == (2.0, math.inf)
    assert (score.known, score.speech, score.revised) == (pytest.approx(7.0), pytest.approx(7.0), 1)
    assert score.named_rightly == pytest.approx(2.0, abs=0.1)
    assert score.named_wrongly == pytest.approx(1.0, abs=0.15)
    report = StreamReport(streams=(score,))
    assert report.error(2.0) == pytest.approx(1 / 7, abs=0.02)
    assert report.quantile("starts", 0.5) == pytest.approx(0.5)
    assert report.revised_a_minute == pytest.approx(6.0)
    assert report.to_dict()["first_names"]["p90"] is None
