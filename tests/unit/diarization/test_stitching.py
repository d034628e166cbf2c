"""Frames become turns: drawings of who talks, one letter a frame of 20 ms."""

import numpy as np
import pytest

from timbre.diarization.assignment import NOBODY, Frames
from timbre.diarization.stitching import bridge, exclusive_stretches, labels, overlapping_stretches, turns

SHORTEST = 0.1


def who(drawing: str) -> np.ndarray:
    """Read a drawing: . is nobody, a is speaker 0, b is speaker 1."""
    return np.array([NOBODY if mark == "." else ord(mark) - ord("a") for mark in drawing], np.int16)


def frames(first: str, second: str = "") -> Frames:
    silence = "." * len(first)
    return Frames(first=who(first), second=who(second or silence), certainty=np.ones(len(first), np.float32))


def test_short_pauses_within_one_speakers_speech_are_bridged() -> None:
    drawing = who("..aaa..aaa...aaa..bb..")
    assert bridge(drawing, 0.06).tolist() == who("..aaaaaaaa...aaa..bb..").tolist()
    assert bridge(drawing, 0.0).tolist() == drawing.tolist()


def test_speech_of_two_at_once_belongs_to_both_and_in_the_exclusive_view_to_one() -> None:
    heard = frames("..aaaaaaabbbbbbb", "....bbbbb.......")
    assert overlapping_stretches(heard, SHORTEST) == [(2, 9, 0), (4, 16, 1)]
    assert exclusive_stretches(heard, SHORTEST) == [(2, 9, 0), (9, 16, 1)]


@pytest.mark.parametrize("begin", range(60))
def test_five_frames_are_a_tenth_of_a_second_wherever_they_are(begin: int) -> None:
    long_enough, too_short = ("." * begin + "a" * length + "." * 20 for length in (5, 4))
    assert overlapping_stretches(frames(long_enough), SHORTEST) == [(begin, begin + 5, 0)]
    assert exclusive_stretches(frames(long_enough), SHORTEST) == [(begin, begin + 5, 0)]
    assert overlapping_stretches(frames(too_short), SHORTEST) == []
    assert exclusive_stretches(frames(too_short), SHORTEST) == []


def test_speakers_are_counted_in_the_order_of_their_turns_and_not_without_one() -> None:
    heard = frames("cc..aaaaaaaabbbbbbcaaaaaa")
    assert labels(overlapping_stretches(heard, SHORTEST)) == {0: "SPEAKER_00", 1: "SPEAKER_01"}


@pytest.mark.parametrize("samples", [16_000, 15_999, 15_690, 15_681, 16_016 - 320])
def test_no_turn_ends_after_the_recording(samples: int) -> None:
    (turn,) = turns([(0, 50, 0)], {0: "Ada"}, samples / 16_000)
    assert samples / 16_000 - 0.001 < turn.end <= samples / 16_000
    assert turn.end == round(turn.end, 3)
