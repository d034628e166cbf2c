"""The answers about jobs, as the API reference describes them; see `schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from timbre.http.routes.speakers.schemas import Candidate, SampleQuality
from timbre.http.schemas import Answer, JobStatus, JobType, Score, Time, Uuid, left_out


class JobCreated(Answer):
    """The job is kept and will be done."""

    job_id: Uuid
    status: JobStatus = Field(examples=["created"])
    warning: str | SkipJsonSchema[None] = Field(
        None,
        description="What was probably not meant, such as keys that are ignored; absent if there is nothing to say.",
        examples=["Ignored unknown keys: speakers"],
        json_schema_extra=left_out,
    )


Seconds = Annotated[float, Field(ge=0, description="Seconds from the beginning of the recording.")]
Scores = Annotated[
    dict[str, Score],
    Field(description="From 0 to 100 for each speaker, independent of each other.", examples=[{"SPEAKER_00": 94}]),
]


class Segment(Answer):
    """A stretch of speech by one speaker."""

    speaker: str = Field(description="Label of the speaker, numbered from 00.", examples=["SPEAKER_00"])
    start: Seconds = Field(examples=[0.485])
    end: Seconds = Field(examples=[4.125])
    confidence: Scores | SkipJsonSchema[None] = Field(
        None,
        description="How sure each speaker of the recording is; there if `turnLevelConfidence` was asked for.",
        json_schema_extra=left_out,
    )


class IdentificationSegment(Segment):
    """A stretch of speech by one speaker, by name."""

    speaker: str = Field(description="The matched name, or the label if nobody was matched.", examples=["Ada"])
    diarization_speaker: str = Field(description="Label of the speaker.", examples=["SPEAKER_00"])
    match: str | None = Field(description="The matched name; null if nobody was matched.", examples=["Ada"])
    speaker_id: Uuid | SkipJsonSchema[None] | None = Field(
        None,
        description="The person of the gallery who was matched, null if none; there if `speakers` was asked for.",
        json_schema_extra=left_out,
    )

    turn: str | SkipJsonSchema[None] = Field(
        None,
        description="What decisions mean this turn by; there if people have decided about the result.",
        examples=["17"],
        json_schema_extra=left_out,
    )
    decided: bool | SkipJsonSchema[None] = Field(
        None,
        description="Whether a person said who speaks, or changed the turn; there if people have decided about the"
        " result.",
        json_schema_extra=left_out,
    )
    checked: bool | SkipJsonSchema[None] = Field(
        None, description="True if somebody has marked the turn as checked.", json_schema_extra=left_out
    )


class IdentificationVoiceprint(Answer):
    """One speaker of the recording, compared with every voiceprint of the request and the people of the gallery."""

    speaker: str = Field(description="Label of the speaker.", examples=["SPEAKER_00"])
    match: str | None = Field(description="The matched name; null if nobody was matched.", examples=["Ada"])
    speaker_id: Uuid | SkipJsonSchema[None] | None = Field(
        None,
        description="The person of the gallery who was matched, null if none; there if `speakers` was asked for.",
        json_schema_extra=left_out,
    )
    confidence: dict[str, Score] = Field(
        description="From 0 to 100 for each voiceprint, and each of `candidates` by name: how likely it is this person,"
        " with their number accounted for.",
        examples=[{"Ada": 88, "Grace": 20}],
    )
    candidates: list[Candidate] | SkipJsonSchema[None] = Field(
        None,
        description="The likeliest people of the gallery, the best first, at most five; there if `speakers` was asked"
        " for.",
        json_schema_extra=left_out,
    )
    decided: bool | SkipJsonSchema[None] = Field(
        None,
        description="Whether a person said who this is, or that nobody knows; there if people have decided about the"
        " result.",
        json_schema_extra=left_out,
    )


class GalleryState(Answer):
    """The people among whom speakers were looked for."""

    version: int = Field(ge=0, description="How often the people of the team had changed by then.", examples=[42])
    people: int = Field(ge=0, description="How many they were.", examples=[1200])


class FrameScores(Answer):
    """A curve over the whole recording."""

    score: list[Score] = Field(description="One value a frame, from 0 to 100.", examples=[[2, 4, 71, 98, 99]])
    resolution: float = Field(description="Seconds from one frame to the next.", examples=[0.02])


class SpeakerScores(Answer):
    """A curve over the whole recording for each speaker."""

    score: dict[str, list[Score]] = Field(
        description="Label of the speaker to one value a frame, from 0 to 100.", examples=[{"SPEAKER_00": [1, 3, 70]}]
    )
    resolution: float = Field(description="Seconds from one frame to the next.", examples=[0.02])


class TranscriptionSegment(Answer):
    """A turn of a transcript."""

    start: Seconds
    end: Seconds
    text: str = Field(examples=["morning"])
    speaker: str = Field(
        description="Name or label of the one speaker whose it is; empty where nobody who speaks says it.",
        examples=["Ada"],
    )


class TranscriptionWord(TranscriptionSegment):
    """A word."""

    word: int | SkipJsonSchema[None] = Field(
        None,
        description="By which decisions mean it; there once a word was changed. Before that, its place.",
        json_schema_extra=left_out,
    )
    decided: bool | SkipJsonSchema[None] = Field(
        None, description="Whether a person said how it reads; there with `word`.", json_schema_extra=left_out
    )


class Output(Answer):
    """What the outputs of all jobs may have."""

    warning: str | SkipJsonSchema[None] = Field(
        None,
        description="What to know about this result; absent if there is nothing to say.",
        json_schema_extra=left_out,
    )
    error: str | SkipJsonSchema[None] = Field(
        None,
        description="Why the job failed; absent if it did not.",
        examples=["Could not load audio"],
        json_schema_extra=left_out,
    )


class DiarizationOutput(Output):
    """Who spoke when."""

    diarization: list[Segment] = Field(description="In order of time; segments of different speakers may overlap.")
    exclusive_diarization: list[Segment] | SkipJsonSchema[None] = Field(
        None,
        description="Segments that never overlap; there if `exclusive` was asked for.",
        json_schema_extra=left_out,
    )
    confidence: FrameScores | SkipJsonSchema[None] = Field(
        None, description="How sure the diarization is; there if asked for.", json_schema_extra=left_out
    )
    speech_probability: FrameScores | SkipJsonSchema[None] = Field(
        None, description="How likely anybody speaks; there if asked for.", json_schema_extra=left_out
    )
    crosstalk_probability: FrameScores | SkipJsonSchema[None] = Field(
        None, description="How likely people talk at once; there if asked for.", json_schema_extra=left_out
    )
    speaker_probability: SpeakerScores | SkipJsonSchema[None] = Field(
        None, description="How likely each speaker speaks; there if asked for.", json_schema_extra=left_out
    )
    speaker_channels: dict[str, Annotated[int, Field(ge=0)]] | SkipJsonSchema[None] = Field(
        None,
        description="Label of the speaker to the channel or sound track, counted from 0; there if `channels` or"
        " `tracks` was `separate`.",
        examples=[{"SPEAKER_00": 0, "SPEAKER_01": 1}],
        json_schema_extra=left_out,
    )
    transcript: str | SkipJsonSchema[None] = Field(
        None,
        description="The transcript of a label job, or that was handed in, with the names of who speaks.",
        examples=["1\n00:00:00,500 --> 00:00:02,000\nAda: Good morning.\n"],
        json_schema_extra=left_out,
    )
    word_level_transcription: list[TranscriptionWord] | SkipJsonSchema[None] = Field(
        None,
        description="What is said, word by word; there if `transcription` was asked for, unless `warning` says that the"
        " words are missing, or if a transcript whose words have times was handed in.",
        json_schema_extra=left_out,
    )
    turn_level_transcription: list[TranscriptionSegment] | SkipJsonSchema[None] = Field(
        None,
        description="The same, in stretches that somebody says in one go; or the segments of the transcript.",
        json_schema_extra=left_out,
    )
    language: str | SkipJsonSchema[None] = Field(
        None,
        description="What is spoken, as the recogniser calls it; absent where it does not say.",
        examples=["en"],
        json_schema_extra=left_out,
    )


class IdentificationOutput(DiarizationOutput):
    """Who spoke when, by name."""

    identification: list[IdentificationSegment] = Field(
        description="One for each segment of `diarization`, in the same order; or what stands, where people have"
        " decided about turns."
    )
    exclusive_identification: list[IdentificationSegment] | SkipJsonSchema[None] = Field(
        None,
        description="What stands, in segments that never overlap; there if people have decided about the result, and"
        " `exclusive` was asked for.",
        json_schema_extra=left_out,
    )
    voiceprints: list[IdentificationVoiceprint] = Field(description="One for each speaker, in the order of labels.")
    gallery: GalleryState | SkipJsonSchema[None] = Field(
        None, description="There if `speakers` was asked for.", json_schema_extra=left_out
    )


class VoiceprintOutput(Output):
    """A voice, learned."""

    voiceprint: str = Field(
        description="Base64 text to keep and to send with `identify`; it is not kept by the server for long.",
        max_length=20_000,
        examples=["VE1CUgEAcHJpbnQ"],
    )


class EnrolOutput(Output):
    """A sample that was added to a person of the gallery."""

    speaker_id: Uuid
    sample_id: Uuid
    quality: SampleQuality


class FailedOutput(Answer):
    """Why there is no result."""

    error: str = Field(examples=["Could not load audio"])


class Job(Answer):
    """A job, and its output once it has ended."""

    job_id: Uuid
    status: JobStatus = Field(description="`succeeded`, `failed` and `canceled` are final.", examples=["succeeded"])
    type: JobType
    model: str = Field(description="The pack that hears the recording.", examples=["standard"])
    created_at: Time
    updated_at: Time
    progress: float = Field(ge=0, le=1, description="Fraction of the work that is done.", examples=[0.4])
    stage: str | SkipJsonSchema[None] = Field(
        None, description="What is being done; absent unless it is running.", json_schema_extra=left_out
    )
    ahead: Annotated[int, Field(ge=0)] | SkipJsonSchema[None] = Field(
        None,
        description="How many recordings wait before it to be heard; absent once it has begun.",
        json_schema_extra=left_out,
    )
    duration: Annotated[float, Field(ge=0)] | SkipJsonSchema[None] = Field(
        None,
        description="Seconds of the recording; absent until it was decoded.",
        examples=[79.4],
        json_schema_extra=left_out,
    )
    started_at: Time | SkipJsonSchema[None] = Field(
        None, description="When it was begun first; absent until then.", json_schema_extra=left_out
    )
    completed_at: Time | SkipJsonSchema[None] = Field(
        None, description="When it ended; absent until then.", json_schema_extra=left_out
    )
    output_expires_at: Time | SkipJsonSchema[None] = Field(
        None,
        description="When the output is deleted; absent unless it succeeded, and where it stays.",
        json_schema_extra=left_out,
    )
    warning: str | SkipJsonSchema[None] = Field(
        None,
        description="What was told when the job was submitted, and what is to be known of its output, such as sound"
        " that was left out.",
        json_schema_extra=left_out,
    )
    title: str | SkipJsonSchema[None] = Field(
        None,
        description="What the recording is called; absent if it has no title.",
        examples=["standup.flac"],
        json_schema_extra=left_out,
    )
    kept: bool = Field(description="Whether somebody keeps it until it is erased, with its output and its recording.")
    stays: bool = Field(description="Whether it stays until it is erased, as somebody keeps it or a rule does.")
    tags: list[str] = Field(description="Words to find the recording by, and to keep it by.", examples=[["interviews"]])
    source: Literal["api", "web"] = Field(description="How it was submitted.")
    revision: int = Field(
        ge=0, description="How often people have decided something about the result, or undone or redone it."
    )
    has_voices: bool = Field(description="Whether its voices are kept: they can be named again, and listened to.")
    has_audio: bool = Field(description="Whether its recording is kept, and can be listened to.")
    # The most telling first: a reader that takes the first that fits, takes the right one.
    output: (
        IdentificationOutput | DiarizationOutput | VoiceprintOutput | EnrolOutput | FailedOutput | SkipJsonSchema[None]
    ) = Field(
        None,
        description="Absent before the job has ended, and when the time of outputs is over; of a job that failed or was"
        " canceled it says why.",
        json_schema_extra=left_out,
    )


class NamedSpeaker(Answer):
    """A person of the gallery."""

    speaker_id: Uuid
    name: str = Field(examples=["Ada"])


class JobItem(Answer):
    """A job in a list."""

    id: Uuid
    status: JobStatus = Field(examples=["succeeded"])
    type: JobType | None = None
    source: Literal["api", "web"] = Field("api", description="How it was submitted.", examples=["api"])
    model: str | None = Field(None, description="The pack that hears the recording.", examples=["standard"])
    quantity: float | None = Field(None, ge=0, description="Seconds of the recording.", examples=[132])
    reason: str | None = Field(None, description="Why it failed.")
    warning: str | None = Field(
        None, description="What is to be known of its output.", examples=["No speech was found"]
    )
    created_at: Time
    completed_at: Time | None = Field(None, description="When it ended.")
    title: str | None = Field(None, description="What the recording is called.", examples=["standup.flac"])
    kept: bool = Field(description="Whether somebody keeps it until it is erased, with its output and its recording.")
    stays: bool = Field(description="Whether it stays until it is erased, as somebody keeps it or a rule does.")
    tags: list[str] = Field(description="Words to find the recording by, and to keep it by.", examples=[["interviews"]])
    output_expires_at: Time | None = Field(
        None, description="When the output is deleted; null if there is none, or it stays."
    )
    speakers: list[NamedSpeaker] = Field(description="People of the gallery whom the result names.")
    voices: int = Field(ge=0, description="How many voices speak, as the result stands.", examples=[4])
    unnamed: int = Field(
        ge=0, description="How many of them nobody has named, or said that nobody knows them.", examples=[1]
    )
    unchecked: int = Field(ge=0, description="How many of them have turns that nobody has looked at.", examples=[2])


class JobList(Answer):
    """One page of the team's jobs, the newest first."""

    items: list[JobItem]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")


class JobItemOld(Answer):
    """A job in a list of the old form."""

    id: Uuid
    status: JobStatus = Field(examples=["succeeded"])
    created_at: Time


class JobListOld(Answer):
    """A part of the team's jobs in the old form, the newest first."""

    items: list[JobItemOld]
    total: int = Field(ge=0, description="How many there are in all.", examples=[137])


class Deleted(Answer):
    """The job was canceled, or is gone with its output."""

    job_id: Uuid
    status: Literal["canceled"] | SkipJsonSchema[None] = Field(
        None, description="Absent when the job is gone.", json_schema_extra=left_out
    )
    deleted: bool = Field(description="Whether the job is gone; false if it was still to be done and is now canceled.")


class Voice(Answer):
    """How a speaker of a job sounds."""

    speaker: str = Field(description="Label of the speaker.", examples=["SPEAKER_00"])
    seconds: float = Field(ge=0, description="Seconds of their speech that were clean enough to go by.")
    has_clip: bool = Field(description="Whether there is something to listen to.")
    match: str | None = Field(description="The name they were given; null if none was.", examples=["Ada"])
    speaker_id: Uuid | None = Field(description="The person of the gallery they were found to be; null if none.")
    candidates: list[Candidate] = Field(description="The likeliest people of the gallery, the best first.")
    learned: bool = Field(description="Whether a decision about this result made the voice a sample of the person.")


class VoiceList(Answer):
    """The voices of a job, in the order of their labels."""

    items: list[Voice]


class Peaks(Answer):
    """How loud a recording is, or a stretch of it."""

    peaks: list[Annotated[int, Field(ge=0, le=255)]] = Field(
        description="The loudest moment of each of up to 2000 equal parts; 255 is full scale.",
        examples=[[0, 12, 180, 96]],
    )
    start: Seconds = Field(description="Where the first part begins.")
    end: Seconds = Field(description="Where the last part ends.", examples=[79.4])
    duration: float = Field(ge=0, description="Seconds of the recording.", examples=[79.4])
