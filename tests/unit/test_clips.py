"""Clips of made-up recordings, whose samples say where they are from."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from timbre.audio.recording import Condition, Recording
from timbre.audio.storage import temporary_file
from timbre.diarization.clips import cut_clip, with_clips
from timbre.diarization.result import Diarization, FrameScores, Voice
from timbre.turns import Turn

RATE = 16_000
FADE = 160  # samples at both ends of a piece


@pytest.fixture
def recording() -> Iterator[Recording]:
    """Twenty seconds of which each sample is the tenth of a second that it lies in, and one more."""
    with Recording(temporary_file(None)) as recording:
        recording.append((np.arange(20 * RATE) // (RATE // 10) + 1).astype(np.int16))
        recording.finish(Condition())
        yield recording


def spoken(*stretches: tuple[float, float]) -> np.ndarray:
    mask = np.zeros(1000, np.bool_)
    for begin, end in stretches:
        mask[round(begin * 50) : round(end * 50)] = True
    return mask


def test_the_longest_stretch_is_taken_and_cut(recording: Recording) -> None:
    clip = cut_clip(recording, spoken((1, 3), (10, 16)), 4.0)
    assert clip is not None
    assert clip.dtype == np.int16
    assert len(clip) == 4 * RATE
    assert (clip[FADE:-FADE] == recording.pcm(10 * RATE, 14 * RATE)[FADE:-FADE]).all()


def test_the_clearest_part_of_it(recording: Recording) -> None:
    clear = np.full(1000, 50, np.uint8)
    clear[600:750] = 90
    clip = cut_clip(recording, spoken((10, 16)), 3.0, clear)
    assert clip is not None
    assert (clip[FADE:-FADE] == recording.pcm(12 * RATE, 15 * RATE)[FADE:-FADE]).all()


def test_where_one_is_not_enough_others_join_in_order_of_time(recording: Recording) -> None:
    clip = cut_clip(recording, spoken((2, 3), (5, 9), (12, 14), (18, 18.2)), 6.5)
    assert clip is not None
    assert len(clip) == 6.5 * RATE
    expected = [(2, 2.5), (5, 9), (12, 14)]
    parts = [recording.pcm(round(begin * RATE), round(end * RATE)) for begin, end in expected]
    at = 0
    for part in parts:
        assert (clip[at + FADE : at + len(part) - FADE] == part[FADE:-FADE]).all()
        at += len(part)


def test_pieces_fade_in_and_out(recording: Recording) -> None:
    clip = cut_clip(recording, spoken((15, 17)), 5.0)
    assert clip is not None
    assert clip[0] < 5
    assert clip[FADE] == 151
    assert clip[-1] < 5


def test_somebody_who_says_next_to_nothing_is_heard_all_the_same(recording: Recording) -> None:
    clip = cut_clip(recording, spoken((4, 4.2), (6, 6.1)), 5.0)
    assert clip is not None
    assert len(clip) == 0.2 * RATE


def test_nothing_is_no_clip(recording: Recording) -> None:
    assert cut_clip(recording, spoken(), 5.0) is None


def diarized(*turns: tuple[float, float, str], exclusive: tuple[tuple[float, float, str], ...] = ()) -> Diarization:
    def made(some: tuple[tuple[float, float, str], ...]) -> tuple[Turn, ...]:
        return tuple(Turn(start=start, end=end, speaker=speaker) for start, end, speaker in some)

    speakers = dict.fromkeys(speaker for _, _, speaker in turns)
    return Diarization(
        turns=made(turns),
        exclusive_turns=made(exclusive or turns),
        voices=tuple(Voice(speaker=name, embedding=np.ones(1, np.float32), seconds=5.0) for name in speakers),
        duration=20.0,
        encoder="00" * 8,
        confidence=FrameScores(score=np.full(1000, 80, np.uint8)),
    )


def test_only_where_a_speaker_is_alone(recording: Recording) -> None:
    found = with_clips(diarized((0, 8, "A"), (5, 12, "B")), [recording], 30.0)
    ada, ben = (voice.clip for voice in found.voices)
    assert ada is not None
    assert ben is not None
    assert len(ada) == 5 * RATE
    assert (ben[FADE:-FADE] == recording.pcm(8 * RATE, 12 * RATE)[FADE:-FADE]).all()


def test_who_is_never_alone_is_heard_where_louder(recording: Recording) -> None:
    found = diarized((0, 8, "A"), (2, 4, "B"), exclusive=((0, 2.5, "A"), (2.5, 4, "B"), (4, 8, "A")))
    clip = with_clips(found, [recording], 30.0).voices[1].clip
    assert clip is not None
    assert len(clip) == 1.5 * RATE


def test_each_channel_gives_the_clips_of_its_own_speakers(recording: Recording) -> None:
    found = diarized((0, 4, "A"), (6, 9, "B"))
    voices = tuple(
        Voice(speaker=name, embedding=np.ones(1, np.float32), seconds=3.0, channel=number)
        for number, name in enumerate("AB")
    )
    with Recording(temporary_file(None)) as other:
        other.append(np.full(20 * RATE, -7, np.int16))
        other.finish(Condition())
        found = replace(found, voices=voices)
        ada, ben = (voice.clip for voice in with_clips(found, [recording, other], 2.0).voices)
    assert ada is not None
    assert ben is not None
    assert ada.max() > 0
    assert set(ben[FADE:-FADE].tolist()) == {-7}
