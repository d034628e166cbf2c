"""The engine: the one door to everything that hears.

    from timbre import Engine

    engine = Engine()
    ada = engine.voiceprint("ada.wav")
    for turn in engine.identify("meeting.mp3", {"Ada": ada}).turns:
        print(turn.start, turn.end, turn.speaker)

An engine holds loaded models; make one and keep it. It may be used from several threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from os import PathLike
from threading import Lock
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from timbre.audio import Tracks
from timbre.audio.decoding import open_recording, open_separately
from timbre.audio.peaks import peaks
from timbre.audio.recording import Recording
from timbre.audio.source import AudioSource
from timbre.diarization.clips import with_clips
from timbre.diarization.diarization import Diarization
from timbre.diarization.diarizer import Diarizer
from timbre.diarization.known_voices import LookUp
from timbre.diarization.limits import UNLIMITED, Limits
from timbre.diarization.merging import SpeakerBounds
from timbre.diarization.options import Channels, check_channels, check_clip, sensitivity, speaker_bounds
from timbre.diarization.progress import Progress, silent
from timbre.diarization.recipe import WITH_SEGMENTER, WITHOUT_SEGMENTER, Sensitivity
from timbre.errors import ChannelsInseparable, OptionError, TracksInseparable, VoiceprintMismatch
from timbre.identification.candidates import Gallery, People
from timbre.identification.enroller import Enroller, Prototype
from timbre.identification.excerpt import best_excerpt, cut_out
from timbre.identification.identification import Identification, name_turns
from timbre.identification.namer import (
    Namer,
    check_threshold,
    common_space,
    known_space,
    load_namer,
    read_voiceprint,
)
from timbre.identification.voiceprint import MOST_PROTOTYPES, Voiceprint
from timbre.live.driver import Stream
from timbre.live.hearing import Hearing
from timbre.live.opening import MOST_SPEAKERS, RECIPE, StreamSpace, new_stream
from timbre.models.packs import Pack, find_pack, load_encoder, load_pack
from timbre.models.same_voice import SameVoice
from timbre.models.spaces import own_space
from timbre.models.variation import Variation
from timbre.settings import Settings

THRESHOLD: Final = 0.0  # as the hosted API: among voiceprints that somebody chose, the likeliest
GALLERY_THRESHOLD: Final = 50.0  # most of a gallery is not there, so nobody is a good answer

_SAME_TRACKS: Final = (
    "Two sound tracks of the recording hold the same sound; leave `tracks` out, or give the number of one, to tell its"
    " speakers apart by voice."
)


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
        self._limits = UNLIMITED
        name = model or self.settings.model
        space = own_space(find_pack(name, self.settings).encoder, self.settings)
        pack = load_pack(name, self.settings)
        self._prepare(pack, space.same_voice(pack.encoder.dimension), space.variation(pack.encoder.dimension))
        self._newest = self._pack.encoder.name
        self._spaces = {self.space: self}  # shared by all of them
        self._lock = Lock()

    def _prepare(self, pack: Pack, same_voice: SameVoice, variation: Variation) -> None:
        self._pack = pack
        self._same_voice = same_voice
        self._variation = variation
        recipe = WITHOUT_SEGMENTER if pack.segmenter is None else WITH_SEGMENTER
        self._diarizer = Diarizer(pack, self._same_voice, self._variation, recipe)
        self.space = self._same_voice.space(pack.encoder.fingerprint)
        self._namer = Namer(self._same_voice, self.space, model=pack.encoder.name)
        self._enroller = Enroller(pack, self._same_voice, self._diarizer, self.space)

    @property
    def model(self) -> str:
        """Name of the pack that is loaded."""
        return self._pack.name

    @property
    def encoder(self) -> str:
        """Name of the encoder that voices are heard with."""
        return self._pack.encoder.name

    def of_space(self, space: str) -> Engine:
        """Return the engine that hears in a space: this one, or one that differs in the encoder and its calibration.

        So voiceprints keep their worth when a pack gets another encoder. It is loaded the first time.

        Args:
            space: As a voiceprint has it.

        Raises:
            VoiceprintMismatch: the catalogue has no encoder for it.
            ModelMissing: that encoder is not on this machine; the message says how to get it.
            ModelCorrupt: its file is damaged.
        """
        with self._lock:
            if space not in self._spaces:
                found = known_space(space, self.settings)
                encoder = load_encoder(found.encoder, self.settings)
                other = copy(self)
                other._prepare(
                    replace(self._pack, encoder=encoder),
                    found.same_voice(encoder.dimension),
                    found.variation(encoder.dimension),
                )
                self._spaces[space] = other
            return self._spaces[space].within(self._limits)

    def calibrated(self, same_voice: SameVoice, variation: Variation | None = None) -> Engine:
        """Return an engine with the same networks and another calibration, as whoever fits one needs it.

        Args:
            same_voice: For the encoder of this engine.
            variation: How its vectors vary; as here if left out.
        """
        other = copy(self)
        other._prepare(self._pack, same_voice, self._variation if variation is None else variation)
        other._spaces, other._lock = {other.space: other}, Lock()
        return other

    def that_made(self, voiceprints: Mapping[str, Voiceprint | str | PathLike[str]]) -> Engine:
        """Return the engine that hears in the space of voiceprints; see `of_space`, which raises what this may.

        Raises:
            VoiceprintMalformed: one is damaged or foreign.
            VoiceprintMismatch: they are of several spaces; the message names those that are not of this engine's.
        """
        read = {label: read_voiceprint(label, one) for label, one in voiceprints.items()}
        return self.of_space(common_space(read, self.settings, own=self.space))

    def within(self, limits: Limits) -> Engine:
        """Return an engine with the same networks that gives up what goes beyond limits, as a server needs it.

        It raises `AudioTooLong` for a recording that is longer, and `HearingTooLong` for one that takes longer to hear.
        """
        if limits == self._limits:
            return self
        other = copy(self)
        other._limits = limits
        return other

    @property
    def hearing_settings(self) -> Settings:
        """The settings, with recordings no longer than the limits allow."""
        return self.settings.model_copy(update={"max_hours": self._limits.hours(self.settings.max_hours)})

    @property
    def variation(self) -> Variation:
        """How the encoder's vectors vary, which speakers of a recording are told apart by."""
        return self._variation

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
        tracks: Tracks = "mixed",
        vad_sensitivity: float = 0.0,
        crosstalk_sensitivity: float = 0.0,
        probabilities: bool = False,
        clip_seconds: float = 0.0,
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
            tracks: Sound tracks of the file: `mixed`, `separate` as with channels, or the number of one, counted from
                0. Where channels are taken or separated, `mixed` is the best track.
            vad_sensitivity: From -5 to 5; above 0 more is heard as speech.
            crosstalk_sensitivity: From -5 to 5; above 0 more is heard as people talking at once.
            probabilities: Add frame-level probabilities of speech, crosstalk and every speaker.
            clip_seconds: Cut out so many seconds of every speaker alone, at most, to listen to; 0 for none.
            progress: Called with a stage and the fraction of it that is done; an exception it raises ends the work.

        Raises:
            OptionError: an option is out of range or contradicts another.
            AudioError: the audio cannot be used.
        """
        return self._diarize(
            audio,
            channel=channel,
            channels=channels,
            tracks=tracks,
            bounds=speaker_bounds(num_speakers, min_speakers, max_speakers),
            sensitivity=sensitivity(vad_sensitivity, crosstalk_sensitivity),
            probabilities=probabilities,
            clip_seconds=clip_seconds,
            known=None,
            progress=progress,
        )

    def voiceprint(
        self,
        audio: AudioSource | Sequence[AudioSource],
        *,
        max_seconds: float | None = 30.0,
        excerpt: bool = False,
        channel: int | None = None,
        clip_seconds: float = 0.0,
    ) -> Voiceprint:
        """Learn one person's voice.

        Args:
            audio: One recording of the person alone, or a list of them; several rooms and days make it better.
            max_seconds: Longest recording that is accepted; None for any.
            excerpt: Take the best `max_seconds` of a longer one: speech, one voice, neither faint nor clipped. The
                quality says which they are.
            channel: Use one channel, counted from 0, instead of the average of all.
            clip_seconds: Cut out so many seconds of speech, at most, of the recording with most of it; 0 for none.

        Returns:
            The voiceprint, with the quality of every recording.

        Raises:
            EnrolmentRefused: a recording has no or too little speech, several speakers, or is too long.
            OptionError: there is no recording, or there are more than 24; or an option is out of range.
            AudioError: the audio cannot be used.
        """
        sources: Sequence[AudioSource] = audio if isinstance(audio, list) else [audio]  # type: ignore[list-item]
        if not 1 <= len(sources) <= MOST_PROTOTYPES:
            raise OptionError(f"A voiceprint is made from 1 to {MOST_PROTOTYPES} recordings, not {len(sources)}.")
        if max_seconds is not None and not max_seconds > 0:
            raise OptionError(f"max_seconds is a length above 0, or None for any; it is {max_seconds:g}.")
        check_clip(clip_seconds)
        with ExitStack() as stack:
            recordings = [stack.enter_context(self._open(source, channel)) for source in sources]
            if excerpt and max_seconds is not None:
                recordings = [
                    stack.enter_context(self._excerpt(recording, max_seconds))
                    if recording.duration > max_seconds
                    else recording
                    for recording in recordings
                ]
            return self._enroller.enrol(recordings, max_seconds, clip_seconds=clip_seconds)

    def identify(
        self,
        audio: AudioSource,
        voiceprints: Mapping[str, Voiceprint | str | PathLike[str]] = {},
        *,
        gallery: Gallery | None = None,
        threshold: float | None = None,
        exclusive: bool = True,
        merge_speakers: bool = True,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        channel: int | None = None,
        channels: Channels = "mixed",
        tracks: Tracks = "mixed",
        vad_sensitivity: float = 0.0,
        crosstalk_sensitivity: float = 0.0,
        probabilities: bool = False,
        clip_seconds: float = 0.0,
        progress: Progress = silent,
    ) -> Identification:
        """Say who spoke when, by name.

        Args:
            audio: A path, bytes, a binary file, or `(array, rate)`.
            voiceprints: Name to voiceprint: the value, its text, or the path of a file with it.
            gallery: Looks up further people, of whom all count however few of them are compared.
            threshold: Confidence, 0-100, from which a name is given. At 0 as many speakers as possible get a name,
                also those of people who are not there; 50 names those who are likelier there than not. If left out,
                it is 0 without a gallery and 50 with one.
            exclusive: Give a name to at most one speaker.
            merge_speakers: One speaker of those that match a voiceprint, and two of one that matches two.
            num_speakers: As the following ones, see `diarize`.
            min_speakers: At least so many.
            max_speakers: At most so many.
            channel: Use one channel.
            channels: `mixed` or `separate`.
            tracks: `mixed`, `separate` or a number.
            vad_sensitivity: From -5 to 5.
            crosstalk_sensitivity: From -5 to 5.
            probabilities: Add frame-level probabilities.
            clip_seconds: See `diarize`.
            progress: See `diarize`.

        Raises:
            OptionError: an option or a name is out of range, or somebody in the gallery has the name of a voiceprint.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: voiceprints were made by several encoders, by one that the catalogue does not have, or
                by another one than the gallery is searched with.
            ModelMissing: the encoder that made them is not on this machine.
            AudioError: the audio cannot be used.
        """
        engine = self.that_made(voiceprints) if gallery is None else self
        people = People(engine._namer, voiceprints, gallery)
        threshold = _threshold(threshold, gallery)
        diarization = engine._diarize(
            audio,
            channel=channel,
            channels=channels,
            tracks=tracks,
            bounds=speaker_bounds(num_speakers, min_speakers, max_speakers),
            sensitivity=sensitivity(vad_sensitivity, crosstalk_sensitivity),
            probabilities=probabilities,
            clip_seconds=clip_seconds,
            known=people.known_voices if merge_speakers else None,
            progress=progress,
        )
        return engine._name(diarization, people, threshold=threshold, exclusive=exclusive)

    def name(
        self,
        diarization: Diarization,
        voiceprints: Mapping[str, Voiceprint | str | PathLike[str]] = {},
        *,
        gallery: Gallery | None = None,
        threshold: float | None = None,
        exclusive: bool = True,
    ) -> Identification:
        """Name the speakers of a diarization without hearing the recording again; see `identify`.

        Raises:
            OptionError: the threshold or a name is out of range, or somebody in the gallery has the name of a
                voiceprint.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: a voiceprint, or the diarization, was made by another encoder.
        """
        engine = self.that_made(voiceprints) if gallery is None else self
        people = People(engine._namer, voiceprints, gallery)
        threshold = _threshold(threshold, gallery)
        if diarization.encoder != engine._pack.encoder.fingerprint:
            raise VoiceprintMismatch(
                f"The recording was diarized with another encoder than {engine.encoder}; diarize it again."
            )
        return engine._name(diarization, people, threshold=threshold, exclusive=exclusive)

    def stream(
        self,
        voiceprints: Mapping[str, Voiceprint | str | PathLike[str]] = {},
        *,
        gallery: Gallery | None = None,
        threshold: float = GALLERY_THRESHOLD,
        exclusive: bool = True,
        max_speakers: int = MOST_SPEAKERS,
        partial: bool = False,
    ) -> Stream:
        """Say who speaks while they speak; push samples in pieces of any size, and get events.

        Args:
            voiceprints: Name to voiceprint: the value, its text, or the path of a file with it.
            gallery: Looks up further people; see `identify`.
            threshold: Confidence, 0-100, from which a name is one.
            exclusive: Give a name to at most one voice.
            max_speakers: At most so many at a time, 1 to 32.
            partial: Tell every second who speaks now.

        Raises:
            OptionError: an option or a name is out of range.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: voiceprints were made by several encoders, or by one that the catalogue does not have.
            ModelMissing: the encoder that made them is not on this machine.
        """
        engine = self.that_made(voiceprints) if gallery is None else self
        people = People(engine._namer, voiceprints, gallery)
        stream = new_stream(
            engine._stream_space,
            voiceprints=people.voiceprints,
            among=len(people),
            threshold=threshold,
            exclusive=exclusive,
            max_speakers=max_speakers,
            partial=partial,
        )
        return Stream(stream, engine.hearing(), people)

    def hearing(self) -> Hearing:
        """What answers the questions of streams."""
        return Hearing(self._pack, self._same_voice, self._variation, RECIPE)

    @property
    def _stream_space(self) -> StreamSpace:
        """What streams know of voices that are heard with this engine."""
        return StreamSpace(
            namer=self._namer,
            variation=self._variation if self._variation.fitted else None,
        )

    def embed(self, audio: AudioSource, *, channel: int | None = None) -> Prototype:
        """Pool the speech of a recording of one person into a unit vector, with no check but that there is speech.

        Raises:
            NoSpeech: there is none.
            AudioError: the audio cannot be used.
        """
        with self._open(audio, channel) as recording:
            return self._enroller.prototype(recording)

    def speech(self, audio: AudioSource, *, channel: int | None = None) -> NDArray[np.float32]:
        """Return the speech of a recording without its pauses: float32 `[n]`, 16 kHz.

        Raises:
            NoSpeech: there is none.
            AudioError: the audio cannot be used.
        """
        with self._open(audio, channel) as recording:
            return self._enroller.said(recording)

    def window_vectors(self, speech: NDArray[np.float32], *, step: int) -> NDArray[np.float32]:
        """Embed windows of speech, 16 kHz, every `step` samples: centred unit rows `[windows, dimension]`."""
        return self._enroller.vectors(speech, step)

    def _excerpt(self, recording: Recording, seconds: float) -> Recording:
        limited = self._limits.kept([recording], silent)
        found = self._diarizer.diarize(recording, bounds=SpeakerBounds(), sensitivity=Sensitivity(), progress=limited)
        return cut_out(recording, best_excerpt(recording, found, seconds), self.settings.temp_dir)

    def _diarize(
        self,
        audio: AudioSource,
        *,
        channel: int | None,
        channels: Channels,
        tracks: Tracks,
        bounds: SpeakerBounds | None,
        sensitivity: Sensitivity,
        probabilities: bool,
        clip_seconds: float,
        known: LookUp | None,
        progress: Progress,
    ) -> Diarization:
        check_channels(channels, channel, tracks)
        check_clip(clip_seconds)
        with ExitStack() as stack:
            if "separate" in (channels, tracks):
                by: Literal["channels", "tracks"] = "channels" if channels == "separate" else "tracks"
                opened = open_separately(audio, by, tracks=tracks, settings=self.hearing_settings)
                recordings = [stack.enter_context(recording) for recording in opened]
                progress = self._limits.kept(recordings, progress)
                try:
                    diarization = self._diarizer.diarize_channels(
                        recordings,
                        bounds=bounds,
                        sensitivity=sensitivity,
                        probabilities=probabilities,
                        known=known,
                        progress=progress,
                    )
                except ChannelsInseparable as error:
                    if by == "channels":
                        raise
                    raise TracksInseparable(_SAME_TRACKS) from error
            else:
                recordings = [stack.enter_context(self._open(audio, channel, tracks))]
                diarization = self._diarizer.diarize(
                    recordings[0],
                    bounds=bounds or SpeakerBounds(),
                    sensitivity=sensitivity,
                    probabilities=probabilities,
                    known=known,
                    progress=self._limits.kept(recordings, progress),
                )
            diarization = replace(diarization, peaks=np.max([peaks(recording) for recording in recordings], axis=0))
            return with_clips(diarization, recordings, clip_seconds) if clip_seconds else diarization

    def _name(self, diarization: Diarization, people: People, *, threshold: float, exclusive: bool) -> Identification:
        voices = diarization.voices
        heard = np.stack([voice.embedding for voice in voices]) if voices else np.zeros((0, 0), np.float32)
        matches = self._namer.name(
            voices, people.near(heard), among=len(people), threshold=threshold, exclusive=exclusive
        )
        return Identification(
            diarization=diarization,
            turns=name_turns(diarization.turns, matches),
            matches=matches,
            warnings=(*diarization.warnings, *self._namer.warnings(threshold), *self._warnings(people)),
        )

    def _warnings(self, people: People) -> tuple[str, ...]:
        if self.encoder == self._newest or not people.voiceprints:
            return ()
        return (
            f"The voiceprints were made by {self.encoder}, so the recording was heard with that; make them again, with"
            f" `timbre voiceprint` or POST /v1/voiceprint, and {self._newest} will hear it",
        )

    def _open(self, audio: AudioSource, channel: int | None, tracks: Tracks = "mixed") -> Recording:
        return open_recording(audio, channel=channel, tracks=tracks, settings=self.hearing_settings)


def voiceprint_space(model: str | None = None, *, settings: Settings | None = None) -> tuple[str, str]:
    """The name of the pack that an engine would load, and its `space`, without loading it.

    Raises:
        ModelMissing: the pack is not on this machine.
        ModelUnknown: there is no such pack.
    """
    namer = load_namer(model, settings)
    return namer.model, namer.space


def _threshold(given: float | None, gallery: Gallery | None) -> float:
    """Return the confidence from which a name is given.

    Raises:
        OptionError: it is none.
    """
    if given is None:
        return THRESHOLD if gallery is None else GALLERY_THRESHOLD
    check_threshold(given)
    return given
