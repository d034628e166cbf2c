"""What the README claims must not be lost: on the labelled speech that TIMBRE_DATA points to, with some room for noise.

`python -m benchmarks accuracy` measures more, and beside a peer.
"""

import csv
import os
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pytest

from timbre import Engine
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.enrolment_list import read_enrolments, some_of
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization
from timbre.evaluation.identification import evaluate_identification
from timbre.evaluation.trials import read_trials, score_trials
from timbre.evaluation.verification import equal_error_rate, verification_report

DATA = Path(os.environ.get("TIMBRE_DATA", "/nonexistent"))

ONE_TRIAL = 0.007  # what one of the fewest target trials weighs in an error rate

pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="TIMBRE_DATA points to no labelled speech"),
    pytest.mark.exhaustive,
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture(scope="module")
def diarized(engine: Engine) -> DiarizationReport:
    return evaluate_diarization(read_corpus(DATA / "conversations"), engine.diarize)


def test_diarization_error_stays_low(diarized: DiarizationReport) -> None:
    assert diarized.error.rate < 0.20
    assert diarized.error.confusion / diarized.error.total < 0.08


def test_the_number_of_speakers_is_right_within_one(diarized: DiarizationReport) -> None:
    with (DATA / "conversations" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        simulated = {row["name"] for row in csv.DictReader(file) if row["kind"] == "simulated"}
    counted = [score.count_within_one for score in diarized.recordings if score.recording in simulated]
    assert sum(counted) >= 0.9 * len(counted)


@pytest.mark.parametrize(("trials", "baseline"), [("speechocean762", 0.036), ("wuw2_telephone_cross_session", 0.116)])
def test_verification_is_no_worse_than_mean_pooling_and_cosine(engine: Engine, trials: str, baseline: float) -> None:
    listed = read_trials(DATA / "trials" / f"{trials}.csv", DATA)
    voices = Embeddings(engine, [path for trial in listed for path in (*trial.enrol_paths, trial.test_path)])
    scored = score_trials(listed, voices.pooled, source=trials)
    odds = engine.same_voice.log_odds(scored.cosines, scored.enrol_seconds, scored.test_seconds)
    report = verification_report(odds, scored.same)
    assert equal_error_rate(scored.cosines, scored.same) <= baseline + ONE_TRIAL
    assert report.eer <= baseline + 2 * ONE_TRIAL  # the durations that make it honest move single trials
    assert report.calibration.cllr < 0.5
    assert len(scored.refused) <= 2


def test_half_of_the_people_are_named_and_the_other_half_is_not(engine: Engine) -> None:
    enrolled = some_of(read_enrolments(DATA / "conversations" / "enrol.csv", DATA), 0.5, 0)
    corpus = [recording for recording in read_corpus(DATA / "conversations") if recording.name in enrolled]

    voices = Embeddings(engine, [path for people in enrolled.values() for paths in people.values() for path in paths])

    def identify(recording: Recording):
        people = {name: voices.voiceprint(paths) for name, paths in enrolled[recording.name].items()}
        return engine.identify(recording.audio, people, threshold=50)

    error = evaluate_identification(corpus, identify, enrolled).error
    assert error.named_rightly > 0.7 * error.known
    assert error.falsely_named + error.named_wrongly < 0.05 * (error.known + error.unknown)


@pytest.mark.parametrize("people", [20, 50])
def test_a_crowd_is_counted_and_kept_apart(engine: Engine, people: int) -> None:
    """Real speakers who take turns, five times each: the count is right within a third, most speech has a label."""
    said = crowd(people)
    begins = np.cumsum([0, *(len(samples) for _, samples in said)]) / 16_000
    found = engine.diarize((np.concatenate([samples for _, samples in said]), 16_000))
    seconds = np.zeros((len(found.speakers), people))
    for turn in found.turns:
        both = np.minimum(turn.end, begins[1:]) - np.maximum(turn.start, begins[:-1])
        np.add.at(seconds[found.speakers.index(turn.speaker)], [who for who, _ in said], np.maximum(0, both))
    assert len(found.speakers) == pytest.approx(people, rel=1 / 3)
    assert seconds.max(axis=1).sum() > 0.7 * seconds.sum()
    assert seconds.max(axis=0).sum() > 0.7 * seconds.sum()


def crowd(people: int) -> list[tuple[int, np.ndarray]]:
    """Return who talks, and what is said, in order: everybody once in a random order, five times over."""
    utterances = defaultdict(list)
    with (DATA / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["set"] == "speechocean762":
                utterances[row["speaker"]].append(DATA / row["path"])
    rng = np.random.default_rng(0)
    able = [speaker for speaker in sorted(utterances) if len(utterances[speaker]) >= 5]
    chosen = [able[index] for index in rng.permutation(len(able))[:people]]
    return [
        (who, sound(utterances[chosen[who]][time])) for time in range(5) for who in rng.permutation(people).tolist()
    ]


def sound(path: Path) -> np.ndarray:
    """Return a recording as samples at 16 kHz, with a pause behind."""
    with av.open(path) as container:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        frames = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.pad(np.concatenate(frames, axis=1)[0], (0, 16_000 // 3))
