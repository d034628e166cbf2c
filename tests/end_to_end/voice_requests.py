"""Requests about voices of jobs that a machine makes up, changed so that every other right one finds some."""

from __future__ import annotations

from typing import Final

import schemathesis

from server import CONVERSATION, Server, finished, submit, upload

CHANGES: Final = {
    *("changeJob", "deleteJob", "mergeJobVoices", "rematchJob"),
    *("decide", "undoDecision", "redoDecision", "handInTranscript", "removeTranscript"),
}
_LOOKS: Final = {"getJobAudio", "getJobPeaks", "getJobVoices", "getJobVoiceAudio", "getDecisions", "getHistory"}
_NOBODY: Final = {"kind": "nobody", "voice": "SPEAKER_00"}


class Conversation:
    """A job of four speakers, for these requests alone: what they change, nothing else looks at."""

    def __init__(self, server: Server) -> None:
        self._server = server
        with server.client() as client:
            url = upload(client, CONVERSATION, "voices.ogg")
            self.job = finished(client, submit(client, "diarize", url=url))["jobId"]

    def __call__(self, operation: str, case: schemathesis.Case) -> None:
        if operation == "exportJobs" and isinstance(case.body, dict):
            case.body["jobs"] = [self.job]
        if operation == "decideReview":
            case.body = {"kind": "nobody", "voices": [{"jobId": self.job, "speaker": "SPEAKER_03"}]}
        if operation not in CHANGES | _LOOKS:
            return
        case.path_parameters["jobId"] = self.job
        if operation == "deleteJob":
            with self._server.client() as client:
                case.path_parameters["jobId"] = submit(client, "diarize", url="media://nothing")
        if operation == "getJobVoiceAudio":
            case.path_parameters["speaker"] = "SPEAKER_00"
        if operation == "mergeJobVoices":
            case.body = {"into": "SPEAKER_00", "from": ["SPEAKER_01"]}
        if operation == "handInTranscript":
            case.body = {"transcript": '[{"start": 1, "end": 2, "text": "Good morning."}]'}
        if operation == "decide":
            case.body = dict(_NOBODY)
        if operation in {"undoDecision", "redoDecision"}:
            case.body = {}
            with self._server.client() as client:
                client.post(f"/v1/jobs/{self.job}/decisions", json=_NOBODY)
                if operation == "redoDecision":
                    client.post(f"/v1/jobs/{self.job}/decisions/undo")
        if operation == "rematchJob" and isinstance(case.body, dict):
            case.body.pop("voiceprints", None)
            case.body["speakers"] = "all"
