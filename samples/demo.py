"""The first five minutes: learn four voices from twenty seconds each, then say who speaks in a conversation.

Run it with `make demo`.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from timbre import Engine, Identification
from timbre.formats import read
from timbre.turns import talk_time

SAMPLES = Path(__file__).parent
NAMES = ("Ada", "Ben", "Callum", "Dan")


def show(result: Identification, console: Console) -> None:
    turns = Table("from", "to", "who", title="samples/conversation.ogg", title_justify="left")
    for turn in result.turns:
        turns.add_row(f"{turn.start:7.2f}", f"{turn.end:7.2f}", turn.speaker)
    console.print(turns)
    people = Table("voice", "name", "talks", "confidence", title="Who is who", title_justify="left")
    seconds = talk_time(result.diarization.turns)
    for match in result.matches:
        sure = match.confidence[match.match] if match.match else max(match.confidence.values())
        people.add_row(match.speaker, match.match or "unknown", f"{seconds[match.speaker]:.1f} s", f"{sure} of 100")
    console.print(people)


def rightly_named(result: Identification) -> bool:
    """Compare with the exact turns: every voice must be named after the person it talks most at the same time as."""
    truth = read(SAMPLES / "conversation.rttm")
    for match in result.matches:
        own = [turn for turn in result.turns if turn.diarization_speaker == match.speaker]
        shared = {
            name: sum(
                max(0.0, min(turn.end, real.end) - max(turn.start, real.start))
                for turn in own
                for real in truth
                if real.speaker == name
            )
            for name in NAMES
        }
        if match.match != max(shared, key=lambda name: shared[name]):
            return False
    return {match.match for match in result.matches} == set(NAMES)


def main() -> int:
    console = Console()
    engine = Engine()
    voiceprints = {}
    for name in NAMES:
        voiceprints[name] = engine.voiceprint(SAMPLES / "enrol" / f"{name}.flac")
        heard = voiceprints[name].quality[0]
        console.print(
            f"learnt {name:<7} from {heard.speech_seconds:.1f} s of speech ({len(str(voiceprints[name]))} characters)"
        )
    result = engine.identify(SAMPLES / "conversation.ogg", voiceprints, threshold=50)
    show(result, console)
    right = rightly_named(result)
    console.print("Every voice is named rightly." if right else "[red]A voice is not named rightly.")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
