"""What a batch has done so far: a line of JSON for every step, in a file that is only added to.

The last line of a recording counts. A line that was cut off, by a full disk or a lost machine, counts as not written.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, TextIO

from timbre.cli.inputs.collection import Member
from timbre.disk import needed
from timbre.errors import OptionError

NAME: Final = "batch.jsonl"
_OTHERWISE: Final = "name another folder with --output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A speaker of a recording."""

    speaker: str  # label
    name: str | None
    confidence: float | None
    seconds: float
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a recording is."""

    recording: str
    bytes: int
    changed: float
    state: Literal["submitted", "succeeded", "failed"]
    job: str | None = None
    tries: int = 1  # how often it was submitted, as far as it failed before
    duration: float | None = None  # seconds
    error: str | None = None
    voices: tuple[Voice, ...] = ()

    def is_of(self, member: Member) -> bool:
        """Whether it is about the recording as it is now."""
        return (self.bytes, self.changed) == (member.bytes, member.changed)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what was written."""
        said: dict[str, Any] = json.loads(line)
        return cls(**said | {"voices": tuple(Voice(**voice) for voice in said["voices"])})


class Ledger:
    """The steps of a batch."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.steps: dict[str, Step] = {}
        for line in file:
            with suppress(ValueError, TypeError, KeyError):
                step = Step.from_line(line)
                self.steps[step.recording] = step

    def note(self, step: Step) -> None:
        """Write down a step."""
        self.steps[step.recording] = step
        self._file.write(json.dumps(asdict(step), separators=(",", ":")) + "\n")
        self._file.flush()


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open the steps of the batch that writes into a folder.

    Raises:
        OptionError: another batch is writing there.
        PathUnusable, DiskFull: the folder cannot be used.
    """
    with needed(folder, _OTHERWISE):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / NAME).open("a+", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OptionError(f"Another batch writes into {folder}; wait for it, or {_OTHERWISE}.") from None
        file.seek(0)
        cut = bool(content := file.read()) and not content.endswith("\n")
        file.seek(0)
        ledger = Ledger(file)
        if cut:
            file.write("\n")
        yield ledger
