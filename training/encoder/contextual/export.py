"""Writes the student as an ONNX file with 8-bit weights, which onnxruntime runs without torch.

A linear map's input is brought to 8 bits as it comes, its weights are kept in 7: products of two neighbours then fit
16 bits, so that processors with and without instructions for 8-bit products give the same sums.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from training.encoder.contextual.student import Layer, Student

_OPSET = 20
_FORMAT = 10  # of the file; older runtimes read it too
_WEIGHT_STEPS = 63
_TABLE_STEPS = 127


@dataclass
class _Graph:
    """Collects nodes and weights; every method returns the name of what it computes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, dtype=dtype), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        return self.many(kind, *inputs, outputs=outputs, **attributes)[0]

    def many(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def linear(self, x: str, layer: nn.Linear) -> str:
        """Return `layer(x)` computed in 8 bits."""
        codes, scales = _quantised(_array(layer.weight), _WEIGHT_STEPS)
        x8, scale, zero = self.many("DynamicQuantizeLinear", x, outputs=3)
        product = self.node("MatMulInteger", x8, self.constant(codes.T, np.int8), zero)
        factors = self.node("Mul", scale, self.constant(scales))
        scaled = self.node("Mul", self.node("Cast", product, to=TensorProto.FLOAT), factors)
        return self.node("Add", scaled, self.constant(_array(layer.bias)))

    def stored(self, table: NDArray[np.float32]) -> str:
        """Return a matrix that lies in the file as 8-bit rows and in memory as float32."""
        codes, scales = _quantised(table, _TABLE_STEPS)
        whole = self.node("Cast", self.constant(codes, np.int8), to=TensorProto.FLOAT)
        return self.node("Mul", whole, self.constant(scales[:, None]))

    def rows(self, table: NDArray[np.float32], ids: str) -> str:
        """Return rows of a matrix that stays in 8 bits in memory too."""
        codes, scales = _quantised(table, _TABLE_STEPS)
        taken = self.node("Cast", self.node("Gather", self.constant(codes, np.int8), ids), to=TensorProto.FLOAT)
        return self.node("Mul", taken, self.node("Gather", self.constant(scales[:, None]), ids))

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        weight, bias = self.constant(_array(layer.weight)), self.constant(_array(layer.bias))
        return self.node("LayerNormalization", x, weight, bias, axis=-1, epsilon=layer.eps)


def onnx_model(student: Student) -> onnx.ModelProto:
    """Return the network: `tokens` (pieces,) int64 to `vector` (hidden,) float32, not yet of length 1.

    One text a call: the 8-bit scale of a batch would hang on its other texts.
    """
    graph = _Graph()
    start, axis = graph.constant([0], np.int64), graph.constant([0], np.int64)
    places = graph.node("Slice", graph.stored(_array(student.places)), start, graph.node("Shape", "tokens"), axis)
    x = graph.norm(graph.node("Add", graph.rows(_array(student.pieces.weight), "tokens"), places), student.norm)
    for layer in student.layers:
        x = _layer(graph, x, layer)  # type: ignore[arg-type]
    mean = graph.node("ReduceMean", x, axis, keepdims=0)
    graph.nodes.append(helper.make_node("Identity", [mean], ["vector"]))
    made = helper.make_graph(
        graph.nodes,
        "contextual_encoder",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["pieces"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, list(student.norm.normalized_shape))],
        graph.weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_FORMAT)
    onnx.checker.check_model(model, full_check=True)
    return model


def _layer(graph: _Graph, x: str, layer: Layer) -> str:
    hidden, heads = layer.out.out_features, layer.heads
    apart = graph.constant([0, heads, hidden // heads], np.int64)
    together = graph.constant([0, hidden], np.int64)
    parts = graph.many("Split", graph.linear(x, layer.qkv), outputs=3, axis=1, num_outputs=3)
    orders = ([1, 0, 2], [1, 2, 0], [1, 0, 2])
    q, k, v = (
        graph.node("Transpose", graph.node("Reshape", part, apart), perm=order)
        for part, order in zip(parts, orders, strict=True)
    )
    scores = graph.node("Mul", graph.node("MatMul", q, k), graph.constant((hidden // heads) ** -0.5))
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v)
    joined = graph.node("Reshape", graph.node("Transpose", mixed, perm=[1, 0, 2]), together)
    x = graph.norm(graph.node("Add", x, graph.linear(joined, layer.out)), layer.norm1)
    inner = graph.node("Gelu", graph.linear(x, layer.up))
    return graph.norm(graph.node("Add", x, graph.linear(inner, layer.down)), layer.norm2)


def _quantised(matrix: NDArray[np.float32], steps: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows of whole numbers within ±`steps`, and one factor per row."""
    scales = np.abs(matrix).max(axis=1) / steps
    scales[scales == 0] = 1
    return np.round(matrix / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().numpy().astype(np.float32)
