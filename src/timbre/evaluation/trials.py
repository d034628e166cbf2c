"""Trials of verification: was it the same person who enrolled and who speaks in the test recording?

A list of trials is a CSV file with a header; paths are relative to a root, several to enrol from stand between bars:

    label,enrol_speaker,enrol_paths,test_path
    1,ada,ada/one.flac|ada/two.flac,ada/three.flac
    0,ada,ada/one.flac|ada/two.flac,bob/one.flac
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timbre.audio.acoustics import Acoustics
from timbre.errors import InputError, TrialsError
from timbre.models.same_voice import Side

COLUMNS = ("label", "enrol_speaker", "enrol_paths", "test_path")
_LABELS = {"0": False, "1": True}
_COLUMNS = (
    *("same", "cosines", "enrol_seconds", "test_seconds", "speakers"),
    *("enrol_telephone", "test_telephone", "enrol_snr", "test_snr"),
)

# Takes the recordings of one person; gives an embedding of shape [dimensions], as it is compared (centred, where the
# encoder's vectors are), the seconds of speech it stands on, and how they were recorded.
Embed = Callable[[Sequence[Path]], tuple[NDArray[np.floating], float, Acoustics]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One question and its answer."""

    same: bool  # whether the enrolled person speaks in the test recording
    enrol_speaker: str
    enrol_paths: tuple[Path, ...]  # at least one
    test_path: Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredTrials:
    """The trials of one source with the similarity of each; all arrays have shape [trials]."""

    source: str  # where the trials come from, as calibration holds out one source after the other
    same: NDArray[np.bool_]
    cosines: NDArray[np.float64]  # between the embeddings, -1 to 1
    enrol_seconds: NDArray[np.float64]  # of speech
    test_seconds: NDArray[np.float64]
    speakers: NDArray[np.str_]  # who was enrolled
    enrol_telephone: NDArray[np.float64] | None = None  # 0 to 1, NaN where it is not known; None for nowhere
    test_telephone: NDArray[np.float64] | None = None
    enrol_snr: NDArray[np.float64] | None = None  # dB; likewise
    test_snr: NDArray[np.float64] | None = None
    refused: tuple[tuple[Path, str], ...] = ()  # recordings whose trials are left out, with the reason

    def __post_init__(self) -> None:
        columns = [column for name in _COLUMNS if (column := getattr(self, name)) is not None]
        if {column.shape for column in columns} != {(len(self.same),)}:
            raise ValueError(f"expected arrays of one length, got {[column.shape for column in columns]}")

    @property
    def enrol(self) -> Side:
        """What is known of the enrolled sides."""
        return _side(self.enrol_seconds, self.enrol_telephone, self.enrol_snr)

    @property
    def test(self) -> Side:
        """What is known of the tested sides."""
        return _side(self.test_seconds, self.test_telephone, self.test_snr)

    def part(self, source: str, rows: NDArray[Any]) -> ScoredTrials:
        """Return some of the trials as a source of their own."""
        columns = {name: column[rows] for name in _COLUMNS if (column := getattr(self, name)) is not None}
        return ScoredTrials(source=source, **columns)

    def both_ways(self) -> ScoredTrials:
        """Return every trial twice, the second time with its sides exchanged: a cosine does not know which is which.

        So what a calibration learns of the seconds of either side it learns from both.
        """
        exchanged = replace(
            self,
            **{
                f"{side}_{name}": getattr(self, f"{other}_{name}")
                for side, other in (("enrol", "test"), ("test", "enrol"))
                for name in ("seconds", "telephone", "snr")
            },
        )
        return joined(self.source, (self, exchanged))


def joined(source: str, parts: Sequence[ScoredTrials]) -> ScoredTrials:
    """Put the trials of several lists into one source; conditions are kept where all lists have them."""
    columns = {name: [getattr(part, name) for part in parts] for name in _COLUMNS}
    known = {name: np.concatenate(some) for name, some in columns.items() if not any(part is None for part in some)}
    return ScoredTrials(source=source, **known, refused=tuple(one for part in parts for one in part.refused))


def _side(seconds: NDArray[np.float64], telephone: NDArray[np.float64] | None, snr: NDArray[np.float64] | None) -> Side:
    return Side(
        seconds=seconds,
        telephone=np.nan if telephone is None else telephone,
        snr=np.nan if snr is None else snr,
    )


def read_trials(path: str | Path, root: str | Path) -> tuple[Trial, ...]:
    """Read a list of trials whose paths are relative to `root`.

    Raises:
        TrialsError: the list is malformed or empty, or names a file that is not there; says in which line.
        OSError: the list cannot be read.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            trials = tuple(_read(lines, path, Path(root)))
    except UnicodeDecodeError as error:
        raise TrialsError(f"{path}: expected text in UTF-8, got byte {error.object[error.start]:#04x}") from error
    if not trials:
        raise TrialsError(f"{path}: there are no trials below the header")
    return trials


def score_trials(
    trials: Sequence[Trial], embed: Embed, *, source: str, embed_test: Embed | None = None
) -> ScoredTrials:
    """Embed every recording once and take the cosine of each trial; `embed_test` is for the tested side, if given.

    A recording that `embed` refuses with an InputError (no speech in it, or unreadable) takes its trials out of the
    scores; it is listed in `refused`, so that a report can say so.

    Raises:
        TrialsError: no trial is left.
    """
    sides = _Sides(embed)
    tests = sides if embed_test is None else _Sides(embed_test)
    rows = [
        (trial.same, float(enrolled[0] @ tested[0]), trial.enrol_speaker, enrolled[1:], tested[1:])
        for trial in trials
        if (enrolled := sides[trial.enrol_paths]) is not None and (tested := tests[(trial.test_path,)]) is not None
    ]
    if not rows:
        reason = next(iter({**sides.refused, **tests.refused}.values()), "there are none")
        raise TrialsError(f"{source}: none of the {len(trials)} trials can be scored: {reason}")
    same, cosines, speakers, enrolled_as, tested_as = zip(*rows, strict=True)
    enrol, test = (Side.of(*zip(*side, strict=True)) for side in (enrolled_as, tested_as))
    return ScoredTrials(
        source=source,
        same=np.array(same, dtype=np.bool_),
        cosines=np.array(cosines, dtype=np.float64),
        enrol_seconds=np.asarray(enrol.seconds),
        test_seconds=np.asarray(test.seconds),
        speakers=np.array(speakers, dtype=np.str_),
        enrol_telephone=np.asarray(enrol.telephone),
        test_telephone=np.asarray(test.telephone),
        enrol_snr=np.asarray(enrol.snr),
        test_snr=np.asarray(test.snr),
        refused=tuple((paths[0], reason) for paths, reason in {**sides.refused, **tests.refused}.items()),
    )


def _read(lines: Iterable[str], path: Path, root: Path) -> Iterator[Trial]:
    rows = csv.DictReader(lines, strict=True)
    try:
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            came = ",".join(rows.fieldnames or ())
            raise TrialsError(f"{path}, line 1: expected a header with {','.join(COLUMNS)}, got {came!r}")
        for row in rows:
            yield _trial(f"{path}, line {rows.line_num}", row, root)
    except csv.Error as error:
        raise TrialsError(
            f"{path}, line {rows.reader.line_num}: expected fields between commas, got {error}"
        ) from error


def _trial(where: str, row: dict[str, str | None], root: Path) -> Trial:
    label, speaker, enrol, test = (row[column] or "" for column in COLUMNS)
    if label not in _LABELS:
        raise TrialsError(f"{where}: expected label 1 (same person) or 0, got {label!r}")
    if not speaker:
        raise TrialsError(f"{where}: expected an enrol_speaker, got nothing")
    return Trial(
        same=_LABELS[label],
        enrol_speaker=speaker,
        enrol_paths=tuple(_file(where, "enrol_paths", name, root) for name in enrol.split("|")),
        test_path=_file(where, "test_path", test, root),
    )


def _file(where: str, column: str, name: str, root: Path) -> Path:
    path = root / name
    if not path.is_file():
        raise TrialsError(f"{where}: expected a file in {column}, got {name!r}, which is not in {root}")
    return path


_Heard = tuple[NDArray[np.float64], float, Acoustics]  # embedding of length 1, seconds of speech, how recorded


class _Sides:
    """The sides of trials by their recordings, each embedded when first asked for; None where that was refused."""

    def __init__(self, embed: Embed) -> None:
        self.refused: dict[tuple[Path, ...], str] = {}
        self._embed = embed
        self._known: dict[tuple[Path, ...], _Heard] = {}

    def __getitem__(self, paths: tuple[Path, ...]) -> _Heard | None:
        if paths not in self._known and paths not in self.refused:
            try:
                embedding, seconds, acoustics = self._embed(paths)
            except InputError as error:
                self.refused[paths] = str(error)
            else:
                self._known[paths] = (embedding / np.linalg.norm(embedding), float(seconds), acoustics)
        return self._known.get(paths)
