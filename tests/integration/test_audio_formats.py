"""Every kind of file that users have comes out as the sound that went in."""

from __future__ import annotations

import io
import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media import encoded, tone, tones, wav
from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording
from timbre.settings import Settings

SECONDS = 1.5
SETTINGS = Settings()

# container, codec, rate, channels, highest noise in dB below the sine: what the coding itself costs
FORMATS = [
    ("wav", "pcm_u8", 22_050, 1, -40),
    ("wav", "pcm_s16le", 44_100, 2, -80),
    ("wav", "pcm_s24le", 48_000, 2, -80),
    ("wav", "pcm_s32le", 96_000, 1, -80),
    ("wav", "pcm_f32le", 16_000, 1, -80),
    ("wav", "pcm_f64le", 11_025, 2, -80),
    ("wav", "pcm_mulaw", 8_000, 1, -30),
    ("wav", "pcm_alaw", 8_000, 2, -30),
    ("wav", "adpcm_ms", 22_050, 1, -30),
    ("w64", "pcm_s16le", 192_000, 2, -80),
    ("aiff", "pcm_s16be", 44_100, 2, -80),
    ("au", "pcm_mulaw", 8_000, 1, -30),
    ("caf", "alac", 44_100, 2, -80),
    ("flac", "flac", 96_000, 1, -80),
    ("ogg", "flac", 44_100, 2, -80),
    ("wv", "wavpack", 44_100, 2, -40),
    ("tta", "tta", 44_100, 1, -40),
    ("mp3", "libmp3lame", 44_100, 2, -60),
    ("mp3", "libmp3lame", 16_000, 1, -60),
    ("mp2", "mp2", 48_000, 2, -60),
    ("ipod", "aac", 44_100, 2, -30),  # .m4a
    ("adts", "aac", 48_000, 2, -30),  # .aac
    ("mp4", "aac", 44_100, 1, -30),
    ("mov", "pcm_s16be", 48_000, 2, -80),
    ("3gp", "aac", 16_000, 1, -30),
    ("ogg", "libopus", 48_000, 2, -30),
    ("webm", "libopus", 48_000, 1, -30),
    ("ogg", "vorbis", 44_100, 2, -30),
    ("matroska", "flac", 192_000, 1, -80),
    ("asf", "wmav2", 44_100, 2, -30),  # .wma
    ("amr", "amr_nb", 8_000, 1, -10),
    ("avi", "libmp3lame", 44_100, 2, -60),
    ("mpegts", "aac", 48_000, 2, -30),
    ("mpeg", "mp2", 48_000, 2, -60),
    ("flv", "libmp3lame", 44_100, 1, -60),
    ("ac3", "ac3", 48_000, 2, -40),
    ("eac3", "eac3", 48_000, 2, -40),
    ("wav", "g726", 8_000, 1, -15),
    ("ircam", "pcm_s16le", 44_100, 2, -80),
    ("sox", "pcm_s32le", 44_100, 2, -80),
]


def decoded(source, **options):
    with open_recording(source, settings=SETTINGS, **options) as recording:
        return recording.read(0, recording.samples)


def sine_level(samples, frequency):
    """Return the amplitude of one sine in the middle of samples, and the power of all the rest in dB below it."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4].astype(np.float64)
    middle = middle[: len(middle) // 320 * 320]  # whole periods of every multiple of 50 Hz
    phase = np.exp(-2j * np.pi * frequency * np.arange(len(middle)) / SAMPLE_RATE)
    amplitude = 2 * abs(np.mean(middle * phase))
    rest = np.mean(middle**2) - amplitude**2 / 2
    return amplitude, 10 * np.log10(max(rest, 1e-12) / (amplitude**2 / 2))


def delay(samples, expected):
    """Return by how many seconds samples lag behind what was expected, from the onset of a sound."""
    return (np.argmax(np.abs(samples) > 0.1) - np.argmax(np.abs(expected) > 0.1)) / SAMPLE_RATE


@pytest.mark.parametrize(("container", "codec", "rate", "channels", "noise"), FORMATS)
def test_a_sine_keeps_its_pitch_level_place_and_length(container, codec, rate, channels, noise):
    silence = np.zeros((channels, rate // 2), np.float32)
    sound = np.concatenate([silence, tones([1000] * channels, SECONDS, rate)], axis=1)
    file = encoded(sound, rate, container=container, codec=codec, bit_rate=128_000 if codec == "wmav2" else None)

    with open_recording(file, settings=SETTINGS) as recording:
        samples = recording.read(0, recording.samples)
        assert recording.duration == pytest.approx(SECONDS + 0.5, abs=0.05)
        assert (recording.source_rate, recording.source_channels) == (rate, channels)
        assert recording.warnings == ()

    assert delay(samples, np.concatenate([np.zeros(8000), tone(1000, SECONDS, 16_000)])) == pytest.approx(0, abs=0.05)
    amplitude, rest = sine_level(samples[SAMPLE_RATE // 2 :], 1000)
    assert amplitude == pytest.approx(0.5, rel=0.15)
    assert rest < noise


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [("gsm", "libgsm", "call"), ("g722", "g722", "call.g722"), ("g722", "g722", "CALL.G722")],
)
def test_raw_codings_of_telephones_are_known_by_their_frames_or_their_name(tmp_path, container, codec, name):
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg has no encoder {codec} here")
    rate = 8_000 if container == "gsm" else 16_000
    path = tmp_path / name
    path.write_bytes(encoded(tone(1000, SECONDS, rate), rate, container=container, codec=codec))

    samples = decoded(path)

    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)
    assert sine_level(samples, 1000)[0] == pytest.approx(0.5, rel=0.2)


def test_raw_gsm_is_known_by_its_frames_through_every_door():
    file = bytes([0xD2, *([0x5A] * 32)]) * 100

    assert len(decoded(file)) == 100 * 160 * 2
    assert np.array_equal(decoded(io.BytesIO(file)), decoded(file))


@pytest.mark.parametrize(
    ("container", "codec", "video"),
    [
        ("mp4", "aac", "libx264"),
        ("mov", "aac", "mpeg4"),
        ("matroska", "libopus", "libx264"),
        ("webm", "libopus", "libvpx"),
        ("avi", "libmp3lame", "mpeg4"),
    ],
)
def test_the_sound_of_a_film_is_taken(container, codec, video):
    file = encoded(tone(1000, SECONDS, 48_000), 48_000, container=container, codec=codec, video=video)

    samples = decoded(file)

    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)
    assert sine_level(samples, 1000)[0] == pytest.approx(0.5, rel=0.1)


def test_a_cover_picture_is_no_obstacle():
    picture = b"\x89PNG\r\n\x1a\n" + bytes(5000)
    body = b"\0image/png\0\x03\0" + picture
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    file = encoded(
        tone(1000, SECONDS, 44_100), 44_100, container="mp3", codec="libmp3lame", options={"id3v2_version": "0"}
    )

    samples = decoded(b"ID3\x03\0\0" + size + frame + file)

    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame"), ("ogg", "libopus")]
)
def test_two_channels_are_averaged_or_picked(container, codec):
    rate = 48_000
    file = encoded(tones([1000, 1500], SECONDS, rate), rate, container=container, codec=codec, bit_rate=256_000)

    mixed, left, right = decoded(file), decoded(file, channel=0), decoded(file, channel=1)

    assert sine_level(mixed, 1000)[0] == pytest.approx(0.25, rel=0.1)
    assert sine_level(mixed, 1500)[0] == pytest.approx(0.25, rel=0.1)
    assert sine_level(left, 1000)[0] == pytest.approx(0.5, rel=0.1)
    assert sine_level(left, 1500)[0] < 0.01
    assert sine_level(right, 1500)[0] == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("container", "codec", "channels"),
    [
        ("wav", "pcm_s16le", 6),
        ("mp4", "aac", 6),
        ("flac", "flac", 8),
        ("ogg", "libopus", 8),
        ("matroska", "wavpack", 16),
    ],
)
def test_many_channels_are_averaged(container, codec, channels):
    frequencies = [500 + 100 * channel for channel in range(channels)]
    file = encoded(tones(frequencies, SECONDS, 48_000), 48_000, container=container, codec=codec, bit_rate=800_000)

    mixed = decoded(file)

    heard = [sine_level(mixed, frequency)[0] == pytest.approx(0.5 / channels, rel=0.3) for frequency in frequencies]
    lossy = codec in ("aac", "libopus")  # their bass channel drops a sine so high
    assert sum(heard) >= channels - lossy


@pytest.mark.parametrize(("container", "codec", "channels"), [("flac", "flac", 8), ("matroska", "wavpack", 16)])
def test_the_last_of_many_channels_can_be_picked(container, codec, channels):
    sound = tones([500 + 100 * channel for channel in range(channels)], SECONDS, 48_000)
    file = encoded(sound, 48_000, container=container, codec=codec)

    last = decoded(file, channel=channels - 1)

    assert sine_level(last, 400 + 100 * channels)[0] == pytest.approx(0.5, rel=0.01)


def test_32_channels_at_192_khz_are_mixed():
    quiet = np.random.default_rng(1).integers(-9000, 9000, (192_000, 32), dtype=np.int16)

    with open_recording(wav(quiet.tobytes(), rate=192_000, channels=32), settings=SETTINGS) as recording:
        assert (recording.source_rate, recording.source_channels, recording.samples) == (192_000, 32, 16_000)
        assert recording.clipped_fraction == 0


@pytest.mark.parametrize(
    ("container", "codec", "first", "second"),
    [
        ("mp3", "libmp3lame", (44_100, 1), (22_050, 2)),
        ("adts", "aac", (48_000, 2), (44_100, 1)),
        ("ogg", "flac", (44_100, 2), (22_050, 1)),
    ],
)
def test_rate_and_channels_may_change_midway(container, codec, first, second):
    parts = [
        encoded(tones([frequency] * channels, SECONDS, rate), rate, container=container, codec=codec)
        for frequency, (rate, channels) in ((1000, first), (1500, second))
    ]

    samples = decoded(b"".join(parts))

    assert len(samples) / SAMPLE_RATE == pytest.approx(2 * SECONDS, abs=0.4)
    half = round(SECONDS * SAMPLE_RATE)
    assert sine_level(samples[:half], 1000)[0] == pytest.approx(0.5, rel=0.1)
    assert sine_level(samples[-half:], 1500)[0] == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(("container", "codec"), [("webm", "libopus"), ("mp4", "aac")])
def test_silence_stands_where_timestamps_say_that_sound_is_missing(container, codec):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1000, 2, 48_000)[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            if packet.pts * packet.time_base >= 1:
                packet.pts += round(3 / packet.time_base)
                packet.dts += round(3 / packet.time_base)
            output.mux(packet)

    with open_recording(file.getvalue(), settings=SETTINGS) as recording:
        samples = recording.read(0, recording.samples)
        assert recording.warnings == ("3.0 s for which the file holds no sound are silent",)

    assert len(samples) / SAMPLE_RATE == pytest.approx(5, abs=0.05)
    assert np.abs(samples[int(1.1 * SAMPLE_RATE) : int(3.9 * SAMPLE_RATE)]).max() == 0
    assert sine_level(samples[int(4.1 * SAMPLE_RATE) :], 1000)[0] == pytest.approx(0.5, rel=0.1)


def test_every_kind_of_input_gives_the_same_samples(tmp_path):
    sound = np.random.default_rng(1).integers(-9000, 9000, (66_150, 2), dtype=np.int16)
    file = wav(sound.tobytes(), rate=44_100, channels=2)
    path = tmp_path / "sound.wav"
    path.write_bytes(file)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(file,))
    writer.start()

    with path.open("rb") as opened:
        kinds = [decoded(source) for source in (str(path), path, file, bytearray(file), io.BytesIO(file), opened, pipe)]
    writer.join()
    kinds += [decoded((sound, 44_100)), decoded((sound.T, 44_100)), decoded((sound / 32_768, 44_100.0))]

    assert len(kinds[0]) == 24_000
    for kind in kinds[1:]:
        assert np.array_equal(kind, kinds[0])


def test_a_file_object_is_read_from_where_it_stands():
    file = wav(tone(1000, 1, 16_000).tobytes(), rate=16_000, bits=32, tag=3)
    source = io.BytesIO(b"something else" + file)
    source.seek(len(b"something else"))

    assert np.array_equal(decoded(source), decoded(file))


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("ogg", "libopus")])
def test_equal_input_gives_equal_output_however_it_is_read(container, codec):
    file = encoded(tones([1000, 1500], 3, 48_000), 48_000, container=container, codec=codec)

    whole = decoded(file)

    assert np.array_equal(decoded(file), whole)
    with open_recording(file, settings=SETTINGS) as recording:
        assert np.array_equal(np.concatenate(list(recording.blocks(1001))), whole)
    with open_recording(file, settings=SETTINGS) as recording:
        assert np.array_equal(recording.read(20_000, 21_000), whole[20_000:21_000])


def test_clipping_is_measured_before_mixing_hides_it():
    square = np.sign(tone(100, 1, 44_100, amplitude=1))
    file = encoded(np.stack([square, 0 * square]), 44_100, container="wav", codec="pcm_s16le")

    with open_recording(file, settings=SETTINGS) as recording:
        assert recording.clipped_fraction == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_mulaw", "pcm_alaw"])
def test_clipping_is_seen_in_codings_that_do_not_reach_full_scale(codec):
    square = np.sign(tone(100, 1, 8_000, amplitude=1))
    file = encoded(0.9999 * square, 8_000, container="wav", codec=codec)

    with open_recording(file, settings=SETTINGS) as recording:
        assert recording.clipped_fraction > 0.9


def test_the_length_that_a_file_claims_is_known_before_its_end():
    file = encoded(tone(1000, 3, 44_100), 44_100, container="flac", codec="flac")

    with open_recording(file, settings=SETTINGS) as recording:
        assert recording.expected_duration == pytest.approx(3)


def test_real_speech_comes_back_as_its_own_samples(voice):
    path = Path(__file__).parents[2] / "samples" / "enrol" / "Ada.flac"

    assert np.array_equal(decoded(path), voice("Ada"))
