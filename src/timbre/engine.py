"""The engine: the one door to everything that hears.

    from timbre import Engine

    engine = Engine()
    ada = engine.voiceprint("ada.wav")
    for turn in engine.identify("meeting.mp3", {"Ada": ada}).turns:
        print(turn.start, turn.end, turn.speaker)

An engine holds loaded models; make one and keep it. It may be used from several threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from typing import Final, Literal, get_args

from timbre.audio.decoding import open_channels, open_recording
from timbre.audio.recording import Recording
from timbre.audio.source import AudioSource
from timbre.diarization.clustering import SpeakerBounds
from timbre.diarization.diarizer import Diarizer
from timbre.diarization.known import KnownVoices
from timbre.diarization.progress import Progress, silent
from timbre.diarization.recipe import WITH_SEGMENTER, WITHOUT_SEGMENTER, Sensitivity
from timbre.diarization.result import Diarization
from timbre.errors import OptionError, VoiceprintMalformed, VoiceprintMismatch
from timbre.identification.enrolment import Enroller, Prototype
from timbre.identification.matching import match
from timbre.identification.result import Identification, SpeakerMatch, name_turns
from timbre.identification.scoring import confidences, known_voices, log_odds
from timbre.identification.voiceprint import MOST_PROTOTYPES, Voiceprint
from timbre.models.packs import find_pack, load_pack
from timbre.models.same_voice import SameVoice, load_same_voice, read_same_voice
from timbre.settings import Settings

Channels = Literal["mixed", "separate"]
LONGEST_LABEL: Final = 100  # characters
RESERVED_LABEL: Final = "speaker_"  # how diarization's own labels begin, in any case
MOST_SENSITIVE: Final = 5.0
UNFITTED: Final = "Confidence is not calibrated for this encoder; fit it to your own people with `timbre calibrate`"


class Engine:
    """Diarizes, enrols and identifies with the models of one pack."""

    def __init__(self, model: str | None = None, *, settings: Settings | None = None) -> None:
        """Load a pack.

        Args:
            model: A pack's name, or `auto` for the best one on disk; the setting `model` if left out.
            settings: Read from the environment if left out.

        Raises:
            ModelMissing: the pack is not on this machine; the message says how to get it.
            ModelUnknown: there is no such pack.
            ModelCorrupt: a file is damaged.
        """
        self.settings = settings or Settings()
        self._pack = load_pack(model or self.settings.model, self.settings)
        encoder = self._pack.encoder
        path = self.settings.calibration
        self._same_voice = (
            read_same_voice(path, encoder.dimension)
            if path is not None
            else load_same_voice(self._pack.calibration, encoder.dimension)
        )
        recipe = WITHOUT_SEGMENTER if self._pack.segmenter is None else WITH_SEGMENTER
        self._diarizer = Diarizer(self._pack, self._same_voice, recipe)
        self.space = _space(encoder.fingerprint, self._same_voice)
        self._enroller = Enroller(self._pack, self._same_voice, self._diarizer, self.space)

    @property
    def model(self) -> str:
        """Name of the pack that is loaded."""
        return self._pack.name

    @property
    def same_voice(self) -> SameVoice:
        """The calibrated model behind every confidence."""
        return self._same_voice

    def diarize(
        self,
        audio: AudioSource,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        channel: int | None = None,
        channels: Channels = "mixed",
        vad_sensitivity: float = 0.0,
        crosstalk_sensitivity: float = 0.0,
        probabilities: bool = False,
        progress: Progress = silent,
    ) -> Diarization:
        """Say who spoke when, with anonymous labels.

        Args:
            audio: A path, bytes, a binary file, or `(array, rate)`.
            num_speakers: Exact number of speakers; not together with the bounds.
            min_speakers: At least so many.
            max_speakers: At most so many.
            channel: Use one channel, counted from 0, instead of the average of all.
            channels: `mixed`, or `separate` for a recording with each person on a channel of their own: every channel
                is heard by itself and has one speaker, unless a number of speakers is given, which counts all.
            vad_sensitivity: From -5 to 5; above 0 more is heard as speech.
            crosstalk_sensitivity: From -5 to 5; above 0 more is heard as people talking at once.
            probabilities: Add frame-level probabilities of speech, crosstalk and every speaker.
            progress: Called with a stage and the fraction of it that is done; an exception it raises ends the work.

        Raises:
            OptionError: an option is out of range or contradicts another.
            AudioError: the audio cannot be used.
        """
        bounds = _bounds(num_speakers, min_speakers, max_speakers)
        sensitivity = _sensitivity(vad_sensitivity, crosstalk_sensitivity)
        return self._diarize(
            audio,
            channel=channel,
            channels=channels,
            bounds=bounds,
            sensitivity=sensitivity,
            probabilities=probabilities,
            known=None,
            progress=progress,
        )

    def voiceprint(
        self,
        audio: AudioSource | Sequence[AudioSource],
        *,
        max_seconds: float | None = 30.0,
        channel: int | None = None,
    ) -> Voiceprint:
        """Learn one person's voice.

        Args:
            audio: One recording of the person alone, or a list of them; several rooms and days make it better.
            max_seconds: Longest recording that is accepted; None for any.
            channel: Use one channel, counted from 0, instead of the average of all.

        Returns:
            The voiceprint, with the quality of every recording.

        Raises:
            EnrolmentRefused: a recording has no or too little speech, several speakers, or is too long.
            OptionError: there is no recording, or there are more than 24; or `max_seconds` is not above 0.
            AudioError: the audio cannot be used.
        """
        sources: Sequence[AudioSource] = audio if isinstance(audio, list) else [audio]  # type: ignore[list-item]
        if not 1 <= len(sources) <= MOST_PROTOTYPES:
            raise OptionError(f"A voiceprint is made from 1 to {MOST_PROTOTYPES} recordings, not {len(sources)}.")
        if max_seconds is not None and not max_seconds > 0:
            raise OptionError(f"max_seconds is a length above 0, or None for any; it is {max_seconds:g}.")
        with ExitStack() as stack:
            recordings = [stack.enter_context(self._open(source, channel)) for source in sources]
            return self._enroller.enrol(recordings, max_seconds)

    def identify(
        self,
        audio: AudioSource,
        voiceprints: Mapping[str, Voiceprint | str | PathLike[str]],
        *,
        threshold: float = 0.0,
        exclusive: bool = True,
        merge_speakers: bool = True,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        channel: int | None = None,
        channels: Channels = "mixed",
        vad_sensitivity: float = 0.0,
        crosstalk_sensitivity: float = 0.0,
        probabilities: bool = False,
        progress: Progress = silent,
    ) -> Identification:
        """Say who spoke when, by name.

        Args:
            audio: A path, bytes, a binary file, or `(array, rate)`.
            voiceprints: Name to voiceprint: the value, its text, or the path of a file with it.
            threshold: Confidence, 0-100, from which a name is given. At 0 as many speakers as possible get a name,
                also those of people who are not there; 50 names those who are likelier there than not.
            exclusive: Give a name to at most one speaker.
            merge_speakers: Make one speaker of those that match the same voiceprint.
            num_speakers: As the following ones, see `diarize`.
            min_speakers: At least so many.
            max_speakers: At most so many.
            channel: Use one channel.
            channels: `mixed` or `separate`.
            vad_sensitivity: From -5 to 5.
            crosstalk_sensitivity: From -5 to 5.
            probabilities: Add frame-level probabilities.
            progress: See `diarize`.

        Raises:
            OptionError: an option or a name is out of range.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: a voiceprint was made by another encoder.
            AudioError: the audio cannot be used.
        """
        people = self._people(voiceprints)
        _check_threshold(threshold)
        bounds = _bounds(num_speakers, min_speakers, max_speakers)
        sensitivity = _sensitivity(vad_sensitivity, crosstalk_sensitivity)
        known = known_voices(list(people.values())) if merge_speakers else None
        diarization = self._diarize(
            audio,
            channel=channel,
            channels=channels,
            bounds=bounds,
            sensitivity=sensitivity,
            probabilities=probabilities,
            known=known,
            progress=progress,
        )
        return self.name(diarization, people, threshold=threshold, exclusive=exclusive)

    def name(
        self,
        diarization: Diarization,
        voiceprints: Mapping[str, Voiceprint | str | PathLike[str]],
        *,
        threshold: float = 0.0,
        exclusive: bool = True,
    ) -> Identification:
        """Name the speakers of a diarization without hearing the recording again; see `identify`.

        Raises:
            OptionError: the threshold or a name is out of range.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: a voiceprint, or the diarization, was made by another encoder.
        """
        people = self._people(voiceprints)
        _check_threshold(threshold)
        if diarization.encoder != self._pack.encoder.fingerprint:
            raise VoiceprintMismatch(
                f"The recording was diarized with another encoder than that of the pack {self.model}; diarize it again."
            )
        labels = list(people)
        odds = log_odds(diarization.voices, list(people.values()), self._same_voice)
        scores = confidences(odds, self._same_voice)
        chosen = match(odds, scores, threshold=threshold, exclusive=exclusive)
        matches = tuple(
            SpeakerMatch(
                speaker=voice.speaker,
                match=None if column is None else labels[column],
                confidence=dict(zip(labels, row.tolist(), strict=True)),
            )
            for voice, row, column in zip(diarization.voices, scores, chosen, strict=True)
        )
        warnings = diarization.warnings
        if not self._same_voice.fitted:
            warnings = (*warnings, UNFITTED)
        if 0 < threshold <= 1:
            warnings = (
                *warnings,
                f"threshold is {threshold:g} on a scale of 0 to 100; did you mean {threshold * 100:g}?",
            )
        return Identification(
            diarization=diarization,
            turns=name_turns(diarization.turns, matches),
            matches=matches,
            warnings=warnings,
        )

    def embed(self, audio: AudioSource, *, channel: int | None = None) -> Prototype:
        """Pool the speech of a recording of one person into a unit vector, with no check but that there is speech.

        Raises:
            NoSpeech: there is none.
            AudioError: the audio cannot be used.
        """
        with self._open(audio, channel) as recording:
            return self._enroller.prototype(recording)

    def _diarize(
        self,
        audio: AudioSource,
        *,
        channel: int | None,
        channels: Channels,
        bounds: SpeakerBounds | None,
        sensitivity: Sensitivity,
        probabilities: bool,
        known: KnownVoices | None,
        progress: Progress,
    ) -> Diarization:
        _check_channels(channels, channel)
        with ExitStack() as stack:
            if channels == "separate":
                opened = open_channels(audio, settings=self.settings)
                return self._diarizer.diarize_channels(
                    [stack.enter_context(recording) for recording in opened],
                    bounds=bounds,
                    sensitivity=sensitivity,
                    probabilities=probabilities,
                    known=known,
                    progress=progress,
                )
            return self._diarizer.diarize(
                stack.enter_context(self._open(audio, channel)),
                bounds=bounds or SpeakerBounds(),
                sensitivity=sensitivity,
                probabilities=probabilities,
                known=known,
                progress=progress,
            )

    def _open(self, audio: AudioSource, channel: int | None) -> Recording:
        return open_recording(audio, channel=channel, settings=self.settings)

    def _people(self, voiceprints: Mapping[str, Voiceprint | str | PathLike[str]]) -> dict[str, Voiceprint]:
        people = {}
        for label, given in voiceprints.items():
            if not 1 <= len(label) <= LONGEST_LABEL:
                raise OptionError(f"A name has 1 to {LONGEST_LABEL} characters; {label[:40]!r} has {len(label)}.")
            if label.lower().startswith(RESERVED_LABEL):
                raise OptionError(f"{label!r} begins like the labels of unknown speakers; choose another name.")
            people[label] = self._voiceprint(label, given)
        return people

    def _voiceprint(self, label: str, given: Voiceprint | str | PathLike[str]) -> Voiceprint:
        try:
            if isinstance(given, str):
                given = Voiceprint.from_text(given)
            elif isinstance(given, PathLike):
                given = Voiceprint.load(given)
        except VoiceprintMalformed as error:
            raise VoiceprintMalformed(f"{label}: {error}") from None
        if not isinstance(given, Voiceprint):
            raise VoiceprintMalformed(
                f"{label}: expected a voiceprint, its text, or the path of a file with it, got {type(given).__name__}."
            )
        if given.space != self.space:
            raise VoiceprintMismatch(
                f"{label}: this voiceprint was made by another encoder than that of the pack {self.model};"
                " make it again, or select the model that made it."
            )
        if given.prototypes.shape[1] != self._pack.encoder.dimension:
            raise VoiceprintMalformed(f"{label}: this voiceprint was damaged; make it again from a recording.")
        return given


def voiceprint_space(model: str | None = None, *, settings: Settings | None = None) -> tuple[str, str]:
    """The name of the pack that an engine would load, and its `space`, without loading it.

    Raises:
        ModelMissing: the pack is not on this machine.
        ModelUnknown: there is no such pack.
    """
    settings = settings or Settings()
    pack = find_pack(model or settings.model, settings)
    encoder, path = pack.encoder, settings.calibration
    same_voice = read_same_voice(path, None) if path is not None else load_same_voice(encoder.calibration, None)
    return pack.name, _space(encoder.fingerprint, same_voice)


def _space(fingerprint: str, same_voice: SameVoice) -> str:
    centre = same_voice.centre.astype("<f2").tobytes() if same_voice.centre.any() else b""
    return hashlib.sha256(bytes.fromhex(fingerprint) + centre).hexdigest()[:16]


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 100:  # noqa: PLR2004 - the scale of confidence
        raise OptionError(f"threshold is a confidence from 0 to 100, not {threshold:g}.")


def _check_channels(channels: str, channel: int | None) -> None:
    if channels not in get_args(Channels):
        raise OptionError(f"channels is 'mixed' or 'separate', not {channels!r}.")
    if channels == "separate" and channel is not None:
        raise OptionError("channel takes one channel, and channels='separate' takes each: leave one of them out.")


def _bounds(exact: int | None, least: int | None, most: int | None) -> SpeakerBounds | None:
    """Return the bounds that were asked for, None where none were."""
    if exact is least is most is None:
        return None
    if exact is not None and (least is not None or most is not None):
        raise OptionError("num_speakers says it all: leave min_speakers and max_speakers out.")
    for name, value in (("num_speakers", exact), ("min_speakers", least), ("max_speakers", most)):
        if value is not None and not (value >= 1 and value == int(value)):
            raise OptionError(f"{name} is a whole number from 1 on, not {value}.")
    if least is not None and most is not None and least > most:
        raise OptionError(f"min_speakers ({least}) is more than max_speakers ({most}).")
    if exact is not None:
        least = most = exact
    return SpeakerBounds(least=int(least or 1), most=None if most is None else int(most))


def _sensitivity(speech: float, overlap: float) -> Sensitivity:
    for name, value in (("vad_sensitivity", speech), ("crosstalk_sensitivity", overlap)):
        if not -MOST_SENSITIVE <= value <= MOST_SENSITIVE:
            raise OptionError(f"{name} is a number from -5 to 5, not {value:g}.")
    return Sensitivity(speech=speech, overlap=overlap)
