"""Bad input through the whole engine: it ends in a clear error or in what it holds, and leaves nothing behind.

Every kind is given to diarization, identification and enrolment; what only concerns decoding is tested beside it.
"""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soxr

from media import encoded, wav
from timbre import Diarization, Engine, Identification, Voiceprint
from timbre.audio.decoding import open_recording
from timbre.errors import (
    AudioEmpty,
    AudioTooLong,
    AudioUnreadable,
    ChannelMissing,
    EnrolmentRefused,
    NoSpeech,
    OptionError,
    SeveralSpeakers,
    SpeechTooShort,
)

RATE = 16_000
NAMES = ("Ada", "Ben", "Callum", "Dan")
NO_SPEECH = ("No speech was found",)
MEGABYTE = 1 << 20

Voice = Callable[[str], np.ndarray]
Ask = Callable[..., Diarization | Identification | Voiceprint]


@pytest.fixture(scope="module")
def voiceprints(engine: Engine, voice: Voice) -> dict[str, Voiceprint]:
    return {name: engine.voiceprint((voice(name), RATE)) for name in NAMES}


@pytest.fixture(params=["diarize", "identify", "voiceprint"])
def ask(request: pytest.FixtureRequest, engine: Engine, voiceprints: dict[str, Voiceprint]) -> Ask:
    """Each of the three questions that a recording can be asked."""
    questions = {
        "diarize": engine.diarize,
        "identify": lambda audio, **options: engine.identify(audio, voiceprints, **options),
        "voiceprint": engine.voiceprint,
    }
    return questions[request.param]


@pytest.fixture(autouse=True)
def nothing_is_left(engine: Engine) -> Iterator[None]:
    """No decoding process, no thread that listens to one, no temporary file, not even one without a name."""
    folder = engine.settings.temp_dir
    with suppress(AudioUnreadable), open_recording(b"nothing", settings=engine.settings) as recording:
        _ = recording.duration  # now there is a launcher, which stays
    before = children()
    yield
    assert children() <= before
    assert "timbre-decoding" not in {thread.name for thread in threading.enumerate()}
    assert list(folder.iterdir()) == []
    assert [file for file in open_files() if file.startswith(str(folder))] == []


def children(process: str = "self") -> set[str]:
    """Return the processes that come from this one."""
    processes = set()
    for thread in Path("/proc", process, "task").iterdir():
        with suppress(FileNotFoundError):  # it has just ended
            processes |= set((thread / "children").read_text().split())
    return processes.union(*(children(process) for process in processes))


def open_files() -> list[str]:
    files = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # it was the one that this loop looks through
            files.append(str(link.readlink()))
    return files


@pytest.fixture
def most_memory() -> Iterator[Callable[[], int]]:
    """A function that returns the most memory, in bytes, that Python and numpy held at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def talk(result: Diarization | Identification) -> float:
    """Return the seconds in which somebody talks, after checking that every turn lies inside the recording."""
    diarization = result.diarization if isinstance(result, Identification) else result
    assert all(0 <= turn.start < turn.end <= result.duration for turn in diarization.turns)
    assert {turn.speaker for turn in diarization.turns} == set(diarization.speakers)
    json.dumps(result.to_dict(exclusive=True, confidence=True, turn_level_confidence=True))
    return sum(turn.duration for turn in result.exclusive_turns)


def with_level(samples: np.ndarray, dbfs: float) -> np.ndarray:
    """Bring samples to an RMS level."""
    return (samples * (10 ** (dbfs / 20) / np.sqrt(np.mean(samples.astype(np.float64) ** 2)))).astype(np.float32)


def pcm(samples: np.ndarray) -> bytes:
    """Return 16-bit samples as they lie in a file."""
    return np.rint(np.clip(samples, -1, 32_767 / 32_768) * 32_768).astype("<i2").tobytes()


# --- what is no recording


@pytest.mark.parametrize(
    "source",
    [b"", wav(b"", rate=RATE), (np.zeros(0, np.float32), RATE), (np.zeros((0, 2)), RATE), (np.zeros((2, 0)), RATE)],
    ids=["no bytes", "a header alone", "no samples", "no samples of two", "two times no samples"],
)
def test_nothing_is_called_empty(ask: Ask, source) -> None:
    with pytest.raises(AudioEmpty, match="holds no"):
        ask(source)


def test_an_empty_file_is_called_empty(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "meeting.wav"
    path.touch()
    with pytest.raises(AudioEmpty, match="check that it was copied or uploaded completely"):
        ask(path)


def test_a_text_named_wav_is_no_recording(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "meeting.wav"
    path.write_text("Dear all,\nplease find the recording attached.\n" * 50)
    with pytest.raises(AudioUnreadable, match="check that the file plays elsewhere"):
        ask(path)


class Bait(BaseHTTPRequestHandler):
    """Counts who comes."""

    def do_GET(self) -> None:
        self.server.visits.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bait() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bait) as server:
        server.visits = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_playlist_named_mp3_asks_no_server(ask: Ask, bait, tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    address = f"http://127.0.0.1:{bait.server_port}/part.ts"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioUnreadable, match="check that the file plays elsewhere"):
        ask(path)
    assert bait.visits == []


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE, np.int64),
        np.zeros(RATE, np.complex64),
        np.zeros(RATE, np.bool_),
        np.array(["a", "b"]),
        np.array([None, 1.0]),
        np.zeros((2, 3, 100)),
        np.float32(0.5),
    ],
    ids=["int64", "complex", "bool", "text", "objects", "three dimensions", "no dimension"],
)
def test_arrays_that_are_no_sound_are_refused_with_what_was_expected(ask: Ask, samples) -> None:
    with pytest.raises(AudioUnreadable, match=r"Expected an array of .*, got one of"):
        ask((samples, RATE))


@pytest.mark.parametrize("rate", [0, -16_000, 999, 1_000_001, float("nan"), float("inf")])
def test_rates_that_sound_cannot_have_are_refused_with_the_range(ask: Ask, rate: float) -> None:
    with pytest.raises(AudioUnreadable, match="from 1000 to 1000000 Hz"):
        ask((np.zeros(RATE), rate))


# --- what holds no speech


def noise(colour: float, seconds: float, seed: int = 1) -> np.ndarray:
    """Return noise whose power falls with frequency to this exponent: 0 is white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * RATE)))
    return np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** (colour / 2))


def hum(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * 50 * part * time) / part for part in (1, 2, 3, 5))


def chords(seconds: float) -> np.ndarray:
    """Return plucked triads, two a second, each note with four overtones."""
    time = np.arange(RATE // 2) / RATE
    notes = 220 * 2 ** (np.array([[0, 4, 7], [5, 9, 12], [7, 11, 14], [-3, 0, 4]]) / 12)
    plucked = [
        sum(np.sin(2 * np.pi * note * part * time) / part for note in triad for part in range(1, 6)) * np.exp(-4 * time)
        for triad in notes
    ]
    return np.tile(np.concatenate(plucked), round(seconds / 2))


SOUNDLESS = {
    "silence": np.zeros(6 * RATE, np.float32),
    "white noise": with_level(noise(0, 6), -20),
    "loud white noise": np.clip(noise(0, 6), -1, 1),
    "faint white noise": with_level(noise(0, 6), -70),
    "pink noise": with_level(noise(1, 6), -20),
    "brown noise": with_level(noise(2, 6), -20),
    "hum": with_level(hum(6), -15),
    "chords": with_level(chords(6), -20),
    "clicks": (np.arange(6 * RATE) % 4000 == 0).astype(np.float32),
    "ones": np.ones(6 * RATE, np.float32),
    "full scale, alternating": np.tile(np.array([1, -1], np.float32), 3 * RATE),
    "lowest bit": np.tile(np.array([0, 1], np.int16), 3 * RATE),
    "NaN": np.full(6 * RATE, np.nan, np.float32),
    "infinity": np.full(6 * RATE, -np.inf, np.float32),
    "beyond float32": np.full(6 * RATE, 1e300),
    "one sample": np.ones(1, np.float32),
}


@pytest.mark.parametrize("kind", SOUNDLESS)
def test_what_is_no_speech_has_no_turns_and_makes_no_voiceprint(engine: Engine, voiceprints, kind: str) -> None:
    audio = (SOUNDLESS[kind], RATE)
    named = engine.identify(audio, voiceprints, num_speakers=2, probabilities=True)
    assert talk(named) <= 0.3
    assert len(named.matches) <= 1
    assert named.turns or named.warnings[-1:] == NO_SPEECH
    with pytest.raises(EnrolmentRefused, match=r"record the person speaking|give a few seconds"):
        engine.voiceprint(audio)


def test_noise_with_no_speech_asked_for_more_eagerly_is_still_bounded(engine: Engine) -> None:
    assert talk(engine.diarize((SOUNDLESS["chords"], RATE), vad_sensitivity=5, min_speakers=9)) < 2


# --- what holds very little


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5, 1.2, 1.6, 1.6 + 1 / RATE, 2.01])
def test_recordings_about_as_short_as_the_encoders_window(engine: Engine, voice: Voice, voiceprints, seconds) -> None:
    audio = (voice("Ada")[RATE : RATE + round(seconds * RATE)], RATE)
    named = engine.identify(audio, voiceprints, threshold=50)
    assert talk(named) == pytest.approx(seconds if seconds >= 0.2 else 0, abs=0.05)
    assert [match.match for match in named.matches] == (["Ada"] if seconds >= 0.5 else [None] if seconds > 0.1 else [])
    if seconds >= 1:
        assert engine.voiceprint(audio).speech_seconds == pytest.approx(seconds, abs=0.05)
        return
    with pytest.raises(NoSpeech if seconds < 0.1 else SpeechTooShort, match=r"record|give a few seconds"):
        engine.voiceprint(audio)


def test_a_number_of_speakers_that_cannot_be_is_said(engine: Engine, voice: Voice) -> None:
    found = engine.diarize((voice("Ben")[: 3 * RATE], RATE), num_speakers=50)
    assert 1 <= len(found.speakers) <= 10
    assert talk(found) == pytest.approx(3, abs=0.4)
    assert found.warnings == ("Could not find the requested number of speakers",)


# --- what is damaged


@pytest.mark.parametrize("form", ["array", "file"])
def test_samples_that_are_no_numbers_count_as_silence(engine: Engine, voice: Voice, form: str) -> None:
    clean = voice("Dan")[: 6 * RATE].copy()
    bad = np.random.default_rng(3).choice(len(clean), 300, replace=False)
    dirty = clean.copy()
    clean[bad], dirty[bad] = 0, np.resize([np.nan, np.inf, -np.inf], 300)

    def given(samples: np.ndarray):
        return (samples, RATE) if form == "array" else wav(samples.tobytes(), rate=RATE, bits=32, tag=3)

    found = engine.diarize(given(dirty))
    assert found.turns == engine.diarize(given(clean)).turns
    assert talk(found) > 5
    assert str(engine.voiceprint(given(dirty))) == str(engine.voiceprint(given(clean)))


def test_an_mp4_cut_before_its_table_of_contents_is_unreadable(ask: Ask, voice: Voice) -> None:
    file = encoded(voice("Ada"), RATE, container="mp4", codec="aac")
    with pytest.raises(AudioUnreadable, match="check that the file plays elsewhere"):
        ask(file[: len(file) // 2])


def test_an_mp4_cut_behind_its_table_of_contents_gives_what_it_holds(engine: Engine, voice: Voice, voiceprints) -> None:
    file = encoded(voice("Ada"), RATE, container="mp4", codec="aac", options={"movflags": "faststart"})
    cut = file[: len(file) // 2]
    named = engine.identify(cut, voiceprints, threshold=50)
    assert [match.match for match in named.matches] == ["Ada"]
    assert 8 < talk(named) <= named.duration < 12
    assert "cannot be read to its end" in named.to_dict()["warning"] or "promises" in named.to_dict()["warning"]
    assert 8 < engine.voiceprint(cut).speech_seconds < 12


def test_a_kilobyte_that_claims_a_day_costs_a_kilobyte(ask: Ask, engine: Engine, most_memory) -> None:
    file = wav(bytes(1000), rate=RATE, claimed=2 * RATE * 86_400)
    if ask == engine.voiceprint:
        with pytest.raises(NoSpeech):
            ask(file)
    else:
        assert ask(file).duration == 500 / RATE
        assert talk(ask(file)) == 0
    assert most_memory() < 10 * MEGABYTE


def test_a_day_that_is_one_is_refused_before_it_is_taken_in(ask: Ask, most_memory) -> None:
    day = np.broadcast_to(np.zeros(1, np.int16), 25 * 3600 * 1000)
    with pytest.raises(AudioTooLong, match="TIMBRE_MAX_HOURS"):
        ask((day, 1000))
    assert most_memory() < 10 * MEGABYTE


# --- what is unusual, and right


def test_32_channels_at_192_khz_are_heard_in_little_memory(engine: Engine, voice: Voice, voiceprints, most_memory):
    studio = np.repeat(soxr.resample(voice("Ada")[: 3 * RATE], RATE, 192_000)[:, None], 32, axis=1)
    file = wav(pcm(studio), rate=192_000, channels=32)
    before = most_memory()
    for channel in (None, 31):
        named = engine.identify(file, voiceprints, threshold=50, channel=channel)
        assert named.duration == 3
        assert [match.match for match in named.matches] == ["Ada"]
        assert talk(named) > 2.5
    assert most_memory() < before + 50 * MEGABYTE
    with pytest.raises(ChannelMissing, match="32 channels, counted from 0"):
        engine.diarize(file, channel=32)


@pytest.mark.parametrize("name", NAMES)
def test_one_speaker_alone_is_counted_as_one_and_named(engine: Engine, voice: Voice, voiceprints, name: str) -> None:
    named = engine.identify((voice(name), RATE), voiceprints, threshold=50)
    assert [match.match for match in named.matches] == [name]
    assert voiceprints[name].quality[0].single_speaker > 90


@pytest.mark.parametrize("name", NAMES)
def test_speech_at_60_db_under_full_scale_is_found_and_named(engine: Engine, voice: Voice, voiceprints, name) -> None:
    faint = (with_level(voice(name), -60), RATE)
    named = engine.identify(faint, voiceprints, threshold=50)
    assert [match.match for match in named.matches] == [name]
    assert talk(named) == pytest.approx(talk(engine.diarize((voice(name), RATE))), abs=1)
    assert "go closer to the microphone" in engine.voiceprint(faint).to_dict()["warning"]


def test_clipped_speech_is_found_and_remarked_upon(engine: Engine, voice: Voice) -> None:
    clipped = (np.clip(voice("Ben") * 60, -1, 1), RATE)
    assert len(engine.diarize(clipped).speakers) == 1
    assert talk(engine.diarize(clipped)) > 18
    assert "of the samples are clipped: record at a lower level" in engine.voiceprint(clipped).to_dict()["warning"]


@pytest.mark.parametrize(("level", "offset"), [(-24, 0.4), (-40, -0.03), (-50, 0.01)])
def test_a_constant_offset_changes_little(engine: Engine, voice: Voice, voiceprints, level: int, offset: float) -> None:
    shifted = (with_level(voice("Ada"), level) + np.float32(offset), RATE)
    named = engine.identify(shifted, voiceprints, threshold=50)
    assert [match.match for match in named.matches] == ["Ada"]
    assert talk(named) > 18
    (quality,) = engine.voiceprint(shifted).quality
    assert quality.level == pytest.approx(level, abs=2)
    assert quality.snr is not None
    assert quality.snr > 20


def test_two_equal_channels_are_one(engine: Engine, voice: Voice) -> None:
    one, two = voice("Dan"), np.stack([voice("Dan")] * 2)
    assert engine.diarize((two, RATE)).turns == engine.diarize((one, RATE)).turns


def test_channels_that_cancel_out_are_heard_and_told(engine: Engine, voice: Voice, voiceprints) -> None:
    opposite = (np.stack([voice("Ada"), -voice("Ada")]), RATE)
    assert "cancel each other" in engine.identify(opposite, voiceprints).warnings[0]
    for channel in (None, 0, 1):
        named = engine.identify(opposite, voiceprints, threshold=50, channel=channel)
        assert [match.match for match in named.matches] == ["Ada"]
    assert engine.voiceprint(opposite, channel=1).speech_seconds > 18


@pytest.mark.parametrize(("rate", "known"), [(1_000, False), (4_000, True), (768_000, True), (16_000.4, True)])
def test_unusual_rates_keep_time(engine: Engine, voice: Voice, voiceprints, rate: float, known: bool) -> None:
    samples = soxr.resample(voice("Ada")[: 5 * RATE], RATE, round(rate))
    named = engine.identify((samples, rate), voiceprints, threshold=50)
    assert named.duration == pytest.approx(5, abs=0.001)
    assert len(named.matches) == 1
    assert talk(named) == pytest.approx(4.7, abs=0.3)
    assert (named.matches[0].match == "Ada") == known


# --- many people


@pytest.fixture(scope="module")
def crowd(voice: Voice) -> tuple[np.ndarray, list[tuple[float, float, int]]]:
    """Twenty voices, made of four by changing pitch and tempo, each heard twice for 3 s; and who talks when."""
    people = [(name, pace) for pace in (0.72, 0.85, 1.0, 1.18, 1.4) for name in NAMES]
    spoken = [soxr.resample(voice(name), RATE * pace, RATE) for name, pace in people]
    rng, sound, script, now = np.random.default_rng(0), [], [], 0
    for begin in (0, 5 * RATE):
        for person in rng.permutation(len(people)).tolist():
            part = np.pad(spoken[person][begin : begin + 3 * RATE], (0, RATE // 2))
            sound.append(part)
            script.append((now / RATE, (now + 3 * RATE) / RATE, person))
            now += len(part)
    return np.concatenate(sound), script


def shares(found: Diarization, script: list[tuple[float, float, int]]) -> np.ndarray:
    """Return for how many seconds each label lies on each person: [labels, people]."""
    seconds = np.zeros((len(found.speakers), 1 + max(person for _, _, person in script)))
    for turn in found.turns:
        for begin, end, person in script:
            both = min(turn.end, end) - max(turn.start, begin)
            seconds[found.speakers.index(turn.speaker), person] += max(0.0, both)
    return seconds


@pytest.mark.exhaustive
def test_twenty_speakers_are_kept_together_and_told_apart_on_request(engine: Engine, crowd) -> None:
    """Alone, the engine may take variants of one voice for one person, which in a way they are.

    So what is asked of it is that it neither takes all for one nor every turn for another, and that nearly all that one
    person says has one label. When it is told that there are twenty, it must find twenty, and mostly the right ones.
    """
    samples, script = crowd
    alone = engine.diarize((samples, RATE))
    assert 4 <= len(alone.speakers) <= 20
    assert shares(alone, script).max(axis=0).sum() > 0.9 * talk(alone)

    told = engine.diarize((samples, RATE), num_speakers=20)
    assert len(told.speakers) == 20
    assert shares(told, script).max(axis=1).sum() > 0.75 * talk(told)

    with pytest.raises(SeveralSpeakers, match="one person alone"):
        engine.voiceprint((samples, RATE), max_seconds=None)


def test_fifty_voiceprints_name_one_speaker_once(engine: Engine, crowd, voice: Voice, voiceprints) -> None:
    samples, script = crowd
    changed = [begin + half for begin, _, person in script for half in (0, 1.5) if person // 4 != 2]
    strangers = {
        f"stranger {begin}": engine.voiceprint((samples[round(begin * RATE) :][:24_000], RATE))
        for begin in changed[:42]
    }
    people = {**strangers, **voiceprints, **{f"{name} again": voiceprints[name] for name in NAMES}}
    assert len(people) == 50
    named = engine.identify((voice("Callum"), RATE), people, threshold=50)
    assert [match.match in ("Callum", "Callum again") for match in named.matches] == [True]
    assert set(named.matches[0].confidence) == set(people)


# --- unusual calls


@pytest.mark.parametrize("exclusive", [True, False])
def test_one_person_under_two_names_gets_one_of_them(engine: Engine, voice: Voice, voiceprints, exclusive) -> None:
    twice = {"Ada": voiceprints["Ada"], "Ada Lovelace": str(voiceprints["Ada"])}
    named = engine.identify((voice("Ada"), RATE), twice, exclusive=exclusive, threshold=50)
    (match,) = named.matches
    assert match.match in twice
    assert match.confidence["Ada"] == match.confidence["Ada Lovelace"]
    assert {turn.speaker for turn in named.turns} == {match.match}


@pytest.mark.parametrize("label", ["Zoë", "王小明", "عادل", "🎤" * 100, "-", " a", '"', "0"])
def test_any_writing_can_be_a_name(engine: Engine, voice: Voice, voiceprints, label: str) -> None:
    named = engine.identify((voice("Ben")[: 3 * RATE], RATE), {label: voiceprints["Ben"]}, threshold=50)
    output = json.loads(json.dumps(named.to_dict()))
    assert {turn["match"] for turn in output["identification"]} == {label}
    assert output["voiceprints"][0]["confidence"].keys() == {label}


@pytest.mark.parametrize("label", ["a\nb", " ", "\0", "", "x" * 101, "Speaker_00"])
def test_what_cannot_be_read_as_a_name_is_none(engine: Engine, voice: Voice, voiceprints, label: str) -> None:
    with pytest.raises(OptionError, match="cannot be given"):
        engine.identify((voice("Ben")[: 3 * RATE], RATE), {label: voiceprints["Ben"]})


def test_nobody_enrolled_names_nobody(engine: Engine, voice: Voice) -> None:
    named = engine.identify((voice("Ben")[: 3 * RATE], RATE), {})
    assert [(match.match, match.confidence) for match in named.matches] == [(None, {})]


def test_options_are_checked_before_anything_is_heard(engine: Engine, voiceprints) -> None:
    for options in ({"threshold": 101}, {"num_speakers": 0}, {"vad_sensitivity": 9}):
        with pytest.raises(OptionError, match=r"0 to 100|whole number|-5 to 5"):
            engine.identify("no such file", voiceprints, **options)


@pytest.mark.parametrize("stage", ["speech", "voices"])
def test_a_callback_that_fails_ends_the_work_at_once(engine: Engine, voice: Voice, stage: str) -> None:
    file = encoded(voice("Ada"), RATE, container="mp4", codec="aac")

    def fail(now: str, fraction: float) -> None:
        if now == stage:
            raise InterruptedError(f"{fraction}")

    with pytest.raises(InterruptedError):
        engine.diarize(file, progress=fail)
