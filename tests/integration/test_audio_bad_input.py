"""Bad files end in a clear error or in what they hold, in bounded time and memory."""

from __future__ import annotations

import contextlib
import random
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np
import pytest

from media import encoded, retimed, silent_film, tone, tones, wav
from timbre.audio.decoding import open_recording
from timbre.errors import AudioEmpty, AudioTooLong, AudioUnreadable, ChannelMissing, InputError
from timbre.settings import Settings

SETTINGS = Settings()


def outcome(source, settings=SETTINGS, **options):
    """Return (seconds, warnings) of a source, decoded to its end."""
    with open_recording(source, settings=settings, **options) as recording:
        return recording.duration, recording.warnings


@pytest.mark.parametrize("source", [b"", np.zeros(0), np.zeros((0, 2))])
def test_nothing_is_called_empty(source):
    with pytest.raises(AudioEmpty):
        outcome(source if isinstance(source, bytes) else (source, 16_000))


def test_a_header_without_sound_is_called_empty():
    with pytest.raises(AudioEmpty, match="holds no sound"):
        outcome(wav(b"", rate=16_000))


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"Dear all,\nplease find the recording attached.\n" * 20,
        b"<html><body>404 not found</body></html>",
        bytes(10_000),
        np.random.default_rng(1).bytes(3_000),
        np.random.default_rng(2).bytes(300_000),
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
    ],
    ids=["a letter", "text", "a web page", "zeros", "a little noise", "noise", "a picture"],
)
def test_what_is_no_recording_is_called_unreadable(tmp_path, content):
    path = tmp_path / "meeting.wav"
    path.write_bytes(content)

    with pytest.raises(AudioUnreadable, match="not a recording that can be decoded"):
        outcome(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.wav", "No such file"), (".", "Is a directory"), ("a\0b", "null byte"), ("file/x", "Not a")],
)
def test_a_path_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    (tmp_path / "file").touch()

    with pytest.raises(AudioUnreadable, match=reason) as caught:
        open_recording(f"{tmp_path}/{name}", settings=SETTINGS)

    assert name in str(caught.value)


def test_a_film_without_sound_says_so():
    with pytest.raises(AudioUnreadable, match="no sound track, it holds only video"):
        outcome(silent_film("mp4", "mpeg4"))


@pytest.mark.parametrize("source", ["file", "array"])
def test_a_missing_channel_is_told_with_the_number_there_are(source):
    sound = tones([1000, 1500], 0.5, 16_000)
    given = (sound, 16_000) if source == "array" else encoded(sound, 16_000, container="wav", codec="pcm_s16le")

    with pytest.raises(ChannelMissing, match="no channel 2: it has 2 channels"):
        outcome(given, channel=2)


def cut(file, fraction=0.6):
    return file[: int(len(file) * fraction)]


def test_a_cut_mp4_whose_table_of_contents_is_missing_is_unreadable():
    with pytest.raises(AudioUnreadable):
        outcome(cut(encoded(tone(1000, 5, 44_100), 44_100, container="mp4", codec="aac")))


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("wav", "pcm_s16le", {}),
        ("mp3", "libmp3lame", {}),
        ("flac", "flac", {}),
        ("matroska", "flac", {}),
        ("webm", "libopus", {}),
        ("mpegts", "aac", {}),
        ("mp4", "aac", {"movflags": "faststart"}),
        ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"}),
    ],
)
def test_a_cut_file_gives_what_it_holds_and_a_warning(container, codec, options):
    noise = 0.1 * np.random.default_rng(1).standard_normal(5 * 48_000)
    file = encoded(noise, 48_000, container=container, codec=codec, bit_rate=128_000, options=options)

    seconds, warnings = outcome(cut(file))

    assert 2.5 < seconds < 3.3
    assert warnings


SOUND = np.random.default_rng(1).integers(-9000, 9000, 16_000, dtype=np.int16)


def heard(source):
    """Return the samples of a source, int16, and the warnings."""
    with open_recording(source, settings=SETTINGS) as recording:
        return recording.pcm(0, recording.samples), recording.warnings


def test_what_follows_a_header_that_promises_less_is_heard():
    samples, warnings = heard(wav(SOUND.tobytes(), rate=16_000, claimed=10_000))

    assert np.array_equal(samples, SOUND)
    assert warnings == ("the header promises 10000 bytes of sound, and 32000 follow it; all were heard",)


@pytest.mark.parametrize(
    ("container", "codec", "mark", "form", "options"),
    [
        ("aiff", "pcm_s16be", b"SSND", ">I", {}),
        ("caf", "pcm_s16le", b"data", ">q", {}),
        ("w64", "pcm_s16le", b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", "<Q", {}),
        ("wav", "pcm_s16le", b"ds64", "<Q", {"rf64": "always"}),
    ],
)
def test_so_it_is_for_other_headers_that_promise_less(container, codec, mark, form, options):
    file = bytearray(encoded(SOUND / 32_768, 16_000, container=container, codec=codec, options=options))
    at = file.index(mark) + len(mark) + (12 if options else 0)  # behind two other lengths
    struct.pack_into(form, file, at, 10_000)

    samples, warnings = heard(bytes(file))

    assert np.array_equal(samples[: len(SOUND)], SOUND)
    assert "all were heard" in warnings[0]


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_s16le"),
        ("w64", "pcm_s16le"),
        ("aiff", "pcm_s16be"),
        ("caf", "alac"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("webm", "libopus"),
        ("ipod", "aac"),
        ("mov", "pcm_s16le"),
        ("mp3", "libmp3lame"),
        ("tta", "tta"),
        ("asf", "wmav2"),
        ("mpegts", "aac"),
    ],
)
def test_files_joined_end_to_end_are_heard_one_after_the_other(container, codec):
    parts = [
        encoded(tone(frequency, 2, 48_000), 48_000, container=container, codec=codec, bit_rate=128_000)
        for frequency in (1000, 1500, 2000)
    ]

    samples, _ = heard(b"".join(parts))

    assert len(samples) / 16_000 == pytest.approx(6, abs=0.5)
    for number, frequency in enumerate((1000, 1500, 2000)):
        middle = samples[number * 32_000 + 12_000 : number * 32_000 + 20_000]
        assert np.argmax(np.abs(np.fft.rfft(middle))) * 2 == pytest.approx(frequency, abs=2)


@pytest.mark.parametrize("before", [bytes(5000), b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\n"])
@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("ipod", "aac"), ("webm", "libopus")]
)
def test_what_stands_before_a_recording_is_passed_over_and_told(before, container, codec):
    file = encoded(tone(1000, 2, 48_000), 48_000, container=container, codec=codec)

    samples, warnings = heard(before + file)

    assert np.array_equal(samples, heard(file)[0])
    assert f"{len(before)} bytes before the recording are something else" in warnings[0]


@pytest.mark.parametrize(
    ("tag", "bits", "dtype"), [(1, 16, ">i2"), (1, 32, ">i4"), (3, 32, ">f4"), (3, 64, ">f8"), (0xFFFE, 16, ">i2")]
)
def test_a_wav_file_in_the_other_byte_order_is_the_same_sound(tag, bits, dtype):
    scale = {"i2": 1, "i4": 1 << 16, "f4": 2**-15, "f8": 2**-15}[dtype[1:]]
    data = (SOUND.astype(np.float64) * scale).astype(dtype).tobytes()
    fmt = struct.pack(">HHIIHH", tag, 1, 16_000, 16_000 * bits // 8, bits // 8, bits)
    if tag == 0xFFFE:
        fmt += struct.pack(">HHIH", 22, bits, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = b"fmt " + struct.pack(">I", len(fmt)) + fmt + b"data" + struct.pack(">I", len(data)) + data
    file = b"RIFX" + struct.pack(">I", 4 + len(chunks)) + b"WAVE" + chunks

    assert np.array_equal(heard(file)[0], SOUND)


def test_a_file_of_suns_in_the_order_of_other_machines_is_the_same_sound():
    file = b"dns." + struct.pack("<5I", 24, 0xFFFFFFFF, 3, 16_000, 1) + SOUND.tobytes()

    assert np.array_equal(heard(file)[0], SOUND)


@pytest.mark.parametrize("kind", ["file", "array"])
def test_floats_of_the_size_of_integers_are_scaled_and_told(kind):
    floats = SOUND.astype(np.float32)
    given = (floats, 16_000) if kind == "array" else wav(floats.tobytes(), rate=16_000, bits=32, tag=3)

    samples, warnings = heard(given)

    assert np.array_equal(samples, SOUND)
    assert "taken for integers of 16 bits" in warnings[0]


@pytest.mark.parametrize("kind", ["file", "array"])
def test_channels_that_cancel_each_other_are_heard_and_told(kind):
    sound = tone(1000, 2, 16_000)
    both = np.stack([sound, -sound])
    given = (both, 16_000) if kind == "array" else encoded(both, 16_000, container="flac", codec="flac")

    samples, warnings = heard(given)

    assert np.abs(samples).max() == pytest.approx(16_384, abs=20)
    assert "cancel each other when they are mixed" in warnings[0]
    assert "2.0 s" in warnings[0]


def test_a_refusal_names_the_coding():
    file = bytearray(encoded(tone(1000, 2, 48_000), 48_000, container="mp4", codec="ac3"))
    entry = file.rindex(b"ac-3")
    file[entry : entry + 4] = b"ac-4"

    with pytest.raises(AudioUnreadable, match="the coding of its sound, ac4, is not supported"):
        outcome(bytes(file))


def test_no_timestamps_break_anything():
    sound = np.concatenate([tone(1000, 1, 48_000), tone(1500, 2, 48_000)])
    opus = encoded(sound, 48_000, container="webm", codec="libopus")
    aac = encoded(sound, 48_000, container="ipod", codec="aac")
    chance = random.Random(1)  # noqa: S311 - the same files every time
    shifts = [
        lambda _: chance.uniform(-5, 5),
        lambda _: chance.choice([0, 0, 0, 1e5, -3]),
        lambda at: -at,
        lambda at: 1000 * at,
        lambda _: chance.choice([0, 86_400 * chance.random()]),
        lambda at: -2 * at if at > 1 else 0,
    ]
    for number in range(60):
        container = ("matroska", "mpegts", "mp4", "flv", "ogg", "webm")[number % 6]
        with contextlib.suppress(av.FFmpegError):  # what no file can hold
            file = bytearray(retimed(opus if container in ("ogg", "webm") else aac, container, chance.choice(shifts)))
            for _ in range(chance.choice([0, 3, 30])):
                file[chance.randrange(len(file))] = chance.randrange(256)
            with contextlib.suppress(InputError), open_recording(bytes(file), settings=SETTINGS) as recording:
                assert recording.duration <= SETTINGS.max_hours * 3600
                assert not any("broke down" in warning for warning in recording.warnings)


def test_damage_in_the_middle_keeps_what_follows_in_its_place():
    sound = np.concatenate([0.1 * np.random.default_rng(1).standard_normal(48_000 * 5), tone(1000, 1, 48_000)])
    file = bytearray(encoded(sound, 48_000, container="flac", codec="flac"))
    middle = len(file) // 2
    file[middle : middle + len(file) // 5] = bytes(len(file) // 5)

    with open_recording(bytes(file), settings=SETTINGS) as recording:
        samples = recording.read(0, recording.samples)
        assert any("hold" in warning for warning in recording.warnings)

    assert len(samples) / 16_000 == pytest.approx(6, abs=0.05)
    assert np.abs(samples[-15_000:]).max() == pytest.approx(0.5, abs=0.01)


def test_a_kilobyte_that_claims_a_day_gives_what_it_holds():
    seconds, _ = outcome(wav(bytes(1000), rate=16_000, claimed=16_000 * 2 * 86_400))

    assert seconds == 500 / 16_000


@pytest.mark.parametrize("rate", [0, 1, 999, 1_000_001, 4_000_000_000])
def test_impossible_sample_rates_are_unreadable(rate):
    with pytest.raises(AudioUnreadable):
        outcome(wav(bytes(1000), rate=rate))


def test_a_thousand_channels_are_unreadable():
    with pytest.raises(AudioUnreadable):
        outcome(wav(bytes(100_000), rate=16_000, channels=1000))


@pytest.mark.parametrize("kind", ["file", "array"])
def test_samples_that_are_no_numbers_become_silence_and_are_counted(kind):
    sound = tone(1000, 1, 16_000)
    sound[100], sound[200], sound[300] = np.nan, np.inf, -np.inf
    given = (sound, 16_000) if kind == "array" else wav(sound.tobytes(), rate=16_000, bits=32, tag=3)

    with open_recording(given, settings=SETTINGS) as recording:
        samples = recording.read(0, 16_000)
        assert recording.non_finite_samples == 3

    assert samples[[100, 200, 300]].tolist() == [0, 0, 0]
    assert np.abs(np.delete(samples, [100, 200, 300]) - np.delete(sound, [100, 200, 300])).max() < 1e-4


def test_the_longest_length_holds_for_what_is_claimed_and_for_what_comes():
    a_second_at_most = Settings(max_hours=1 / 3600)
    file = encoded(tone(1000, 3, 16_000), 16_000, container="wav", codec="pcm_s16le")
    unclaimed = encoded(tone(1000, 3, 16_000), 16_000, container="adts", codec="aac")

    for source in (file, unclaimed, (np.zeros(48_000), 16_000)):
        with pytest.raises(AudioTooLong, match="TIMBRE_MAX_HOURS"):
            outcome(source, a_second_at_most)


def test_a_file_that_takes_too_much_memory_is_told_with_the_setting(tmp_path):
    path = tmp_path / "bomb.mkv"
    attach(path, encoded(tone(1000, 1, 48_000), 48_000, container="matroska", codec="libopus"), 255 << 20)

    with pytest.raises(AudioUnreadable, match=r"256 MiB.*TIMBRE_DECODE_MEMORY_MB"):
        outcome(path, Settings(decode_memory_mb=256))


def attach(path, matroska, size):
    """Write a Matroska file with an attachment of zeros, which FFmpeg takes into memory; sparse, so small on disk."""

    def element(name, content=b"", length=None):
        return bytes.fromhex(name) + (1 << 56 | (len(content) if length is None else length)).to_bytes(8) + content

    segment, cluster = matroska.index(bytes.fromhex("18538067")), matroska.index(bytes.fromhex("1f43b675"))
    unlimited = matroska[: segment + 4] + b"\x01" + b"\xff" * 7 + matroska[segment + 12 : cluster]
    data = element("465c", length=size)
    fields = element("466e", b"a.bin") + element("4660", b"x/y") + element("46ae", b"\x01") + data
    attached = element("61a7", fields, len(fields) + size)
    with path.open("wb") as file:
        file.write(unlimited + element("1941a469", attached, len(attached) + size))
        file.seek(size, 1)
        file.write(matroska[cluster:])


class Bait(BaseHTTPRequestHandler):
    """Counts who comes."""

    def do_GET(self):
        self.server.visits.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def bait():
    with ThreadingHTTPServer(("127.0.0.1", 0), Bait) as server:
        server.visits = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_playlist_opens_no_connection(bait, tmp_path):
    address = f"http://127.0.0.1:{bait.server_port}/part.ts"
    playlist = tmp_path / "song.mp3"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n")

    with pytest.raises(AudioUnreadable):
        outcome(playlist)

    assert bait.visits == []
    careless = {"protocol_whitelist": "file,http,tcp", "extension_picky": "0"}
    with pytest.raises(av.FFmpegError):  # the same file, opened without care: the bait works
        av.open(str(playlist), format="hls", options=careless)
    assert bait.visits


@pytest.mark.parametrize("form", ["hls", "concat", "sdp"])
def test_a_playlist_reads_no_other_file(tmp_path, form):
    other = tmp_path / "private.ts"
    other.write_bytes(encoded(tone(1000, 2, 48_000), 48_000, container="mpegts", codec="aac"))
    text = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {other}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    }[form]
    playlist = tmp_path / "song.mp3"
    playlist.write_text(text)

    with pytest.raises(AudioUnreadable):
        outcome(playlist)
    if form == "concat":  # the same file, opened without care: there is something to read
        with av.open(str(playlist), format="concat", options={"safe": "0"}) as container:
            assert next(container.decode(audio=0)).samples
