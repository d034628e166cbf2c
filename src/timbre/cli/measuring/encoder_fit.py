"""All that is fitted to an encoder: its centre, its scores, how strangers score, and how its vectors vary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.cli.exits import warn
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.pieces import hear_pieces
from timbre.errors import InputError, TrialsError
from timbre.evaluation.calibration import CalibrationReport, calibration_report
from timbre.evaluation.centre import fit_centre
from timbre.evaluation.degradation import PAIRS
from timbre.evaluation.fitting import CrossValidation, fit, leave_one_source_out
from timbre.evaluation.open_set import fit_strangers
from timbre.evaluation.trials import ScoredTrials, Trial, joined, score_trials
from timbre.evaluation.variation import fit_variation
from timbre.models.same_voice import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.audio.acoustics import Acoustics
    from timbre.cli.measuring.labelled_speech import Speech
    from timbre.cli.measuring.people import People
    from timbre.engine import Engine
    from timbre.models.same_voice import SameVoice
    from timbre.models.variation import Variation

_MOST_RECORDINGS: Final = 3  # of a person, for the centre
_MOST_PARTS: Final = 6  # that are held out
_FOLDS: Final = 5  # of the people, where there is one group
_ENROLLED: Final = (1, 2, 4, 8)  # recordings that make a person's voiceprint, one after the other
_IMPOSTORS: Final = 8  # recordings of others, for each of these

Heard = tuple["NDArray[np.float32]", float, "Acoustics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderFit:
    """What was fitted, and how true it is."""

    same_voice: SameVoice
    variation: Variation
    held_out: CrossValidation
    before: CalibrationReport  # of the calibration in use, on the same trials

    @property
    def is_better(self) -> bool:
        """Whether it is truer, on what it was not fitted to, than what is in use."""
        return self.held_out.pooled.cllr < self.before.cllr


def fit_encoder(engine: Engine, speech: Speech, *, fitted_to: str) -> EncoderFit:
    """Fit everything to labelled speech; the same for the same files.

    Args:
        engine: With the encoder, however it is calibrated.
        speech: Who was recorded where, by group.
        fitted_to: The speech in a few words, to be kept beside the numbers.

    Raises:
        TrialsError: they are too few, or too alike.
    """
    lists = _lists(speech)
    recordings = [path for people in speech.values() for sessions in people.values() for path in _recordings(sessions)]
    centre = hear_centre(engine, _by_person(speech, _recordings))
    made = replace(engine.same_voice, fitted=True, fitted_to=fitted_to, centre=centre)
    voices = Embeddings(engine.calibrated(made), recordings, copies=True)
    sources, copies = scored(voices, lists)
    for reason in dict.fromkeys(reason for source in sources for _, reason in source.refused):
        warn(f"{reason} It is left out.")
    held_out = leave_one_source_out(sources, copies=copies)
    weights: dict[str, Any] = fit(sources, copies=copies).to_dict()
    made = replace(made, **weights)
    made = fit_strangers(_strangers(voices, speech, made), made)
    pieces = hear_pieces(engine.calibrated(made), _by_person(speech, _first_of_each))
    return EncoderFit(
        same_voice=made,
        variation=fit_variation(pieces),
        held_out=held_out,
        before=_before(engine, lists, recordings),
    )


def hear_centre(engine: Engine, people: Mapping[tuple[str, str], Sequence[Path]]) -> NDArray[np.float32]:
    """Return the centre `[dimension]` of recordings of people, by group and name; what cannot be used is left out."""
    plain = engine.calibrated(replace(engine.same_voice, centre=np.zeros_like(engine.same_voice.centre)))
    chosen = {who: paths[:_MOST_RECORDINGS] for who, paths in people.items()}
    voices = Embeddings(plain, (path for paths in chosen.values() for path in paths))
    heard: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    for who, paths in chosen.items():
        for path in paths:
            with suppress(InputError):
                heard.setdefault(who, []).append(voices.pooled([path])[0])
    return fit_centre({who: np.stack(vectors) for who, vectors in heard.items()})


def scored(voices: Embeddings, lists: Mapping[str, Sequence[Trial]]) -> tuple[list[ScoredTrials], list[ScoredTrials]]:
    """Return the trials of every source, and the degraded copies of them."""

    def score(pair: tuple[str | None, str | None]) -> Iterator[ScoredTrials]:
        for name, trials in lists.items():
            with suppress(TrialsError):  # telephone recordings have no telephone copy
                enrol, test = (partial(voices.pooled, copy=kind) for kind in pair)
                yield score_trials(trials, enrol, embed_test=test, source=name)

    sources: list[ScoredTrials] = []
    copies: list[ScoredTrials] = []
    for pair in ((None, None), *PAIRS):
        parts: dict[str, list[ScoredTrials]] = {}
        for part in score(pair):
            parts.setdefault(part.source, []).append(part)
        (copies if any(pair) else sources).extend(joined(name, some).both_ways() for name, some in parts.items())
    return sources, copies


def odds_of_strangers(
    known: Sequence[Heard], tested: Sequence[Heard], own: Sequence[int], same_voice: SameVoice
) -> NDArray[np.float64]:
    """Return log-odds `[strangers, people]` of voices with everybody known but themselves.

    Args:
        known: Of each person vector, seconds and acoustics.
        tested: Likewise of some of them, in other recordings.
        own: The number, among those known, of each who is tested.
        same_voice: What log-odds come from.
    """
    cosine = np.stack([vector for vector, *_ in tested]) @ np.stack([vector for vector, *_ in known]).T
    enrolled, heard = (
        Side.of(*zip(*((seconds, how) for _, seconds, how in some), strict=True)) for some in (known, tested)
    )
    odds = same_voice.log_odds(cosine, enrolled, heard.column())
    others = np.ones(odds.shape, np.bool_)
    others[np.arange(len(own)), list(own)] = False
    return odds[others].reshape(len(odds), -1)


def _strangers(voices: Embeddings, speech: Speech, same_voice: SameVoice) -> NDArray[np.float64]:
    known, tested, own = [], [], []
    for people in speech.values():
        for sessions in people.values():
            with suppress(InputError):
                known.append(voices.pooled(sessions[0]))
                if len(sessions) > 1:
                    tested.append(voices.pooled(sessions[-1]))
                    own.append(len(known) - 1)
    return odds_of_strangers(known, tested, own, same_voice)


def _before(engine: Engine, lists: Mapping[str, Sequence[Trial]], recordings: Sequence[Path]) -> CalibrationReport:
    voices = Embeddings(engine, recordings)
    sources, _ = scored(voices, lists)
    odds = [engine.same_voice.log_odds(source.cosines, source.enrol, source.test) for source in sources]
    return calibration_report(np.concatenate(odds), np.concatenate([source.same for source in sources]))


def _lists(speech: Speech) -> dict[str, list[Trial]]:
    """Return the trials within groups in a few parts, each of some groups or, where there is one, of some people."""
    if len(speech) == 1:
        trials = [trial for people in speech.values() for trial in _trials(people)]
        fold = {name: number % _FOLDS for people in speech.values() for number, name in enumerate(sorted(people))}
        return {
            f"people {number + 1}/{_FOLDS}": [trial for trial in trials if fold[trial.enrol_speaker] == number]
            for number in range(_FOLDS)
        }
    groups = sorted(speech, key=lambda group: len(speech[group]), reverse=True)
    parts = [groups[number::_MOST_PARTS] for number in range(min(len(groups), _MOST_PARTS))]
    return {", ".join(part): [trial for group in part for trial in _trials(speech[group])] for part in parts}


def _trials(people: People) -> Iterator[Trial]:
    """Compare a recording with few and with many of its person, and those with recordings of others.

    So the seconds of speech vary, as they do between a word and an hour of talk.
    """
    chance = Random(0)  # noqa: S311 - a choice, not a secret
    tested = {name: [session[0] for session in sessions] for name, sessions in people.items()}
    for name, sessions in people.items():
        others = [path for other, paths in tested.items() if other != name for path in paths]
        for count in _ENROLLED:
            for number, session in enumerate(sessions):
                known = _recordings([*sessions[:number], *sessions[number + 1 :]])[:count]
                if len(known) < count:
                    continue
                yield Trial(same=True, enrol_speaker=name, enrol_paths=tuple(known), test_path=session[0])
                for path in chance.sample(others, min(_IMPOSTORS, len(others))):
                    yield Trial(same=False, enrol_speaker=name, enrol_paths=tuple(known), test_path=path)


def _by_person(
    speech: Speech, choose: Callable[[Sequence[tuple[Path, ...]]], list[Path]]
) -> dict[tuple[str, str], list[Path]]:
    return {(group, name): choose(sessions) for group, people in speech.items() for name, sessions in people.items()}


def _recordings(sessions: Sequence[tuple[Path, ...]]) -> list[Path]:
    return [path for session in sessions for path in session]


def _first_of_each(sessions: Sequence[tuple[Path, ...]]) -> list[Path]:
    return [session[0] for session in sessions]
