"""Local segmentation: who of up to three speakers talks, frame by frame, in windows of ten seconds.

pyannote's segmentation-3.0 answers with *powerset* classes: no speaker, one of three, or two of three.
`activity`, `speech` and `overlap` turn their probabilities into the questions that diarization asks.

Source: Plaquet & Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization",
Interspeech 2023.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.errors import ModelCorrupt
from timbre.models.runtime import in_batches, session

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLE_RATE: Final = 16_000
_BATCH: Final = 8

_CLASSES: Final = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
_MEMBERSHIP: Final = np.array([[float(who in members) for who in range(3)] for members in _CLASSES], np.float32)

NOBODY: Final = np.array([not members for members in _CLASSES], np.float32)  # what a frame is where nobody speaks


class Segmenter:
    """Class probabilities for windows of ten seconds."""

    window: Final = 160_000  # samples
    frames: Final = 589  # a window
    step: Final = 270  # samples from frame to frame
    receptive_field: Final = 991  # samples that a frame sees
    speakers: Final = 3  # a window

    def __init__(self, path: Path, *, threads: int = 1, device: str = "cpu") -> None:
        self._session = session(path, device=device)
        self._threads = threads
        self._input = self._session.get_inputs()[0].name
        self._path = path

    def __call__(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Segment windows; they are run eight at a time, however many come.

        Args:
            windows: float32 `[B, 160000]` at 16 kHz; what is not finite counts as silence.

        Returns:
            float32 `[B, 589, 7]`: probabilities of {none, 1, 2, 3, 12, 13, 23}, summing to 1 a frame.

        Raises:
            ModelCorrupt: the model answers in another shape.
        """
        # One NaN makes the network report speech everywhere, without a NaN in its answer.
        clean = np.nan_to_num(windows, nan=0.0, posinf=0.0, neginf=0.0)
        if not len(clean):
            return np.zeros((0, self.frames, len(_CLASSES)), np.float32)
        return in_batches(self._run, clean, size=_BATCH, threads=self._threads)

    def _run(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        logarithms: NDArray[np.float32] = self._session.run(None, {self._input: windows[:, None, :]})[0]
        if logarithms.shape[1:] != (self.frames, len(_CLASSES)):
            raise ModelCorrupt(
                f"{self._path.name} gave {logarithms.shape[1:]} values a window instead of"
                f" ({self.frames}, {len(_CLASSES)}): it is not segmentation-3.0."
            )
        return np.exp(logarithms)

    @classmethod
    def frame_centre(cls, index: int) -> float:
        """Return where the middle of a frame lies, in seconds from the beginning of its window."""
        return (index * cls.step + (cls.receptive_field - 1) / 2) / _SAMPLE_RATE


def activity(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how probable it is that each of three speakers talks: `[..., 7]` to `[..., 3]`."""
    return probabilities @ _MEMBERSHIP


def speech(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how probable it is that anyone talks: `[..., 7]` to `[...]`."""
    return np.asarray(probabilities[..., 1:].sum(axis=-1))


def overlap(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how probable it is that two talk at once: `[..., 7]` to `[...]`."""
    return np.asarray(probabilities[..., 4:].sum(axis=-1))
