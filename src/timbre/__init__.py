"""Who spoke when, by name: speaker diarization and identification on your own machine.

from timbre import Engine

engine = Engine()
ada = engine.voiceprint("ada.wav")
result = engine.identify("meeting.mp3", {"Ada": ada}, threshold=50)
for turn in result.turns:
    print(turn.start, turn.end, turn.speaker)
"""

from timbre import errors
from timbre.diarization.result import Diarization, FrameScores, Probabilities, Voice
from timbre.engine import Engine
from timbre.errors import TimbreError
from timbre.identification.quality import Quality
from timbre.identification.result import Identification, NamedTurn, SpeakerMatch
from timbre.identification.voiceprint import Voiceprint
from timbre.settings import Settings
from timbre.turns import Turn

__version__ = "0.1.0"

__all__ = [
    "Diarization",
    "Engine",
    "FrameScores",
    "Identification",
    "NamedTurn",
    "Probabilities",
    "Quality",
    "Settings",
    "SpeakerMatch",
    "TimbreError",
    "Turn",
    "Voice",
    "Voiceprint",
    "errors",
]
