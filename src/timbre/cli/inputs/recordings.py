"""Several recordings at once: one engine, each result under its name, and a failure that concerns one file only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from timbre.cli.display.output import Presentation
from timbre.cli.display.progress import hearing
from timbre.cli.exits import Exit, report
from timbre.errors import ModelError, OptionError, VoiceprintError

if TYPE_CHECKING:
    from timbre.diarization.diarization import Diarization
    from timbre.diarization.progress import Progress
    from timbre.identification.identification import Identification


class Hear(Protocol):
    """What the engine does with one recording."""

    def __call__(self, recording: Path, /, *, progress: Progress) -> Diarization | Identification:
        """Return what it says about the recording."""


def hear_all(recordings: Sequence[Path], hear: Hear, presentation: Presentation) -> None:
    """Hear one recording after the other and give each result as soon as it is there.

    Raises:
        OptionError: an option is out of range, or a result cannot be written.
        VoiceprintError: a voiceprint cannot be used with any recording.
        Exit: some recordings failed; each was reported.
    """
    worst = Exit.DONE
    for recording in recordings:
        try:
            with hearing(str(recording)) as progress:
                result = hear(recording, progress=progress)
        except (OptionError, VoiceprintError, ModelError):
            raise
        except Exception as error:  # noqa: BLE001 - the other recordings are heard all the same
            worst = max(worst, report(error, recording))
        else:
            presentation.give(result, recording)
    if worst:
        raise typer.Exit(worst)
