"""The engine on real models and the sample conversation, whose turns are known exactly."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from timbre import Diarization, Engine, Settings, Voiceprint
from timbre.errors import (
    AudioUnreadable,
    EnrolmentTooLong,
    NoSpeech,
    OptionError,
    SeveralSpeakers,
    SpeechTooShort,
    VoiceprintMalformed,
    VoiceprintMismatch,
)
from timbre.evaluation.degradation import over_telephone
from timbre.evaluation.diarization import score_diarization
from timbre.formats import read

SAMPLES = Path(__file__).parents[2] / "samples"
CONVERSATION = SAMPLES / "conversation.ogg"
NAMES = ("Ada", "Ben", "Callum", "Dan")
RATE = 16_000

Voice = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture(scope="module")
def voiceprints(engine: Engine) -> dict[str, Voiceprint]:
    return {name: engine.voiceprint(SAMPLES / "enrol" / f"{name}.flac") for name in NAMES}


@pytest.fixture(scope="module")
def conversation(engine: Engine) -> Diarization:
    return engine.diarize(CONVERSATION, probabilities=True)


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    with av.open(CONVERSATION) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(frames, axis=1)[0].astype(np.float32) / 32_768


def test_four_speakers_and_few_errors(conversation: Diarization) -> None:
    reference = read(SAMPLES / "conversation.rttm")
    score = score_diarization(reference, conversation.turns, recording="conversation", duration=conversation.duration)
    assert conversation.speakers == ("SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_03")
    assert score.error.rate < 0.15
    assert score.error.confusion / score.error.total < 0.05


def test_turns_are_in_order_and_inside_the_recording(conversation: Diarization) -> None:
    assert list(conversation.turns) == sorted(conversation.turns, key=lambda turn: (turn.start, turn.end))
    assert all(0 <= turn.start < turn.end <= conversation.duration for turn in conversation.turns)
    assert conversation.turns[0].speaker == "SPEAKER_00"


def test_the_exclusive_view_never_overlaps(conversation: Diarization) -> None:
    assert all(early.end <= late.start for early, late in pairwise(conversation.exclusive_turns))


def test_confidence_covers_the_recording_in_steps_of_20_ms(conversation: Diarization) -> None:
    frames = int(np.ceil(round(conversation.duration / 0.02, 6)))
    probabilities = conversation.probabilities
    assert probabilities is not None
    assert set(probabilities.speakers) == set(conversation.speakers)
    for scores in (conversation.confidence, probabilities.speech, *probabilities.speakers.values()):
        assert scores.score.shape == (frames,)
        assert scores.score.max() <= 100
    turn = max(conversation.turns, key=lambda turn: turn.duration)
    middle = slice(round(turn.start / 0.02) + 25, round(turn.end / 0.02) - 25)
    assert np.median(probabilities.speakers[turn.speaker].score[middle]) > 80
    assert turn.confidence is not None
    assert max(turn.confidence, key=lambda name: turn.confidence[name]) == turn.speaker


def test_every_kind_of_input_gives_the_same_answer(engine: Engine, conversation: Diarization, samples) -> None:
    data = CONVERSATION.read_bytes()
    with CONVERSATION.open("rb") as file:
        from_file = engine.diarize(file)
    for other in (engine.diarize(str(CONVERSATION)), engine.diarize(data), from_file):
        assert other.turns == conversation.turns
    assert len(engine.diarize((samples, RATE)).turns) == len(conversation.turns)


def test_equal_input_gives_equal_output_whatever_the_number_of_threads(
    voiceprints: dict[str, Voiceprint], conversation: Diarization
) -> None:
    alone = Engine("base", settings=Settings(threads=1))
    again = alone.diarize(CONVERSATION, probabilities=True)
    assert again.to_dict(exclusive=True, confidence=True) == conversation.to_dict(exclusive=True, confidence=True)
    assert str(alone.voiceprint(SAMPLES / "enrol" / "Ada.flac")) == str(voiceprints["Ada"])


def test_four_threads_share_an_engine_and_get_the_same_answer(engine: Engine, samples: np.ndarray) -> None:
    audio = (samples[: 40 * RATE], RATE)
    alone = engine.diarize(audio, probabilities=True)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: engine.diarize(audio, probabilities=True), range(4)))
    for other in together:
        assert other.to_dict(exclusive=True, confidence=True) == alone.to_dict(exclusive=True, confidence=True)


def test_bounds_on_the_number_of_speakers_hold(engine: Engine) -> None:
    assert len(engine.diarize(CONVERSATION, num_speakers=2).speakers) == 2
    assert len(engine.diarize(CONVERSATION, max_speakers=3).speakers) == 3
    assert len(engine.diarize(CONVERSATION, min_speakers=5).speakers) >= 5


def test_what_cannot_be_found_is_said(engine: Engine, voice: Voice) -> None:
    result = engine.diarize((voice("Ada")[: 3 * RATE], RATE), num_speakers=9)
    assert result.to_dict()["warning"] == "Could not find the requested number of speakers"


@pytest.mark.parametrize(
    "options",
    [
        {"num_speakers": 2, "min_speakers": 1},
        {"num_speakers": 0},
        {"min_speakers": 3, "max_speakers": 2},
        {"vad_sensitivity": 6},
        {"crosstalk_sensitivity": -5.5},
    ],
)
def test_options_that_make_no_sense_are_refused(engine: Engine, options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        engine.diarize(CONVERSATION, **options)


def test_voiceprints_and_voices_know_channel_and_noise(
    engine: Engine, voiceprints: dict[str, Voiceprint], conversation: Diarization, samples: np.ndarray
) -> None:
    assert all(one.condition.telephone == 0 for one in voiceprints.values())
    assert all((one.condition.snr or 0) > 15 for one in voiceprints.values())
    assert all(voice.acoustics.telephone == 0 for voice in conversation.voices)
    call = engine.identify((over_telephone(samples), RATE), voiceprints, threshold=50)
    assert all(voice.acoustics.telephone == 1 for voice in call.diarization.voices)
    unknown = {name: replace(one, acoustics=()) for name, one in voiceprints.items()}
    blind = engine.name(call.diarization, unknown, threshold=50)
    for matched, plain in zip(call.matches, blind.matches, strict=True):
        assert all(matched.confidence[name] >= plain.confidence[name] for name in voiceprints)
    assert sum(sum(one.confidence.values()) for one in call.matches) > sum(
        sum(one.confidence.values()) for one in blind.matches
    )


def test_a_voiceprint_is_worth_less_among_many(
    engine: Engine, voiceprints: dict[str, Voiceprint], conversation: Diarization
) -> None:
    alone = engine.name(conversation, {"Ada": voiceprints["Ada"]}).matches
    crowd = {"Ada": voiceprints["Ada"], **{f"Ben {number}": voiceprints["Ben"] for number in range(50)}}
    among = engine.name(conversation, crowd).matches
    pairs = [(one.confidence["Ada"], many.confidence["Ada"]) for one, many in zip(alone, among, strict=True)]
    assert all(many <= one for one, many in pairs)
    assert sum(many for _, many in pairs) < sum(one for one, _ in pairs)
    assert all(match.match for match in engine.name(conversation, crowd, threshold=0).matches)


def test_merging_leaves_a_recording_of_different_people_as_it_is(
    engine: Engine, voiceprints: dict[str, Voiceprint], conversation: Diarization
) -> None:
    merged = engine.identify(CONVERSATION, voiceprints).diarization
    apart = engine.identify(CONVERSATION, voiceprints, merge_speakers=False).diarization
    assert merged.turns == apart.turns == conversation.turns


def test_everybody_is_named_rightly(engine: Engine, voiceprints: dict[str, Voiceprint]) -> None:
    result = engine.identify(CONVERSATION, voiceprints, threshold=50)
    reference = read(SAMPLES / "conversation.rttm")
    named = [turn for turn in result.turns if turn.match]
    right = sum(
        max(0.0, min(turn.end, real.end) - max(turn.start, real.start))
        for turn in named
        for real in reference
        if real.speaker == turn.speaker
    )
    assert {match.match for match in result.matches} == set(NAMES)
    assert right > 0.9 * sum(turn.duration for turn in named)


def test_strangers_stay_unknown(engine: Engine, voiceprints: dict[str, Voiceprint]) -> None:
    known = {name: voiceprints[name] for name in ("Ada", "Dan")}
    result = engine.identify(CONVERSATION, known, threshold=50)
    assert sorted(str(match.match) for match in result.matches) == ["Ada", "Dan", "None", "None"]
    assert {turn.speaker for turn in result.turns if turn.match is None} <= set(result.diarization.speakers)


def test_the_output_has_the_shape_of_the_api(engine: Engine, voiceprints: dict[str, Voiceprint]) -> None:
    texts = {name: str(voiceprint) for name, voiceprint in voiceprints.items()}
    result = engine.identify(CONVERSATION, texts)
    output = result.to_dict(exclusive=True, turn_level_confidence=True)
    assert set(output) == {"diarization", "exclusiveDiarization", "identification", "voiceprints"}
    for said, named in zip(output["diarization"], output["identification"], strict=True):
        assert named == {
            "speaker": named["match"],
            "start": said["start"],
            "end": said["end"],
            "diarizationSpeaker": said["speaker"],
            "match": named["match"],
            "confidence": said["confidence"],
        }
    assert [entry["speaker"] for entry in output["voiceprints"]] == list(result.diarization.speakers)
    assert all(set(entry["confidence"]) == set(NAMES) for entry in output["voiceprints"])


def test_naming_again_needs_no_recording(engine: Engine, conversation: Diarization, voiceprints) -> None:
    again = engine.name(conversation, voiceprints, threshold=50)
    assert {match.match for match in again.matches} == set(NAMES)


class SmallGallery:
    """A gallery of so many people, of whom those who are given may be found: the nearest of each voice."""

    def __init__(self, known: dict[str, Voiceprint], people: int | None = None, *, each: int = 2) -> None:
        self.known = known
        self.people = len(known) if people is None else people
        self.each = each

    def nearest(self, embeddings: np.ndarray) -> dict[str, Voiceprint]:
        names = list(self.known)
        if not names:
            return {}
        cosines = embeddings @ np.stack([self.known[name].embedding for name in names]).T
        return {names[index]: self.known[names[index]] for index in np.unique(np.argsort(-cosines)[:, : self.each])}


def test_a_gallery_names_as_voiceprints_do(engine: Engine, voiceprints: dict[str, Voiceprint]) -> None:
    given = engine.identify(CONVERSATION, voiceprints, threshold=50)
    for gallery in (SmallGallery(voiceprints, each=4), SmallGallery(voiceprints, each=1)):
        found = engine.identify(CONVERSATION, gallery=gallery)
        assert found.to_dict() == given.to_dict()
    some = {name: voiceprints[name] for name in ("Ada", "Ben")}
    rest = {name: voiceprints[name] for name in ("Callum", "Dan")}
    both = engine.identify(CONVERSATION, some, gallery=SmallGallery(rest), threshold=50)
    assert both.to_dict() == given.to_dict()
    assert engine.name(given.diarization, some, gallery=SmallGallery(rest), threshold=50).matches == both.matches


def test_without_people_a_gallery_changes_nothing(engine: Engine, voiceprints, conversation) -> None:
    nobody = SmallGallery({})
    alone = engine.name(conversation, {"Ada": voiceprints["Ada"]}, threshold=0)
    beside = engine.name(conversation, {"Ada": voiceprints["Ada"]}, gallery=nobody, threshold=0)
    assert beside == alone
    assert [match.match for match in engine.name(conversation, gallery=nobody).matches] == [None] * 4
    assert engine.name(conversation).matches == engine.name(conversation, {}, threshold=50).matches


def test_nobody_is_a_good_answer_where_there_is_a_gallery(engine: Engine, voiceprints, conversation) -> None:
    away = {"Ada": voiceprints["Ada"]}
    ada = next(match.speaker for match in engine.name(conversation, away, threshold=50).matches if match.match)
    others = replace(conversation, voices=tuple(one for one in conversation.voices if one.speaker != ada))
    assert [match.match for match in engine.name(others, away).matches].count("Ada") == 1
    assert [match.match for match in engine.name(others, gallery=SmallGallery(away)).matches] == [None] * 3
    assert engine.name(others, gallery=SmallGallery(away), threshold=0) == engine.name(others, away)


def test_many_more_people_ask_for_more(engine: Engine, voiceprints, conversation) -> None:
    def sum_of(people: int) -> int:
        matches = engine.name(conversation, gallery=SmallGallery(voiceprints, people)).matches
        return sum(sum(match.confidence.values()) for match in matches)

    assert sum_of(4) > sum_of(10_000) > sum_of(10_000_000)


def test_clips_let_hear_each_speaker(engine: Engine, voiceprints, conversation, samples: np.ndarray) -> None:
    assert all(voice.clip is None for voice in conversation.voices)
    found = engine.identify(CONVERSATION, voiceprints, threshold=50, clip_seconds=6.0)
    assert found.diarization.turns == conversation.turns
    for voice, match in zip(found.diarization.voices, found.matches, strict=True):
        assert voice.clip is not None
        assert voice.clip.dtype == np.int16
        assert RATE <= voice.clip.size <= 6 * RATE
        heard = engine.embed((voice.clip, RATE)).vector
        cosines = {name: float(heard @ one.embedding) for name, one in voiceprints.items()}
        assert max(cosines, key=lambda name: cosines[name]) == match.match
    ada = engine.voiceprint(SAMPLES / "enrol" / "Ada.flac", clip_seconds=5.0)
    assert ada.clip is not None
    assert ada.clip.size == 5 * RATE
    assert str(ada) == str(voiceprints["Ada"])
    assert voiceprints["Ada"].clip is None


def test_peaks_draw_the_recording(engine: Engine, samples: np.ndarray) -> None:
    said = samples[: 15 * RATE]
    peaks = engine.diarize((said, RATE)).peaks
    loudest = np.maximum.reduceat(np.abs(said), np.arange(2000) * len(said) // 2000)
    assert peaks.shape == (2000,)
    assert np.abs(peaks - 256 * loudest).max() <= 0.5
    silence = np.zeros(len(said), np.float32)
    assert (engine.diarize((np.stack([silence, said]), RATE), channels="separate").peaks == peaks).all()


@pytest.mark.parametrize("seconds", [-1, 61, float("nan")])
def test_a_clip_of_a_length_that_makes_no_sense_is_refused(engine: Engine, seconds: float) -> None:
    with pytest.raises(OptionError, match="clip_seconds"):
        engine.diarize(CONVERSATION, clip_seconds=seconds)
    with pytest.raises(OptionError, match="clip_seconds"):
        engine.voiceprint(SAMPLES / "enrol" / "Ada.flac", clip_seconds=seconds)


def test_a_threshold_on_the_wrong_scale_is_remarked_upon(
    engine: Engine, conversation: Diarization, voiceprints
) -> None:
    assert "did you mean 50" in engine.name(conversation, voiceprints, threshold=0.5).to_dict()["warning"]


@pytest.mark.parametrize("label", ["", "x" * 101, "SPEAKER_01", "speaker_a"])
def test_names_that_cannot_be_told_from_labels_are_refused(engine: Engine, conversation, voiceprints, label) -> None:
    with pytest.raises(OptionError):
        engine.name(conversation, {label: voiceprints["Ada"]})


def test_foreign_voiceprints_are_refused_by_name(engine: Engine, conversation, voiceprints) -> None:
    with pytest.raises(VoiceprintMalformed, match=r"^Ada: "):
        engine.name(conversation, {"Ada": "aGVsbG8gd29ybGQ"})
    other = Voiceprint(prototypes=voiceprints["Ada"].prototypes, seconds=voiceprints["Ada"].seconds, space="00" * 8)
    with pytest.raises(VoiceprintMismatch, match=r"^Ada: .*another encoder"):
        engine.name(conversation, {"Ada": other})


@pytest.mark.parametrize("threshold", [-5, 101, float("nan")])
def test_naming_checks_the_threshold_as_identifying_does(engine, conversation, voiceprints, threshold) -> None:
    with pytest.raises(OptionError, match="0 to 100"):
        engine.name(conversation, voiceprints, threshold=threshold)


@pytest.mark.parametrize("dimension", [0, 3, 257])
def test_a_voiceprint_of_another_length_is_refused_by_name(engine, conversation, voiceprints, dimension) -> None:
    vectors = np.ones((1, dimension), np.float32)
    forged = str(Voiceprint(prototypes=vectors, seconds=(5.0,), space=voiceprints["Ada"].space))
    with pytest.raises(VoiceprintMalformed, match=r"^Ada: .*make it again"):
        engine.name(conversation, {"Ada": forged})


@pytest.mark.parametrize("given", [None, b"VE1CUg", 5])
def test_what_is_no_voiceprint_is_refused_by_name(engine, conversation, given) -> None:
    with pytest.raises(VoiceprintMalformed, match=f"^Ada: expected a voiceprint.*{type(given).__name__}"):
        engine.name(conversation, {"Ada": given})


def test_a_diarization_by_another_encoder_is_not_named(engine, conversation, voiceprints) -> None:
    with pytest.raises(VoiceprintMismatch, match="diarize it again"):
        engine.name(replace(conversation, encoder="00" * 8), voiceprints)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_longest_enrolment_that_makes_no_sense_is_refused(engine, voice, seconds) -> None:
    with pytest.raises(OptionError, match="max_seconds"):
        engine.voiceprint((voice("Ada"), RATE), max_seconds=seconds)


def test_several_recordings_make_one_voiceprint(engine: Engine, voice: Voice) -> None:
    half = len(voice("Ben")) // 2
    parts = [(voice("Ben")[:half], RATE), (voice("Ben")[half:], RATE)]
    voiceprint = engine.voiceprint(parts)
    assert voiceprint.prototypes.shape == (2, 256)
    assert voiceprint.prototypes[0] @ voiceprint.prototypes[1] > 0.8
    assert len(voiceprint.quality) == 2


def test_quality_says_what_to_do_better(engine: Engine, voice: Voice) -> None:
    good = engine.voiceprint((voice("Dan"), RATE)).quality[0]
    assert good.advice == ()
    loud = np.clip(voice("Dan")[: 6 * RATE] * 60, -1, 1)
    advice = " ".join(engine.voiceprint((loud, RATE)).quality[0].advice)
    assert "clipped" in advice
    assert "s of speech" in advice


def test_enrolments_are_refused_with_reasons(engine: Engine, voice: Voice) -> None:
    ada, dan = voice("Ada"), voice("Dan")
    with pytest.raises(EnrolmentTooLong, match=r"at most 30 s"):
        engine.voiceprint((np.concatenate([ada, ada]), RATE))
    assert engine.voiceprint((np.concatenate([ada, ada]), RATE), max_seconds=None).speech_seconds > 30
    with pytest.raises(NoSpeech):
        engine.voiceprint((np.zeros(5 * RATE, np.float32), RATE))
    with pytest.raises(SpeechTooShort):
        engine.voiceprint((np.pad(ada[RATE : RATE + 6400], (RATE, RATE)), RATE))
    with pytest.raises(SeveralSpeakers):
        engine.voiceprint((np.concatenate([ada[: 10 * RATE], dan[: 10 * RATE]]), RATE))
    with pytest.raises(OptionError):
        engine.voiceprint([])


def test_progress_moves_forward_and_can_stop_the_work(engine: Engine) -> None:
    told: list[tuple[str, float]] = []
    engine.diarize(CONVERSATION, progress=lambda stage, fraction: told.append((stage, fraction)))
    for stage in {stage for stage, _ in told}:
        fractions = [fraction for name, fraction in told if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] <= 1.0

    def stop(stage: str, fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.diarize(CONVERSATION, progress=stop)


def test_recordings_of_two_people_make_no_voiceprint(engine: Engine, voice: Voice) -> None:
    with pytest.raises(SeveralSpeakers, match="Recording 1 of 2 does not sound like"):
        engine.voiceprint([(voice("Ada"), RATE), (voice("Dan"), RATE)])


def test_a_refusal_says_which_recording_it_means(engine: Engine, voice: Voice) -> None:
    with pytest.raises(NoSpeech, match=r"^Recording 2 of 2: "):
        engine.voiceprint([(voice("Ada"), RATE), (np.zeros(RATE, np.float32), RATE)])


def test_samples_that_are_no_numbers_are_remarked_upon(engine: Engine, voice: Voice) -> None:
    samples = voice("Ada").copy()
    samples[:100] = np.nan
    assert "100 samples are not finite" in engine.diarize((samples, RATE)).to_dict()["warning"]


@pytest.mark.parametrize(
    ("source", "came"),
    [
        (None, "NoneType"),
        (np.zeros(5), "ndarray"),
        ((np.zeros(5),), "a tuple of 1"),
        ((np.zeros(5), "16k"), "a tuple of 2"),
        (3, "int"),
    ],
)
def test_what_is_no_recording_is_refused_by_its_kind(engine: Engine, source: object, came: str) -> None:
    with pytest.raises(AudioUnreadable, match=f"got {came}"):
        engine.diarize(source)


def test_a_device_is_no_recording(engine: Engine) -> None:
    with pytest.raises(AudioUnreadable, match="is a device"):
        engine.diarize("/dev/zero")


def test_half_a_speaker_is_refused(engine: Engine) -> None:
    with pytest.raises(OptionError, match="whole number"):
        engine.diarize(CONVERSATION, num_speakers=2.5)


def test_of_a_long_recording_the_best_part_is_taken_where_that_is_asked_for(engine, voice):
    ada, ben = voice("Ada"), voice("Ben")
    mixed = np.concatenate([ben[: 5 * RATE], ada / 50, ada, ada])

    made = engine.voiceprint((mixed, RATE), excerpt=True)

    (told, *_) = made.quality[0].advice
    assert told.startswith("The recording lasts")
    start = float(re.search(r"from ([\d.]+) s", told)[1])
    assert start >= 5 + len(ada) / RATE
    assert made.quality[0].seconds == 30
    assert float(made.embedding @ engine.voiceprint((ada, RATE)).embedding) > 0.9


def test_nobody_can_tell_whose_voice_is_meant_where_two_people_speak_as_long(engine, voice):
    both = np.concatenate([voice("Ada"), voice("Ben")])

    with pytest.raises(SeveralSpeakers, match="nobody much longer"):
        engine.voiceprint((both, RATE), excerpt=True)


def test_a_recording_that_is_not_too_long_is_taken_whole(engine, voice):
    assert str(engine.voiceprint((voice("Ada"), RATE), excerpt=True)) == str(engine.voiceprint((voice("Ada"), RATE)))


def test_what_was_clipped_is_told_of_every_recording(engine, voice):
    loud = np.clip(voice("Ada") * 30, -1, 1)

    assert any("of the samples are clipped" in told for told in engine.diarize((loud, RATE)).warnings)
