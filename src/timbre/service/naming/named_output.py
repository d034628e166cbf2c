"""Names in outputs: what is written of who the speakers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from timbre.errors import ModelError, VoiceprintMismatch, VoicesMissing
from timbre.identification.identification import SpeakerMatch
from timbre.identification.namer import Namer, load_namer_of
from timbre.service.naming.candidate_pool import CandidatePool
from timbre.service.results.outputs import MOST_CANDIDATES
from timbre.service.results.standing import Output
from timbre.settings import Settings


def namer_of_kept(space: str, settings: Settings) -> Namer:
    """Load what names voices that were kept with a job, in their space.

    Raises:
        VoicesMissing: no encoder of the catalogue heard them.
    """
    try:
        return load_namer_of(space, settings)
    except (ModelError, VoiceprintMismatch):
        raise VoicesMissing("The voices of this job were heard with a model that is gone; submit it again.") from None


def name_output(
    output: Output,
    matches: Sequence[SpeakerMatch],
    *,
    pool: CandidatePool | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Write into an output who its speakers are.

    Args:
        output: With `diarization`; what it says of names is replaced.
        matches: One a voice, by label or, for people of the gallery, by id.
        pool: Among whom they were looked for; None where only voiceprints were sent.
        names: Of the people of the gallery, by id.
    """
    names = names or {}
    named = {match.speaker: match.match for match in matches}
    output["identification"] = [_turn(turn, named.get(turn["speaker"]), names, pool) for turn in output["diarization"]]
    output["voiceprints"] = [_voice(match, names, pool) for match in matches]
    output.pop("gallery", None)
    if pool is not None:
        output["gallery"] = {"version": pool.version, "people": pool.people}


def _turn(turn: Mapping[str, Any], match: str | None, names: Mapping[str, str], pool: CandidatePool | None) -> Output:
    name = None if match is None else names.get(match, match)
    named = {**turn, "speaker": name or turn["speaker"], "diarizationSpeaker": turn["speaker"], "match": name}
    return named if pool is None else {**named, "speakerId": match if match in names else None}


def _voice(match: SpeakerMatch, names: Mapping[str, str], pool: CandidatePool | None) -> Output:
    if pool is None:
        return {"speaker": match.speaker, "match": match.match, "confidence": dict(match.confidence)}
    people = [person for person in match.confidence if person in names]
    # Whoever is matched is a candidate, even where others, who are matched elsewhere, sound more like this voice.
    people.sort(key=lambda person: (-match.confidence[person], person != match.match))
    best = people[:MOST_CANDIDATES]
    if match.match is not None and match.match in names and match.match not in best:
        best[-1] = match.match
    candidates = [
        {"speakerId": person, "name": names[person], "confidence": match.confidence[person]} for person in best
    ]
    sent = {label: confidence for label, confidence in match.confidence.items() if label not in names}
    return {
        "speaker": match.speaker,
        "match": None if match.match is None else names.get(match.match, match.match),
        "speakerId": match.match if match.match in names else None,
        "confidence": sent | {each["name"]: each["confidence"] for each in candidates if each["name"] not in sent},
        "candidates": candidates,
    }
