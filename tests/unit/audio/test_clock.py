"""Where the clock of a track puts its frames."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from timbre.audio.clock import Clock

RATE = 16_000
TICK = Fraction(1, 1000)
LENGTH = 0.02  # seconds of a frame


def frames(starts, *, rate=RATE):
    for start in starts:
        frame = av.AudioFrame.from_ndarray(np.zeros((1, round(LENGTH * rate)), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, None if start is None else round(start / TICK)
        yield frame


def run(first, seconds):
    """The starts of frames that follow each other without a gap."""
    return [first + LENGTH * number for number in range(round(seconds / LENGTH))]


def placed(starts, *, zero=0.0, longest=86_400.0):
    """Return where sound lies, as [start, end] with what is cut left out, and the clock."""
    clock = Clock(float(TICK), zero, longest)
    places = [place for frame in frames(starts) for place in clock.place(frame)] + list(clock.finish())
    assert len(places) == len(starts)
    stretches, position = [], 0.0
    for place in places:
        begin = position if place.start is None else place.start
        position = begin + LENGTH - place.cut
        if place.start is None and stretches:
            stretches[-1][1] = position
        else:
            stretches.append([begin, position])
    assert clock.position == pytest.approx(position)
    return [[round(begin, 3), round(end, 3)] for begin, end in stretches], clock


def test_sound_without_a_gap_is_one_stretch():
    stretches, clock = placed(run(0, 2))

    assert stretches == [[0, 2]]
    assert (clock.filled, clock.overlapped, clock.restarts) == (0, 0, [])


@pytest.mark.parametrize("late", [0.5, 4, 1800])
def test_sound_that_begins_late_is_late(late):
    stretches, clock = placed(run(late, 1))

    assert stretches == [[late, late + 1]]
    assert clock.filled == pytest.approx(late)


def test_times_count_from_zero_of_the_player():
    assert placed(run(3601.4, 1), zero=3600)[0] == [[1.4, 2.4]]


@pytest.mark.parametrize("gap", [0.2, 5, 1800, 80_000])
def test_a_gap_stays_a_gap(gap):
    stretches, clock = placed(run(0, 1) + run(1 + gap, 1))

    assert stretches == [[0, 1], [1 + gap, 2 + gap]]
    assert clock.filled == pytest.approx(gap)


def test_gaps_of_minutes_may_follow_each_other_packet_by_packet():
    starts = [0, 60, 200, 300, 360]
    expected = [[at, at + LENGTH] for at in starts]
    expected[-1][1] = 360.04

    assert placed([*starts, 360 + LENGTH])[0] == expected


def test_small_gaps_add_up_before_they_are_filled():
    starts = [number * (LENGTH + 0.03) for number in range(100)]
    stretches, clock = placed(starts)

    assert abs(stretches[-1][1] - starts[-1] - LENGTH) <= 0.1
    assert clock.filled == pytest.approx(99 * 0.03, abs=0.1)


def test_one_timestamp_far_from_all_others_moves_nothing():
    for odd in (40_000, -40_000):
        stretches, clock = placed([*run(0, 1), odd, *run(1 + LENGTH, 1)])
        assert stretches == [[0, 2.02]], odd
        assert clock.filled == 0


def test_a_last_timestamp_far_from_all_others_moves_nothing():
    assert placed([*run(0, 1), 40_000])[0] == [[0, 1.02]]


def test_timestamps_that_jump_back_go_on_where_sound_ended():
    stretches, clock = placed(run(0, 10) + run(0, 5) + run(8, 2))

    assert stretches == [[0, 15], [18, 20]]
    assert clock.restarts == [pytest.approx(10)]


def test_a_gap_beyond_the_longest_recording_is_a_jump_of_the_clock():
    stretches, clock = placed(run(0, 1) + run(90_000, 1))

    assert stretches == [[0, 2]]
    assert clock.restarts == [pytest.approx(1)]


def test_sound_that_has_the_time_of_other_sound_is_cut_as_players_cut_it():
    starts = [number * LENGTH * 0.9 for number in range(200)]
    stretches, clock = placed(starts)

    assert abs(stretches[-1][1] - starts[-1] - LENGTH) <= 0.1 + LENGTH
    assert clock.overlapped == pytest.approx(0.4, abs=0.11)


def test_frames_without_timestamps_follow_each_other():
    assert placed([0, None, None, 0.06])[0] == [[0, 0.08]]


def test_timestamps_that_count_samples_of_an_earlier_rate_make_no_gap():
    clock = Clock(1 / 44_100, 0, 86_400)
    places = []
    for number, frame in enumerate(frames([0] * 100, rate=22_050)):
        frame.pts = number * frame.samples
        places += clock.place(frame)

    assert clock.position == pytest.approx(100 * LENGTH)
    assert clock.overlapped == 0
