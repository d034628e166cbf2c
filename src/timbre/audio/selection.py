"""Which sound tracks of a file are heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import av
from av.container import InputContainer

from timbre.audio import MOST_TRACKS, Tracks
from timbre.audio.ffmpeg import codec_names, supported
from timbre.errors import AudioUnreadable, TrackMissing, TracksInseparable

_MOST_MIXED: Final = 32


def select(container: InputContainer, tracks: Tracks, *, alone: bool) -> tuple[list[av.AudioStream], list[str]]:
    """Return the sound tracks to hear, and warnings about those that are left out.

    Args:
        container: Of the file.
        tracks: What was asked for.
        alone: Of those that would be mixed take the best, as its channels are asked for.

    Raises:
        AudioUnreadable: none can be decoded; the message names their coding.
        TrackMissing: there is no such track.
        TracksInseparable: there is one track only, or there are too many to hear each by itself.
    """
    sound = list(container.streams.audio)
    if isinstance(tracks, int):
        if not 0 <= tracks < len(sound):
            if not sound:
                raise AudioUnreadable(_lack(container, sound))
            held = "one sound track" if len(sound) == 1 else f"{len(sound)} sound tracks"
            raise TrackMissing(
                f"The recording has no sound track {tracks}: it has {held}, counted from 0; leave `tracks` out to mix"
                " them."
            )
        if not supported(sound[tracks]):
            raise AudioUnreadable(_lack(container, [sound[tracks]]))
        return [sound[tracks]], []
    usable = [stream for stream in sound if supported(stream)]
    if not usable:
        raise AudioUnreadable(_lack(container, sound))
    if tracks == "separate" and not 1 < len(usable) <= MOST_TRACKS:
        held = "one sound track" if len(usable) == 1 else f"{len(usable)} sound tracks"
        raise TracksInseparable(
            f"The recording has {held}, and 2 to {MOST_TRACKS} can be heard each by itself; leave `tracks` out to"
            " tell its speakers apart by voice."
        )
    best = container.streams.best("audio")
    if not isinstance(best, av.AudioStream) or best not in usable:
        best = usable[0]
    heard = usable
    if tracks == "mixed":
        heard = [best] if alone else [stream for stream in usable if _same_language(stream, best)][:_MOST_MIXED]
    return heard, _left_out(container, sound, heard, alone=alone)


def _same_language(one: av.AudioStream, other: av.AudioStream) -> bool:
    """Tell whether tracks may belong together, and are no translations."""
    known = {stream.language for stream in (one, other)} - {None, "und"}
    return len(known) <= 1


def _left_out(
    container: InputContainer, sound: Sequence[av.AudioStream], heard: Sequence[av.AudioStream], *, alone: bool
) -> list[str]:
    indices = {stream.index for stream in heard}
    told = []
    for number, stream in enumerate(sound):
        if stream.index in indices:
            continue
        if not supported(stream):
            why, way = f"its coding, {codec_names(container).get(stream.index, 'unknown')}, is not supported", ""
        else:
            language = f"its language is {stream.language}" if stream.language else "there are too many"
            why, way = "channels of one track are heard" if alone else language, f"; `tracks` {number} hears it"
        told.append(f"sound track {number} of the file was left out, as {why}{way}")
    return told


def _lack(container: InputContainer, sound: Sequence[av.AudioStream]) -> str:
    if sound:
        names = codec_names(container)
        codings = " and ".join(sorted({names.get(stream.index, "unknown") for stream in sound}))
        return f"Could not load audio: the coding of its sound, {codings}, is not supported; convert it, as to FLAC."
    kinds = sorted({stream.type for stream in container.streams})
    return (
        "Could not load audio: the file has no sound track, it holds"
        f" {'only ' + ' and '.join(kinds) if kinds else 'nothing'}."
    )
