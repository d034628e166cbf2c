"""What a measurement ran on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import timbre


def description() -> dict[str, Any]:
    """Return processor, cores, memory and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "timbre": timbre.__version__,
        **{name: version(name) for name in ("onnxruntime", "numpy", "av")},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
