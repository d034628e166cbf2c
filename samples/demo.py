"""The first five minutes: a server, four voices of twenty seconds each, and who speaks in a conversation.

Starts `timbre serve` on a folder and a port of its own, talks to it with the official SDK of pyannoteAI, and stops it.
Run it with `make demo`.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyannoteai.sdk import Client
from rich.console import Console
from rich.table import Table

from timbre.formats import read

SAMPLES = Path(__file__).parent
NAMES = ("Ada", "Ben", "Callum", "Dan")
PATIENCE = 30  # seconds for the server to stop
ELSEWHERE = {"TIMBRE_DATABASE_URL", "TIMBRE_STORAGE_URL", "TIMBRE_PUBLIC_URL"}  # the demo touches no real data


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a server on a folder; its address and a key."""
    process = subprocess.Popen(
        [sys.executable, "-m", "timbre", "serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", str(folder)],
        env={name: value for name, value in os.environ.items() if name not in ELSEWHERE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C is for the demo, which then stops the server in order
    )
    try:
        yield greeting(process)
    finally:
        process.terminate()  # a shell's background jobs, and so what they start, would ignore Ctrl-C
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def greeting(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What the server says when it is ready."""
    said = ""
    for line in process.stdout or ():
        said += line
        found = re.search(r"ready on (http://\S+);.*API key +(sk_\S+)", said, re.DOTALL)
        if found and "Ctrl-C" in line:
            return found[1], found[2]
    raise RuntimeError(f"the server does not start: {' '.join(said.splitlines()[-1:])}")


def identified(client: Client, console: Console) -> dict[str, Any]:
    """Learn the four voices, and find them in the conversation."""
    jobs = {name: client.voiceprint(client.upload(SAMPLES / "enrol" / f"{name}.flac")) for name in NAMES}
    voiceprints = {}
    for name, job in jobs.items():
        voiceprints[name] = client.retrieve(job, every_seconds=1)["output"]["voiceprint"]
        console.print(f"learnt {name:<7} from twenty seconds ({len(voiceprints[name])} characters)", highlight=False)
    job = client.identify(client.upload(SAMPLES / "conversation.ogg"), voiceprints, matching_threshold=50)
    output: dict[str, Any] = client.retrieve(job, every_seconds=1)["output"]
    return output


def show(output: dict[str, Any], console: Console) -> None:
    turns = Table("from", "to", "who", title="samples/conversation.ogg", title_justify="left")
    seconds: dict[str, float] = {}
    for turn in output["identification"]:
        turns.add_row(f"{turn['start']:7.2f}", f"{turn['end']:7.2f}", turn["speaker"])
        label = turn["diarizationSpeaker"]
        seconds[label] = seconds.get(label, 0.0) + turn["end"] - turn["start"]
    console.print(turns)
    people = Table("voice", "name", "talks", "confidence", title="Who is who", title_justify="left")
    for voice in output["voiceprints"]:
        name, confidence = voice["match"], voice["confidence"]
        sure = confidence[name] if name else max(confidence.values())
        people.add_row(voice["speaker"], name or "unknown", f"{seconds[voice['speaker']]:.1f} s", f"{sure:g} of 100")
    console.print(people)


def rightly_named(output: dict[str, Any]) -> bool:
    """Compare with the exact turns: every voice must be named after the person it talks most at the same time as."""
    truth = read(SAMPLES / "conversation.rttm")
    matches = {voice["speaker"]: voice["match"] for voice in output["voiceprints"]}
    for label, match in matches.items():
        own = [turn for turn in output["identification"] if turn["diarizationSpeaker"] == label]
        shared = {
            name: sum(
                max(0.0, min(turn["end"], real.end) - max(turn["start"], real.start))
                for turn in own
                for real in truth
                if real.speaker == name
            )
            for name in NAMES
        }
        if match != max(shared, key=lambda name: shared[name]):
            return False
    return set(matches.values()) == set(NAMES)


def main() -> int:
    # The SDK warns of every upload that it is kept for a day only, and of polling; here both are just right.
    warnings.filterwarnings("ignore", message=r"\s*You are using", category=UserWarning, module="pyannoteai")
    os.environ["no_proxy"] = "127.0.0.1"  # the server is on this machine, whatever proxy leads out of it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped then too
    console = Console()
    try:
        with tempfile.TemporaryDirectory(prefix="timbre-demo-") as folder, server(Path(folder)) as (address, key):
            console.print(f"a server is ready on {address}", highlight=False)
            Client.API_URL = f"{address}/v1"
            output = identified(Client(key), console)
            show(output, console)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the server is stopped and the reason told
        console.print(f"The demo failed: {error}", style="red", markup=False, highlight=False)
        return 1
    right = rightly_named(output)
    console.print("Every voice is named rightly." if right else "[red]A voice is not named rightly.")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
