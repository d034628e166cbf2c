"""Every error Timbre raises, in one tree.

    TimbreError
    ├── InputError                    the caller's input is at fault (exit code 1)
    │   ├── AudioError
    │   │   ├── AudioUnreadable
    │   │   ├── AudioEmpty
    │   │   ├── AudioTooLong
    │   │   ├── HearingTooLong
    │   │   ├── ChannelMissing
    │   │   ├── ChannelsInseparable
    │   │   ├── TrackMissing
    │   │   ├── TracksInseparable
    │   │   └── FetchFailed
    │   ├── EnrolmentRefused
    │   │   ├── NoSpeech
    │   │   ├── SpeechTooShort
    │   │   ├── EnrolmentTooLong
    │   │   └── SeveralSpeakers
    │   ├── VoiceprintError
    │   │   ├── VoiceprintMalformed
    │   │   └── VoiceprintMismatch
    │   ├── FormatError
    │   └── TrialsError
    ├── DecodingInterrupted           decoding was ended from outside (exit code 3)
    ├── OptionError                   an option is out of range or contradicts another (exit code 2)
    ├── ModelError                    models are missing or damaged (exit code 3)
    │   ├── ModelUnknown
    │   ├── ModelMissing
    │   ├── ModelCorrupt
    │   └── ModelDownloadFailed
    ├── ExtraMissing                  an optional part of Timbre is not installed (exit code 3)
    ├── DiskFull                      there is no room for what is written (exit code 3)
    ├── BackupError                   a backup cannot be made or used (exit code 3)
    │   ├── BackupMissing
    │   ├── BackupUnreadable
    │   └── RestoreRefused
    ├── ServiceError                  a request to the server cannot be granted
    │   ├── RequestInvalid
    │   ├── RequestTooLarge
    │   │   └── QuotaSpent
    │   ├── UploadRefused
    │   ├── UploadTooSlow
    │   ├── KeyRejected
    │   ├── ScopeMissing
    │   ├── BudgetSpent
    │   ├── TooManyRequests
    │   ├── IdempotencyConflict
    │   ├── RevisionStale
    │   ├── VoiceDecided
    │   ├── NothingToStep
    │   ├── SignInRejected
    │   ├── LinkRejected
    │   ├── RangeUnsatisfiable
    │   ├── NotKept                   what was asked for is not here
    │   │   ├── JobUnknown
    │   │   ├── OutputMissing
    │   │   ├── MediaUnknown
    │   │   ├── DeliveryUnknown
    │   │   ├── KeyUnknown
    │   │   ├── ProviderMissing
    │   │   ├── PackUnknown
    │   │   ├── SpeakerUnknown
    │   │   ├── SampleUnknown
    │   │   ├── VoicesMissing
    │   │   └── StreamUnknown
    │   ├── NameTaken
    │   ├── KeyInUse
    │   ├── PullRefused
    │   ├── UpgradeRefused
    │   ├── SpacesDiffer
    │   ├── SamplesFull
    │   ├── StreamRefused             a live stream ends here
    │   │   ├── FrameRefused
    │   │   └── StreamBroken
    │   ├── OriginRejected
    │   ├── HostRejected
    │   ├── JobUnsuccessful
    │   ├── WordsMissing
    │   └── ServiceUnavailable
    │       ├── StorageFull
    │       ├── GalleryMoved
    │       ├── ProviderUnavailable
    │       ├── MasterKeyMissing
    │       └── TemplateUnreadable
    ├── RemoteError                   a server that a command asks refuses, or is away (exit code 3)
    ├── DeliveryFailed                a webhook's receiver could not be reached, or did not answer 2xx
    ├── RecogniserFailed              what recognises words is away, or answers something else
    ├── ServerError                   the server cannot start (exit code 3)
    │   ├── DataFolderBusy
    │   ├── PathUnusable
    │   ├── AddressBusy
    │   ├── DatabaseUnavailable
    │   ├── SchemaOutdated
    │   └── MasterKeyInvalid
    └── Canceled                      the caller asked to stop

The class docstring is the default message, so each error is documented where it is defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TimbreError(Exception):
    """Something went wrong in Timbre."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class InputError(TimbreError):
    """The input cannot be used as it is."""


class AudioError(InputError):
    """Could not load audio."""


class AudioUnreadable(AudioError):
    """Could not load audio: this is not a recording that can be decoded; check that the file plays elsewhere."""


class AudioEmpty(AudioError):
    """Could not load audio: the file holds no sound; check that it was copied or uploaded completely."""


class AudioTooLong(AudioError):
    """Could not load audio: it is longer than allowed; cut it, or raise TIMBRE_MAX_HOURS."""


class HearingTooLong(AudioError):
    """Hearing this recording took longer than it may on this server; submit it again later."""


class ChannelMissing(AudioError):
    """The recording has no such channel; leave `channel` out to mix all channels."""


class ChannelsInseparable(AudioError):
    """The recording has no channel for each person; leave `channels` out to tell its speakers apart by voice."""


class TrackMissing(AudioError):
    """The recording has no such sound track; leave `tracks` out to mix all sound tracks."""


class TracksInseparable(AudioError):
    """The recording has no sound track for each person; leave `tracks` out to tell its speakers apart by voice."""


class FetchFailed(AudioError):
    """Could not load audio: the URL could not be fetched; give a direct link to the file that needs no login."""


class EnrolmentRefused(InputError):
    """This recording cannot make a voiceprint."""


class NoSpeech(EnrolmentRefused):
    """No speech was found; record the person speaking, close to the microphone."""


class SpeechTooShort(EnrolmentRefused):
    """There is too little speech for a voiceprint; give at least a few seconds, better twenty."""


class EnrolmentTooLong(EnrolmentRefused):
    """The recording is longer than a voiceprint may be made from; cut it, or raise `max_seconds`."""


class SeveralSpeakers(EnrolmentRefused):
    """More than one person speaks; give a recording of one person alone."""


class VoiceprintError(InputError):
    """This voiceprint cannot be used."""


class VoiceprintMalformed(VoiceprintError):
    """This is not a voiceprint made by Timbre, or it was damaged or cut; make it again from a recording."""


class VoiceprintMismatch(VoiceprintError):
    """This voiceprint was made by another encoder; make it again, or select the model that made it."""


class FormatError(InputError):
    """The file of turns cannot be read."""


class TrialsError(InputError):
    """The list of trials cannot be used."""


class DecodingInterrupted(TimbreError):
    """Decoding was ended from outside before the recording was heard to its end; try again."""


class OptionError(TimbreError):
    """An option is out of range or contradicts another."""


class ModelError(TimbreError):
    """A model cannot be used."""


class ModelUnknown(ModelError):
    """There is no model of this name; `timbre models list` shows the names."""


class ModelMissing(ModelError):
    """The model is not on this machine; get its pack with `timbre models pull`."""


class ModelCorrupt(ModelError):
    """A model file does not match its checksum; get it again with `timbre models pull`."""


class ModelDownloadFailed(ModelError):
    """The model could not be downloaded; check the network, or use `timbre models export` and `import`."""


class ExtraMissing(TimbreError):
    """This needs a package of an extra of Timbre that is not installed."""


class DiskFull(TimbreError):
    """The disk is full; make room, and do this once more."""


class BackupError(TimbreError):
    """The backup cannot be made or used."""


class BackupMissing(BackupError):
    """There is no backup here; name the place that `timbre backup` wrote to."""


class BackupUnreadable(BackupError):
    """This part of a backup is damaged, or was sealed with another master key; try a backup before it."""


class RestoreRefused(BackupError):
    """There is a database already, and nothing is restored over another; name an empty one, or another data folder."""


class ServiceError(TimbreError):
    """The request cannot be granted."""


class RequestInvalid(ServiceError):
    """Invalid request."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("Invalid request")
        self.errors = tuple(errors)  # field, what is wrong with it


class RequestTooLarge(ServiceError):
    """The request is larger than allowed; send less."""


class QuotaSpent(RequestTooLarge):
    """The team keeps as much as it may (`TIMBRE_TEAM_GB`); wait until the time of something is over, or keep less."""


class UploadRefused(ServiceError):
    """Something is being uploaded to this link just now; wait for its end, or ask for another link."""


class UploadTooSlow(ServiceError):
    """The upload came too slowly; send it again over a faster line."""


class KeyRejected(ServiceError):
    """The API key is missing, wrong or revoked; send `Authorization: Bearer sk_…`."""


class ScopeMissing(ServiceError):
    """The API key does not have the scope this needs; make another with `timbre keys create --scope`."""


class BudgetSpent(ServiceError):
    """The team's budget for this month is used up; raise it with `timbre usage --budget`."""


class TooManyRequests(ServiceError):
    """Too many requests; wait as long as Retry-After says."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  # seconds


class IdempotencyConflict(ServiceError):
    """This Idempotency-Key was used for another request within a day; take a new one."""


class RevisionStale(ServiceError):
    """The result has changed since it was looked at; look at it again, and say what you think of it as it is now."""

    def __init__(self, message: str, *, revision: int, changes: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.revision = revision  # that the result has now
        self.changes = tuple(changes)  # since the one that was seen, as the history has them


class VoiceDecided(ServiceError):
    """Somebody has decided about this voice meanwhile; look at the review again."""


class NothingToStep(ServiceError):
    """There is nothing to undo or to redo; `GET /v1/jobs/{jobId}/history` lists what was."""


class SignInRejected(ServiceError):
    """This link, key or account signs nobody in; `timbre keys link` makes a new link."""


class LinkRejected(ServiceError):
    """This link is not valid or has expired; ask for a new one."""


class RangeUnsatisfiable(ServiceError):
    """There is nothing of the part of the file that `Range` asks for; Content-Range says how long the file is."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size  # bytes


class NotKept(ServiceError):
    """There is no such thing here."""


class JobUnknown(NotKept):
    """There is no such job; it may have been deleted, or belong to another team."""


class OutputMissing(NotKept):
    """This job has no output: it has not succeeded, or its output was deleted when its time was over."""


class MediaUnknown(NotKept):
    """Nothing is kept at this address: it was never uploaded, or deleted when its time was over; upload it again."""


class DeliveryUnknown(NotKept):
    """There is no such delivery of a webhook; `GET /v1/webhooks/deliveries` lists them."""


class KeyUnknown(NotKept):
    """There is no such API key; `timbre keys list` shows them."""


class ProviderMissing(NotKept):
    """Nobody signs in here by an account elsewhere; use a link of `timbre keys link`, or an API key."""


class PackUnknown(NotKept):
    """There is no such pack of models; `GET /v1/models` lists those there are."""


class SpeakerUnknown(NotKept):
    """There is no such person; they may have been erased, or belong to another team."""


class SampleUnknown(NotKept):
    """This person has no such sample; `GET /v1/speakers/{speakerId}` lists those there are."""


class VoicesMissing(NotKept):
    """The voices of this job are not kept: it has not succeeded, or its output was deleted; submit it again."""


class StreamUnknown(NotKept):
    """There is no such stream; it may be long over, or belong to another team."""


class StreamRefused(ServiceError):
    """This stream cannot be opened; make another with POST /v1/live."""


class FrameRefused(StreamRefused):
    """Invalid chunk size."""


class StreamBroken(StreamRefused):
    """The stream cannot go on; make another with POST /v1/live."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code  # that the connection is closed with


class NameTaken(ServiceError):
    """Another person has this name already; a name means one person."""


class KeyInUse(ServiceError):
    """This request was made with this very key; revoke it with another one, or with `timbre keys revoke`."""


class PullRefused(ServiceError):
    """The pack cannot be pulled now; `GET /v1/models` tells what is being pulled."""


class UpgradeRefused(ServiceError):
    """The gallery cannot be brought to the server's model now; `GET /v1/speakers/upgrade` tells why."""


class SpacesDiffer(ServiceError):
    """Voices and people of different encoders do not compare; `GET /v1/speakers/upgrade` tells what people are of."""


class SamplesFull(ServiceError):
    """This person has 24 samples of one model, as many as one can have; remove one to add another."""


class OriginRejected(ServiceError):
    """This request came from another site; use the web app of this server, or send an API key."""


class HostRejected(ServiceError):
    """This server does not answer to that name; its operator adds it to `TIMBRE_ALLOWED_HOSTS`."""


class JobUnsuccessful(ServiceError):
    """The job of this request was canceled, or its recording cannot be used."""

    def __init__(self, message: str, *, field: str | None) -> None:
        super().__init__(message)
        self.field = field  # of the request, that is at fault; None where the server is


class WordsMissing(ServiceError):
    """The words could not be recognised; `GET /v1/jobs/{jobId}` has who speaks, and why the words are missing."""


class ServiceUnavailable(ServiceError):
    """The server is not ready; try again soon."""


class StorageFull(ServiceUnavailable):
    """The disk of the server has no room for recordings; its operator makes room, then send this again."""


class GalleryMoved(ServiceUnavailable):
    """The gallery was brought to another model just now; try again."""


class ProviderUnavailable(ServiceUnavailable):
    """The provider of accounts does not answer as it should; try again soon, or sign in by a link or an API key."""

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason  # for whoever runs the server; the log has it too


class MasterKeyMissing(ServiceUnavailable):
    """The server has no master key to protect voiceprints with; set TIMBRE_MASTER_KEY or TIMBRE_MASTER_KEY_FILE."""


class TemplateUnreadable(ServiceUnavailable):
    """A voiceprint cannot be decrypted: the master key is another one, or the team's key is gone, or it was changed."""


class RemoteError(TimbreError):
    """The server that was asked refuses, or does not answer; check its address and the key in TIMBRE_KEY."""

    def __init__(self, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status  # of the answer; None where none came


class DeliveryFailed(TimbreError):
    """A webhook's receiver could not be reached, or did not answer 2xx."""

    def __init__(self, reason: str, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.reason = reason  # as the header `x-retry-reason` has it
        self.status = status  # of the answer, where one came


class RecogniserFailed(TimbreError):
    """What recognises words could not be reached, or did not answer with words; check TIMBRE_ASR_URL."""


class ServerError(TimbreError):
    """The server cannot start."""


class DataFolderBusy(ServerError):
    """Another server runs on this data folder; stop it first, or name another folder with --data-dir."""


class PathUnusable(ServerError):
    """A file or folder of the server cannot be used; move away what is in its way, or make it writable."""


class AddressBusy(ServerError):
    """Another program listens on this address; stop it, or choose another port with --port."""


class DatabaseUnavailable(ServerError):
    """The database cannot be reached; check TIMBRE_DATABASE_URL and that PostgreSQL runs."""


class SchemaOutdated(ServerError):
    """The database was made by another version of Timbre; bring it up to date with `timbre migrate`."""


class MasterKeyInvalid(ServerError):
    """The master key is not 32 bytes in base64; `openssl rand -base64 32` makes one."""


class Canceled(TimbreError):
    """Stopped because the caller asked for it."""
