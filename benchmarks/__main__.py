"""Run the measurements: `python -m benchmarks [NAME …] [--full]`; all if none is named.

The names are speed, memory, unseen, accuracy, service, gallery, decisions, live, streaming, review, page, words and
fairness. Each prints its tables and writes benchmarks/results/NAME.json: the figures, the machine and the command.
Accuracy, unseen and the accuracy of streaming need the labelled speech that TIMBRE_DATA points to, and say so when it
is not there.
"""

import argparse
import importlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.machine import description

NAMES = (
    "speed",
    "memory",
    "unseen",
    "accuracy",
    "service",
    "gallery",
    "decisions",
    "live",
    "streaming",
    "review",
    "page",
    "words",
    "fairness",
)


def main() -> None:
    os.environ.setdefault("TIMBRE_MODEL", "base")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="|".join(NAMES), help="what to measure; everything if left out")
    parser.add_argument("--full", action="store_true", help="longer recordings, more runs")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results", help="folder for the JSON files"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console = Console(width=110)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or NAMES:
        console.rule(name)
        figures = importlib.import_module(f"benchmarks.{name}").run(console, full=arguments.full)
        if not figures:
            continue
        report = {
            "benchmark": name,
            "date": datetime.now(UTC).date().isoformat(),
            "command": " ".join(("python -m benchmarks", *arguments.names, *["--full"] * arguments.full)),
            "machine": description(),
            "figures": figures,
        }
        (arguments.output / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
