"""A small builder of ONNX graphs whose weights live in one file that several graphs share."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21
IR_VERSION = 10
_ALIGNMENT = 64
_INLINE_BYTES = 1024


class WeightFile:
    """Tensors by name, written one after the other; a tensor that two graphs use is stored once."""

    def __init__(self, name: str = "weights.bin") -> None:
        self.name = name
        self._stored: dict[str, tuple[int, np.ndarray]] = {}
        self._size = 0

    def reference(self, name: str, array: np.ndarray) -> TensorProto:
        """An initialiser that points into the file; small tensors are kept in the graph."""
        array = np.ascontiguousarray(array)
        if array.nbytes <= _INLINE_BYTES:
            return numpy_helper.from_array(array, name)
        if name not in self._stored:
            self._stored[name] = (self._size, array)
            self._size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        offset, stored = self._stored[name]
        if stored.shape != array.shape or stored.dtype != array.dtype:
            raise ValueError(f"Two different tensors are called {name}.")
        return self._external(name, array, offset)

    def write(self, folder: Path) -> None:
        """Writes the file."""
        with (folder / self.name).open("wb") as file:
            for offset, array in self._stored.values():
                file.seek(offset)
                file.write(array.tobytes())
            file.truncate(self._size)

    def _external(self, name: str, array: np.ndarray, offset: int) -> TensorProto:
        tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": self.name, "offset": offset, "length": array.nbytes}.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor


class GraphBuilder:
    """Collects nodes; every method returns the name of the value it made."""

    def __init__(self, name: str, weights: WeightFile) -> None:
        self.name, self.weights = name, weights
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: int, shape: list[str | int]) -> str:
        """Declares a graph input."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: int, shape: list[str | int]) -> None:
        """Declares a graph output that carries a value made before."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"output_{name}"))
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def weight(self, name: str, array: np.ndarray) -> str:
        """A tensor of the model, stored in the shared file."""
        self.initialisers.setdefault(name, self.weights.reference(name, array))
        return name

    def constant(self, value: object, dtype: str) -> str:
        """A small literal: a scalar, a shape, a list of axes."""
        array = np.array(value, dtype)
        name = f"const_{dtype}_{'x'.join(map(str, array.shape))}_{'_'.join(map(str, array.ravel()))}"
        return self.weight(name, array)

    def ints(self, *values: int) -> str:
        """A 1-D int64 constant."""
        return self.constant(list(values), "int64")

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        """Adds one node and returns its output; with `outputs` > 1, use `ops`."""
        return self.ops(kind, *inputs, outputs=outputs, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, **attributes: object) -> list[str]:
        """Adds one node and returns all its outputs."""
        stem = f"{kind}_{len(self.nodes)}"
        names = [stem if outputs == 1 else f"{stem}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=stem, **attributes))
        return names

    def transpose(self, value: str, *order: int) -> str:
        """Permutes the axes."""
        return self.op("Transpose", value, perm=list(order))

    def reshape(self, value: str, *shape: int) -> str:
        """Reshapes; 0 keeps an axis, -1 is worked out."""
        return self.op("Reshape", value, self.ints(*shape))

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Inserts axes of size 1."""
        return self.op("Unsqueeze", value, self.ints(*axes))

    def size(self, value: str, axis: int) -> str:
        """The size of one axis as a scalar."""
        shape = self.op("Shape", value, start=axis, end=axis + 1)
        return self.op("Squeeze", shape, self.ints(0))

    def arange(self, length: str) -> str:
        """0, 1, ... length - 1."""
        return self.op("Range", self.constant(0, "int64"), length, self.constant(1, "int64"))

    def save(self, path: Path) -> None:
        """Writes the graph; the weights are written by the `WeightFile`."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.initialisers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="nli-tagger")
        model.ir_version = IR_VERSION
        path.write_bytes(model.SerializeToString())
