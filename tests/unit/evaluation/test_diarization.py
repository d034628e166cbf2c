"""The strict error rate and the speaker count: on conversations small enough for a pencil, and as SimpleDER has it."""

import sys

import numpy as np
import pytest
import simpleder

from timbre.errors import ExtraMissing
from timbre.evaluation.corpus import Recording
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization, score_diarization
from timbre.turns import Turn


def turns(*spoken):
    return [Turn(start=start, end=end, speaker=speaker) for speaker, start, end in spoken]


def score(reference, hypothesis, duration=20.0):
    return score_diarization(reference, hypothesis, recording="toy", duration=duration)


def test_every_part_on_a_conversation_of_twenty_seconds():
    # A 0-10, B 8-16, nobody 16-20. Found: X 1-9 (A), Y 9-18 (B).
    # 0-1 A missed; 8-9 B missed; 9-10 A missed (Y stands for B); 16-18 false alarm; no confusion.
    result = score(turns(("A", 0, 10), ("B", 8, 16)), turns(("X", 1, 9), ("Y", 9, 18)))
    assert result.error.missed == pytest.approx(3.0, abs=1e-7)
    assert result.error.false_alarm == pytest.approx(2.0, abs=1e-7)
    assert result.error.confusion == pytest.approx(0.0, abs=1e-7)
    assert result.error.total == pytest.approx(18.0, abs=1e-7)
    assert result.error.rate == pytest.approx(5 / 18, abs=1e-7)


def test_confusion_is_speech_under_the_other_name():
    # X covers 6 s of A and 2 s of B, so X is A and 2 s of B are confused.
    result = score(turns(("A", 0, 6), ("B", 6, 8)), turns(("X", 0, 8)))
    assert (result.error.missed, result.error.false_alarm) == pytest.approx((0.0, 0.0), abs=1e-7)
    assert result.error.confusion == pytest.approx(2.0, abs=1e-7)
    assert result.error.rate == pytest.approx(0.25, abs=1e-7)


def test_boundaries_count_to_the_last_millisecond():
    result = score(turns(("A", 1.0, 2.0)), turns(("X", 1.001, 2.0)))
    assert result.error.missed == pytest.approx(0.001, abs=1e-7)


def test_what_lies_beyond_the_recording_does_not_count():
    result = score(turns(("A", 0, 10), ("B", 12, 15)), turns(("X", 0, 13)), duration=10.0)
    assert result.error.rate == pytest.approx(0.0, abs=1e-7)
    assert result.error.total == pytest.approx(10.0, abs=1e-7)
    assert (result.reference_speakers, result.hypothesis_speakers) == (1, 1)


def test_a_speaker_does_not_overlap_themselves():
    result = score(turns(("A", 0, 10)), turns(("X", 0, 6), ("X", 4, 10), ("X", 4, 10)))
    assert result.error.rate == pytest.approx(0.0, abs=1e-7)
    result = score(turns(("A", 0, 6), ("A", 4, 10)), turns(("X", 0, 10)))
    assert result.error.total == pytest.approx(10.0, abs=1e-7)


def test_a_silent_recording_is_right_if_nothing_is_found():
    assert score([], []).error.rate == 0.0
    assert score([], turns(("X", 0, 1))).error.rate == 1.0
    assert score([], turns(("X", 0, 1))).error.false_alarm == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize(("found", "exact", "within_one"), [(1, False, True), (2, True, True), (4, False, False)])
def test_speaker_counts(found, exact, within_one):
    result = score(turns(("A", 0, 1), ("B", 1, 2)), turns(*((f"X{i}", i, i + 1) for i in range(found))))
    assert (result.hypothesis_speakers, result.count_exact, result.count_within_one) == (found, exact, within_one)


def test_a_report_pools_seconds_and_averages_recordings():
    good = score(turns(("A", 0, 9)), turns(("X", 0, 9)))
    bad = score(turns(("A", 0, 1)), turns(("X", 2, 3), ("Y", 3, 4)))
    report = DiarizationReport(recordings=(good, bad))
    assert report.error.rate == pytest.approx(3 / 10, abs=1e-7)
    assert report.mean_rate == pytest.approx((0 + 3) / 2, abs=1e-7)
    assert (report.count_exact, report.count_within_one) == (0.5, 1.0)
    written = report.to_dict()
    assert written["error"] == pytest.approx({"missed": 1, "false_alarm": 2, "confusion": 0, "total": 10, "rate": 0.3})
    assert written["recordings"][1]["hypothesis_speakers"] == 2


def judged(reference, hypothesis):
    """The parts of the error by SimpleDER, under our names."""
    parts = simpleder.DER(
        *([(turn.speaker, turn.start, turn.end) for turn in side] for side in (reference, hypothesis)), detailed=True
    )
    theirs = {"missed": "miss", "false_alarm": "false_alarm", "confusion": "confusion", "total": "ref_length"}
    return {ours: parts[name] for ours, name in theirs.items()} | {"rate": parts["der"]}


def test_random_conversations_as_another_scorer_has_them():
    generator = np.random.default_rng(3)

    def conversation(names):
        made = []
        for name in names:
            marks = np.sort(generator.integers(0, 20_000, size=(generator.integers(1, 5), 2))) / 1000
            made += [Turn(start=a, end=b, speaker=name) for a, b in marks.tolist() if a < b]  # may overlap themselves
        return made

    confused = 0
    for _ in range(50):
        reference = conversation("ABCDE"[: generator.integers(1, 6)])
        hypothesis = conversation("VWXYZ"[: generator.integers(0, 6)])
        error = score(reference, hypothesis).error
        assert error.to_dict() == pytest.approx(judged(reference, hypothesis), rel=1e-9, abs=1e-9)
        confused += error.confusion > 0
    assert confused > 25


def test_a_corpus_is_diarized_recording_by_recording(tmp_path):
    class Found:
        turns = (Turn(start=0.0, end=4.0, speaker="X"),)
        duration = 10.0

    corpus = [
        Recording(name=name, audio=tmp_path / f"{name}.wav", reference=tuple(turns(("A", 0, end))))
        for name, end in [("one", 4), ("two", 8)]
    ]
    asked = []
    report = evaluate_diarization(corpus, lambda path: asked.append(path.name) or Found())
    assert asked == ["one.wav", "two.wav"]
    assert [score.error.missed for score in report.recordings] == pytest.approx([0, 4], abs=1e-7)
    assert [score.duration for score in report.recordings] == [10.0, 10.0]


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyannote.metrics.diarization", None)
    with pytest.raises(ExtraMissing, match=r'pip install "timbre\[evaluation\]"'):
        evaluate_diarization([], lambda _: pytest.fail("the work began"))


def test_a_report_tells_long_from_short_and_few_people_from_many():
    alone = score(turns(("A", 0, 10)), turns(("X", 0, 10)), duration=60.0)
    pair = score(turns(("A", 0, 10), ("B", 10, 20)), turns(("X", 0, 20)), duration=120.0)
    long = score(turns(("A", 0, 10), ("B", 10, 20)), turns(("X", 0, 10), ("Y", 10, 20)), duration=2_400.0)
    report = DiarizationReport(recordings=(alone, pair, long))
    assert {name: part.recordings for name, part in report.by_length().items()} == {
        "to 2 min": (alone, pair),
        "over 30 min": (long,),
    }
    by_people = report.by_people()
    assert [*by_people] == ["nobody or 1", "2 people"]
    assert by_people["2 people"].error.rate == pytest.approx(10 / 40, abs=1e-7)
    told = report.to_dict()["by_people"]["2 people"]
    assert (told["recordings"], told["error"]["rate"]) == (2, by_people["2 people"].error.rate)
