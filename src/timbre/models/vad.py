"""Voice activity: Silero VAD 6, in the form that takes many frames in one call.

The network sees frames of 512 samples, each led by the last 64 samples of the frame before, and carries
an LSTM state from frame to frame. `VoiceActivity.stream` keeps both, so audio of any length is taken in
blocks of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.models.runtime import session

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

_CONTEXT: Final = 64
_STATE_SHAPE: Final = (1, 1, 128)
_FRAMES_PER_CALL: Final = 256


class VoiceActivity:
    """The probability of speech for every 32 ms.

    Source: Silero Team, Silero VAD 6 (2025), https://github.com/snakers4/silero-vad.
    """

    frame: Final = 512  # samples at 16 kHz

    def __init__(self, path: Path, *, device: str = "cpu") -> None:
        self._session = session(path, device=device)

    def stream(self, state: VoiceActivityState | None = None) -> VoiceActivityStream:
        """Start on a new recording, or go on with one from a state that a stream was left in."""
        return VoiceActivityStream(self._session, state)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceActivityState:
    """Where a recording is on its way through the network."""

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32]
    pending: NDArray[np.float32]  # the context, then samples that do not fill a frame yet


class VoiceActivityStream:
    """One recording on its way through the network."""

    def __init__(self, session: onnxruntime.InferenceSession, state: VoiceActivityState | None = None) -> None:
        self._session = session
        nothing = np.zeros(_STATE_SHAPE, np.float32)
        self._hidden = nothing if state is None else state.hidden
        self._cell = nothing if state is None else state.cell
        self._pending = np.zeros(_CONTEXT, np.float32) if state is None else state.pending

    @property
    def state(self) -> VoiceActivityState:
        """Where it is, to go on from."""
        return VoiceActivityState(hidden=self._hidden, cell=self._cell, pending=self._pending.copy())

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples and return what they complete.

        Args:
            samples: float32 `[n]`, 16 kHz, any n; what is not finite counts as silence.

        Returns:
            float32 `[k]`: probabilities of the k frames that became complete, in order.
        """
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        pending = np.concatenate([self._pending, clean], dtype=np.float32)
        count = (pending.size - _CONTEXT) // VoiceActivity.frame
        self._pending = pending[count * VoiceActivity.frame :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(pending, _CONTEXT + VoiceActivity.frame)
        frames = windows[:: VoiceActivity.frame][:count]
        return np.concatenate(
            [self._run(frames[first : first + _FRAMES_PER_CALL]) for first in range(0, count, _FRAMES_PER_CALL)]
        )

    def flush(self) -> NDArray[np.float32]:
        """Return the probability of the last frame, filled up with silence; nothing if no sample is left over."""
        missing = -(self._pending.size - _CONTEXT) % VoiceActivity.frame
        return self.push(np.zeros(missing, np.float32))

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        feed = {"input": np.ascontiguousarray(frames), "h": self._hidden, "c": self._cell}
        probabilities: NDArray[np.float32]
        probabilities, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], feed)
        return probabilities.reshape(-1)
