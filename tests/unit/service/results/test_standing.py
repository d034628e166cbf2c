"""What stands of a result: the machine's proposal with what people decided, in whatever order they say it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timbre.formats.json import exclusive_turns
from timbre.formats.rttm import loads
from timbre.service.results.conversation import Conversation, conversation
from timbre.service.results.decisions import Decision, Entry, Reading, person_of, walk
from timbre.service.results.exports import export
from timbre.service.results.standing import stand
from timbre.service.results.transcripts import labels_kept, write_transcript
from timbre.service.results.words import WORDS, write_words
from timbre.transcripts.spoken import Word

ADA, BEN = UUID(int=1), UUID(int=2)
NAMES = {ADA: "Ada", BEN: "Ben"}
JOB = {"id": UUID(int=9), "duration": 60.0}


def proposal():
    """Three voices, of which the machine takes the first for Ada and doubts the second; 3 talk at once at 20 s."""
    spoken = [
        ("00", 0, 4),
        ("01", 4.5, 9),
        ("00", 9.5, 12),
        ("02", 11, 21),
        ("01", 19, 24),
        ("00", 20, 22),
        ("02", 30, 31),
    ]
    turns = [{"speaker": f"SPEAKER_{label}", "start": float(start), "end": float(end)} for label, start, end in spoken]
    exclusive = [("00", 0, 4), ("01", 4.5, 9), ("00", 9.5, 12), ("02", 12, 19), ("01", 19, 24), ("02", 30, 31)]
    named = {"SPEAKER_00": ("Ada", str(ADA))}
    return {
        "diarization": turns,
        "exclusiveDiarization": [
            {"speaker": f"SPEAKER_{label}", "start": float(start), "end": float(end)} for label, start, end in exclusive
        ],
        "identification": [
            {
                **turn,
                "speaker": named.get(turn["speaker"], (turn["speaker"],))[0],
                "diarizationSpeaker": turn["speaker"],
                "match": named.get(turn["speaker"], (None,))[0],
                "speakerId": named.get(turn["speaker"], (None, None))[1],
            }
            for turn in turns
        ],
        "voiceprints": [
            {
                "speaker": label,
                "match": named.get(label, (None,))[0],
                "speakerId": named.get(label, (None, None))[1],
                "confidence": {"Ada": 88},
                "candidates": [{"speakerId": str(ADA), "name": "Ada", "confidence": 88}],
            }
            for label in ("SPEAKER_00", "SPEAKER_01", "SPEAKER_02")
        ],
        "gallery": {"version": 3, "people": 2},
    }


def said(*decisions: Decision) -> list[Decision]:
    """The decisions as the log numbers them."""
    return [
        Decision(**{field: getattr(each, field) for field in Decision.__slots__} | {"revision": number})
        for number, each in enumerate(decisions, 1)
    ]


def after(*decisions: Decision):
    return stand(proposal(), said(*decisions), NAMES)


def talk_of(*decisions: Decision) -> Conversation:
    return conversation(proposal(), said(*decisions))


def spoken(output) -> list[tuple[str, str, float, float]]:
    return [(turn["turn"], turn["speaker"], turn["start"], turn["end"]) for turn in output["identification"]]


def named(output) -> dict[str, str | None]:
    return {voice["speaker"]: voice["match"] for voice in output["voiceprints"]}


def name(voice: str, speaker: UUID | None, **more) -> Decision:
    return Decision(kind="name", voice=f"SPEAKER_{voice}", speaker=speaker, **more)


# Each kind


def test_a_name_stands_and_several_voices_may_have_it():
    output = after(name("00", BEN), name("01", BEN))
    assert named(output) == {"SPEAKER_00": "Ben", "SPEAKER_01": "Ben", "SPEAKER_02": None}
    assert output["voiceprints"][0]["speakerId"] == str(BEN)
    assert [voice["decided"] for voice in output["voiceprints"]] == [True, True, False]
    assert [turn["decided"] for turn in output["identification"]] == [True, True, True, False, True, True, False]
    assert output["diarization"] == proposal()["diarization"]
    assert [turn["speaker"] for turn in output["identification"]] == [
        "Ben", "Ben", "Ben", "SPEAKER_02", "Ben", "Ben", "SPEAKER_02",
    ]  # fmt: skip


def test_a_person_who_was_erased_is_nobody():
    erased = after(name("00", None))["voiceprints"][0]
    assert (erased["match"], erased["speakerId"], erased["decided"]) == (None, None, False)
    assert named(stand(proposal(), said(name("00", UUID(int=7))), NAMES))["SPEAKER_00"] is None


def test_whoever_is_rejected_is_not_proposed():
    output = after(Decision(kind="reject", voice="SPEAKER_00", speaker=ADA))
    voice = output["voiceprints"][0]
    assert (voice["match"], voice["speakerId"], voice["candidates"], voice["confidence"]) == (None, None, [], {})
    again = after(Decision(kind="reject", voice="SPEAKER_00", speaker=ADA), name("00", ADA))
    assert named(again)["SPEAKER_00"] == "Ada"
    assert named(after(name("01", BEN), Decision(kind="reject", voice="SPEAKER_01", speaker=BEN)))["SPEAKER_01"] is None


def test_nobody_we_know_is_no_guess():
    assert named(after(Decision(kind="nobody", voice="SPEAKER_00")))["SPEAKER_00"] is None


def test_joined_voices_are_one_and_carry_the_name_of_either():
    output = after(Decision(kind="join", voice="SPEAKER_02", others=("SPEAKER_00",)))
    assert named(output) == {"SPEAKER_01": None, "SPEAKER_02": "Ada"}
    # Turns that overlap or touch are one: 9.5 to 12 and 11 to 21, into which 20 to 22 reaches.
    assert spoken(output) == [
        ("0", "Ada", 0, 4), ("1", "SPEAKER_01", 4.5, 9), ("2", "Ada", 9.5, 22), ("4", "SPEAKER_01", 19, 24),
        ("6", "Ada", 30, 31),
    ]  # fmt: skip
    by_hand = after(name("01", BEN), Decision(kind="join", voice="SPEAKER_00", others=("SPEAKER_01",)))
    assert named(by_hand) == {"SPEAKER_00": "Ben", "SPEAKER_02": None}


def test_turns_are_given_cut_united_moved_and_deleted():
    given_ = after(Decision(kind="give", turns=("0", "6"), voice="SPEAKER_01"))
    assert [turn[:2] for turn in spoken(given_)][0::6] == [("0", "SPEAKER_01"), ("6", "SPEAKER_01")]
    assert spoken(after(Decision(kind="cut", turns=("0",), start=1.5)))[:2] == [
        ("0", "Ada", 0, 1.5),
        ("0.1", "Ada", 1.5, 4),
    ]
    united = after(Decision(kind="cut", turns=("0",), start=1.5), Decision(kind="unite", turns=("0.1", "0", "1")))
    assert spoken(united)[:2] == [("0", "Ada", 0, 9), ("2", "Ada", 9.5, 12)]
    assert spoken(after(Decision(kind="retime", turns=("0",), start=0.5, end=5)))[0] == ("0", "Ada", 0.5, 5)
    assert len(spoken(after(Decision(kind="delete", turns=("0", "1", "2"))))) == 4
    checked = after(Decision(kind="check", turns=("0",)))["identification"]
    assert [turn.get("checked", False) for turn in checked[:2]] == [True, False]


def test_turns_given_to_nobody_that_was_heard_are_a_new_voice():
    label = Conversation(proposal()).new_label()
    assert label == "SPEAKER_03"
    output = after(Decision(kind="give", turns=("0", "2"), voice=label), name("03", BEN))
    assert named(output) == {"SPEAKER_00": "Ada", "SPEAKER_01": None, "SPEAKER_02": None, "SPEAKER_03": "Ben"}
    talk = talk_of(Decision(kind="join", voice="SPEAKER_00", others=("SPEAKER_02",)))
    assert talk.new_label() == "SPEAKER_03"  # not the one that is gone


def test_a_voice_without_turns_is_not_told():
    assert set(named(after(Decision(kind="delete", turns=("3", "6"))))) == {"SPEAKER_00", "SPEAKER_01"}


def test_a_result_that_was_never_named_is_named():
    of = {"diarization": proposal()["diarization"]}
    output = stand(of, said(name("02", BEN)), NAMES)
    assert named(output) == {"SPEAKER_00": None, "SPEAKER_01": None, "SPEAKER_02": "Ben"}
    assert "exclusiveIdentification" not in output
    assert set(of) == {"diarization"}


def test_where_several_talk_the_one_goes_on_whom_the_machine_heard():
    output = after(Decision(kind="check", turns=("0",)))
    assert [(turn["speaker"], turn["start"], turn["end"]) for turn in output["exclusiveIdentification"]] == [
        ("Ada", 0, 4), ("SPEAKER_01", 4.5, 9), ("Ada", 9.5, 12), ("SPEAKER_02", 12, 19), ("SPEAKER_01", 19, 24),
        ("SPEAKER_02", 30, 31),
    ]  # fmt: skip


# What is refused


@pytest.mark.parametrize(
    ("before", "decision", "field", "words"),
    [
        ((), name("07", ADA), "voice", "There is no voice SPEAKER_07; there are: SPEAKER_00, SPEAKER_01, SPEAKER_02"),
        (
            (Decision(kind="join", voice="SPEAKER_00", others=("SPEAKER_01",)),),
            name("01", ADA),
            "voice",
            "SPEAKER_01 was joined into SPEAKER_00 at revision 1; there are: SPEAKER_00, SPEAKER_02",
        ),
        (
            (),
            Decision(kind="join", voice="SPEAKER_00", others=("SPEAKER_09",)),
            "from.0",
            "There is no voice SPEAKER_09",
        ),
        (
            (Decision(kind="delete", turns=("1",)),),
            Decision(kind="give", turns=("0", "1"), voice="SPEAKER_02"),
            "turns.1",
            "Turn 1 was deleted at revision 1",
        ),
        ((), Decision(kind="cut", turns=("0",), start=4.0), "at", "which lasts from 0.000 to 4.000, got 4"),
        ((), Decision(kind="retime", turns=("99",), start=4.0), "turn", "There is no turn '99'"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(before, decision, field, words):
    (fault,) = talk_of(*before).faults(decision)
    assert fault[0] == field
    assert words in fault[1]


# What is learned from


def test_a_naming_is_learned_from_as_long_as_it_stands():
    assert list(talk_of(name("00", ADA), name("01", BEN)).learned()) == [1, 2]
    assert list(talk_of(name("00", ADA), name("00", BEN)).learned()) == [2]
    assert list(talk_of(name("00", ADA), Decision(kind="nobody", voice="SPEAKER_00")).learned()) == []
    assert list(talk_of(name("00", ADA), Decision(kind="reject", voice="SPEAKER_00", speaker=ADA)).learned()) == []
    assert list(talk_of(name("00", ADA, learn=False)).learned()) == []
    unlearned = Decision(kind="learn", voice="SPEAKER_00", learn=False)
    assert list(talk_of(name("00", ADA), unlearned).learned()) == []
    assert list(talk_of(name("00", ADA, learn=False), Decision(kind="learn", voice="SPEAKER_00")).learned()) == [1]


def test_a_joined_voice_is_learned_from_where_it_is_the_same_person():
    join = Decision(kind="join", voice="SPEAKER_00", others=("SPEAKER_01",))
    assert list(talk_of(name("00", ADA), name("01", ADA), join).learned()) == [1, 2]
    assert list(talk_of(name("00", ADA), name("01", BEN), join).learned()) == [1]
    (naming,) = talk_of(join, name("00", ADA)).learned().values()
    assert naming.parts == ("SPEAKER_00", "SPEAKER_01")


def test_a_voice_that_lost_most_of_its_turns_is_not_learned_from():
    few = Decision(kind="give", turns=("2",), voice="SPEAKER_01")
    most = Decision(kind="give", turns=("0", "5"), voice="SPEAKER_01")
    assert list(talk_of(name("00", ADA), few).learned()) == [1]
    assert list(talk_of(name("00", ADA), most).learned()) == []
    assert list(talk_of(Decision(kind="give", turns=("0",), voice="SPEAKER_03"), name("03", ADA)).learned()) == []


# Words


def worded():
    """The three voices, with what they say as it was recognised."""
    said_ = [("Good", 0.1), ("mourning", 0.8), ("uh", 1.5), ("all.", 2.0), ("Hello", 5.0), ("Aida.", 5.6)]
    output = proposal()
    write_words(output, [Word(text, start, start + 0.4) for text, start in said_])
    return output


def reword(*readings: tuple[int, str], was: str | None = None) -> Decision:
    return Decision(kind="reword", readings=tuple(Reading(word=at, text=text, was=was) for at, text in readings))


def test_words_read_as_people_say_in_every_file():
    first = reword((1, "morning"), (2, ""), (5, "Ada, how are you?"))
    again = reword((2, "to"), (3, "you."))  # a word keeps its place, also one that was taken away
    output = stand(worded(), said(first, again, name("01", BEN)), NAMES)
    assert [(word["word"], word["text"], word["decided"]) for word in output[WORDS]] == [
        (0, "Good", False), (1, "morning", True), (2, "to", True), (3, "you.", True),
        (4, "Hello", False), (5, "Ada, how are you?", True),
    ]  # fmt: skip
    said_ = [("Ada", "Good morning to you."), ("Ben", "Hello Ada, how are you?")]
    assert [(turn["speaker"], turn["text"]) for turn in output["turnLevelTranscription"]] == said_
    for form in ("srt", "vtt", "txt", "csv"):
        assert "Ada, how are you?" in export(json.dumps(output).encode(), JOB, form).decode()
    assert [word["text"] for word in stand(worded(), said(first), NAMES)[WORDS]] == [
        "Good", "morning", "all.", "Hello", "Ada, how are you?",
    ]  # fmt: skip
    assert stand(worded(), [], NAMES) == worded()


def test_words_that_are_not_there_cannot_be_changed():
    talk = conversation(worded(), [])
    assert list(talk.faults(reword((6, "x")))) == [("words.0.word", "There is no word 6; there are 6, counted from 0")]
    ((field, told),) = conversation(proposal(), []).faults(reword((0, "x")))
    assert (field, told.startswith("There are no words")) == ("words.0.word", True)
    # What was said of other words is not said of those that are there now.
    assert stand(worded(), said(reword((1, "x"), was="another")), NAMES)[WORDS][1]["text"] == "mourning"


def handed_in(text: str):
    """The three voices, with what they say as it was handed in."""
    output = proposal()
    write_transcript(output, text)
    return output


WHISPER = """{"segments": [{"start": 0.1, "end": 2.4, "text": " Good mourning, all.", "words": [
    {"word": "Good", "start": 0.1, "end": 0.5}, {"word": "mourning", "start": 0.8, "end": 1.2},
    {"word": "all", "start": 2.0, "end": 2.4}]}]}"""
CUES = "1\n00:00:00,100 --> 00:00:02,400\nBen: Good mourning, all.\n\n2\n00:00:05,000 --> 00:00:06,000\nHello Aida.\n"


def test_words_that_were_handed_in_read_as_people_say():
    """The segments keep their marks, and the transcript itself stays as it came."""
    output = stand(handed_in(WHISPER), said(reword((1, "morning"), (2, "everybody!"))), NAMES)
    assert [turn["text"] for turn in output["turnLevelTranscription"]] == ["Good morning, everybody!"]
    assert [(word["word"], word["text"], word["decided"]) for word in output[WORDS]] == [
        (0, "Good", False), (1, "morning", True), (2, "everybody!", True),
    ]  # fmt: skip
    assert "mourning" in output["transcript"]
    assert "everybody!" in export(json.dumps(output).encode(), JOB, "srt").decode()
    gone = stand(handed_in(WHISPER), said(reword((0, ""), (1, ""), (2, ""))), NAMES)
    assert (gone["turnLevelTranscription"], WORDS in gone) == ([], False)
    assert stand(handed_in(WHISPER), [], NAMES) == handed_in(WHISPER)


def test_words_without_times_have_their_places_too():
    """A name that stood before a cue is none of its words once somebody is called so; the others keep their places."""
    machine = handed_in(CUES)
    assert [(word["text"], word["start"]) for word in machine[WORDS]] == [
        ("Ben:", 0.1), ("Good", 0.675), ("mourning,", 1.25), ("all.", 1.825), ("Hello", 5.0), ("Aida.", 5.5),
    ]  # fmt: skip
    first = reword((2, "morning,"), (5, "Ada."))
    for log, texts in (
        (said(first), ["Ben: Good morning, all.", "Hello Ada."]),
        (said(first, name("00", BEN)), ["Good morning, all.", "Hello Ada."]),
        (said(name("00", BEN), first), ["Good morning, all.", "Hello Ada."]),
    ):
        output = stand(machine, log, NAMES)
        assert [turn["text"] for turn in output["turnLevelTranscription"]] == texts
        assert [word["word"] for word in output[WORDS]][-5:] == [1, 2, 3, 4, 5]
    with labels_kept(machine):  # the machine names him itself, as after a rematch
        machine["voiceprints"][0] |= {"match": "Ben", "speakerId": str(BEN)}
    assert next((word["word"], word["text"]) for word in machine[WORDS]) == (1, "Good")
    talk = conversation(machine, said(first))
    assert (talk.word(0), talk.word(1), talk.word(5), talk.word(6)) == (None, "Good", "Aida.", None)
    output = stand(machine, said(first), NAMES)
    assert [turn["text"] for turn in output["turnLevelTranscription"]] == ["Good morning, all.", "Hello Ada."]


# Whatever is said


LABELS = st.sampled_from([f"SPEAKER_0{number}" for number in range(5)])
TURNS = st.lists(
    st.sampled_from([*map(str, range(7)), *(f"{turn}.{revision}" for turn in range(7) for revision in range(1, 6))]),
    min_size=1, max_size=4, unique=True,
).map(tuple)  # fmt: skip
TIMES = st.integers(0, 32_000).map(lambda value: value / 1000)
PEOPLE = st.sampled_from([ADA, BEN, None])
DECISIONS = st.one_of(
    st.builds(Decision, kind=st.just("name"), voice=LABELS, speaker=PEOPLE, learn=st.booleans()),
    st.builds(Decision, kind=st.sampled_from(["nobody", "learn"]), voice=LABELS, learn=st.booleans()),
    st.builds(Decision, kind=st.just("reject"), voice=LABELS, speaker=st.sampled_from([ADA, BEN])),
    st.builds(Decision, kind=st.just("join"), voice=LABELS, others=st.lists(LABELS, min_size=1, max_size=2).map(tuple)),
    st.builds(Decision, kind=st.just("give"), voice=LABELS, turns=TURNS),
    st.builds(Decision, kind=st.just("cut"), turns=TURNS.map(lambda turns: turns[:1]), start=TIMES),
    st.builds(Decision, kind=st.sampled_from(["unite", "delete", "check"]), turns=TURNS),
    st.builds(Decision, kind=st.just("retime"), turns=TURNS.map(lambda turns: turns[:1]), start=TIMES, end=TIMES),
)
STEPS = st.lists(st.one_of(DECISIONS, DECISIONS, st.sampled_from(["undo", "redo"])), max_size=14)


def log_of(steps: Sequence[Decision | str]) -> list[Entry]:
    """The log as the service writes it: what has faults is never written."""
    log: list[Entry] = []
    for step in steps:
        revision = len(log) + 1
        if isinstance(step, str):
            walked = walk(log)
            if walked.stands if step == "undo" else walked.undone:
                log.append(Entry(revision=revision, kind=step, decision=None, by=None, at=datetime.now(UTC)))
            continue
        (decision,) = said(step)
        decision = Decision(**{each: getattr(decision, each) for each in Decision.__slots__} | {"revision": revision})
        if not [*conversation(proposal(), walk(log).stands).faults(decision)]:
            entry = Entry(revision=revision, kind=step.kind, decision=decision, by=None, at=datetime.now(UTC))
            log.append(entry)
    return log


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_any_sequence_ends_in_a_result_that_is_consistent(steps):
    log = log_of(steps)
    stands = walk(log).stands
    output = stand(proposal(), stands, NAMES)
    assert output["diarization"] == proposal()["diarization"]
    voices = {voice["speaker"]: voice["match"] for voice in output["voiceprints"]}
    turns = output["identification"]
    assert [turn["start"] for turn in turns] == sorted(turn["start"] for turn in turns)
    for turn in turns:
        assert 0 <= turn["start"] < turn["end"]
        assert turn["match"] == voices[turn["diarizationSpeaker"]]
        assert turn["speaker"] == (turn["match"] or turn["diarizationSpeaker"])
    if stands:
        assert len({turn["turn"] for turn in turns}) == len(turns)
        assert {turn["diarizationSpeaker"] for turn in turns} == set(voices)
    for label in voices:
        own = [(turn["start"], turn["end"]) for turn in turns if turn["diarizationSpeaker"] == label]
        assert all(before[1] <= after[0] + 0.001 for before, after in pairwise(own))
    # Exports agree, also the one without overlaps, which covers the same time.
    text = json.dumps(output).encode()
    exported = loads(export(text, JOB, "rttm").decode()) if turns else ()
    told = [(round(turn["start"], 3), turn["speaker"]) for turn in turns]
    assert sorted((round(turn.start, 3), turn.speaker) for turn in exported) == sorted(told)
    alone = exclusive_turns(output)
    assert all(before.end <= after.start for before, after in pairwise(alone))
    if stands:
        assert round(sum(turn.duration for turn in alone), 6) == round(_covered(turns), 6)


def _covered(turns) -> float:
    total, until = 0.0, 0.0
    for turn in turns:
        total += max(0.0, turn["end"] - max(until, turn["start"]))
        until = max(until, turn["end"])
    return total


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_undoing_all_gives_the_machines_result_back_and_redoing_all_what_stood(steps):
    log = log_of(steps)
    stood = stand(proposal(), walk(log).stands, NAMES)
    count = len(walk(log).stands)
    undone = log + log_of_steps("undo", count, len(log))
    assert stand(proposal(), walk(undone).stands, NAMES) == proposal()
    redone = undone + log_of_steps("redo", count, len(undone))
    assert stand(proposal(), walk(redone).stands, NAMES) == stood
    # Who a voice is, is known without reading the result, too.
    talk = conversation(proposal(), walk(log).stands)
    for label, voice in talk.voices.items():
        assert person_of(walk(log).stands, label) == voice.person
    # And nothing is learned from what does not stand.
    assert conversation(proposal(), walk(undone).stands).learned() == {}


def log_of_steps(kind: str, count: int, since: int) -> list[Entry]:
    return [
        Entry(revision=since + number, kind=kind, decision=None, by=None, at=datetime.now(UTC))
        for number in range(1, count + 1)
    ]


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_whoever_is_erased_is_in_nothing_that_stands(steps):
    without = [
        Entry(**{each: getattr(entry, each) for each in Entry.__slots__} | {"decision": _without_ben(entry.decision)})
        for entry in log_of(steps)
    ]
    output = stand(proposal(), walk(without).stands, {ADA: "Ada"})
    assert str(BEN) not in json.dumps(output)


def _without_ben(decision: Decision | None) -> Decision | None:
    if decision is None or decision.speaker != BEN:
        return decision
    return Decision(**{each: getattr(decision, each) for each in Decision.__slots__} | {"speaker": None})
