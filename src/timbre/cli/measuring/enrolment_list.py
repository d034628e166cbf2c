"""Lists of who is enrolled for which conversation, and with what: a CSV file with a header.

conversation,speaker,path
standup,Ada,enrol/ada.flac
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from timbre.errors import InputError, OptionError

COLUMNS = ("conversation", "speaker", "path")

Enrolments = Mapping[str, Mapping[str, tuple[Path, ...]]]  # recordings by conversation and speaker


def read_enrolments(path: Path, root: Path) -> Enrolments:
    """Read a list whose paths are relative to `root`; a speaker may have several rows.

    Raises:
        InputError: the list cannot be read, is malformed or empty, or names a file that is not there.
    """
    conversations: dict[str, dict[str, tuple[Path, ...]]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for conversation, speaker, recording in _rows(lines, path, root):
                speakers = conversations.setdefault(conversation, {})
                speakers[speaker] = (*speakers.get(speaker, ()), recording)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV in UTF-8 ({error}).") from error
    if not conversations:
        raise InputError(f"{path}: there is nobody below the header.")
    return conversations


def some_of(enrolments: Enrolments, fraction: float, seed: int) -> Enrolments:
    """Keep a random share of each conversation's speakers, rounded to whole people.

    Raises:
        OptionError: the fraction is not from 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise OptionError(f"--enrolled-fraction is a share from 0 to 1, not {fraction:g}.")
    generator = random.Random(seed)  # noqa: S311 - chance, not secrecy
    kept = {}
    for conversation, speakers in sorted(enrolments.items()):
        chosen = generator.sample(sorted(speakers), round(fraction * len(speakers)))
        kept[conversation] = {speaker: speakers[speaker] for speaker in sorted(chosen)}
    return kept


def _rows(lines: Iterable[str], path: Path, root: Path) -> Iterator[tuple[str, str, Path]]:
    rows = csv.DictReader(lines, strict=True)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        came = ",".join(rows.fieldnames or ())
        raise InputError(f"{path}, line 1: expected a header with {','.join(COLUMNS)}, got {came!r}.")
    for row in rows:
        conversation, speaker, name = (row[column] or "" for column in COLUMNS)
        if not (conversation and speaker and (root / name).is_file()):
            raise InputError(
                f"{path}, line {rows.line_num}: expected a conversation, a speaker and a file in {root},"
                f" got {conversation!r}, {speaker!r} and {name!r}."
            )
        yield conversation, speaker, root / name
