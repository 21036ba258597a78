"""How linear layers and embeddings are quantised."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from training.onnx_builder import GraphBuilder, WeightFile
from training.precision import ACTIVATION_LEVELS, PRECISIONS, WEIGHT_LEVELS, quantised

RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.normal(size=(64, 32)).astype(np.float32)
BIAS = RANDOM.normal(size=32).astype(np.float32)


@pytest.fixture(params=["fp32", "int8"])
def linear(request, tmp_path):
    """A graph of one linear layer, as a function of its activations [rows, 64]."""
    weights = WeightFile()
    g = GraphBuilder("linear", weights)
    states = g.input("x", TensorProto.FLOAT, ["rows", 64])
    precision = PRECISIONS[request.param]
    result = precision.linear(g, precision.rows(g, states), "layer", WEIGHT, BIAS)
    g.output("y", result, TensorProto.FLOAT, ["rows", 32])
    g.save(tmp_path / "g.onnx")
    weights.write(tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "g.onnx", providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x.astype(np.float32)})[0]


def test_a_linear_layer_is_close_to_the_exact_product(linear):
    x = RANDOM.normal(size=(50, 64))
    exact = x @ WEIGHT + BIAS
    assert np.abs(linear(x) - exact).mean() < 0.02 * np.abs(exact).mean()


def test_a_row_does_not_depend_on_the_other_rows(linear):
    x = RANDOM.normal(size=(8, 64))
    loud = x.copy()
    loud[3] *= 1000
    assert np.abs(np.delete(linear(x) - linear(loud), 3, axis=0)).max() < 1e-5


def test_rows_of_very_different_size_keep_their_precision(linear):
    x = RANDOM.normal(size=(2, 64))
    x[1] *= 1e-4
    exact = x @ WEIGHT
    assert np.abs(linear(x) - BIAS - exact)[1].mean() < 0.02 * np.abs(exact[1]).mean()


def test_a_row_of_zeros_gives_the_bias(linear):
    assert linear(np.zeros((1, 64)))[0] == pytest.approx(BIAS)


def test_the_largest_levels_cannot_overflow_sixteen_bits():
    most_unsigned = ACTIVATION_LEVELS + 128
    assert 2 * most_unsigned * WEIGHT_LEVELS <= np.iinfo(np.int16).max


def test_quantised_values_are_within_half_a_step():
    levels, scale = quantised(WEIGHT, axis=0)
    assert np.abs(levels * scale - WEIGHT).max() <= scale.max() / 2 + 1e-6
    assert np.abs(levels).max() == WEIGHT_LEVELS
