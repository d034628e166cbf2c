"""Lists of trials: what is read, what is refused in which line, and how trials are scored."""

import math
from pathlib import Path

import numpy as np
import pytest

from timbre.audio.acoustics import Acoustics
from timbre.errors import NoSpeech, TrialsError
from timbre.evaluation.trials import ScoredTrials, Trial, joined, read_trials, score_trials

HEADER = "label,enrol_speaker,enrol_paths,test_path\n"


@pytest.fixture
def written(tmp_path):
    for name in ["a1.wav", "a2.wav", "b1.wav"]:
        (tmp_path / name).touch()

    def write(content):
        (tmp_path / "trials.csv").write_text(content, encoding="utf-8")
        return tmp_path / "trials.csv"

    return write


def test_a_list_is_read(written, tmp_path):
    trials = read_trials(written(HEADER + "1,ada,a1.wav|a2.wav,a1.wav\r\n0,ada,a1.wav,b1.wav\n"), tmp_path)
    assert trials == (
        Trial(
            same=True,
            enrol_speaker="ada",
            enrol_paths=(tmp_path / "a1.wav", tmp_path / "a2.wav"),
            test_path=tmp_path / "a1.wav",
        ),
        Trial(same=False, enrol_speaker="ada", enrol_paths=(tmp_path / "a1.wav",), test_path=tmp_path / "b1.wav"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"trials\.csv, line 1: expected a header with label,enrol_speaker,enrol_paths,test_path, got ''"),
        ("label,test\n1,a1.wav\n", r"line 1: expected a header .* got 'label,test'"),
        (HEADER, r"trials\.csv: there are no trials below the header"),
        (
            HEADER + "1,ada,a1.wav,b1.wav\n2,ada,a1.wav,b1.wav\n",
            r"line 3: expected label 1 \(same person\) or 0, got '2'",
        ),
        (HEADER + "1,,a1.wav,b1.wav\n", r"line 2: expected an enrol_speaker, got nothing"),
        (HEADER + "1,ada\n", r"line 2: expected a file in enrol_paths, got ''"),
        (HEADER + "1,ada,a1.wav|,b1.wav\n", r"line 2: expected a file in enrol_paths, got ''"),
        (HEADER + "1,ada,a1.wav,c1.wav\n", r"line 2: expected a file in test_path, got 'c1\.wav', which is not in"),
        (HEADER + '1,ada,"a1.wav,b1.wav\n', r"line 2: expected fields between commas, got unexpected end of data"),
    ],
)
def test_a_malformed_list_is_refused(written, tmp_path, content, message):
    with pytest.raises(TrialsError, match=message):
        read_trials(written(content), tmp_path)


def test_a_list_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "trials.csv").write_bytes(b"label\xff")
    with pytest.raises(TrialsError, match="expected text in UTF-8, got byte 0xff"):
        read_trials(tmp_path / "trials.csv", tmp_path)


VECTORS = {"a1": [3.0, 4.0], "a2": [1.0, 0.0], "b1": [0.0, 2.0]}


def trial(same, enrol, test):
    return Trial(same=same, enrol_speaker="ada", enrol_paths=tuple(map(Path, enrol)), test_path=Path(test))


def test_trials_are_scored_and_each_recording_is_embedded_once():
    asked = []

    def embed(paths):
        names = [path.name for path in paths]
        asked.append(names)
        return (
            np.mean([VECTORS[name] for name in names], axis=0),
            2.0 * len(names),
            Acoustics(telephone=1.0, snr=None if len(names) == 1 else 12.0),
        )

    trials = [trial(True, ["a1", "a2"], "a1"), trial(False, ["a1", "a2"], "b1"), trial(True, ["a1"], "a2")]
    scored = score_trials(trials, embed, source="toy")
    assert asked == [["a1", "a2"], ["a1"], ["b1"], ["a2"]]
    # (3,4) and (1,0) have the mean (2,2).
    np.testing.assert_allclose(scored.cosines, [7 / 5 / math.sqrt(2), 1 / math.sqrt(2), 3 / 5], atol=1e-7)
    assert scored.enrol_seconds.tolist() == [4.0, 4.0, 2.0]
    assert scored.test_seconds.tolist() == [2.0, 2.0, 2.0]
    assert scored.same.tolist() == [True, False, True]
    assert scored.speakers.tolist() == ["ada"] * 3
    assert (scored.source, scored.refused) == ("toy", ())
    assert scored.test_telephone.tolist() == [1.0] * 3
    np.testing.assert_equal(scored.enrol_snr, [12.0, 12.0, math.nan])


def test_the_tested_side_may_be_another_copy():
    def embed(vector, snr):
        return lambda _: (np.array(vector), 1.0, Acoustics(snr=snr))

    scored = score_trials(
        [trial(True, ["a1"], "a1")], embed([1.0, 0.0], 30.0), embed_test=embed([0.0, 1.0], 5.0), source="toy"
    )
    assert (scored.cosines[0], scored.enrol_snr[0], scored.test_snr[0]) == (0.0, 30.0, 5.0)


def test_parts_and_wholes_of_trials_keep_what_is_known():
    plain = {"same": np.array([True, False]), "cosines": np.array([0.5, 0.1]), "speakers": np.array(["a", "b"])}
    seconds = {"enrol_seconds": np.array([1.0, 2.0]), "test_seconds": np.array([3.0, 4.0])}
    known = ScoredTrials(source="one", **plain, **seconds, enrol_telephone=np.array([0.0, 1.0]))
    assert known.part("half", np.array([False, True])).enrol_telephone.tolist() == [1.0]
    assert joined("both", [known, known]).enrol_telephone.tolist() == [0.0, 1.0] * 2
    assert joined("both", [known, ScoredTrials(source="two", **plain, **seconds)]).enrol_telephone is None


def test_refused_recordings_take_their_trials_with_them_and_are_told():
    def embed(paths):
        if paths[0].name == "b1":
            raise NoSpeech("b1: no speech")
        return np.array([1.0, 0.0]), 3.0, Acoustics()

    trials = [trial(True, ["a1"], "a2"), trial(False, ["a1"], "b1"), trial(False, ["b1"], "a1")]
    scored = score_trials(trials, embed, source="toy")
    assert scored.cosines.tolist() == [1.0]
    assert scored.refused == ((Path("b1"), "b1: no speech"),)
    with pytest.raises(TrialsError, match="toy: none of the 1 trials can be scored: b1: no speech"):
        score_trials(trials[1:2], embed, source="toy")


def test_columns_of_different_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="arrays of one length"):
        ScoredTrials(
            source="toy",
            same=np.array([True, False]),
            cosines=np.array([0.5]),
            enrol_seconds=np.array([1.0, 1.0]),
            test_seconds=np.array([1.0, 1.0]),
            speakers=np.array(["a", "b"]),
        )


def test_both_ways_asks_every_question_with_its_sides_exchanged_too() -> None:
    trials = ScoredTrials(
        source="calls",
        same=np.array([True, False]),
        cosines=np.array([0.8, 0.1]),
        enrol_seconds=np.array([10.0, 20.0]),
        test_seconds=np.array([1.0, 2.0]),
        speakers=np.array(["ada", "ben"]),
        enrol_snr=np.array([30.0, np.nan]),
        test_snr=np.array([5.0, 6.0]),
    )
    both = trials.both_ways()
    assert both.enrol_seconds.tolist() == [10.0, 20.0, 1.0, 2.0]
    assert both.test_seconds.tolist() == [1.0, 2.0, 10.0, 20.0]
    assert both.same.tolist() == [True, False] * 2
    assert both.test_snr is not None
    assert both.test_snr[:3].tolist() == [5.0, 6.0, 30.0]
    assert both.enrol_telephone is None
