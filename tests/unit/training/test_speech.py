"""What the encoder's training does with speech, as far as it needs no torch."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.encoder import transcoding
from training.encoder.corpus import Utterance, is_for_testing, is_unseen, stretches, training_speech
from training.unseen import unseen_trials

SAID = (np.sin(np.arange(32_000) / 12) * 8_000).astype(np.int16)  # 212 Hz


def table(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def utterance(speaker: str, session: str = "", samples: NDArray[np.int16] = SAID) -> Utterance:
    return Utterance(f"{speaker}.wav", speaker, CALLS, "en", session, samples)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    table(tmp_path / "conversations" / "enrol.csv", [{"conversation": "one", "speaker": TALKER, "path": "x"}])
    rows = [
        {
            "path": f"{speaker}-{call}-{number}.wav",
            "speaker": speaker,
            "set": CALLS,
            "language": "en",
            "session": call,
        }
        for speaker in (*UNSEEN, *SEEN)
        for call in "ab"
        for number in range(4)
    ]
    other = {"path": "other.wav", "speaker": "other", "set": "commonvoice", "language": "fr", "session": ""}
    table(tmp_path / "speakers" / "manifest.csv", [*rows, other])
    return tmp_path


CALLS = "wuw2_telephone"
NAMES = [f"p{number}" for number in range(60)]
UNSEEN = [name for name in NAMES if is_for_testing(CALLS, name, "en")]
TALKER, *SEEN = [name for name in NAMES if not is_for_testing(CALLS, name, "en")]


@pytest.mark.parametrize("codec", transcoding.CODECS)
def test_every_codec_gives_back_what_was_said(codec: transcoding.Codec) -> None:
    heard = transcoding._decode(transcoding._encode(SAID, codec, codec.bit_rates[0])).astype(float)
    power = np.abs(np.fft.rfft(heard)) ** 2
    pitch = np.fft.rfftfreq(len(heard), 1 / transcoding.RATE)[power.argmax()]
    assert pitch == pytest.approx(16_000 / 12 / 2 / np.pi, abs=5)


def test_a_transcoded_stretch_is_as_long_as_before_and_the_same_for_the_same_seed() -> None:
    first, second = (transcoding.transcoded(SAID, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == SAID.shape
    assert first.dtype == np.int16
    assert np.array_equal(first, second)


def test_nobody_who_is_tested_is_trained_on(data: Path) -> None:
    said = [utterance(name) for name in (*UNSEEN, TALKER, *SEEN)]
    assert [one.speaker for one in training_speech(said, data)] == SEEN
    unseen = is_unseen(data)
    assert all(map(unseen, [*UNSEEN, TALKER]))
    assert not any(map(unseen, SEEN))


def test_a_third_or_a_sixth_is_for_testing_and_every_language_that_is_left_out() -> None:
    def share(source: str, language: str = "fr") -> float:
        return sum(is_for_testing(source, f"somebody {number}", language) for number in range(600)) / 600

    assert share(CALLS) == pytest.approx(1 / 3, abs=0.05)
    assert share("commonvoice") == pytest.approx(1 / 6, abs=0.04)
    assert share("commonvoice", "fa") == share("librispeech_long") == 1


def test_nobody_who_is_tested_in_one_set_is_trained_on_in_another(tmp_path: Path) -> None:
    table(tmp_path / "conversations" / "enrol.csv", [{"conversation": "one", "speaker": "somebody", "path": "x"}])
    both = [
        {"path": "a", "speaker": SEEN[0], "set": source, "language": "en", "session": ""}
        for source in (CALLS, "librispeech_long")
    ]
    table(tmp_path / "speakers" / "manifest.csv", both)
    assert is_unseen(tmp_path)(SEEN[0])


def test_trials_of_the_calibration_are_among_people_who_were_not_trained_on(data: Path) -> None:
    trials = unseen_trials(data)["telephone"]
    assert {trial.enrol_speaker for trial in trials} == set(UNSEEN)
    for trial in trials:
        tested = trial.test_path.name.split("-")[0]
        assert trial.same == (tested == trial.enrol_speaker)
        assert tested in UNSEEN
        assert trial.test_path not in trial.enrol_paths
    assert {trial.same for trial in trials} == {True, False}


def test_a_stretch_holds_one_speaker_in_one_session() -> None:
    made = stretches([utterance("p1", "a"), utterance("p2", "a"), utterance("p1", "b"), utterance("p1", "a")])
    assert [(one.speaker, one.samples.size) for one in made] == [("p1", 64_000), ("p2", 32_000), ("p1", 32_000)]
