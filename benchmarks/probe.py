"""One identification in a process of its own, measured from inside: `python -m benchmarks.probe RECORDING [CORES]`.

Prints one line of JSON: seconds for loading and for each stage, peak memory of this process.
"""

import json
import os
import sys
import time
from pathlib import Path

STARTED = time.perf_counter()


def main(recording: str, cores: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    from benchmarks.material import SAMPLES  # noqa: PLC0415 - what importing costs belongs to the measurement
    from timbre import Engine  # noqa: PLC0415

    engine = Engine("base")
    loaded = time.perf_counter()
    people = {path.stem: engine.voiceprint(path) for path in sorted((SAMPLES / "enrol").glob("*.flac"))}
    enrolled = time.perf_counter()
    stages: dict[str, float] = {}

    def tell(stage: str, fraction: float) -> None:
        del fraction
        stages[stage] = time.perf_counter()

    result = engine.identify(recording, people, threshold=50, progress=tell)
    done = time.perf_counter()
    marks = [enrolled, *stages.values(), done]
    names = [*stages, "clustering and turns"]
    report = {
        "cores": cores,
        "recording_seconds": round(result.duration, 1),
        "import_and_load": round(loaded - STARTED, 3),
        "enrol_four": round(enrolled - loaded, 3),
        "stages": {name: round(late - early, 3) for name, early, late in zip(names, marks, marks[1:], strict=False)},
        "seconds": round(done - enrolled, 3),
        "peak_mib": peak_memory(),
        "speakers": sorted(match.match or "?" for match in result.matches),
    }
    sys.stdout.write(json.dumps(report) + "\n")


def peak_memory() -> int:
    """Return the most memory this process has had, in MiB; getrusage would count what its parent had at the fork."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0)))
