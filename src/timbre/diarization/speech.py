"""Where there is speech: probabilities from the voice-activity detector, and the frames they make.

Silero hears worse the quieter a recording is, so each minute is raised towards an ordinary level before it listens. A
minute in which nothing moves it need not hear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.level import still
from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.grid import FRAME, RESOLUTION, frame_count, frames_in, runs
from timbre.diarization.progress import ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.vad import VoiceActivity

_BLOCK: Final = 60 * SAMPLE_RATE  # whole frames of the detector
_ORDINARY_LEVEL: Final = 10 ** (-23 / 20)  # RMS of ordinary speech, full scale = 1
_MOST_GAIN: Final = 10.0  # 20 dB: more would make speech of a silent room's hum
_SENSITIVITY_STEP: Final = 0.45  # log-odds by which one step of sensitivity moves the thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRule:
    """How probabilities become stretches of speech."""

    onset: float  # speech begins where the probability reaches this
    offset: float  # and ends where it falls under this
    padding: float  # seconds added on both sides
    longest_gap: float  # seconds; shorter pauses belong to the speech around them
    shortest: float  # seconds; shorter stretches are dropped

    def moved(self, sensitivity: float) -> SpeechRule:
        """Return the rule that hears more speech (sensitivity up to 5) or less (down to -5); 0 is this one."""
        if not sensitivity:
            return self
        onset, offset = (
            float(1 / (1 + (1 / threshold - 1) * np.exp(_SENSITIVITY_STEP * sensitivity)))
            for threshold in (self.onset, self.offset)
        )
        return replace(self, onset=onset, offset=offset)


def speech_gain(samples: NDArray[np.float32]) -> float:
    """Return the factor that brings quiet samples towards an ordinary level, 1 to 10; loud ones stay as they are."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    return float(np.clip(_ORDINARY_LEVEL / max(level, 1e-9), 1.0, _MOST_GAIN))


def speech_probability(
    recording: Recording, vad: VoiceActivity, on_block: Callable[[int], None] = ignore
) -> NDArray[np.float32]:
    """Run the voice-activity detector over a recording, in constant memory but for the result.

    Args:
        recording: May still be decoding.
        vad: Gives one probability every 512 samples.
        on_block: Is told how many samples have been heard.

    Returns:
        float32 `[frames]`: the probability of speech in each frame of 20 ms.
    """
    stream, heard, values = vad.stream(), 0, []
    for block in recording.blocks(_BLOCK):
        if block.size == _BLOCK and still(block):
            values.append(np.zeros(_BLOCK // vad.frame, np.float32))
            stream = vad.stream()
        else:
            values.append(stream.push(block * np.float32(speech_gain(block))))
        heard += block.size
        on_block(heard)
    values.append(stream.flush())
    probabilities = np.concatenate(values)
    frames = frame_count(heard)
    if not probabilities.size:
        return np.zeros(frames, np.float32)
    centres = np.arange(frames) * FRAME + FRAME // 2
    return probabilities[np.minimum(centres // vad.frame, probabilities.size - 1)]


def speech_frames(probability: NDArray[np.float32], rule: SpeechRule) -> NDArray[np.bool_]:
    """Turn probabilities `[frames]` into speech or not, with hysteresis, padding and filled gaps."""
    speech = _hysteresis(probability, rule.onset, rule.offset)
    pad = frames_in(rule.padding)
    if pad:
        edges = np.zeros(len(speech) + 2 * pad + 1, np.int32)
        for begin, end in _stretches(speech):
            edges[begin] += 1
            edges[end + 2 * pad] -= 1
        speech = np.cumsum(edges)[pad : pad + len(speech)] > 0
    for begin, end in runs(speech):
        inside = begin > 0 and end < len(speech)
        if not speech[begin] and inside and (end - begin) * RESOLUTION < rule.longest_gap:
            speech[begin:end] = True
    for begin, end in list(_stretches(speech)):
        if (end - begin) * RESOLUTION < rule.shortest:
            speech[begin:end] = False
    return speech


def _hysteresis(probability: NDArray[np.float32], onset: float, offset: float) -> NDArray[np.bool_]:
    """Frames over `offset` that belong to a stretch in which `onset` is reached, from that moment on."""
    speech = np.zeros(len(probability), np.bool_)
    above = probability >= offset
    for begin, end in _stretches(above):
        reached = np.flatnonzero(probability[begin:end] >= onset)
        if reached.size:
            speech[begin + int(reached[0]) : end] = True
    return speech


def _stretches(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(begin, end) for begin, end in runs(speech) if speech[begin]]
