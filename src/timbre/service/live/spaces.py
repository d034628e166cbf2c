"""In which space the voices of a stream are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timbre.errors import RequestInvalid, VoiceprintError
from timbre.identification.namer import Namer, common_space, known_space
from timbre.identification.voiceprint import Voiceprint
from timbre.live.opening import StreamSpace, fitted_variation, load_stream_space

if TYPE_CHECKING:
    from timbre.service.live.requests import StreamRequest
    from timbre.settings import Settings


def space_of(
    request: StreamRequest, gallery: str | None, settings: Settings
) -> tuple[StreamSpace, dict[str, Voiceprint]]:
    """Return what is known of the voices of a stream, and the voiceprints it was given, by name.

    Args:
        request: What was asked for.
        gallery: The space of the people that shall be recognised, if there are any.
        settings: Where the models are.

    Raises:
        RequestInvalid: voiceprints are damaged, or do not compare with each other or the gallery.
        ModelError: the models are not on this machine.
    """
    own = load_stream_space(settings.model, settings)
    voiceprints = {}
    for number, one in enumerate(request.voiceprints or ()):
        try:
            voiceprints[one.label] = Voiceprint.from_text(one.voiceprint)
        except VoiceprintError as error:
            raise RequestInvalid([(f"voiceprints.{number}.voiceprint", str(error))]) from None
    try:
        space = common_space(voiceprints, settings, own=gallery or own.namer.space)
        if space != (gallery or space):
            message = "These voiceprints and the people of the gallery are of different encoders; make them again."
            raise RequestInvalid([("voiceprints", message)])
        if space != own.namer.space:
            found = known_space(space, settings)
            same_voice = found.same_voice()
            own = StreamSpace(
                namer=Namer(same_voice, space, model=found.encoder.name),
                variation=fitted_variation(found, same_voice),
            )
    except VoiceprintError as error:
        raise RequestInvalid([("voiceprints", str(error))]) from None
    return own, voiceprints
