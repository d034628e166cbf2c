"""ONNX Runtime sessions, all made alike: one pool of threads, quiet, with memory that stays bounded."""

from __future__ import annotations

import contextlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.errors import ModelCorrupt, ModelError
from timbre.extras import install_command
from timbre.models.dequantization import in_floats

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnxruntime
    from numpy.typing import NDArray

    from timbre.settings import Settings

_CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_FATAL_ONLY: Final = 4
_CPU: Final = "CPUExecutionProvider"
_CUDA: Final = "CUDAExecutionProvider"


def session(path: Path, *, device: str, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open an ONNX file.

    Args:
        path: The file, already checked by the store.
        device: `cpu` or `cuda`.
        threads: Threads for the work inside one operator; operators run one after another. These networks are
            so small that whole batches side by side (`in_batches`) use several cores better.

    Raises:
        ModelError: `cuda` is asked for, but the installed ONNX Runtime or this machine cannot use it.
        ExtraMissing: `cuda` is asked for, but the package `onnx` is not installed.
        ModelCorrupt: the file is not an ONNX model that this runtime can open.
    """
    import onnxruntime  # noqa: PLC0415 - 0.1 s that `timbre --help` should not pay

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = _providers(device)
    try:
        model = path if device == "cpu" else in_floats(path.read_bytes())
        opened = onnxruntime.InferenceSession(model, options, providers=providers)
    except onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
        raise ModelError(f"ONNX Runtime cannot run {path.name} on {device}: {error}") from error
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            raise ModelCorrupt(f"{path.name} is not a model that ONNX Runtime can open: {error}") from error
        raise
    if device == "cuda" and _CUDA not in opened.get_providers():  # it goes on without, and only logs why
        raise ModelError(
            "ONNX Runtime cannot use CUDA here: see that `nvidia-smi` shows the GPU, and that CUDA and cuDNN are"
            " installed as docs/how-to/use-a-gpu.md says; or use cpu."
        )
    return opened


def in_batches(
    run: Callable[[NDArray[Any]], NDArray[np.float32]], rows: NDArray[Any], *, size: int, threads: int
) -> NDArray[np.float32]:
    """Apply a function to an array of any length, some rows at a time; the result does not depend on `threads`.

    Args:
        run: Takes at most `size` rows and returns as many.
        rows: At least one.
        size: Rows a batch; it bounds the memory.
        threads: Batches at the same time.
    """
    batches = [rows[first : first + size] for first in range(0, len(rows), size)]
    if threads == 1 or len(batches) == 1:
        return np.concatenate([run(batch) for batch in batches])
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(run, batches)))


def check_device(device: str) -> None:
    """Find out whether the installed ONNX Runtime is made for a device; only a session can tell if the device works.

    Raises:
        ModelError: it is not; says how to get one that is.
    """
    if device == "cuda" and _CUDA not in _providers_with_cuda():
        raise ModelError(
            f"The device cuda needs ONNX Runtime with CUDA: {install_command('cuda')}, then replace onnxruntime by"
            " onnxruntime-gpu as docs/how-to/use-a-gpu.md says; or use cpu."
        )


def _providers(device: str) -> list[Any]:
    check_device(device)
    if device == "cpu":
        return [_CPU]
    # TensorFloat-32 keeps 10 bits of mantissa, too few for the segmenter's recurrent layers.
    return [(_CUDA, {"use_tf32": "0"}), _CPU]


@cache
def _providers_with_cuda() -> list[str]:
    """Load CUDA and cuDNN from the packages of the extra, where they are; return what ONNX Runtime can use then."""
    import onnxruntime  # noqa: PLC0415

    with contextlib.redirect_stdout(None):  # it prints what it does not find
        onnxruntime.preload_dlls()
    found: list[str] = onnxruntime.get_available_providers()
    return found


def available_threads(settings: Settings) -> int:
    """Return how many threads to use: the setting, or the cores this process may really use."""
    return settings.threads or max(1, min(len(os.sched_getaffinity(0)), _cpu_quota()))


def _cpu_quota() -> int:
    """Return the whole cores that a container's limit grants; a large number when there is none."""
    try:
        quota, period = _CPU_QUOTA.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1
