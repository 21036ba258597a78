"""Graphs that share a weight file."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from training.onnx_builder import GraphBuilder, WeightFile

BIG = np.arange(1024, dtype=np.float32).reshape(32, 32)


def graph(weights: WeightFile, factor: float) -> GraphBuilder:
    g = GraphBuilder("g", weights)
    x = g.input("x", TensorProto.FLOAT, [1, 32])
    y = g.op("MatMul", x, g.weight("big", BIG))
    g.output("y", g.op("Mul", y, g.constant(factor, "float32")), TensorProto.FLOAT, [1, 32])
    return g


def run(path, x):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def test_two_graphs_store_a_shared_tensor_once(tmp_path):
    weights = WeightFile()
    graph(weights, 1.0).save(tmp_path / "one.onnx")
    graph(weights, 2.0).save(tmp_path / "two.onnx")
    weights.write(tmp_path)
    x = np.ones((1, 32), np.float32)
    one, two = run(tmp_path / "one.onnx", x), run(tmp_path / "two.onnx", x)
    assert np.allclose(one, x @ BIG)
    assert np.allclose(two, 2 * one)
    assert (tmp_path / "weights.bin").stat().st_size == BIG.nbytes


def test_small_tensors_stay_in_the_graph(tmp_path):
    weights = WeightFile()
    weights.reference("small", np.ones(4, np.float32))
    weights.write(tmp_path)
    assert (tmp_path / "weights.bin").stat().st_size == 0


def test_a_name_cannot_mean_two_tensors():
    weights = WeightFile()
    weights.reference("w", BIG)
    with pytest.raises(ValueError, match="Two different tensors are called w"):
        weights.reference("w", BIG[:16])
