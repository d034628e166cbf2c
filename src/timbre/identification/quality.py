"""How good a recording is for learning a voice from it, and what to do better."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from timbre.audio.level import MOST_CLIPPED

_ENOUGH_SPEECH: Final = 10.0  # seconds
_QUIET: Final = -45.0  # dBFS of speech
_NOISY: Final = 12.0  # dB
_LIKELY_ONE: Final = 95  # per cent; one person in 250 is below, as measured for decision 0027


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was measured on an enrolment recording."""

    seconds: float  # length of the recording
    speech_seconds: float
    level: float  # dBFS, RMS of the speech
    clipped: float  # fraction of samples at full scale
    snr: float | None  # dB from the background up to the speech; None where there is no background to compare with
    single_speaker: int  # 0-100: how sure it is that one person speaks
    # Share of the speech in which two seem to talk at once; None where there is no segmenter to hear it.
    overlap: float | None = None
    warnings: tuple[str, ...] = ()  # what is wrong with the recording, beside what was measured

    @property
    def advice(self) -> tuple[str, ...]:
        """What would make the voiceprint better; empty when nothing needs to be."""
        checks = (
            (
                self.speech_seconds < _ENOUGH_SPEECH,
                f"Only {self.speech_seconds:.1f} s of speech: {_ENOUGH_SPEECH:.0f} s or more make names surer",
            ),
            (self.level < _QUIET, f"The speech is quiet ({self.level:.0f} dBFS): go closer to the microphone"),
            (self.clipped > MOST_CLIPPED, f"{self.clipped:.1%} of the samples are clipped: record at a lower level"),
            (
                self.snr is not None and self.snr < _NOISY,
                f"The background is loud ({self.snr or 0:.0f} dB below the speech): find a quieter place",
            ),
            (
                self.single_speaker < _LIKELY_ONE,
                f"Perhaps more than one person speaks ({self.single_speaker} % sure of one)",
            ),
        )
        return (*self.warnings, *(sentence for applies, sentence in checks if applies))

    def to_dict(self) -> dict[str, Any]:
        """Return the measurements and the advice."""
        measured = asdict(self)
        del measured["warnings"]
        return {**measured, "advice": list(self.advice)}
