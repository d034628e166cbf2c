"""What may be asked of diarization, checked: the options of the engine under the names that callers know."""

from __future__ import annotations

from typing import Final, Literal, get_args

from timbre.audio import Tracks
from timbre.diarization.merging import SpeakerBounds
from timbre.diarization.recipe import Sensitivity
from timbre.errors import OptionError

Channels = Literal["mixed", "separate"]
MOST_SENSITIVE: Final = 5.0
LONGEST_CLIP: Final = 60.0  # seconds


def speaker_bounds(exact: int | None, least: int | None, most: int | None) -> SpeakerBounds | None:
    """Return the bounds that were asked for, None where none were.

    Raises:
        OptionError: one is no whole number from 1 on, or they contradict each other.
    """
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


def sensitivity(speech: float, overlap: float) -> Sensitivity:
    """Return how readily speech and overlap are to be heard.

    Raises:
        OptionError: one is not from -5 to 5.
    """
    for name, value in (("vad_sensitivity", speech), ("crosstalk_sensitivity", overlap)):
        if not -MOST_SENSITIVE <= value <= MOST_SENSITIVE:
            raise OptionError(f"{name} is a number from -5 to 5, not {value:g}.")
    return Sensitivity(speech=speech, overlap=overlap)


def check_channels(channels: str, channel: int | None, tracks: Tracks) -> None:
    """Raise `OptionError` unless this says which channels and sound tracks to hear, and how."""
    if channels not in get_args(Channels):
        raise OptionError(f"channels is 'mixed' or 'separate', not {channels!r}.")
    if channels == "separate" and channel is not None:
        raise OptionError("channel takes one channel, and channels='separate' takes each: leave one of them out.")
    check_tracks(tracks)
    if tracks == "separate" and (channels == "separate" or channel is not None):
        raise OptionError("tracks='separate' mixes the channels of each sound track: leave channel and channels out.")


def check_tracks(tracks: Tracks) -> None:
    """Raise `OptionError` unless this says which sound tracks to hear."""
    if tracks not in ("mixed", "separate") and (not isinstance(tracks, int) or isinstance(tracks, bool) or tracks < 0):
        raise OptionError(f"tracks is 'mixed', 'separate', or the number of one, counted from 0, not {tracks!r}.")


def check_clip(seconds: float) -> None:
    """Raise `OptionError` if a clip cannot have this length."""
    if not 0 <= seconds <= LONGEST_CLIP:
        raise OptionError(f"clip_seconds is a length from 0 to {LONGEST_CLIP:g}, not {seconds:g}.")
