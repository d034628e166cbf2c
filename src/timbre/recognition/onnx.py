"""Words by the extra `asr`: Parakeet, Whisper, Canary, GigaAM and others, in this very process, by `onnx-asr`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE
from timbre.extras import needing
from timbre.recognition.onnx_models import find, model_name
from timbre.recognition.transcriber import Recognised
from timbre.transcripts.spoken import Segment, Word

if TYPE_CHECKING:
    from timbre.settings import Settings

LONGEST: Final = 24.0  # seconds that every one of these models takes at once
_LAST: Final = 0.3  # seconds that a word lasts after its last token began, at most
_SPACES: Final = (" ", "\u2581")  # with which a token begins that begins a word


class OnnxRecogniser:
    """A model that is loaded; one piece at a time is recognised."""

    def __init__(self, settings: Settings) -> None:
        """Load the model that `asr_model` names.

        Raises:
            ModelUnknown, ModelMissing, ModelCorrupt: it cannot be had.
            ExtraMissing: the extra `asr` is not installed.
        """
        with needing("asr"):
            import onnx_asr  # noqa: PLC0415 - of an extra
        import onnxruntime  # noqa: PLC0415 - only what hears loads it

        name = settings.asr_model or ""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        self._model = onnx_asr.load_model(
            model_name(name), find(name, settings), sess_options=options, providers=["CPUExecutionProvider"]
        ).with_timestamps()
        self._working = asyncio.Lock()

    async def recognise(self, sound: NDArray[np.int16], *, language: str | None) -> Recognised:
        """Return what is said in some sound; see `Transcriber`."""
        async with self._working:
            found = await asyncio.to_thread(self._recognise, sound, language)
        return read_tokens(found.text, found.tokens, found.timestamps, len(sound) / SAMPLE_RATE)

    def _recognise(self, sound: NDArray[np.int16], language: str | None) -> Any:
        samples = sound.astype(np.float32) / np.float32(32_768)
        return self._model.recognize(samples, sample_rate=SAMPLE_RATE, **({"language": language} if language else {}))


def read_tokens(text: str, tokens: Sequence[str] | None, times: Sequence[float] | None, seconds: float) -> Recognised:
    """Make words of tokens, given when each begins; a text alone has no times."""
    if not tokens or times is None:
        words = tuple(Word(word) for word in text.split())
        return Recognised(segments=[Segment(0.0, seconds, words)] if words else [], timed=not words)
    begun: list[tuple[str, float, float]] = []  # a word, when it begins, and when its last token does
    for token, time in zip(tokens, times, strict=False):
        if begun and not token.startswith(_SPACES):
            word, start, _ = begun[-1]
            begun[-1] = word + token, start, time
        else:
            begun.append((token.lstrip("".join(_SPACES)), time, time))
    ends = [*(start for _, start, _ in begun[1:]), seconds]
    words = tuple(
        Word(word, start, min(end, last + _LAST))
        for (word, start, last), end in zip(begun, ends, strict=True)
        if word.strip()
    )
    return Recognised(segments=[Segment(words[0].start or 0.0, words[-1].end or seconds, words)] if words else [])
