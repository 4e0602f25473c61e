"""Just enough of the ONNX file format to write a graph, so that no other package is needed.

An ONNX file is a protocol buffer: fields, each a number and a value. The numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

MICROSOFT = "com.microsoft"  # the operators that ONNX Runtime adds to the standard ones
_IR_VERSION, _OPERATORS, _MICROSOFT_OPERATORS = 8, 17, 1

_TENSOR_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_VARINT, _BYTES, _FLOAT = 0, 2, 5  # wire types
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7


class Graph:
    """A graph that grows by one node at a time; values are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, value: npt.NDArray[Any]) -> str:
        """Add a constant tensor and return its name."""
        name = f"constant{len(self._constants)}"
        shape = b"".join(_field(1, size) for size in value.shape)
        kind = _field(2, _TENSOR_TYPES[value.dtype.name])
        data = _field(9, np.ascontiguousarray(value).tobytes())
        self._constants.append(_field(5, shape + kind + _field(8, name) + data))
        return name

    def node(
        self, operator: str, *inputs: str, domain: str = "", **attributes: int | float | list[int]
    ) -> str:
        """Add a node with one output and return that output's name."""
        name = f"value{len(self._nodes)}"
        body = b"".join(_field(1, each) for each in inputs) + _field(2, name) + _field(4, operator)
        body += b"".join(_attribute(each, value) for each, value in attributes.items())
        self._nodes.append(_field(1, body + _field(7, domain)))
        return name

    def file(self, *, inputs: Mapping[str, tuple[str, Sequence[int | str]]], output: str) -> bytes:
        """The graph as the bytes of an ONNX file.

        Args:
            inputs: name -> element type and shape; a size that varies is given by a name.
            output: the name of the value that the graph computes.
        """
        ends = [_field(11, _described(name, *what)) for name, what in inputs.items()]
        ends.append(_field(12, _field(1, output)))
        graph = b"".join([*self._nodes, _field(2, "encoder"), *self._constants, *ends])
        operators = _operators("", _OPERATORS) + _operators(MICROSOFT, _MICROSOFT_OPERATORS)
        return _field(1, _IR_VERSION) + _field(7, graph) + operators


def _field(number: int, value: float | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FLOAT) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers in two's complement of 64 bits."""
    value %= 1 << 64
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _attribute(name: str, value: float | list[int]) -> bytes:
    if isinstance(value, list):
        content = b"".join(_field(8, each) for each in value) + _field(20, _ATTRIBUTE_INTS)
    elif isinstance(value, int):
        content = _field(3, value) + _field(20, _ATTRIBUTE_INT)
    else:
        content = _field(2, value) + _field(20, _ATTRIBUTE_FLOAT)
    return _field(5, _field(1, name) + content)


def _described(name: str, kind: str, shape: Sequence[int | str]) -> bytes:
    sizes = [_field(1, size) if isinstance(size, int) else _field(2, size) for size in shape]
    dimensions = b"".join(_field(1, size) for size in sizes)
    tensor = _field(1, _TENSOR_TYPES[kind]) + _field(2, dimensions)
    return _field(1, name) + _field(2, _field(1, tensor))


def _operators(domain: str, version: int) -> bytes:
    return _field(8, _field(1, domain) + _field(2, version))
