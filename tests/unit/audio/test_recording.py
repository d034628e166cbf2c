"""Reading a recording while it grows."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from timbre.audio.recording import Condition, Header, Recording
from timbre.audio.temporary import temporary_file
from timbre.errors import AudioTooLong, TimbreError


@pytest.fixture
def recording(tmp_path):
    with Recording(temporary_file(tmp_path)) as recording:
        yield recording


def in_background(function):
    """Run a function in a thread; the returned function waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()

    def result():
        thread.join(timeout=30)
        return results[0]

    return result


def ramp(start, stop):
    return np.arange(start, stop, dtype=np.int16)


def test_samples_come_back_as_floats_at_their_positions(recording):
    recording.append(ramp(0, 1000))
    recording.append(ramp(1000, 2000))

    part = recording.read(990, 1010)

    assert part.dtype == np.float32
    assert np.array_equal(part * 32_768, ramp(990, 1010))


def test_a_reader_waits_for_what_is_not_decoded_yet(recording):
    result = in_background(lambda: recording.read(500, 1500))

    recording.append(ramp(0, 1000))
    recording.append(ramp(1000, 2000))

    assert np.array_equal(result() * 32_768, ramp(500, 1500))


def test_a_reader_gets_less_at_the_end(recording):
    result = in_background(lambda: recording.read(500, 1500))

    recording.append(ramp(0, 1000))
    recording.finish(Condition())

    assert len(result()) == 500
    assert len(recording.read(1000, 2000)) == 0
    assert len(recording.read(5000, 6000)) == 0


def test_blocks_are_the_whole_recording_without_its_length_being_known(recording):
    result = in_background(lambda: [len(block) for block in recording.blocks(300)])

    recording.append(ramp(0, 1000))
    recording.finish(Condition())

    assert result() == [300, 300, 300, 100]


def test_blocks_of_a_multiple_length_end_without_an_empty_one(recording):
    recording.append(ramp(0, 600))
    recording.finish(Condition())

    assert [len(block) for block in recording.blocks(300)] == [300, 300]


def test_the_length_and_the_condition_wait_for_the_end(recording):
    result = in_background(
        lambda: (recording.samples, recording.duration, recording.warnings, recording.clipped_fraction)
    )

    recording.append(ramp(0, 8000))
    recording.finish(Condition(clipped=0.25, non_finite=3, warnings=("cut",)))

    assert result() == (8000, 0.5, ("cut",), 0.25)
    assert recording.non_finite_samples == 3


def test_the_header_is_known_before_the_end(recording):
    result = in_background(lambda: (recording.source_rate, recording.source_channels, recording.expected_duration))

    recording.begin(Header(rate=44_100, channels=2, seconds=1.5))

    assert result() == (44_100, 2, 1.5)


def test_a_failure_reaches_whoever_needs_more_than_there_is(recording):
    recording.append(ramp(0, 1000))
    recording.fail(AudioTooLong())

    assert len(recording.read(0, 1000)) == 1000
    for needs in (lambda: recording.read(0, 1001), lambda: recording.duration, lambda: recording.warnings):
        with pytest.raises(AudioTooLong):
            needs()


def test_a_closed_recording_says_so_to_those_who_wait(recording):
    def read():
        with pytest.raises(ValueError, match="closed"):
            recording.read(0, 100)
        return True

    result = in_background(read)
    recording.close()

    assert result()
    recording.close()
    with pytest.raises(ValueError, match="closed"):
        recording.read(0, 0)


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4)])
def test_impossible_positions_are_refused(recording, start, stop):
    with pytest.raises(ValueError, match="0 <= start <= stop"):
        recording.read(start, stop)


def test_nothing_lies_in_the_temporary_folder_even_while_it_is_used(recording, tmp_path):
    recording.append(ramp(0, 1000))

    assert list(tmp_path.iterdir()) == []


def test_a_missing_temporary_folder_is_named_with_the_setting_that_moves_it(tmp_path):
    with pytest.raises(TimbreError, match="TIMBRE_TEMP_DIR"):
        temporary_file(tmp_path / "missing")
