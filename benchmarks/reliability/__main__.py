"""Break a server and load it: `python -m benchmarks.reliability chaos|load [NAME …] [--rounds N] [--jobs N]`.

Writes benchmarks/results/chaos.json or load.json: what was done how often, what came of it, the machine and the
command. Scenarios that are named take the place of the same ones in the file, and leave the others in it.
"""

import argparse
import importlib
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.machine import description

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    os.environ.setdefault("TIMBRE_MODEL", "base")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before anything is loaded that parts are forked with
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["chaos", "load"])
    parser.add_argument("names", nargs="*", help="scenarios; all if none is named")
    parser.add_argument("--rounds", type=int, default=100, help="how often workers are killed; others in proportion")
    parser.add_argument("--jobs", type=int, default=10_000, help="how many jobs are brought at once; others likewise")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the JSON files")
    arguments = parser.parse_args()
    # What it started has to be stopped, whoever ends it.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    module = importlib.import_module(f"benchmarks.reliability.{arguments.what}")
    if unknown := set(arguments.names) - set(module.SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(module.SCENARIOS)}")
    size = arguments.rounds if arguments.what == "chaos" else arguments.jobs
    path = arguments.output / f"{arguments.what}.json"
    arguments.output.mkdir(parents=True, exist_ok=True)
    console = Console(width=110)
    sized = f"--rounds {size}" if arguments.what == "chaos" else f"--jobs {size}"
    for name in arguments.names or module.SCENARIOS:
        console.rule(name)
        figures = module.run(name, size)
        console.print(figures)
        before = json.loads(path.read_text()) if path.exists() else {"figures": {}}
        command = f"python -m benchmarks.reliability {arguments.what} {name} {sized}"
        load = round(os.getloadavg()[2], 1)  # of the last quarter of an hour, whatever else the machine did
        date = datetime.now(UTC).date().isoformat()
        report = {
            "benchmark": arguments.what,
            "machine": description(),
            "figures": {**before["figures"], name: {**figures, "command": command, "date": date, "load": load}},
        }
        path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
