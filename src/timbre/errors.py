"""Every error Timbre raises, in one tree.

    TimbreError
    ├── InputError                    the caller's input is at fault (exit code 1)
    │   ├── AudioError
    │   │   ├── AudioUnreadable
    │   │   ├── AudioEmpty
    │   │   ├── AudioTooLong
    │   │   └── ChannelMissing
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
    ├── OptionError                   an option is out of range or contradicts another (exit code 2)
    ├── ModelError                    models are missing or damaged (exit code 3)
    │   ├── ModelUnknown
    │   ├── ModelMissing
    │   ├── ModelCorrupt
    │   └── ModelDownloadFailed
    ├── ExtraMissing                  an optional part of Timbre is not installed (exit code 3)
    └── Canceled                      the caller asked to stop

The class docstring is the default message, so each error is documented where it is defined.
"""

from __future__ import annotations


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


class ChannelMissing(AudioError):
    """The recording has no such channel; leave `channel` out to mix all channels."""


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


class OptionError(TimbreError):
    """An option is out of range or contradicts another."""


class ModelError(TimbreError):
    """A model cannot be used."""


class ModelUnknown(ModelError):
    """There is no model of this name; `timbre models list` shows the names."""


class ModelMissing(ModelError):
    """The model is not on this machine; get it with `timbre models pull base`."""


class ModelCorrupt(ModelError):
    """A model file does not match its checksum; get it again with `timbre models pull`."""


class ModelDownloadFailed(ModelError):
    """The model could not be downloaded; check the network, or use `timbre models export` and `import`."""


class ExtraMissing(TimbreError):
    """This needs a part of Timbre that is not installed; get it with `pip install "timbre[evaluation]"`."""


class Canceled(TimbreError):
    """Stopped because the caller asked for it."""
