"""Eight-bit recurrent layers: close to the floats they were made from, and turned back into floats for a GPU."""

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from timbre.models.dequantization import in_floats

PROJECT = Path(__file__).parents[3]
SOURCE = PROJECT / "training" / "encoder" / "quantization.py"
SHIPPED = PROJECT / "src" / "timbre" / "models" / "shipped" / "timbre-voice-1.onnx"
SIZE, LAYERS = 32, 2


@pytest.fixture(scope="module")
def quantized():
    specification = importlib.util.spec_from_file_location("quantization", SOURCE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.quantized


@pytest.fixture(scope="module")
def model():
    """Two LSTM layers with random weights."""
    rng = np.random.default_rng(0)
    nodes, weights = [], [numpy_helper.from_array(np.array([1]), "axis")]
    for layer in range(LAYERS):
        parts = {f"W{layer}": (1, 4 * SIZE, SIZE), f"R{layer}": (1, 4 * SIZE, SIZE), f"B{layer}": (1, 8 * SIZE)}
        weights += [
            numpy_helper.from_array((0.3 * rng.standard_normal(shape)).astype(np.float32), name)
            for name, shape in parts.items()
        ]
        nodes += [
            helper.make_node("LSTM", [f"x{layer}", *parts], [f"y{layer}"], hidden_size=SIZE),
            helper.make_node("Squeeze", [f"y{layer}", "axis"], [f"x{layer + 1}"]),
        ]
    ends = [helper.make_tensor_value_info(f"x{end}", TensorProto.FLOAT, ["T", "N", SIZE]) for end in (0, LAYERS)]
    graph = helper.make_graph(nodes, "lstm", ends[:1], ends[1:], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return made.SerializeToString()


def run(model):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    heard = np.random.default_rng(1).standard_normal((20, 3, SIZE)).astype(np.float32)
    return session.run(None, {"x0": heard})[0]


def operators(graph):
    return [node.op_type for node in graph.node]


def test_all_layers_but_the_first_become_eight_bit_and_hear_nearly_the_same(quantized, model):
    small = quantized(model)

    assert operators(onnx.load_from_string(small).graph) == ["LSTM", "Squeeze", "DynamicQuantizeLSTM", "Squeeze"]
    assert small == quantized(model)
    np.testing.assert_allclose(run(small), run(model), atol=0.05)


@pytest.mark.parametrize("file", ["made here", "shipped"])
def test_two_neighbouring_products_fit_into_16_bits(quantized, model, file):
    graph = onnx.load_from_string(SHIPPED.read_bytes() if file == "shipped" else quantized(model)).graph
    weights = [numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.data_type == TensorProto.INT8]
    layers = [values[0].astype(int) for values in weights if values.ndim == 3]  # [inputs, gates]
    assert len(layers) == 2 * operators(graph).count("DynamicQuantizeLSTM") > 0
    for values in layers:
        pairs = values[::2] + values[1::2]
        assert 255 * np.abs(pairs).max() < 1 << 15
        assert np.abs(values).max() > 64  # and no more room than that is given away


def test_back_in_floats_it_is_an_ordinary_network_with_the_rounded_weights(quantized, model):
    small = quantized(model)
    back = in_floats(small)

    assert operators(onnx.load_from_string(back).graph) == operators(onnx.load_from_string(model).graph)
    np.testing.assert_allclose(run(back), run(small), atol=0.02)


def test_a_network_without_eight_bit_layers_stays_as_it_is(model):
    assert in_floats(model) == model
