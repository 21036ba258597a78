"""How a linear layer and the word embeddings are written into a graph: fp32 or int8.

int8 quantises every row (token) of the activations by its own largest value, and every column of
a weight by its own. A row's result then depends on that row alone: one request's text cannot move
another's ranges, as it does with ONNX Runtime's per-tensor dynamic quantisation. Weights use 7 of
the 8 bits (|w| <= 64), so that a pair of products never overflows 16 bits and processors with and
without VNNI give the same integers.
"""

from typing import Protocol

import numpy as np
from onnx import TensorProto

from training.onnx_builder import GraphBuilder

WEIGHT_LEVELS = 64
ACTIVATION_LEVELS = 127
_ZERO_POINT = 128


class Precision(Protocol):
    """Writes the two kinds of heavy operation of the model."""

    name: str

    def rows(self, g: GraphBuilder, states: str) -> "Rows":
        """Prepares activations once for all the linear layers that read them."""
        ...

    def linear(self, g: GraphBuilder, rows: "Rows", name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """states [..., K] x weight [K, N] + bias [N]."""
        ...

    def embedding(self, g: GraphBuilder, name: str, table: np.ndarray, ids: str) -> str:
        """Rows of a table [V, D]."""
        ...


class Rows:
    """Activations as a linear layer reads them: plain, or quantised with one scale per row."""

    def __init__(self, values: str, scale: str = "") -> None:
        self.values, self.scale = values, scale


class Fp32:
    """Full precision: the reference."""

    name = "fp32"

    def rows(self, g: GraphBuilder, states: str) -> Rows:
        return Rows(states)

    def linear(self, g: GraphBuilder, rows: Rows, name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        product = g.op("MatMul", rows.values, g.weight(f"{name}.weight", weight.astype(np.float32)))
        return g.op("Add", product, g.weight(f"{name}.bias", bias.astype(np.float32)))

    def embedding(self, g: GraphBuilder, name: str, table: np.ndarray, ids: str) -> str:
        return g.op("Gather", g.weight(name, table.astype(np.float32)), ids)


class Int8:
    """8-bit integers with one scale per row and per column."""

    name = "int8"

    def rows(self, g: GraphBuilder, states: str) -> Rows:
        largest = g.op("ReduceMax", g.op("Abs", states), g.ints(-1), keepdims=1)
        scale = g.op(
            "Mul", g.op("Max", largest, g.constant(1e-8, "float32")), g.constant(1 / ACTIVATION_LEVELS, "float32")
        )
        levels = g.op("Add", g.op("Round", g.op("Div", states, scale)), g.constant(_ZERO_POINT, "float32"))
        return Rows(g.op("Cast", levels, to=TensorProto.UINT8), scale)

    def linear(self, g: GraphBuilder, rows: Rows, name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        levels, scale = quantised(weight, axis=0)
        product = g.op(
            "MatMulInteger", rows.values, g.weight(f"{name}.levels", levels), g.constant(_ZERO_POINT, "uint8")
        )
        # the two scales are applied one after the other on purpose: ONNX Runtime (1.32) fuses a product of
        # scales into MatMulIntegerToFloat, which reads the first row's scale for every row
        scaled = g.op("Mul", g.op("Cast", product, to=TensorProto.FLOAT), rows.scale)
        scaled = g.op("Mul", scaled, g.weight(f"{name}.scale", scale[0]))
        return g.op("Add", scaled, g.weight(f"{name}.bias", bias.astype(np.float32)))

    def embedding(self, g: GraphBuilder, name: str, table: np.ndarray, ids: str) -> str:
        levels, scale = quantised(table, axis=1, most=ACTIVATION_LEVELS)
        rows = g.op("Cast", g.op("Gather", g.weight(f"{name}.levels", levels), ids), to=TensorProto.FLOAT)
        return g.op("Mul", rows, g.op("Gather", g.weight(f"{name}.scale", scale), ids))


def quantised(values: np.ndarray, axis: int, most: int = WEIGHT_LEVELS) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric levels (int8) and scales (float32, the reduced axis kept) with |level| <= most."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), 1e-8) / most
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)


PRECISIONS: dict[str, Precision] = {"int8": Int8(), "fp32": Fp32()}
