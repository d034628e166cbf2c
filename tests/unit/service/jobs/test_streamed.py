"""Whose names of a stream are whose in the recording that was heard again."""

from timbre.service.jobs.streamed import Streamed
from timbre.turns import Turn


def turns(*rows: tuple[float, float, str]) -> list[Turn]:
    return [Turn(start=start, end=end, speaker=speaker) for start, end, speaker in rows]


def streamed(names: dict[str, str], *rows: tuple[float, float, str]) -> Streamed:
    return Streamed(names=names, turns=turns(*rows), scopes=frozenset({"jobs:write"}))


def test_a_name_goes_to_who_speaks_at_the_same_time() -> None:
    live = streamed({"SPEAKER_00": "Ada", "SPEAKER_02": "Ben"}, (0, 4, "SPEAKER_00"), (4, 9, "SPEAKER_02"))
    heard = turns((0.1, 4.2, "SPEAKER_01"), (4.2, 8.8, "SPEAKER_00"), (9, 30, "SPEAKER_03"))
    assert live.of(heard) == {"SPEAKER_01": "Ada", "SPEAKER_00": "Ben"}
    assert Streamed.from_json(live.to_json()) == live


def test_half_of_a_voice_is_needed_and_of_two_names_for_one_the_longer_stands() -> None:
    live = streamed({"SPEAKER_00": "Ada", "SPEAKER_01": "Ben"}, (0, 10, "SPEAKER_00"), (20, 26, "SPEAKER_01"))
    assert live.of(turns((0, 4.9, "SPEAKER_00"), (20, 23, "SPEAKER_01"))) == {"SPEAKER_01": "Ben"}
    assert live.of(turns((0, 30, "SPEAKER_00"))) == {"SPEAKER_00": "Ada"}
    assert live.of([]) == {}


def test_a_voice_of_many_turns_is_whose_most_of_them_are() -> None:
    live = streamed({"SPEAKER_00": "Ada"}, (0, 1, "SPEAKER_00"), (5, 7, "SPEAKER_00"), (9, 11, "SPEAKER_00"))
    heard = turns((0, 1, "SPEAKER_00"), (0.5, 20, "SPEAKER_01"))
    assert live.of(heard) == {"SPEAKER_01": "Ada"}
