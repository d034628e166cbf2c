"""Files with several sound tracks, such as a recorder makes that gives each person one."""

from __future__ import annotations

import numpy as np
import pytest

from media import encoded, several_tracks, tone, tones
from timbre.audio.decoding import open_recording, open_separately
from timbre.errors import AudioUnreadable, ChannelMissing, TrackMissing, TracksInseparable
from timbre.settings import Settings

SETTINGS = Settings()
RATE = 48_000
FREQUENCIES = (1000, 1500, 2000)


def tracks(container="matroska", codec="flac", **options):
    return several_tracks(
        [tone(frequency, 1 + number, RATE) for number, frequency in enumerate(FREQUENCIES)],
        RATE,
        container=container,
        codec=codec,
        **options,
    )


def level(samples, frequency):
    """Return the amplitude of a sine in half a second of samples."""
    return 2 * abs(np.mean(samples * np.exp(-2j * np.pi * frequency * np.arange(len(samples)) / 16_000)))


def levels(samples, start):
    return [level(samples[start : start + 8000], frequency) for frequency in FREQUENCIES]


def heard(file, **options):
    with open_recording(file, settings=SETTINGS, **options) as recording:
        return recording.read(0, recording.samples), recording.warnings


@pytest.mark.parametrize(
    ("container", "codec"),
    [("matroska", "flac"), ("mp4", "aac"), ("mov", "pcm_s16le"), ("mpegts", "mp2"), ("avi", "mp2")],
)
def test_all_tracks_are_mixed(container, codec):
    samples, warnings = heard(tracks(container, codec))

    assert len(samples) / 16_000 == pytest.approx(3, abs=0.1)
    assert warnings == ()
    assert levels(samples, 3200) == pytest.approx([1 / 6] * 3, abs=0.02)
    assert levels(samples, 24_000 - 3200) == pytest.approx([0, 1 / 6, 1 / 6], abs=0.02)
    assert levels(samples, 36_000) == pytest.approx([0, 0, 1 / 6], abs=0.02)


@pytest.mark.parametrize("number", range(3))
def test_one_track_can_be_picked(number):
    samples, warnings = heard(tracks(), tracks=number)

    assert len(samples) / 16_000 == 1 + number
    assert level(samples[:8000], FREQUENCIES[number]) == pytest.approx(0.5, abs=0.01)
    assert warnings == ()


def test_each_track_can_be_heard_by_itself():
    recordings = open_separately(tracks(starts=[0, 0.5, 0]), "tracks", settings=SETTINGS)

    found = [recording.read(0, recording.samples) for recording in recordings]
    for recording in recordings:
        recording.close()

    assert [len(samples) for samples in found] == [48_000] * 3
    assert levels(found[0], 0) == pytest.approx([0.5, 0, 0], abs=0.01)
    assert np.abs(found[0][16_100:]).max() == 0
    assert np.abs(found[1][:7900]).max() == 0
    assert levels(found[1], 16_000) == pytest.approx([0, 0.5, 0], abs=0.01)
    assert levels(found[2], 36_000) == pytest.approx([0, 0, 0.5], abs=0.01)


def test_a_track_that_is_missing_is_told_with_the_number_there_are():
    with pytest.raises(TrackMissing, match="no sound track 3: it has 3 sound tracks"):
        heard(tracks(), tracks=3)
    with pytest.raises(TrackMissing, match="has no track 1"):
        heard((np.zeros(100), 16_000), tracks=1)


def test_one_track_cannot_be_separated():
    file = encoded(tone(1000, 1, RATE), RATE, container="flac", codec="flac")

    for source in (file, (np.zeros(100), 16_000)):
        with pytest.raises(TracksInseparable, match="one"):
            open_separately(source, "tracks", settings=SETTINGS)


def test_translations_are_not_mixed_and_are_told():
    samples, warnings = heard(tracks(languages=["eng", "fre", "eng"]))

    assert levels(samples, 3200) == pytest.approx([0.25, 0, 0.25], abs=0.02)
    assert warnings == ("sound track 1 of the file was left out, as its language is fre; `tracks` 1 hears it",)


def test_where_channels_are_picked_one_track_is_heard_and_the_others_are_told():
    samples, warnings = heard(tracks(), channel=0)

    assert sum(amplitude > 0.4 for amplitude in levels(samples, 3200)) == 1
    assert len(warnings) == 2
    with pytest.raises(ChannelMissing):
        heard(tracks(), channel=1)


def test_channels_of_one_track_are_separated():
    stereo = encoded(tones([1000, 1500], 1, RATE), RATE, container="flac", codec="flac")

    recordings = open_separately(stereo, "channels", tracks=0, settings=SETTINGS)

    assert [recording.samples for recording in recordings] == [16_000, 16_000]
    for recording in recordings:
        recording.close()


def test_a_track_that_cannot_be_decoded_is_named():
    file = bytearray(tracks("mp4", "ac3"))
    entry = file.index(b"ac-3", file.index(b"stsd"))
    file[entry : entry + 4] = b"ac-4"

    samples, warnings = heard(bytes(file))

    assert len(samples) / 16_000 == pytest.approx(3, abs=0.1)
    assert warnings == ("sound track 0 of the file was left out, as its coding, ac4, is not supported",)
    with pytest.raises(AudioUnreadable, match="ac4"):
        heard(bytes(file), tracks=0)
