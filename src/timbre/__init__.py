"""Who spoke when, by name: speaker diarization and identification on your own machine.

from timbre import Engine

engine = Engine()
ada = engine.voiceprint("ada.wav")
result = engine.identify("meeting.mp3", {"Ada": ada}, threshold=50)
for turn in result.turns:
    print(turn.start, turn.end, turn.speaker)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from timbre import errors
    from timbre.diarization.diarization import Diarization, FrameScores, Probabilities, Voice
    from timbre.engine import Engine
    from timbre.errors import TimbreError
    from timbre.identification.identification import Identification, NamedTurn, SpeakerMatch
    from timbre.identification.quality import Quality
    from timbre.identification.voiceprint import Voiceprint
    from timbre.live.driver import Stream
    from timbre.live.events import Partial, Revision, SpeakerEnd, SpeakerName, SpeakerStart
    from timbre.settings import Settings
    from timbre.turns import Turn

    __version__: str

# ONNX Runtime reports how it is used to its maker unless it is told not to, before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "Diarization",
    "Engine",
    "FrameScores",
    "Identification",
    "NamedTurn",
    "Partial",
    "Probabilities",
    "Quality",
    "Revision",
    "Settings",
    "SpeakerEnd",
    "SpeakerMatch",
    "SpeakerName",
    "SpeakerStart",
    "Stream",
    "TimbreError",
    "Turn",
    "Voice",
    "Voiceprint",
    "errors",
]

# Loaded when first asked for, as the version is: the engine takes a third of a second, and many commands do without.
_HOMES: Final = {
    "Diarization": "timbre.diarization.diarization",
    "Engine": "timbre.engine",
    "FrameScores": "timbre.diarization.diarization",
    "Identification": "timbre.identification.identification",
    "NamedTurn": "timbre.identification.identification",
    "Partial": "timbre.live.events",
    "Probabilities": "timbre.diarization.diarization",
    "Quality": "timbre.identification.quality",
    "Revision": "timbre.live.events",
    "Settings": "timbre.settings",
    "SpeakerEnd": "timbre.live.events",
    "SpeakerMatch": "timbre.identification.identification",
    "SpeakerName": "timbre.live.events",
    "SpeakerStart": "timbre.live.events",
    "Stream": "timbre.live.driver",
    "TimbreError": "timbre.errors",
    "Turn": "timbre.turns",
    "Voice": "timbre.diarization.diarization",
    "Voiceprint": "timbre.identification.voiceprint",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("timbre.errors")
    if name == "__version__":
        return import_module("importlib.metadata").version("timbre")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
