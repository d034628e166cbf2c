"""People on the command line, by the files of their voiceprints: `--voiceprint Ada=ada.voiceprint`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from timbre.cli.options import STANDARD_INPUT
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.identification.voiceprint import Voiceprint


def read_voiceprints(pairs: Iterable[str]) -> dict[str, Voiceprint]:
    """Read the voiceprints of `NAME=FILE`.

    Raises:
        OptionError: a pair is none, or a name comes twice.
        VoiceprintMalformed: a file is not a voiceprint.
    """
    from timbre.identification.voiceprint import Voiceprint  # noqa: PLC0415

    people: dict[str, Voiceprint] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise OptionError(f"--voiceprint {pair}: expected NAME=FILE, such as Ada=ada.voiceprint.")
        if name in people:
            raise OptionError(
                f"--voiceprint {pair}: {name} has a voiceprint already; one can be made from several recordings."
            )
        people[name] = Voiceprint.load(STANDARD_INPUT if path == "-" else Path(path))
    return people
