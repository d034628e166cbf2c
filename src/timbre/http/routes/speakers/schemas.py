"""The answers about people, as the API reference describes them; see `schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from timbre.http.schemas import Answer, JobStatus, Score, Time, Uuid, left_out

SpeakerId = Annotated[Uuid, Field(description="Id of the person.")]
Date = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2027-10-02"])]
Name = Annotated[str, Field(description="As results name them.", examples=["Ada Lovelace"])]


class Candidate(Answer):
    """A person of the gallery who may be a speaker."""

    speaker_id: Uuid
    name: str = Field(examples=["Ada"])
    confidence: Score = Field(description="How likely it is this person, with the number of people accounted for.")


class ConsentRecord(Answer):
    """Why somebody's voice may be kept."""

    basis: str = Field(examples=["signed form"])
    date: Date | None = Field(description="When they agreed; null if it was not said.")
    note: str | None = Field(description="Whatever else was noted.", examples=["folder 3"])


class SampleQuality(Answer):
    """What was measured on the recording of a sample."""

    seconds: float = Field(ge=0, description="Length of the recording.", examples=[20.1])
    speech_seconds: float = Field(ge=0, description="Of which somebody speaks.", examples=[17.4])
    level: float = Field(description="How loud the speech is, in dBFS.", examples=[-23.1])
    clipped: float = Field(description="Fraction of samples at full scale.", examples=[0.0])
    snr: float | None = Field(
        description="Speech above the background, in dB; null where there is no background.", examples=[31.0]
    )
    single_speaker: float = Field(description="0 to 100: how sure it is that one person speaks.", examples=[98])
    advice: list[str] = Field(description="What would make it better.")


class SpeakerSample(Answer):
    """What one recording told of a voice."""

    id: Uuid
    source: Literal["recording", "job", "voiceprint"] = Field(
        description="`recording` was sent for it, `job` is from the recording of a job, `voiceprint` came as one."
    )
    job_id: Uuid | None = Field(description="The job whose recording it is from; null if that is gone, or none was.")
    job_title: str | None = Field(description="What that recording is called.", examples=["standup.flac"])
    speech_seconds: float = Field(ge=0, description="Seconds of speech behind it.", examples=[17.4])
    quality: SampleQuality | None = Field(description="Null where it is not known.")
    model: Literal["current", "other"] = Field(
        description="Whether it is of the encoder that the gallery's people are compared by; `other` ones find nobody."
    )
    alike: Score | None = Field(
        description="How likely it is the same voice as the person's other samples, from 0 to 100; null where there are"
        " none to compare with, or it was just made. A low one may have come in by mistake.",
        examples=[97],
    )
    has_clip: bool = Field(description="Whether there are some seconds to listen to.")
    created_at: Time
    warning: str | SkipJsonSchema[None] = Field(
        None, description="What to know about the request that made it.", json_schema_extra=left_out
    )


class Speaker(Answer):
    """A person of the gallery."""

    id: SpeakerId
    name: Name
    tags: list[str] = Field(description="Words to choose people by.", examples=[["board"]])
    consent: ConsentRecord | None = Field(description="Null if none was recorded.")
    review_date: Date | None = Field(description="When it is to be asked whether they may stay.")
    created_at: Time
    updated_at: Time
    last_heard_at: Time | None = Field(description="When a job last named them; null if none ever did.")
    sample_count: int = Field(ge=0, examples=[3])
    speech_seconds: float = Field(ge=0, description="Of all samples.", examples=[48.2])
    advice: list[str] = Field(
        description="What would make them surer to recognise, and what is due.",
        examples=[["All speech is from one recording: add one from another day or microphone"]],
    )


class SpeakerDetail(Speaker):
    """A person of the gallery, with all samples."""

    samples: list[SpeakerSample] = Field(description="The oldest first.")
    job_id: Uuid | SkipJsonSchema[None] = Field(
        None,
        description="The job that hears the sample sent along; absent if there is none to wait for.",
        json_schema_extra=left_out,
    )
    warning: str | SkipJsonSchema[None] = Field(
        None, description="What was probably not meant, such as keys that are ignored.", json_schema_extra=left_out
    )


class SpeakerList(Answer):
    """One page of the people of a team, the newest first."""

    items: list[Speaker]
    next_cursor: Uuid | None = Field(description="The `cursor` of the next page; null on the last one.")
    total: int = Field(ge=0, description="How many people there are on all pages.", examples=[240])
    version: int = Field(ge=0, description="How often the people of the team have changed.", examples=[913])


class SpeakerErased(Answer):
    """The person is gone."""

    speaker_id: SpeakerId
    deleted: Literal[True]


class EnrolmentCreated(Answer):
    """A job will hear the recording and add what it tells to the person's samples."""

    job_id: Uuid
    status: JobStatus = Field(examples=["created"])
    warning: str | SkipJsonSchema[None] = Field(
        None, description="What was probably not meant.", json_schema_extra=left_out
    )


class MapPoint(Answer):
    """A person on the map."""

    speaker_id: SpeakerId
    name: Name
    x: float = Field(examples=[0.3121])
    y: float = Field(examples=[-0.0876])


class AlikePair(Answer):
    """Two people who sound alike."""

    speaker_ids: list[SpeakerId] = Field(description="Of both.")
    likeness: int = Field(
        ge=10,
        le=100,
        description="The confidence with which a recording that sounds just like the one would be taken for the other.",
        examples=[34],
    )


class SpeakerMap(Answer):
    """A map of the voices: those that sound alike are near each other."""

    points: list[MapPoint]
    pairs: list[AlikePair] = Field(description="Who sounds alike, those most alike first; at most 50.")


class ImportFault(Answer):
    """A line of an import that is at fault."""

    line: int = Field(ge=1, description="Counted from 1.", examples=[7])
    message: str = Field(examples=["name: Expected a name of 1 to 100 characters, got an empty text"])


class ImportReport(Answer):
    """What became of an import."""

    created: int = Field(ge=0, description="People who are new.", examples=[12])
    updated: int = Field(ge=0, description="People who were there and have more than before.", examples=[3])
    samples: int = Field(ge=0, description="Samples that were added.", examples=[41])
    failed: int = Field(ge=0, description="Lines at fault, of which nothing was kept.", examples=[0])
    errors: list[ImportFault] = Field(description="Why, for the first thousand of them.")


class FoundSpeaker(Candidate):
    """A person who sounds like what was looked for."""

    cosine: float = Field(
        ge=-1, le=1, description="How near the voices are; it does not compare between models.", examples=[0.71]
    )


class SearchResult(Answer):
    """Who sounds most like a voice."""

    items: list[FoundSpeaker] = Field(description="The likeliest first.")
    people: int = Field(ge=0, description="Among how many people they were looked for.", examples=[412])
    version: int = Field(ge=0, description="The version of the gallery.", examples=[37])
    warning: str | SkipJsonSchema[None] = Field(
        None, description="What to know about the request.", json_schema_extra=left_out
    )


class StayingSpeaker(Answer):
    """A person who cannot be embedded again."""

    speaker_id: SpeakerId
    name: Name


class UpgradeRun(Answer):
    """How the last upgrade goes or went."""

    state: Literal["running", "succeeded", "failed"]
    done: int = Field(ge=0, description="Samples that are embedded again.", examples=[120])
    total: int = Field(ge=0, description="Samples that are to be.", examples=[400])
    started_at: Time
    ended_at: Time | None = Field(description="Null while it runs.")
    error: str | None = Field(description="Why it failed; null unless it did.")


class GalleryUpgradeState(Answer):
    """How a gallery stands to the encoder that the server hears with."""

    encoder: str | None = Field(
        description="That people are compared by; null where there is neither anybody nor a model.",
        examples=["timbre-voice-1"],
    )
    server_encoder: str | None = Field(
        description="That the server hears with; null without a model.", examples=["timbre-voice-1"]
    )
    needed: bool = Field(description="Whether an upgrade has anything to do.")
    earlier: int = Field(ge=0, description="People of whom every sample is of another encoder.", examples=[240])
    samples: int = Field(ge=0, description="Samples that can be embedded again from their clips.", examples=[400])
    without_clip: int = Field(
        ge=0, description="How many of these people cannot be embedded again, as no clip is kept.", examples=[2]
    )
    without_clip_speakers: list[StayingSpeaker] = Field(description="Who they are; the first thousand.")
    run: UpgradeRun | None = Field(description="Null if there was none yet.")


class DueSpeaker(Answer):
    """A person whom no recording names."""

    speaker_id: SpeakerId
    name: Name
    created_at: Time
    last_heard_at: Time | None = Field(description="When a recording last named them; null if none ever did.")
    due_at: Time = Field(description="When they have not been named for as long as the setting says.")
    erased_from: Time = Field(description="From when on they are erased: at the earliest seven days after a notice.")


class DueReview(Answer):
    """A person of whom it is to be asked whether they may stay."""

    speaker_id: SpeakerId
    name: Name
    review_date: Date


class SpeakerRetentionReport(Answer):
    """Who is to be erased, and whose review is due; the first thousand of each."""

    months: int = Field(ge=0, description="After which people are erased whom no recording names; 0 for never.")
    due_now: list[DueSpeaker]
    due_soon: list[DueSpeaker] = Field(description="Within 30 days.")
    review_due: list[DueReview] = Field(description="Nobody is erased for it.")
