"""One identification in a process of its own, measured from inside: `python -m benchmarks.probe RECORDING [CORES]`.

Prints one line of JSON: seconds for loading, for each stage and for each part of the work, and peak memory of this
process. `python -m benchmarks.probe --short RECORDING` instead tells what a short file costs beyond the networks.
"""

import json
import os
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

STARTED = time.perf_counter()
TICK = 0.005  # seconds between two looks at the stack
FILES = 100
# Which part of the work is going on, by the innermost function that tells.
PARTS = {
    "recording.py:_wait": "waiting for decoding",
    "vad.py:_run": "voice activity",
    "segmenter.py:__call__": "segmentation",
    "mel.py:mel_spectrogram": "mel",
    "runtime.py:in_batches": "encoder",
    "clustering.py:cluster": "clustering",
    "diarizer.py:decide": "turns",
    "engine.py:name": "names",
    "engine.py:identify": "reading, levels and the rest",
}


class Profile:
    """Looks at the stack of the thread that made it many times a second, and counts what it sees."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._seconds: Counter[str] = Counter()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by the clock for each part, longest first."""
        return {part: round(seconds, 3) for part, seconds in self._seconds.most_common()}

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        last = time.perf_counter()
        while not self._over.wait(TICK):
            part = _part(sys._current_frames()[self._thread])
            last, before = time.perf_counter(), last
            self._seconds[part] += last - before


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        code = frame.f_code
        if part := PARTS.get(f"{Path(code.co_filename).name}:{code.co_name}"):
            return part
        frame = frame.f_back
    return "nothing of it"


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

    with Profile() as profile:
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
        "profile": profile.seconds | {"decoding, alone": decoding_alone(recording)},
        "seconds": round(done - enrolled, 3),
        "peak_mib": peak_memory(),
        "speakers": sorted(match.match or "?" for match in result.matches),
    }
    sys.stdout.write(json.dumps(report) + "\n")


def decoding_alone(recording: str) -> float:
    """Return the seconds that decoding takes while nothing else goes on; elsewhere it goes on beside the networks."""
    from timbre import Settings  # noqa: PLC0415
    from timbre.audio.decoding import open_recording  # noqa: PLC0415

    began = time.perf_counter()
    with open_recording(recording, settings=Settings()) as opened:
        _ = opened.duration
    return round(time.perf_counter() - began, 3)


def short(recording: str) -> None:
    """Diarize a short file many times; what its networks take by themselves is measured beside, on the same samples."""
    from timbre import Engine, Settings  # noqa: PLC0415
    from timbre.audio.decoding import open_recording  # noqa: PLC0415
    from timbre.diarization.windows import STEP  # noqa: PLC0415
    from timbre.models.packs import load_pack  # noqa: PLC0415

    engine, pack = Engine("base"), load_pack("base", Settings())
    with open_recording(recording, settings=Settings()) as opened:
        samples = opened.read(0, opened.samples)
    starts = range(0, max(1, samples.size - pack.encoder.window + 1), STEP)

    def networks() -> None:
        stream = pack.vad.stream()
        stream.push(samples)
        stream.flush()
        pack.encoder.embed(samples, starts)

    work: dict[str, Callable[[], Any]] = {
        "file": lambda: engine.diarize(recording),
        "samples": lambda: engine.diarize((samples, 16_000)),
        "networks": networks,
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(FILES):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - began))
    report: dict[str, Any] = {name: round(statistics.median(values), 2) for name, values in times.items()}
    report |= {"files": FILES, "seconds_each": round(samples.size / 16_000, 2)}
    report["overhead"] = round(report["file"] - report["networks"], 2)
    sys.stdout.write(json.dumps(report) + "\n")


def peak_memory() -> int:
    """Return the most memory this process has had, in MiB; getrusage would count what its parent had at the fork."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


if __name__ == "__main__":
    if sys.argv[1] == "--short":
        short(sys.argv[2])
    else:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0)))
