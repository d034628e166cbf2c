"""What a person, or a label that somebody gives a voice, may be called.

One rule, for Python, the command line, the API and imports: a name can be seen, is what it looks like, fits into a line
of any format, and is not taken for the label of an unknown speaker.
"""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_NAME: Final = 100  # characters
RESERVED: Final = "speaker_"  # how the labels of unknown speakers begin, in any case

_SHAPING: Final = "\u200c\u200d\u200e\u200f"  # characters that are not seen, but names in some scripts need
_FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing
_CONTROLS: Final = {"Cc": "control", "Cs": "control", "Zl": "control", "Zp": "control", "Cf": "invisible"}


def fault_of(name: str) -> str | None:
    """Say what is wrong with a name, as "Expected … , got …"; None if it is one."""
    if not name:
        return f"Expected a name of 1 to {LONGEST_NAME} characters, got an empty text"
    if len(name) > LONGEST_NAME:
        return f"Expected at most {LONGEST_NAME} characters, got {len(name)}"
    for place, character in enumerate(name, 1):
        kind = _CONTROLS.get(unicodedata.category(character))
        if kind and character not in _SHAPING:
            return f"Expected no {kind} characters, got U+{ord(character):04X} as character {place}"
    plain = unicodedata.normalize("NFKC", name.translate(dict.fromkeys(map(ord, _SHAPING + _FILLERS))))
    plain = plain.casefold().strip()
    if not plain:
        return "Expected a name that can be seen, got only blanks"
    if plain.startswith(RESERVED):
        return f"Expected a name that does not begin with {RESERVED.upper()}, as unknown speakers do, got {name!r}"
    return None
