"""The file's clock is the player's clock."""

from __future__ import annotations

import io
import resource
from pathlib import Path

import numpy as np
import pytest

from media import encoded, retimed, tone
from timbre.audio.decoding import open_recording
from timbre.settings import Settings

RATE = 48_000
CONTAINERS = ["mp4", "matroska", "mpegts", "flv", "fragmented"]


def clicks():
    """Return 3 s that begin with a tone and have another from 2 s on, as an AAC file."""
    sound = np.concatenate([tone(1000, 0.5, RATE), np.zeros(RATE * 3 // 2, np.float32), tone(1500, 1, RATE)])
    return encoded(sound, RATE, container="ipod", codec="aac", bit_rate=128_000)


def remade(container, shift, **options):
    if container == "fragmented":
        movflags = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"}
        return retimed(clicks(), "mp4", shift, options=movflags, **options)
    return retimed(clicks(), container, shift, **options)


def heard(source):
    """Return when sound begins after silence, in seconds, the length and the warnings."""
    with open_recording(source, settings=Settings()) as recording:
        loud = np.concatenate(
            [[False] * 800, *([np.abs(block) > 0.05] for block in recording.blocks(16_000))], axis=None
        )
        before = np.convolve(loud, np.ones(800), "full")[: len(loud)]
        onsets = np.flatnonzero(loud[800:] & (before[799:-1] < 0.5)) / 16_000
        return onsets.tolist(), recording.duration, recording.warnings


@pytest.mark.parametrize("container", ["mpegts", "matroska", "webm"])
def test_sound_that_begins_after_the_picture_is_late(container):
    source = clicks() if container != "webm" else opus()

    onsets, seconds, warnings = heard(retimed(source, container, lambda _: 4, video=True))

    assert onsets == pytest.approx([4, 6], abs=0.15)
    assert seconds == pytest.approx(7, abs=0.15)
    assert warnings == ("4.0 s for which the file holds no sound are silent",) or "3.9 s" in warnings[0]


def opus():
    sound = np.concatenate([tone(1000, 0.5, RATE), np.zeros(RATE * 3 // 2, np.float32), tone(1500, 1, RATE)])
    return encoded(sound, RATE, container="webm", codec="libopus")


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_an_edit_list_or_a_first_timestamp_can_make_sound_late_without_a_picture(container):
    onsets, seconds, _ = heard(remade(container, lambda _: 4))

    assert onsets == pytest.approx([4, 6], abs=0.1)
    assert seconds == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_gap_of_minutes_stays_one(container):
    onsets, seconds, warnings = heard(remade(container, lambda at: 180 if at > 1 else 0))

    assert onsets == pytest.approx([0, 182], abs=0.1)
    assert seconds == pytest.approx(183, abs=0.1)
    assert warnings == ("180.0 s for which the file holds no sound are silent",)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_clock_that_starts_at_an_hour_counts_from_there(container):
    onsets, seconds, warnings = heard(remade(container, lambda _: 3600))

    assert onsets == pytest.approx([0, 2], abs=0.1)
    assert seconds == pytest.approx(3, abs=0.1)
    assert all("begins at 3600.0 s" in warning or "3599.9 s" in warning for warning in warnings)


def test_timestamps_beyond_the_longest_recording_are_a_jump_and_told():
    month = 30 * 86_400
    onsets, _, warnings = heard(remade("matroska", lambda at: month if at > 1 else 0))

    assert onsets == pytest.approx([0, 2], abs=0.1)
    assert warnings[0] == "the timestamps jump at 1.0 s; times go on from there without a gap"


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_every_door_has_the_same_clock(container, tmp_path):
    file = remade(container, lambda at: 5 if at > 1 else 0)
    path = tmp_path / "recording"
    path.write_bytes(file)

    with path.open("rb") as opened:
        answers = [heard(source) for source in (path, file, io.BytesIO(file), opened)]

    assert answers[0][0] == pytest.approx([0, 7], abs=0.1)
    assert answers.count(answers[0]) == len(answers)


def test_a_day_of_gaps_takes_no_memory_and_no_disk(tmp_path):
    minutes = remade("matroska", lambda at: 80_000 if at > 1 else 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with open_recording(minutes, settings=Settings(temp_dir=tmp_path, decode_seconds=30)) as recording:
        assert recording.duration == pytest.approx(80_003, abs=0.1)
        assert np.abs(recording.read(40_000 * 16_000, 40_001 * 16_000)).max() == 0
        assert recording._file.fileno() >= 0
        assert Path(f"/proc/self/fd/{recording._file.fileno()}").stat().st_blocks * 512 < 1 << 20

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10  # KiB


@pytest.mark.parametrize("drift", [0.03, -0.03])
def test_timestamps_that_run_faster_or_slower_than_sound_are_kept_to(drift):
    long = encoded(
        np.concatenate([np.zeros(20 * RATE, np.float32), tone(1000, 1, RATE)]), RATE, container="ipod", codec="aac"
    )

    onsets, _, warnings = heard(retimed(long, "matroska", lambda at: at * drift))

    assert onsets[0] == pytest.approx(20 * (1 + drift), abs=0.15)
    assert ("are silent" if drift > 0 else "were left out") in warnings[0]
