"""A new stream, from what it shall do and what is known of voices; no network is needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from timbre.diarization.recipe import WITHOUT_SEGMENTER
from timbre.diarization.spread import Spread
from timbre.errors import OptionError
from timbre.identification.namer import Namer, check_threshold
from timbre.live.names import Names
from timbre.live.recipe import LIVE, LiveRecipe
from timbre.live.stream import LiveStream
from timbre.models.packs import find_pack
from timbre.models.spaces import Space, own_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from timbre.identification.voiceprint import Voiceprint
    from timbre.models.same_voice import SameVoice
    from timbre.models.variation import Variation
    from timbre.settings import Settings

MOST_SPEAKERS: Final = 8
RECIPE: Final = WITHOUT_SEGMENTER  # of every pack: no stream asks a segmenter, and the other numbers count on one
_LIMIT: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpace:
    """What a stream knows of the voices of a pack."""

    namer: Namer
    variation: Variation | None  # how they vary; None where that was not fitted


def load_stream_space(model: str, settings: Settings) -> StreamSpace:
    """Load what a pack says about voices, and none of its networks.

    Raises:
        ModelMissing: the pack is not on this machine.
        ModelUnknown: there is no such pack.
        ModelCorrupt: the calibration is damaged.
    """
    pack = find_pack(model, settings)
    space = own_space(pack.encoder, settings)
    namer = Namer(space.same_voice(), space.name, model=pack.name)
    return StreamSpace(namer=namer, variation=fitted_variation(space, namer.same_voice))


def fitted_variation(space: Space, same_voice: SameVoice) -> Variation | None:
    """Load how the voices of a space vary; None where that was not fitted.

    Raises:
        ModelCorrupt: it is damaged.
    """
    if not same_voice.centre.any():  # then nobody says how long vectors are, and nothing was fitted to them
        return None
    variation = space.variation(same_voice.centre.size)
    return variation if variation.fitted else None


def new_stream(
    space: StreamSpace,
    *,
    voiceprints: Mapping[str, Voiceprint],
    among: int,
    threshold: float,
    exclusive: bool = True,
    max_speakers: int = MOST_SPEAKERS,
    partial: bool = False,
    recipe: LiveRecipe = LIVE,
) -> LiveStream:
    """Begin a stream.

    Args:
        space: What is known of voices.
        voiceprints: Those who are likely to speak, by name.
        among: People who are looked for, in all.
        threshold: Confidence, 0-100, from which a name is one.
        exclusive: Give a name to at most one voice.
        max_speakers: At most so many at a time, 1 to 32.
        partial: Tell every second who speaks now.
        recipe: The numbers that it goes by.

    Raises:
        OptionError: an option is out of range.
    """
    check_threshold(threshold)
    if not 1 <= max_speakers <= _LIMIT:
        raise OptionError(f"max_speakers is a number from 1 to {_LIMIT}, not {max_speakers}.")
    return LiveStream(
        same_voice=space.namer.same_voice,
        merging=RECIPE.merging,
        spread=None if space.variation is None else _spread(space.variation, recipe),
        speech=RECIPE.speech,
        names=Names(space.namer, expected=voiceprints, among=among, threshold=threshold, exclusive=exclusive),
        least_speech=RECIPE.least_speech,
        most_speakers=max_speakers,
        partial=partial,
        recipe=recipe,
    )


def _spread(variation: Variation, recipe: LiveRecipe) -> Spread:
    return Spread.of(variation, strangers=recipe.strangers, moods=1.0, windows=1.0, trust=1.0)
