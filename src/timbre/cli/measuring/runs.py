"""The work behind `timbre evaluate` and `timbre calibrate`: let the engine answer what the truth is known of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from timbre.audio.acoustics import Acoustics
from timbre.cli.display.progress import counting
from timbre.cli.exits import warn
from timbre.cli.inputs.live_sound import recording as pieces
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.people import People, trials_of
from timbre.errors import AudioError, InputError, OptionError, TrialsError
from timbre.evaluation.corpus import Recording
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization
from timbre.evaluation.identification import NamingReport, OpenSetResult, evaluate_identification, open_set
from timbre.evaluation.streaming import StreamReport, Told, evaluate_streams
from timbre.evaluation.trials import ScoredTrials, Trial, read_trials, score_trials
from timbre.models.same_voice import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.cli.measuring.enrolment_list import Enrolments
    from timbre.diarization.diarization import Diarization
    from timbre.engine import Engine
    from timbre.identification.identification import Identification

Key = TypeVar("Key")


def diarize_corpus(engine: Engine, corpus: Sequence[Recording]) -> DiarizationReport:
    """Diarize every recording and score the turns.

    Raises:
        AudioError: a recording cannot be used.
        ExtraMissing: the scorer is not installed.
    """
    with counting("diarizing", len(corpus)) as advance:

        def diarize(path: Path) -> Diarization:
            with _about(path):
                found = engine.diarize(path)
            advance()
            return found

        return evaluate_diarization(corpus, diarize)


def name_corpus(engine: Engine, corpus: Sequence[Recording], enrolled: Enrolments, threshold: float) -> NamingReport:
    """Identify the speakers of every recording, of whom some are enrolled, and score the names.

    Raises:
        InputError: a recording cannot be used.
        OptionError: the threshold is out of range, or a name cannot be one.
    """
    paths = (path for people in enrolled.values() for recordings in people.values() for path in recordings)
    voices = Embeddings(engine, paths)
    with counting("identifying", len(corpus)) as advance:

        def identify(recording: Recording) -> Identification:
            people = {name: voices.voiceprint(paths) for name, paths in enrolled[recording.name].items()}
            with _about(recording.audio):
                found = engine.identify(recording.audio, people, threshold=threshold)
            advance()
            return found

        return evaluate_identification(corpus, identify, enrolled)


def stream_corpus(
    engine: Engine, corpus: Sequence[Recording], enrolled: Enrolments, threshold: float
) -> tuple[StreamReport, DiarizationReport]:
    """Hear every recording as a stream, and as a whole to compare with.

    Raises:
        InputError: a recording cannot be used.
        OptionError: the threshold is out of range, or a name cannot be one.
        ExtraMissing: the scorer is not installed.
    """
    paths = (path for people in enrolled.values() for recordings in people.values() for path in recordings)
    voices = Embeddings(engine, paths)
    whole = diarize_corpus(engine, corpus)
    with counting("listening", len(corpus)) as advance:

        def hear(recording: Recording) -> tuple[list[Told], float]:
            people = {name: voices.voiceprint(paths) for name, paths in enrolled.get(recording.name, {}).items()}
            stream = engine.stream(people, threshold=threshold)
            told: list[Told] = []
            with _about(recording.audio):
                for piece in pieces(recording.audio, engine.settings, speed=0):
                    told += [Told(at=stream.seconds, event=event) for event in stream.push(piece)]
            told += [Told(at=stream.seconds, event=event) for event in stream.finish()]
            advance()
            return told, stream.seconds

        return evaluate_streams(corpus, hear, enrolled), whole


def score_lists(engine: Engine, lists: Sequence[Path], root: Path | None) -> tuple[ScoredTrials, ...]:
    """Score the trials of some lists; each list is the source of its name, and paths start at `root` or beside it.

    Raises:
        OptionError: two lists have one name.
        TrialsError: a list is malformed, or none of its trials can be scored.
    """
    trials = {path.stem: read_trials(path, root or path.parent) for path in lists}
    if len(trials) < len(lists):
        raise OptionError("Two lists of trials have one name, which is to tell their sources apart; rename one.")
    voices = Embeddings(engine, (path for some in trials.values() for trial in some for path in _paths(trial)))
    sources = tuple(score_trials(some, voices.pooled, source=name) for name, some in trials.items())
    for source in sources:
        for _, reason in source.refused:
            warn(f"{reason} Its trials are left out.")
    return sources


def score_people(engine: Engine, groups: Sequence[People]) -> tuple[ScoredTrials, ...]:
    """Make and score the trials of some groups of people, each recording being heard once.

    Raises:
        TrialsError: none of a group's trials can be scored.
    """
    voices = Embeddings(
        engine, (path for people in groups for sessions in people.values() for session in sessions for path in session)
    )
    scored = tuple(score_trials(trials_of(people), voices.pooled, source="people") for people in groups)
    for _, reason in scored[0].refused:
        warn(f"{reason} Its trials are left out.")
    return scored


def search_galleries(engine: Engine, trials: Sequence[Trial], seed: int) -> tuple[OpenSetResult, ...]:
    """Look for the speaker of every test recording, where a trial says who it is, among everybody who is enrolled.

    Raises:
        TrialsError: there is no such test recording that can be used.
    """
    voices = Embeddings(engine, (path for trial in trials for path in _paths(trial)))
    gallery = _usable(voices, {trial.enrol_speaker: trial.enrol_paths for trial in trials})
    speaker_of = {trial.test_path: trial.enrol_speaker for trial in trials if trial.same}
    probes = _usable(voices, {path: (path,) for path, speaker in speaker_of.items() if speaker in gallery})
    if not probes:
        raise TrialsError("There is no usable test recording of which a trial says who speaks.")
    scores = engine.same_voice.log_odds(
        np.stack([tested for tested, *_ in probes.values()]) @ np.stack([known for known, *_ in gallery.values()]).T,
        _side(gallery),
        _side(probes).column(),
    )
    people = list(gallery)
    return open_set(scores, [people.index(speaker_of[path]) for path in probes], seed=seed)


Heard = tuple["NDArray[np.float32]", float, Acoustics]


def _side(heard: Mapping[Key, Heard]) -> Side:
    return Side.of([seconds for _, seconds, _ in heard.values()], [acoustics for *_, acoustics in heard.values()])


def _usable(voices: Embeddings, groups: Mapping[Key, Sequence[Path]]) -> dict[Key, Heard]:
    """Return embedding, seconds and acoustics of each group of recordings, without those that cannot be used."""
    usable = {}
    for key, paths in groups.items():
        try:
            usable[key] = voices.pooled(paths)
        except InputError as error:
            warn(f"{error} It is left out.")
    return usable


def _paths(trial: Trial) -> tuple[Path, ...]:
    return (*trial.enrol_paths, trial.test_path)


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say in an error of the audio which file it is about."""
    try:
        yield
    except AudioError as error:
        raise type(error)(f"{path}: {error}") from error
