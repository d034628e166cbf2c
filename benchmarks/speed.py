"""Seconds for one hour of conversation, from mp3 to names, on one and on two cores; what short files cost; start-up."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.material import ROOT, SAMPLES, long_recording

HOUR = 3600.0
RUNS = 3


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    with tempfile.TemporaryDirectory() as folder:
        recording = long_recording(Path(folder) / "hour.mp3", HOUR)
        short = probe("--short", long_recording(Path(folder) / "short.mp3", 2.0))
        runs = {cores: [probe(recording, cores) for _ in range(RUNS if full or cores == 2 else 1)] for cores in (1, 2)}
    for cores, results in runs.items():
        profile = min(results, key=lambda result: result["seconds"])["profile"]
        parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in profile.items())
        console.print(f"Seconds of an hour on {cores} core{'s' if cores > 1 else ''}: {parts}")
    table = Table(
        "cores", "seconds", "times real time", "stages in seconds", title="One hour of mp3, diarize + identify"
    )
    for cores, results in runs.items():
        best = min(results, key=lambda result: result["seconds"])
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in best["stages"].items())
        spread = " / ".join(f"{result['seconds']:.1f}" for result in results)
        table.add_row(str(cores), spread, f"{HOUR / best['seconds']:.0f}", stages)
    console.print(table)
    begin = [first_work() for _ in range(RUNS)]
    console.print(f"Command line, start to end of a 2 s diarization: {min(begin):.2f} s (best of {RUNS})")
    console.print(
        f"{short['files']} files of {short['seconds_each']:g} s: {short['file']:.0f} ms each, of which the networks"
        f" take {short['networks']:.0f} and everything else {short['overhead']:.0f}"
    )
    return {"hour_of_mp3": runs, "short_files_ms": short, "command_line_seconds": begin}


def probe(*arguments: object) -> dict[str, Any]:
    """Run `benchmarks.probe` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.probe", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def first_work() -> float:
    """Time the whole command line on two seconds of speech: start-up, models, one small diarization."""
    with tempfile.TemporaryDirectory() as folder:
        clip = long_recording(Path(folder) / "clip.mp3", 2.0)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "timbre", "diarize", str(clip), "--model", "base", "--json"]
        subprocess.run(command, capture_output=True, check=True, cwd=SAMPLES)
        return round(time.perf_counter() - begin, 3)
