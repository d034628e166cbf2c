"""Peak memory against the length of the recording: it must not grow with it beyond what the answer itself takes."""

import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.material import long_recording
from benchmarks.speed import probe

LENGTHS = {"10 min": 600.0, "1 h": 3600.0}
LONG = {"8 h": 8 * 3600.0, "23.9 h": 23.9 * 3600.0}


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything; the long recordings only in full."""
    results = {}
    table = Table("recording", "peak MiB", "speakers", title="Peak resident memory, 2 cores")
    for name, seconds in (LENGTHS | (LONG if full else {})).items():
        with tempfile.TemporaryDirectory() as folder:
            result = probe(long_recording(Path(folder) / "long.mp3", seconds), 2)
        table.add_row(name, str(result["peak_mib"]), str(len(result["speakers"])))
        results[name] = result
    console.print(table)
    return results
