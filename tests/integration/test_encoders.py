"""Encoders of other families, on stand-in networks that have the inputs and outputs of theirs.

The stand-ins return a fixed projection of the mean power of what they hear, so that a test can compute by hand what
must come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from timbre.audio.fbank import fbank
from timbre.audio.log_mel import log_mel_spectrogram
from timbre.errors import ModelCorrupt
from timbre.models.encoder import Encoder
from timbre.models.kaldi_encoder import KaldiEncoder
from timbre.models.redimnet import ReDimNetEncoder

DIMENSION = 12


def projection(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, DIMENSION)).astype(np.float32)


def stand_in(path: Path, shape: Sequence[str | int], *, features: int, time_axes: Sequence[int]) -> Path:
    """Write a network: the mean over time of the squared input, projected to 12 numbers."""
    nodes = [
        helper.make_node("Mul", ["heard", "heard"], ["power"]),
        helper.make_node("ReduceMean", ["power"], ["mean"], axes=list(time_axes), keepdims=0),
        helper.make_node("Reshape", ["mean", "rows"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embs"]),
    ]
    weights = numpy_helper.from_array(projection(features), "weights")
    rows = numpy_helper.from_array(np.array([-1, features]), "rows")
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("heard", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("embs", TensorProto.FLOAT, [shape[0], DIMENSION])],
        [weights, rows],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def expected(power: np.ndarray) -> np.ndarray:
    vector = power @ projection(power.size)
    return vector / np.linalg.norm(vector)


def load(kind: str, folder: Path) -> Encoder:
    match kind:
        case "WeSpeaker":
            path = stand_in(folder / "n.onnx", ["B", "T", 80], features=80, time_axes=[1])
            return KaldiEncoder(path, name=kind, fingerprint="00")
        case "ReDimNet2":
            path = stand_in(folder / "n.onnx", ["B", 1, 72, "T"], features=72, time_axes=[3])
        case "ReDimNet2, one window at a time":
            path = stand_in(folder / "n.onnx", [1, 1, 72, "T"], features=72, time_axes=[3])
        case "ReDimNet2, front end inside":
            path = stand_in(folder / "n.onnx", ["B", "n"], features=1, time_axes=[1])
    return ReDimNetEncoder(path, name=kind, fingerprint="00", threads=2)


WITH_MEL = ("ReDimNet2", "ReDimNet2, one window at a time")
ALL = ("WeSpeaker", *WITH_MEL, "ReDimNet2, front end inside")


@pytest.fixture
def encoder(request, tmp_path) -> Encoder:
    return load(request.param, tmp_path)


@pytest.mark.parametrize("encoder", ["WeSpeaker"], indirect=True)
def test_wespeaker_hears_the_filter_banks_of_each_window_without_their_mean(encoder, voice):
    samples = voice("Ada")
    vectors = encoder.embed(samples, np.arange(0, 320_000 - 25_600, 8_000))
    assert vectors.shape == (37, DIMENSION)
    features = fbank(samples[16_000:41_600])
    centred = features - features.mean(axis=0)
    np.testing.assert_allclose(vectors[2], expected(np.square(centred).mean(axis=0)), atol=1e-4)


@pytest.mark.parametrize("encoder", WITH_MEL, indirect=True)
def test_redimnet_hears_the_log_mel_of_each_window(encoder, voice):
    samples = voice("Ada")
    vectors = encoder.embed(samples, np.arange(0, 320_000 - 25_600, 8_000))
    assert vectors.shape == (37, DIMENSION)
    heard = log_mel_spectrogram(samples[16_000:41_600])[:, :156]
    np.testing.assert_allclose(vectors[2], expected(np.square(heard).mean(axis=1)), atol=1e-4)


@pytest.mark.parametrize("encoder", ["ReDimNet2, front end inside"], indirect=True)
def test_redimnet_with_its_front_end_inside_hears_samples(encoder, voice):
    vectors = encoder.embed(voice("Ada"), np.arange(0, 320_000 - 25_600, 8_000))
    np.testing.assert_allclose(vectors, np.tile(expected(np.ones(1)), (37, 1)), atol=1e-5)


@pytest.mark.parametrize("encoder", WITH_MEL, indirect=True)
def test_redimnet_repeats_what_is_too_short_and_hears_the_middle_of_what_is_too_long(encoder, voice):
    word = voice("Ben")[8_000:16_000]
    short = encoder.embed(word, [0], length=8_000)
    np.testing.assert_allclose(short, encoder.embed(np.concatenate([word, word]), [0], length=16_000), atol=1e-5)
    hour = np.tile(voice("Ben")[:160_000], 4)
    long = encoder.embed(hour, [0], length=640_000)
    np.testing.assert_allclose(long, encoder.embed(hour, [80_000], length=480_000), atol=1e-5)


@pytest.mark.parametrize("encoder", ALL, indirect=True)
class TestEveryEncoder:
    def test_no_window_no_vector(self, encoder, voice):
        assert encoder.embed(voice("Ada"), []).shape == (0, DIMENSION)

    def test_vectors_have_length_one(self, encoder, voice):
        for length in (8_000, None, 48_000):
            vectors = encoder.embed(voice("Ada"), [0, 16_000, 48_000], length)
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_level_does_not_matter(self, encoder, voice):
        loud, quiet = (encoder.embed(voice("Dan") * np.float32(gain), [0, 8_000]) for gain in (1, 0.05))
        np.testing.assert_allclose(loud, quiet, atol=0.02)

    def test_damage_silence_and_the_end_give_finite_vectors(self, encoder, voice):
        damaged = voice("Ada")[:60_000].copy()
        damaged[::5] = np.inf
        for samples, starts in ((damaged, [0, 30_000]), (np.zeros(60_000, np.float32), [0]), (damaged, [59_000])):
            assert np.isfinite(encoder.embed(samples, starts)).all()


def test_a_network_of_another_input_is_refused(tmp_path):
    path = stand_in(tmp_path / "other.onnx", ["B", "T", 80], features=80, time_axes=[1])
    with pytest.raises(ModelCorrupt, match="ReDimNet2"):
        ReDimNetEncoder(path, name="other", fingerprint="00")
