"""Events as messages of the protocol."""

from __future__ import annotations

from typing import Any

from timbre.live.events import Event, Partial, Revision, SpeakerEnd, SpeakerName, SpeakerStart
from timbre.service.live.requests import StreamRequest


def message(event: Event, request: StreamRequest) -> dict[str, Any] | None:
    """Return an event as it is sent; None where it was not asked for."""
    match event:
        case SpeakerStart():
            kind, data = "diarization_speaker_start", {"timestamp": event.time, "speaker": event.speaker}
        case SpeakerEnd():
            kind, data = "diarization_speaker_end", {"timestamp": event.time, "speaker": event.speaker}
        case SpeakerName():
            if not (request.names or event.status == "confirmed"):
                return None
            kind = "speaker_name"
            data = {
                "timestamp": event.time,
                "speaker": event.speaker,
                "match": event.match,
                "confidence": event.confidence,
                "status": event.status,
            }
        case Revision():
            if not request.revisions:
                return None
            kind = "diarization_revision"
            data = {"start": event.start, "end": event.end, "speaker": event.speaker, "was": event.was}
        case Partial():
            kind = "diarization_partial"
            data = {
                "timestamp": event.time,
                "speech": event.speech,
                "speaker": event.speaker,
                "confidence": event.confidence,
            }
    if request.names and isinstance(event, SpeakerStart | SpeakerEnd | Partial):
        data["match"] = event.match
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in data.items()}
    return {"type": kind, "data": rounded}
