"""Phone calls with each side on a channel of its own: 8 kHz, mu-law, an echo of the other side, two gains."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from command_line import run
from media import encoded, several_tracks, wav
from server import Server, finished, submit, upload
from timbre import Diarization, Engine, Turn, Voiceprint
from timbre.errors import ChannelsInseparable, OptionError, TracksInseparable

RATE = 16_000
ECHO = 10 ** (-25 / 20)
SAMPLES = Path(__file__).parents[2] / "samples"

Voice = Callable[[str], np.ndarray]
Script = list[tuple[int, str, float, float]]  # channel, who, begin and length in seconds

CALL: Script = [
    (0, "Ada", 0.5, 6),
    (1, "Dan", 7, 6),
    (0, "Ada", 13.5, 5),
    (1, "Dan", 17, 5),  # they talk at once for a second and a half
    (0, "Ada", 22.5, 4),
]


def call(voice: Voice, script: Script, *, gains: tuple[float, ...] = (1.0, 1.0), echo: float = ECHO) -> np.ndarray:
    """Put people on their channels, each with an echo of the other 80 ms later: float32 [2, n] at 16 kHz."""
    length = round(max(begin + seconds for _, _, begin, seconds in script) + 1) * RATE
    sound, said = np.zeros((2, length), np.float32), dict.fromkeys(("Ada", "Ben", "Callum", "Dan"), RATE // 2)
    for channel, who, begin, seconds in script:
        part = voice(who)[said[who] :][: round(seconds * RATE)]
        sound[channel, round(begin * RATE) :][: len(part)] += part
        said[who] += len(part)
    sound *= np.array(gains, np.float32)[:, None]
    delayed = np.pad(sound, ((0, 0), (RATE * 8 // 100, 0)))[:, :length]
    noise = np.random.default_rng(0).normal(0, 1e-4, sound.shape).astype(np.float32)
    return sound + echo * delayed[::-1] + noise


def on_the_phone(sound: np.ndarray) -> bytes:
    """Return a WAV file as telephone systems record it."""
    narrow = soxr.resample(sound.T, RATE, 8000).T
    return encoded(narrow, 8000, container="wav", codec="pcm_mulaw")


def wrongly(found: Diarization, script: Script) -> float:
    """Return the seconds that each channel's turns differ from what is said there."""
    seconds = 0.0
    for channel in (0, 1):
        heard, said = np.zeros((2, round(found.duration * 100) + 1), bool)
        for turn in found.turns:
            if found.voices[found.speakers.index(turn.speaker)].channel == channel:
                heard[round(turn.start * 100) : round(turn.end * 100)] = True
        for where, _, begin, length in script:
            if where == channel:
                said[round(begin * 100) : round((begin + length) * 100)] = True
        seconds += (heard != said).sum() / 100
    return seconds


def alone(turns: tuple[Turn, ...]) -> bool:
    return all(early.end <= late.start for early, late in pairwise(turns))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture(scope="module")
def voiceprints(engine: Engine) -> dict[str, Voiceprint]:
    return {name: engine.voiceprint(SAMPLES / "enrol" / f"{name}.flac") for name in ("Ada", "Ben", "Dan")}


@pytest.fixture(scope="module")
def phoned(engine: Engine, voice: Voice) -> Diarization:
    return engine.diarize(on_the_phone(call(voice, CALL)), channels="separate", probabilities=True)


def test_each_side_of_a_call_is_a_speaker(phoned: Diarization) -> None:
    assert [(voice.speaker, voice.channel) for voice in phoned.voices] == [("SPEAKER_00", 0), ("SPEAKER_01", 1)]
    assert wrongly(phoned, CALL) < 3
    assert phoned.warnings == ()


def test_turns_overlap_where_both_talk_and_the_other_view_never_does(phoned: Diarization) -> None:
    assert list(phoned.turns) == sorted(phoned.turns, key=lambda turn: (turn.start, turn.end))
    assert not alone(phoned.turns)
    assert alone(phoned.exclusive_turns)
    assert sum(turn.duration for turn in phoned.exclusive_turns) < sum(turn.duration for turn in phoned.turns) - 1


def test_every_score_is_about_both_sides(phoned: Diarization) -> None:
    frames = -(-round(phoned.duration * 50 * 1000) // 1000)
    assert phoned.probabilities is not None
    assert phoned.confidence.score.shape == (frames,)
    assert list(phoned.probabilities.speakers) == ["SPEAKER_00", "SPEAKER_01"]
    assert np.median(phoned.probabilities.crosstalk.score[round(17.2 * 50) : round(18.2 * 50)]) > 50
    assert np.median(phoned.probabilities.crosstalk.score[(8 * 50) : (12 * 50)]) == 0
    for turn in phoned.turns:
        assert turn.confidence is not None
        assert set(turn.confidence) == set(phoned.speakers)
        assert max(turn.confidence, key=lambda name: turn.confidence[name]) == turn.speaker
    assert phoned.to_dict()["speakerChannels"] == {"SPEAKER_00": 0, "SPEAKER_01": 1}


@pytest.mark.parametrize("gains", [(1.0, 0.2), (0.2, 1.0)])
def test_a_quiet_side_is_heard_and_its_loud_echo_is_not(engine: Engine, voice: Voice, gains) -> None:
    found = engine.diarize((call(voice, CALL, gains=gains), RATE), channels="separate")
    assert wrongly(found, CALL) < 3


def test_a_side_that_never_talks_has_no_turns(engine: Engine, voice: Voice) -> None:
    script = [line for line in CALL if line[0] == 0]
    found = engine.diarize((call(voice, script), RATE), channels="separate")
    assert [voice.channel for voice in found.voices] == [0]
    assert found.warnings == ()


def test_both_sides_get_their_names(engine: Engine, voice: Voice, voiceprints) -> None:
    sound = on_the_phone(call(voice, CALL))
    named = engine.identify(sound, voiceprints, threshold=50, channels="separate", clip_seconds=5)
    assert [match.match for match in named.matches] == ["Ada", "Dan"]
    for spoken, name in zip(named.diarization.voices, ("Ada", "Dan"), strict=True):
        assert spoken.clip is not None
        heard = engine.embed((spoken.clip, RATE)).vector
        assert max(voiceprints, key=lambda who: float(heard @ voiceprints[who].embedding)) == name
    assert named.to_dict()["speakerChannels"] == {"SPEAKER_00": 0, "SPEAKER_01": 1}


def test_a_phone_that_is_handed_over_is_counted_when_a_number_is_given(engine: Engine, voice: Voice) -> None:
    script: Script = [(0, "Ada", 0.5, 7), (1, "Dan", 8, 7), (0, "Ben", 15.5, 7), (1, "Dan", 23, 5)]
    sound = (call(voice, script), RATE)
    assert len(engine.diarize(sound, channels="separate").speakers) == 2
    for options in ({"num_speakers": 3}, {"min_speakers": 1}, {"max_speakers": 3}):
        found = engine.diarize(sound, channels="separate", **options)
        assert sorted(voice.channel for voice in found.voices) == [0, 0, 1], options
    assert len(engine.diarize(sound, channels="separate", max_speakers=2).speakers) == 2
    too_few = engine.diarize(sound, channels="separate", num_speakers=1)
    assert too_few.warnings == ("Could not find the requested number of speakers",)
    assert len(too_few.speakers) == 2


def test_the_command_line_shows_the_channel_of_each_speaker(tmp_path: Path, voice: Voice, phoned: Diarization) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(on_the_phone(call(voice, CALL)))
    shown = run("diarize", path, "--channels", "separate", "--model", "base")
    assert (shown.code, shown.err) == (0, "")
    columns = [line.split()[:2] for line in shown.out.strip().splitlines()[-3:]]
    assert columns == [["Speaker", "Channel"], ["SPEAKER_00", "0"], ["SPEAKER_01", "1"]]
    asked = run("diarize", path, "--channels", "separate", "--model", "base", "--json")
    python = phoned.to_dict()
    assert json.loads(asked.out) == {name: python[name] for name in ("diarization", "speakerChannels")}


def test_the_server_hears_each_side_and_counts_the_call_once(tmp_path: Path, server: Server, voice: Voice) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(on_the_phone(call(voice, CALL)))
    key = server.run("keys", "create", "calls", "--team", "calls")
    with server.client(key) as client:
        url = upload(client, path)
        job = finished(client, submit(client, "diarize", url=url, channels="separate"))
        assert job["output"]["speakerChannels"] == {"SPEAKER_00": 0, "SPEAKER_01": 1}
        assert client.get("/v1/usage").json()["seconds"] == pytest.approx(job["duration"]) == pytest.approx(28, abs=1)
        mono = tmp_path / "mono.wav"
        mono.write_bytes(encoded(voice("Ada"), RATE, container="wav", codec="pcm_s16le"))
        failed = finished(client, submit(client, "diarize", url=upload(client, mono), channels="separate"))
        assert failed["output"]["error"].startswith("The recording has one channel")
        refused = client.post("/v1/diarize", json={"url": url, "channels": "stereo"})
        assert refused.json()["errors"] == [
            {"field": "channels", "message": "Expected one of mixed, separate, got the text 'stereo'"}
        ]


@pytest.fixture(scope="module")
def recorder(voice: Voice) -> bytes:
    """A file of a recorder that gives each person a sound track."""
    return several_tracks(list(call(voice, CALL, echo=0)), RATE, container="matroska", codec="flac")


def test_people_on_sound_tracks_of_their_own_are_all_heard(engine: Engine, recorder: bytes) -> None:
    mixed = engine.diarize(recorder)
    assert len(mixed.speakers) == 2
    assert mixed.warnings == ()
    apart = engine.diarize(recorder, tracks="separate")
    assert [(voice.speaker, voice.channel) for voice in apart.voices] == [("SPEAKER_00", 0), ("SPEAKER_01", 1)]
    assert wrongly(apart, CALL) < 3
    for track in (0, 1):
        alone = engine.diarize(recorder, tracks=track)
        assert len(alone.speakers) == 1
        spoken = [turn for turn in apart.turns if turn.speaker == f"SPEAKER_{track:02d}"]
        assert alone.turns[0].start == pytest.approx(spoken[0].start, abs=0.2)


def test_the_command_line_and_the_server_hear_sound_tracks(tmp_path: Path, server: Server, recorder: bytes) -> None:
    path = tmp_path / "meeting.mkv"
    path.write_bytes(recorder)
    asked = run("diarize", path, "--tracks", "separate", "--model", "base", "--json")
    assert json.loads(asked.out)["speakerChannels"] == {"SPEAKER_00": 0, "SPEAKER_01": 1}
    assert run("diarize", path, "--tracks", "all", "--model", "base").code == 2
    with server.client(server.run("keys", "create", "tracks", "--team", "tracks")) as client:
        url = upload(client, path)
        job = finished(client, submit(client, "diarize", url=url, tracks="separate"))
        assert job["output"]["speakerChannels"] == {"SPEAKER_00": 0, "SPEAKER_01": 1}
        missing = finished(client, submit(client, "diarize", url=url, tracks=2))
        assert missing["output"]["error"].startswith("The recording has no sound track 2: it has 2 sound tracks")


def test_a_warning_about_the_sound_is_in_the_result_and_in_the_job(
    tmp_path: Path, server: Server, voice: Voice
) -> None:
    path = tmp_path / "joined.wav"
    sound = (voice("Ada")[: 5 * RATE] * 32_767).astype("<i2").tobytes()
    path.write_bytes(wav(sound, rate=RATE, claimed=RATE))
    with server.client(server.run("keys", "create", "told", "--team", "told")) as client:
        job = finished(client, submit(client, "diarize", url=upload(client, path), odd=1))
    assert job["output"]["warning"].startswith("the header promises 16000 bytes of sound")
    assert job["warning"] == f"Ignored unknown keys: odd; {job['output']['warning']}"


@pytest.mark.parametrize(
    "options",
    [
        {"tracks": "all"},
        {"tracks": -1},
        {"tracks": "separate", "channels": "separate"},
        {"tracks": "separate", "channel": 0},
    ],
)
def test_tracks_that_contradict_are_refused(engine: Engine, options) -> None:
    with pytest.raises(OptionError, match="tracks"):
        engine.diarize(b"", **options)


def test_one_sound_on_two_tracks_is_refused(engine: Engine, voice: Voice) -> None:
    file = several_tracks([voice("Ada"), voice("Ada") / 2], RATE, container="matroska", codec="flac")
    with pytest.raises(TracksInseparable, match="same sound"):
        engine.diarize(file, tracks="separate")


def test_silence_on_both_sides_is_silence(engine: Engine) -> None:
    found = engine.diarize((np.zeros((2, 3 * RATE), np.float32), RATE), channels="separate", probabilities=True)
    assert found.turns == found.exclusive_turns == found.voices == ()
    assert found.warnings == ("No speech was found",)


@pytest.mark.parametrize("form", ["array", "file"])
@pytest.mark.parametrize(("channels", "says"), [(1, "has one channel"), (9, "has 9 channels")])
def test_recordings_that_cannot_be_separated_are_refused(engine: Engine, form: str, channels: int, says: str) -> None:
    sound = np.zeros((channels, RATE), np.float32)
    source = (sound, RATE) if form == "array" else encoded(sound, RATE, container="wav", codec="pcm_s16le")
    with pytest.raises(ChannelsInseparable, match=says):
        engine.diarize(source, channels="separate")


def test_one_sound_on_two_channels_is_refused(engine: Engine, voice: Voice) -> None:
    with pytest.raises(ChannelsInseparable, match="0 and 1 of the recording hold the same sound"):
        engine.diarize((np.stack([voice("Ada"), voice("Ada") / 2]), RATE), channels="separate")


def test_a_faint_copy_of_the_other_side_is_its_echo(engine: Engine, voice: Voice) -> None:
    found = engine.diarize((np.stack([voice("Ada"), voice("Ada") / 20]), RATE), channels="separate")
    assert [who.channel for who in found.voices] == [0]


@pytest.mark.parametrize("options", [{"channels": "stereo"}, {"channels": "separate", "channel": 0}])
def test_channels_that_contradict_are_refused(engine: Engine, options) -> None:
    with pytest.raises(OptionError, match="channels"):
        engine.diarize(b"", **options)


def test_progress_moves_forward_over_all_channels(engine: Engine, voice: Voice) -> None:
    told: list[tuple[str, float]] = []
    sound = (call(voice, CALL), RATE)
    engine.diarize(sound, channels="separate", progress=lambda *report: told.append(report))
    assert told == sorted(told)
    assert 0.8 < told[-1][1] <= 1


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()}
    yield
    after = {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()}
    assert not [file for file in after - before if "(deleted)" in str(file)]
