"""Enrolment: from recordings of one person to a voiceprint, or a reason why not.

The speech of a recording is cut out and put together, embedded in dense windows and pooled to one prototype. Before
that it is checked: enough speech, one person, and how loud, clipped and noisy it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.acoustics import Acoustics, acoustics, mean_acoustics
from timbre.audio.level import rms_dbfs
from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.clips import cut_clip
from timbre.diarization.diarizer import Diarizer
from timbre.diarization.grid import FRAME
from timbre.diarization.speech import SpeechRule, speech_frames, speech_probability
from timbre.diarization.windows import without_offset
from timbre.errors import EnrolmentRefused, EnrolmentTooLong, NoSpeech, SeveralSpeakers, SpeechTooShort
from timbre.identification.quality import Quality
from timbre.identification.voiceprint import Voiceprint, as_kept
from timbre.models.same_voice import SameVoice, Side, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.packs import Pack

LEAST_SPEECH: Final = 1.0  # seconds, of all recordings together
_STEP: Final = 3_200  # samples between windows: 0.2 s, denser than in diarization because speech is short
_SPEECH: Final = SpeechRule(onset=0.5, offset=0.35, padding=0.1, longest_gap=0.3, shortest=0.1)
_ONE_SPEAKER: Final = 0.5  # probability that one person speaks, under which a recording is refused
_ONE_PERSON: Final = (
    0.01  # likewise of one recording beside the others: a telephone can make a voice sound like another
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prototype:
    """How one recording of a person sounds."""

    vector: NDArray[np.float32]  # [dimension] unit vector, centred
    seconds: float  # of speech
    acoustics: Acoustics


class Enroller:
    """Makes voiceprints with the models of one pack."""

    def __init__(self, pack: Pack, same_voice: SameVoice, diarizer: Diarizer, space: str) -> None:
        self._pack = pack
        self._same_voice = same_voice
        self._diarizer = diarizer
        self._space = space

    def enrol(self, recordings: list[Recording], max_seconds: float | None, *, clip_seconds: float = 0.0) -> Voiceprint:
        """Make one voiceprint from one or several recordings of a person.

        Args:
            recordings: At least one.
            max_seconds: Longest recording that is accepted; None for any.
            clip_seconds: Of speech to cut out, at most, of the recording that has most of it; 0 for none.

        Raises:
            EnrolmentRefused: a recording is too long, has no or too little speech, or several speakers.
        """
        made = []
        for number, recording in enumerate(recordings, 1):
            try:
                made.append(self._enrol(recording, max_seconds))
            except EnrolmentRefused as error:
                which = f"Recording {number} of {len(recordings)}: " if len(recordings) > 1 else ""
                raise type(error)(f"{which}{error}") from None
        seconds = sum(prototype.seconds for prototype, *_ in made)
        if seconds < LEAST_SPEECH:
            raise SpeechTooShort(
                f"There are only {seconds:.1f} s of speech, and a voiceprint needs at least {LEAST_SPEECH:g} s;"
                " give a few seconds, better twenty."
            )
        self._refuse_strangers([prototype for prototype, *_ in made])
        most = max(range(len(made)), key=lambda number: made[number][0].seconds)
        return Voiceprint(
            prototypes=np.stack([prototype.vector for prototype, *_ in made]).astype(np.float16).astype(np.float32),
            seconds=tuple(float(np.float32(prototype.seconds)) for prototype, *_ in made),
            acoustics=tuple(as_kept(prototype.acoustics) for prototype, *_ in made),
            space=self._space,
            quality=tuple(quality for _, quality, _ in made),
            clip=cut_clip(recordings[most], made[most][2], clip_seconds) if clip_seconds else None,
        )

    def _refuse_strangers(self, prototypes: list[Prototype]) -> None:
        """Refuse recordings of different people: one whose voice is surely not that of the others together."""
        for number, one in enumerate(prototypes, 1):
            others = [prototype for prototype in prototypes if prototype is not one]
            if not others:
                return
            cosine = one.vector @ unit(np.sum([other.vector for other in others], axis=0))
            known = Side.of([sum(other.seconds for other in others)], [mean_acoustics([o.acoustics for o in others])])
            if self._same_voice.probability(cosine, known, Side.of([one.seconds], [one.acoustics])) < _ONE_PERSON:
                raise SeveralSpeakers(
                    f"Recording {number} of {len(prototypes)} does not sound like the person in the others;"
                    " make a voiceprint from recordings of one person."
                )

    def prototype(self, recording: Recording) -> Prototype:
        """Pool the speech of a recording of one person without any check but that there is some.

        Raises:
            NoSpeech: there is none.
        """
        samples, speech = self._listen(recording)
        return self._pool(samples, speech)

    def said(self, recording: Recording) -> NDArray[np.float32]:
        """Return the speech of a recording without its pauses, `[n]`.

        Raises:
            NoSpeech: there is none.
        """
        return _without_pauses(*self._listen(recording))

    def vectors(self, said: NDArray[np.float32], step: int, *, to_the_end: bool = False) -> NDArray[np.float32]:
        """Embed windows of speech every `step` samples, and perhaps one more that ends with it; centred unit rows."""
        length = min(self._pack.encoder.window, said.size)
        starts = np.arange(0, said.size - length + 1, step)
        if to_the_end and starts[-1] != said.size - length:
            starts = np.append(starts, said.size - length)
        return self._same_voice.centred(self._pack.encoder.embed(said, starts, length))

    def _enrol(self, recording: Recording, max_seconds: float | None) -> tuple[Prototype, Quality, NDArray[np.bool_]]:
        """Return how a recording sounds, how good it is, and which frames of it are speech."""
        if max_seconds is not None and recording.duration > max_seconds:
            raise EnrolmentTooLong(
                f"The recording lasts {recording.duration:.1f} s, and a voiceprint is made from at most"
                f" {max_seconds:g} s; cut it, allow more, or have its best part taken."
            )
        samples, speech = self._listen(recording)
        prototype = self._pool(samples, speech)
        single, overlap = self._diarizer.one_voice(recording)
        if single < _ONE_SPEAKER:
            raise SeveralSpeakers
        mask = np.repeat(speech, FRAME)[: samples.size]
        # The median is the offset; the mean is not, where a voice swings further to one side.
        swing = samples - np.median(samples)
        snr = prototype.acoustics.snr
        quality = Quality(
            seconds=round(recording.duration, 2),
            speech_seconds=round(prototype.seconds, 2),
            level=round(rms_dbfs(swing[mask]), 1),
            clipped=round(recording.clipped_fraction, 5),
            snr=None if snr is None else round(snr, 1),
            single_speaker=round(100 * single),
            overlap=None if overlap is None else round(overlap, 3),
            warnings=recording.warnings,
        )
        return prototype, quality, speech

    def _listen(self, recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return all samples and which frames are speech."""
        probability = speech_probability(recording, self._pack.vad)
        speech = speech_frames(probability, _SPEECH)
        if not speech.any():
            raise NoSpeech
        return recording.read(0, recording.samples), speech

    def _pool(self, samples: NDArray[np.float32], speech: NDArray[np.bool_]) -> Prototype:
        """Embed the speech, put together without its pauses, and average the windows."""
        said = _without_pauses(samples, speech)
        return Prototype(
            vector=unit(self.vectors(said, _STEP, to_the_end=True).sum(axis=0)),
            seconds=float(said.size / SAMPLE_RATE),
            acoustics=acoustics(samples - np.median(samples), speech),
        )


def _without_pauses(samples: NDArray[np.float32], speech: NDArray[np.bool_]) -> NDArray[np.float32]:
    return without_offset(samples[np.repeat(speech, FRAME)[: samples.size]])
