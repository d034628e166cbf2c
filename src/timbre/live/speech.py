"""Where speech is, as it comes: runs of speech that pauses end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE
from timbre.diarization.speech import speech_gain
from timbre.models.vad import VoiceActivity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.speech import SpeechRule

FRAME_SECONDS: Final = VoiceActivity.frame / SAMPLE_RATE
_RECENT: Final = 128  # frames, four seconds
_REMEMBERED: Final = 300  # hops: half a minute, over which loudness is judged


class Level:
    """Raises quiet sound before the detector of speech hears it, as is done with whole recordings."""

    def __init__(self) -> None:
        self._power = 0.0
        self._hops = 0

    def raised(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next samples at an ordinary level."""
        own = float(np.mean(np.square(samples, dtype=np.float64)))
        self._hops = min(self._hops + 1, _REMEMBERED)
        self._power += (own - self._power) / self._hops
        # What is loud now counts at once: a gain that silence has earned would make noise of it.
        gain = speech_gain(np.full(1, np.sqrt(max(self._power, own)), np.float32))
        return samples * np.float32(gain)


class SpeechRuns:
    """Turns probabilities into the run of speech that is going on."""

    def __init__(self, rule: SpeechRule, pause: float) -> None:
        self._rule = rule
        self._pause = pause
        self._frames = 0
        self._talking = False
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self.begin: float | None = None  # of the run, in seconds; None in silence
        self.end = 0.0  # of the last speech
        self.spoken = 0.0  # seconds of speech in the run
        self.probability = 0.0  # of speech, now

    @property
    def talking(self) -> bool:
        """Whether this very moment is speech."""
        return self._talking

    def push(self, probability: float) -> bool:
        """Take the next frame; return whether the run has ended with it."""
        now = self._frames * FRAME_SECONDS
        self._frames += 1
        self.probability = probability
        self._talking = probability >= (self._rule.offset if self._talking else self._rule.onset)
        self._recent.append(self._talking)
        if self._talking:
            if self.begin is None:
                self.begin, self.spoken = max(self.end, now - self._rule.padding), 0.0
            self.end = now + FRAME_SECONDS
            self.spoken += FRAME_SECONDS
        return self.begin is not None and now + FRAME_SECONDS - self.end >= self._pause

    def share(self, begin: float, end: float) -> float:
        """Return how much is speech between two moments of the last seconds, 0 to 1."""
        first = self._frames - len(self._recent)
        low, high = round(begin / FRAME_SECONDS) - first, round(end / FRAME_SECONDS) - first
        inside = list(self._recent)[max(0, low) : max(0, high)]
        return sum(inside) / max(1, len(inside))

    def close(self) -> None:
        """Take note that the run has ended."""
        self.begin = None
