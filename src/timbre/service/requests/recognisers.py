"""Whether a server can recognise the words that a request wants, with the model that it names."""

from __future__ import annotations

from typing import Final

from timbre.errors import RequestInvalid
from timbre.service.requests.submissions import HOSTED_RECOGNISERS, SpeakersRequest
from timbre.service.requests.values import shown
from timbre.settings import Settings

NO_RECOGNISER: Final = (
    "This server has nothing that recognises words. Its operator sets TIMBRE_ASR_URL to the address of a server that"
    " does, or TIMBRE_ASR_MODEL to a model of the extra `asr`; or send a transcript made elsewhere to POST /v1/label"
)


def check_recogniser(request: SpeakersRequest, settings: Settings) -> None:
    """Check what a request says about its words.

    Raises:
        RequestInvalid: it wants words, and nothing recognises them; or a model that is not on offer.
    """
    model = None if request.transcription_config is None else request.transcription_config.model
    there = dict.fromkeys((*HOSTED_RECOGNISERS, *settings.recognisers))
    if model is not None and model not in there:
        advice = "the server's TIMBRE_ASR_MODEL and TIMBRE_ASR_MODELS say which there are"
        fault = f"Expected one of {', '.join(there)}; {advice}, got {shown(model)}"
        raise RequestInvalid([("transcriptionConfig.model", fault)])
    if request.transcription and settings.recogniser is None:
        raise RequestInvalid([("transcription", NO_RECOGNISER)])
