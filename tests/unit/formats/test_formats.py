"""What every format promises: turns and names come back as they were, and files find their format."""

import doctest

import numpy as np
import pytest

import timbre.formats
from timbre.errors import FormatError, OptionError
from timbre.formats import Format, audacity, csv, dumps, eaf, json, read, rttm, srt, textgrid, vtt, write
from timbre.turns import Turn, in_order

NAMES = [
    "Ada",
    "Ada Lovelace",
    "Lovelace, Ada",
    'Ada "the first" Lovelace',
    '"',
    "tab\tin the middle",
    "two\nlines",
    "two\r\nlines",
    "carriage\rreturn",
    "blank\n\nline",
    "Ødegård 李 \N{GRINNING FACE}",
    "no\N{NO-BREAK SPACE}break and line\N{LINE SEPARATOR}separator and next\x85line",
    "<b>Ada</b>",
    "Ada --> Bob",
    "-->",
    "Ada & Bob &amp; &lt; &#10; &",
    "Dr: Ada: ",
    ":",
    "1",
    "00:00:01,000 --> 00:00:02,000",
    "50% %41 %zz %FF %%20",
    "<NA>",
    "% 20",
    "%\n41",
    " leading and trailing ",
    ";; no comment",
    "\\ backslash \\n",
    "'",
    "!",
    "<exists>",
    "start,end,speaker",
    "WEBVTT",
    "NOTE this",
    "",
]

each_module = pytest.mark.parametrize("module", [rttm, srt, vtt, textgrid, eaf, audacity, csv, json])


def back(module, turns, duration):
    return module.loads(module.dumps(turns, recording="a meeting\n%20", duration=duration))


def random_turns(generator, names):
    """Turns on the grid of milliseconds whose overlaps are only between different speakers."""
    turns = []
    for name in names:
        marks = np.unique(generator.integers(0, 40_000_000, size=2 * generator.integers(1, 6)))
        marks = marks[: len(marks) // 2 * 2] / 1000
        turns += [Turn(start=a, end=b, speaker=name) for a, b in marks.reshape(-1, 2).tolist()]
    return turns


@each_module
@pytest.mark.parametrize("speaker", NAMES)
def test_every_name_survives(module, speaker):
    turns = (Turn(start=0.5, end=2.0, speaker="Bob"), Turn(start=1.25, end=3.0, speaker=speaker))
    assert back(module, turns, 4.0) == turns


@each_module
def test_random_turns_survive_up_to_eleven_hours(module):
    generator = np.random.default_rng(20)
    for _ in range(20):
        names = generator.choice(np.array(NAMES, dtype=object), size=generator.integers(0, 6), replace=False)
        turns = random_turns(generator, names)
        generator.shuffle(turns)
        assert back(module, turns, 40_000.0) == in_order(turns)


@each_module
def test_random_characters_in_names_survive(module):
    generator = np.random.default_rng(7)
    alphabet = np.array([*' \t\n\r,;:"<>&%-/\\!#aA0129é李', "\u2028", "\x85", "\xa0", "\ufeff", "\x00", "\x1f"])
    for _ in range(200):
        turns = (Turn(start=0.0, end=1.0, speaker="".join(generator.choice(alphabet, size=generator.integers(1, 9)))),)
        assert back(module, turns, 1.0) == turns


@each_module
def test_no_turns_are_a_valid_text(module):
    assert back(module, [], 12.5) == ()


@each_module
def test_times_are_rounded_and_what_then_has_no_length_is_left_out(module):
    turns = [Turn(start=1.0004, end=1.00049, speaker="Bob"), Turn(start=0.12345, end=1.9996, speaker="Ada")]
    assert back(module, turns, 2.0) == (Turn(start=0.123, end=2.0, speaker="Ada"),)


@each_module
def test_garbage_is_refused_or_ends_in_turns_but_never_in_another_error(module):
    """Valid texts with pieces cut out, doubled and exchanged."""
    generator = np.random.default_rng(5)
    valid = module.dumps(random_turns(generator, ["Ada", "B c"]), recording="meeting", duration=40_000.0)
    refused = 0
    for _ in range(300):
        text = list(valid)
        for _ in range(generator.integers(1, 4)):
            start, stop = np.sort(generator.integers(0, len(text), size=2)).tolist()
            place = int(generator.integers(0, len(text)))
            text[place:place] = text[start : min(stop, start + 20)]
            del text[start : start + int(generator.integers(0, 20))]
        try:
            module.loads("".join(text))
        except FormatError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("name", [form for form in Format if form is not Format.DOCX])
def test_files_carry_turns_and_names_unchanged(name, tmp_path):
    turns = (Turn(start=0.5, end=2.0, speaker='Ada "A\r\n\t李"'), Turn(start=1.25, end=3.0, speaker="Bob"))
    path = tmp_path / f"turns{name.extension}"
    write(turns, path, recording="meeting", duration=4.0)
    assert read(path) == turns


@pytest.mark.parametrize("name", list(Format))
def test_errors_in_files_begin_with_the_path(name, tmp_path):
    path = tmp_path / f"turns{name.extension}"
    path.write_text("not\tthis", encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_format_can_be_named_apart_from_the_extension(tmp_path):
    path = tmp_path / "labels.out"
    write([Turn(start=0.0, end=1.0, speaker="Ada")], path, recording="meeting", duration=1.0, name="audacity")
    assert path.read_text(encoding="utf-8") == "0.000\t1.000\tAda\n"


def test_unknown_names_and_extensions_are_told_with_the_known_ones(tmp_path):
    with pytest.raises(OptionError, match=r"no format 'stm'; use one of rttm, srt, vtt, textgrid"):
        dumps([], "stm", recording="meeting", duration=1.0)
    with pytest.raises(OptionError, match=r"turns\.stm: no format has this extension; use one of \.rttm"):
        write([], tmp_path / "turns.stm", recording="meeting", duration=1.0)
    with pytest.raises(FormatError, match=r"turns\.stm: expected a file that ends in \.rttm"):
        read(tmp_path / "turns.stm")


def test_extensions_do_not_mind_case(tmp_path):
    path = tmp_path / "turns.textgrid"
    write([Turn(start=0.0, end=1.0, speaker="Ada")], path, recording="meeting", duration=1.0)
    assert path.read_text(encoding="utf-8").startswith('File type = "ooTextFile"')
    assert read(path)[0].speaker == "Ada"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(encoding, tmp_path):
    turns = (Turn(start=0.0, end=1.0, speaker="Åse"),)
    path = tmp_path / "turns.TextGrid"
    path.write_text(dumps(turns, "textgrid", recording="meeting", duration=1.0), encoding=encoding)
    assert read(path) == turns


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "turns.csv"
    path.write_bytes(b"start,end,speaker\n0,1,\xe6\n")
    with pytest.raises(FormatError, match=r"turns\.csv: expected text in UTF-8, got byte 0xe6"):
        read(path)


def test_errors_repeat_no_more_of_the_input_than_helps(tmp_path):
    path = tmp_path / "turns.rttm"
    path.write_text("x" * 10_000, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read(path)
    assert len(str(caught.value)) < 200 + len(str(path))


def test_the_example_of_the_package_is_true():
    assert doctest.testmod(timbre.formats).failed == 0
