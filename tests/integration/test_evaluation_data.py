"""The readers and measures on the real corpus and trial lists that TIMBRE_DATA names."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from timbre.evaluation.corpus import read_corpus
from timbre.evaluation.diarization import evaluate_diarization
from timbre.evaluation.trials import read_trials

DATA = os.environ.get("TIMBRE_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="TIMBRE_DATA does not name the folder of labelled speech")


def test_every_conversation_is_paired_and_its_reference_scores_perfectly():
    corpus = read_corpus(Path(DATA) / "conversations")
    references = {recording.audio: recording.reference for recording in corpus}
    report = evaluate_diarization(corpus, lambda path: SimpleNamespace(turns=references[path], duration=3600.0))
    assert len(corpus) == 26
    assert report.error.total > 600.0
    assert report.error.rate == pytest.approx(0.0, abs=1e-9)
    assert report.count_exact == 1.0


def test_every_list_of_trials_is_read():
    lists = sorted((Path(DATA) / "trials").glob("*.csv"))
    trials = [trial for path in lists for trial in read_trials(path, DATA)]
    assert len(trials) == 6889
    assert {trial.same for trial in trials} == {True, False}
