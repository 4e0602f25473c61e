"""The encoder of multilingual-e5-small as an ONNX graph, from the vectors of tokens to one vector.

BERT (Devlin et al. 2018, arXiv 1810.04805): twelve times, tokens look at each other (attention)
and each is worked on by itself (feed-forward). Texts of a batch are padded to one length; only
attention sees them apart, everything else takes all their tokens as the rows of one matrix.

In ``int8`` each token's vector is scaled by its own largest number before a matrix product. So a
text gets the same vector whatever else is in its batch, which one scale a batch would not give.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np

from es_hybrid.embedders.e5.onnx import MICROSOFT, Graph
from es_hybrid.embedders.e5.weights import Weights
from es_hybrid.vectors import Vectors

Precision = Literal["int8", "float32"]

# Weights stay within 7 bits: without VNNI, x86 adds two products of 8 bits in 16, and
# 2 * 255 * 63 still fits (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
_LARGEST_WEIGHT = 63
_LARGEST_ACTIVATION = 127
_MIDDLE = 128  # what stands for zero: the fast products take activations without a sign


def encoder(weights: Weights, *, precision: Precision = "int8") -> bytes:
    """The graph as an ONNX file, about 22 MB in int8 and 85 MB in float32.

    It takes ``embeddings``, float32 (texts, tokens, 384): words, positions and types added up;
    and ``mask``, int32 (texts, tokens): 1 for a token, 0 for padding. It gives float32
    (texts, 384), the sum of a text's token vectors: their mean, but for its length.
    """
    return _Encoder(weights, precision=precision).file()


class _Operand(NamedTuple):
    """Rows ready for matrix products: in int8 with the scale of each, in float32 without."""

    rows: str
    scales: str = ""


class _Arithmetic(Protocol):
    """How matrices are multiplied."""

    def operand(self, rows: str) -> _Operand: ...

    def product(self, left: _Operand, matrix: Vectors) -> str: ...


class _Float32:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def operand(self, rows: str) -> _Operand:
        return _Operand(rows)

    def product(self, left: _Operand, matrix: Vectors) -> str:
        return self._graph.node("MatMul", left.rows, self._graph.constant(matrix.T))


class _Int8:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._step = graph.constant(np.array(1 / _LARGEST_ACTIVATION, np.float32))
        self._zero = graph.constant(np.array(0, np.float32))
        self._middle = graph.constant(np.array(_MIDDLE, np.float32))
        self._middle_byte = graph.constant(np.array(_MIDDLE, np.uint8))
        self._one = graph.constant(np.array(1, np.float32))
        self._one_column = graph.constant(np.array([-1, 1]))

    def operand(self, rows: str) -> _Operand:
        node = self._graph.node
        largest = node("ReduceMax", node("Abs", rows), axes=[1], keepdims=0)
        scales = node("Mul", largest, self._step)
        # As many zero points as scales are asked for, all of them the middle.
        middles = node("Add", node("Mul", scales, self._zero), self._middle)
        middles = node("QuantizeLinear", middles, self._one)
        quantised = node("QuantizeLinear", rows, scales, middles, axis=0)
        return _Operand(quantised, node("Reshape", scales, self._one_column))

    def product(self, left: _Operand, matrix: Vectors) -> str:
        scales = np.abs(matrix).max(axis=1) / _LARGEST_WEIGHT
        quantised = np.round(matrix / scales[:, None]).astype(np.int8)
        right = self._graph.constant(quantised.T), self._one, self._graph.constant(scales)
        product = self._graph.node(
            "MatMulIntegerToFloat", left.rows, *right, self._middle_byte, domain=MICROSOFT
        )
        return self._graph.node("Mul", product, left.scales)


class _Encoder:
    def __init__(self, weights: Weights, *, precision: Precision) -> None:
        self._weights = weights
        self._graph = Graph()
        self._arithmetic: _Arithmetic = (
            _Int8(self._graph) if precision == "int8" else _Float32(self._graph)
        )
        self._as_rows = self._graph.constant(np.array([-1, weights.hidden]))

    def file(self) -> bytes:
        node, sizes = self._graph.node, ("texts", "tokens")
        self._batch = node("Shape", "embeddings")
        x = self._normal(node("Reshape", "embeddings", self._as_rows), "emb.ln")
        for number in range(self._weights.layers):
            x = self._attended(x, f"l{number}.")
            x = self._fed_forward(x, f"l{number}.")
        return self._graph.file(
            inputs={
                "embeddings": ("float32", (*sizes, self._weights.hidden)),
                "mask": ("int32", sizes),
            },
            output=self._summed(x),
        )

    def _attended(self, x: str, layer: str) -> str:
        operand = self._arithmetic.operand(x)
        parts = [self._linear(operand, f"{layer}{part}") for part in "qkv"]
        attention = self._graph.node(
            "MultiHeadAttention",
            *(self._graph.node("Reshape", part, self._batch) for part in parts),
            "",  # biases are added already
            "mask",
            num_heads=self._weights.heads,
            domain=MICROSOFT,
        )
        seen = self._arithmetic.operand(self._graph.node("Reshape", attention, self._as_rows))
        return self._normal(
            self._graph.node("Add", x, self._linear(seen, f"{layer}ao")), f"{layer}aln"
        )

    def _fed_forward(self, x: str, layer: str) -> str:
        inner = self._linear(self._arithmetic.operand(x), f"{layer}fi")
        active = self._graph.node("Gelu", inner, domain=MICROSOFT)
        outer = self._linear(self._arithmetic.operand(active), f"{layer}fo")
        return self._normal(self._graph.node("Add", x, outer), f"{layer}oln")

    def _linear(self, operand: _Operand, name: str) -> str:
        bias = self._weights.vector(f"{name}.b")
        matrix = self._weights.blocks(f"{name}.w", rows=len(bias)).weights()
        product = self._arithmetic.product(operand, matrix)
        return self._graph.node("Add", product, self._graph.constant(bias))

    def _normal(self, x: str, name: str) -> str:
        scale, shift = (self._graph.constant(self._weights.vector(f"{name}.{a}")) for a in "wb")
        epsilon = self._weights.epsilon
        return self._graph.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)

    def _summed(self, x: str) -> str:
        node, second = self._graph.node, self._graph.constant(np.array([1]))
        mask = node("Unsqueeze", node("Cast", "mask", to=1), second)
        tokens = node("Reshape", x, self._batch)
        return node("Squeeze", node("MatMul", mask, tokens), second)
