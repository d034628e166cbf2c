"""What a caller may hand us as samples."""

from __future__ import annotations

import io

import numpy as np
import pytest

from timbre.audio.source import as_channels, check_kind, named_demuxer, opened
from timbre.errors import AudioUnreadable


@pytest.mark.parametrize(
    ("shape", "channels"), [((7,), 1), ((100, 2), 2), ((2, 100), 2), ((100, 1), 1), ((1, 100), 1), ((100, 64), 64)]
)
def test_either_order_of_channels_and_time_is_understood(shape, channels):
    samples = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)

    viewed = as_channels(samples)

    assert viewed.shape == (channels, samples.size // channels)
    first = samples if samples.ndim == 1 else samples[:, 0] if shape[0] == viewed.shape[1] else samples[0]
    assert np.array_equal(viewed[0], first)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32"]
)
def test_floats_and_integers_up_to_32_bits_are_samples(dtype):
    assert as_channels(np.zeros(3, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", ["int64", "uint64", "complex64", "bool", "object"])
def test_other_types_are_refused_by_name(dtype):
    with pytest.raises(AudioUnreadable, match=dtype):
        as_channels(np.zeros(3, dtype))


def test_three_dimensions_are_refused_with_their_shape():
    with pytest.raises(AudioUnreadable, match=r"\(1, 2, 3\)"):
        as_channels(np.zeros((1, 2, 3)))


class Upload:
    """As FastAPI has it."""

    async def read(self, size=-1):
        return b"sound"[:size]


class Whole:
    def read(self):
        return b"sound"


class Wrong:
    def __init__(self, answer):
        self.answer = answer

    def read(self, size):
        if isinstance(self.answer, Exception) and size:
            raise self.answer
        return self.answer


async def recording():
    return b"sound"


@pytest.fixture
def coroutine():
    waiting = recording()
    yield waiting
    waiting.close()


def refused(source):
    def handed_in():
        check_kind(source)
        with opened(source, None) as file:
            return file.read()

    with pytest.raises(AudioUnreadable) as caught:
        handed_in()
    return str(caught.value)


def test_a_file_of_text_is_told_from_one_of_bytes(tmp_path):
    path = tmp_path / "sound.wav"
    path.touch()
    with path.open(encoding="utf-8") as file:
        assert "'rb'" in refused(file)
    assert "text (StringIO)" in refused(io.StringIO("sound"))


def test_what_is_to_be_awaited_is_told(coroutine):
    assert "Upload, whose read() is to be awaited" in refused(Upload())
    assert "coroutine, which is to be awaited first" in refused(coroutine)


def test_a_closed_file_is_told():
    file = io.BytesIO(b"sound")
    file.close()

    assert "closed (BytesIO)" in refused(file)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Whole(), "read(1048576) of the file object (Whole) fails with TypeError"),
        (Wrong(ValueError("odd")), "fails with ValueError: odd"),
        (Wrong("text"), "expected bytes from read() of the file object (Wrong), got str"),
        (Wrong(None), "got NoneType"),
        (Wrong(recording), "got function"),
        (None, "got NoneType"),
        ([b"sound"], "got list"),
        ((16_000, np.zeros(3)), "the array comes first, then the rate"),
        ((np.zeros(3), True), "got a tuple of 2"),
        (np.zeros(3), "as (array, rate)"),
        ({"array": np.zeros(3), "sampling_rate": 16_000}, "take the array and the rate out of it"),
    ],
)
def test_what_is_none_is_told_with_what_came(source, told):
    assert told in refused(source)


def test_a_file_that_stands_at_its_end_is_to_be_rewound():
    file = io.BytesIO()
    file.write(b"sound")

    assert "at position 5; rewind it with seek(0)" in refused(file)


def test_what_makes_no_array_is_refused():
    with pytest.raises(AudioUnreadable, match="makes none"):
        as_channels([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize(
    ("name", "demuxer"), [("a.g722", "g722"), ("A.G729", "g729"), ("a.wav", None), (3, None), (b"a.g722", None)]
)
def test_formats_that_only_a_name_tells_are_known_by_it(name, demuxer):
    file = io.BytesIO()
    file.name = name

    assert named_demuxer(file) == demuxer
    if isinstance(name, str):
        assert named_demuxer(name) == demuxer
