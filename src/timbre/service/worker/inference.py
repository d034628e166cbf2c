"""What a job asks of the engine, and what comes of it. This runs in the engine's thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording
from timbre.audio.source import named_demuxer
from timbre.diarization.diarization import Diarization
from timbre.diarization.progress import Progress
from timbre.engine import Engine
from timbre.errors import AudioTooLong, EnrolmentRefused, EnrolmentTooLong, InputError, NoSpeech
from timbre.identification.voiceprint import Voiceprint
from timbre.service.files.clips import encoded
from timbre.service.jobs.attempts import Attempt
from timbre.service.jobs.label_requests import LabelRequest
from timbre.service.naming.candidate_pool import TeamGallery
from timbre.service.naming.named_output import name_output
from timbre.service.people.person import quality_json
from timbre.service.requests.conversations import REFERENCES, ConversationRequest, Reference
from timbre.service.requests.submissions import DiarizeRequest, EnrolRequest, IdentifyRequest, SpeakersRequest
from timbre.service.results.standing import Output
from timbre.service.results.transcripts import write_transcript
from timbre.service.results.voices import Asked, Voices
from timbre.settings import Settings

_WAY_OUT: Final = "add it to a person by POST /v1/speakers/{speakerId}/samples, which takes the best part."
STORED: Final = {"webhook_http": True}  # what was accepted stays accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What comes of hearing a recording."""

    output: Output
    duration: float  # seconds of audio
    peaks: bytes | None = None
    voices: Voices | None = None  # of its speakers
    voiceprint: Voiceprint | None = None  # that becomes a sample of a person
    clip: bytes | None = None  # of that voice


def hear(
    engine: Engine,
    attempt: Attempt,
    path: Path,
    *,
    references: Sequence[Path] = (),
    gallery: TeamGallery | None,
    progress: Progress,
    settings: Settings,
) -> Heard:
    """Hear a recording.

    Args:
        engine: Of the job's pack.
        attempt: At which job.
        path: The recording.
        references: Where the sound of the request's references lies, in their order.
        gallery: People of the gallery among whom its speakers are looked for.
        progress: Told how far it is; what it raises ends the work.
        settings: What it goes by.

    Raises:
        AudioError: the audio cannot be used.
        EnrolmentRefused: no voice can be learned from it.
        OptionError: a number of speakers or the like cannot be had.
    """
    with named(path, attempt.params.get("url", "")) as recording:
        if references:
            request = ConversationRequest.model_validate(attempt.params, context=STORED)
            known = _known(engine, request.references, references, settings)
            return _identified(
                engine, request, recording, known=known, gallery=gallery, progress=progress, settings=settings
            )
        return _heard(engine, attempt, recording, gallery=gallery, progress=progress, settings=settings)


def _heard(
    engine: Engine, attempt: Attempt, path: Path, *, gallery: TeamGallery | None, progress: Progress, settings: Settings
) -> Heard:
    match attempt.type:
        case "voiceprint":
            try:
                voiceprint = engine.voiceprint(path, max_seconds=settings.voiceprint_seconds)
            except EnrolmentTooLong as error:
                raise EnrolmentTooLong(f"{str(error).split(';')[0]}; cut it, or {_WAY_OUT}") from None
            return Heard(output=dict(voiceprint.to_dict()), duration=_seconds(voiceprint))
        case "enrol":
            return _enrolled(engine, EnrolRequest.model_validate(attempt.params, context=STORED), path, settings)
        case "identify":
            request = IdentifyRequest.model_validate(attempt.params, context=STORED)
            return _identified(engine, request, path, gallery=gallery, progress=progress, settings=settings)
        case "label":
            about = LabelRequest.model_validate(attempt.params, context=STORED)
            # Without turns that never overlap, its transcript could not be labelled again when people are renamed.
            about = about.model_copy(update={"exclusive": True})
            if about.named:
                heard = _identified(engine, about, path, gallery=gallery, progress=progress, settings=settings)
            else:
                heard = _diarized(engine, about, path, progress=progress, settings=settings)
            faults = write_transcript(heard.output, about.transcript, about.format, duration=heard.duration)
            if told := "; ".join(filter(None, (heard.output.get("warning"), *faults))):
                heard.output["warning"] = told
            return heard
        case _:
            wish = DiarizeRequest.model_validate(attempt.params, context=STORED)
            return _diarized(engine, wish, path, progress=progress, settings=settings)


@contextmanager
def named(path: Path, url: str) -> Iterator[Path]:
    """Give a recording the end of the name that its client has for it, where nothing else tells its format."""
    suffix = PurePosixPath(urlsplit(url).path).suffix
    if named_demuxer(f"recording{suffix}") is None:
        yield path
        return
    with TemporaryDirectory() as folder:
        link = Path(folder, f"recording{suffix}")
        link.symlink_to(path.absolute())
        yield link


def _diarized(engine: Engine, request: SpeakersRequest, path: Path, *, progress: Progress, settings: Settings) -> Heard:
    diarization = engine.diarize(path, progress=progress, clip_seconds=settings.clip_seconds, **_options(request))
    output = _asked_for(diarization.to_dict(**_showing(request)), request)
    return _with_voices(engine, diarization, output, None)


def _identified(
    engine: Engine,
    request: IdentifyRequest,
    path: Path,
    *,
    known: Mapping[str, str] = {},
    gallery: TeamGallery | None,
    progress: Progress,
    settings: Settings,
) -> Heard:
    voiceprints = {labelled.label: labelled.voiceprint for labelled in request.voiceprints or ()} | {**known}
    if gallery is None:
        engine = engine.that_made(voiceprints)
    identification = engine.identify(
        path,
        voiceprints,
        gallery=gallery,
        threshold=request.matching.threshold,
        exclusive=request.matching.exclusive,
        merge_speakers=request.matching.merge_speakers,
        progress=progress,
        clip_seconds=settings.clip_seconds,
        **_options(request),
    )
    output = _asked_for(identification.to_dict(**_showing(request)), request)
    if gallery is not None:
        name_output(output, identification.matches, pool=gallery.pool, names=gallery.names)
    asked = Asked(
        selection=request.speakers,
        voiceprints=voiceprints,
        threshold=request.matching.threshold,
        exclusive=request.matching.exclusive,
    )
    return _with_voices(engine, identification.diarization, output, asked)


def _known(
    engine: Engine, references: Sequence[Reference], paths: Sequence[Path], settings: Settings
) -> dict[str, str]:
    """Learn the voices of references; several of one name are one person's."""
    learn = partial(engine.voiceprint, max_seconds=settings.voiceprint_seconds, excerpt=True)
    heard: dict[str, list[Path]] = {}
    known: dict[str, str] = {}
    for number, (reference, path) in enumerate(zip(references, paths, strict=True)):
        try:  # each by itself, so that the error says which it is
            known[reference.label] = str(learn(path))
        except AudioTooLong:  # for this lane, perhaps
            raise
        except InputError as error:
            raise EnrolmentRefused(f"{REFERENCES}[{number}], of {reference.label!r}: {error}") from error
        heard.setdefault(reference.label, []).append(path)
    return known | {label: str(learn([*own])) for label, own in heard.items() if len(own) > 1}


def _with_voices(engine: Engine, diarization: Diarization, output: Output, asked: Asked | None) -> Heard:
    return Heard(
        output=output,
        duration=diarization.duration,
        peaks=diarization.peaks.tobytes(),
        voices=Voices(
            space=engine.space,
            voices=tuple(replace(voice, clip=None) for voice in diarization.voices),
            clips={voice.speaker: encoded(voice.clip) for voice in diarization.voices if voice.clip is not None},
            asked=asked,
        ),
    )


def _enrolled(engine: Engine, request: EnrolRequest, path: Path, settings: Settings) -> Heard:
    source: Any = path
    if request.end is not None:
        with open_recording(path, channel=None, settings=engine.hearing_settings) as recording:
            samples = recording.read(round(request.start * SAMPLE_RATE), round(request.end * SAMPLE_RATE))
        if not samples.size:
            raise NoSpeech("The recording ends before this stretch begins; choose another one.")
        source = (samples, SAMPLE_RATE)
    voiceprint = engine.voiceprint(
        source, max_seconds=settings.voiceprint_seconds, excerpt=True, clip_seconds=settings.clip_seconds
    )
    quality = voiceprint.quality[0]
    output: Output = {"quality": {**(quality_json(quality) or {}), "advice": list(quality.advice)}}
    if warning := voiceprint.to_dict().get("warning"):
        output["warning"] = warning
    clip = None if voiceprint.clip is None else encoded(voiceprint.clip)
    return Heard(output=output, duration=_seconds(voiceprint), voiceprint=voiceprint, clip=clip)


def _seconds(voiceprint: Voiceprint) -> float:
    return sum(quality.seconds for quality in voiceprint.quality)


def _options(request: SpeakersRequest) -> dict[str, Any]:
    return {
        "num_speakers": request.num_speakers,
        "min_speakers": request.min_speakers,
        "max_speakers": request.max_speakers,
        "channels": request.channels,
        "tracks": request.tracks,
        "vad_sensitivity": request.vad_sensitivity,
        "crosstalk_sensitivity": request.crosstalk_sensitivity,
        "probabilities": request.speech_probability or request.crosstalk_probability or request.speaker_probability,
    }


def _showing(request: SpeakersRequest) -> dict[str, bool]:
    return {
        "exclusive": request.exclusive or request.transcription,  # whose the words are is told by them
        "confidence": request.confidence,
        "turn_level_confidence": request.turn_level_confidence,
    }


def _asked_for(output: Output, request: SpeakersRequest) -> Output:
    """Return an output without curves that nobody asked for."""
    curves = {
        "speechProbability": request.speech_probability,
        "crosstalkProbability": request.crosstalk_probability,
        "speakerProbability": request.speaker_probability,
    }
    return {name: value for name, value in output.items() if curves.get(name, True)}
