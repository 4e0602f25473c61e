"""The one place where vectors are checked, brought to length 1, and packed for the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pybase64 import b64decode, b64encode

from es_hybrid.errors import VectorError

Vectors = npt.NDArray[np.float32]

# Below this length a float32 direction is noise; Elasticsearch refuses a zero vector anyway.
_SMALLEST_NORM = 1e-12

# How far from 1 the length of a vector may be that is of length 1: what float32 rounds away.
_UNIT = 1e-6

# The square of a longer vector that is stored as it came does not fit into Elasticsearch's float32.
LARGEST_NORM = 1e15

# Kinds of numbers that become float32: floats, integers, unsigned integers.
_NUMBERS = "fiu"


@dataclass(frozen=True, slots=True)
class UnitVectors:
    """Rows, of length 1 if they were scaled, and what was wrong with those that cannot be used.

    Attributes:
        vectors: float32, shape (n, dims); rows named in `faults` are zero.
        norms: float64, shape (n,): the L2 norms before normalisation.
        faults: row number -> why that row is no usable vector.
    """

    vectors: Vectors
    norms: npt.NDArray[np.float64]
    faults: dict[int, str]


def matrix(values: Any, *, rows: int, dims: int, maker: str, given: str = "texts") -> Vectors:
    """The embedder's answer as float32 of shape (rows, dims).

    Args:
        values: what it answered.
        rows: how many things it was given.
        dims: of its vectors.
        maker: its name.
        given: what the things are.

    Raises:
        VectorError: another shape, or values that are not numbers; names the `maker`.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # ragged rows
        raise VectorError(f"{maker} gave vectors of unequal length, not {dims}") from None
    if array.dtype.kind not in _NUMBERS:
        raise VectorError(f"{maker} gave values of type {array.dtype}, not numbers")
    if array.shape != (rows, dims):
        raise VectorError(
            f"{maker} gave shape {array.shape} for {rows} {given}, not {(rows, dims)}"
        )
    with np.errstate(over="ignore"):  # too large for float32 becomes inf, and is named below
        return np.ascontiguousarray(array, dtype=np.float32)


def unit(vectors: Vectors) -> UnitVectors:
    """Scale rows to length 1; a NaN, infinite or zero row is named instead.

    Norms are summed in float64, so that the rounded row is within 1e-6 of length 1
    (Elasticsearch's `dot_product` accepts 1e-4).

    >>> unit(np.array([[3.0, 4.0]], np.float32)).vectors.round(1).tolist() == [
    ...     [np.float32(0.6), np.float32(0.8)]]
    True
    """
    exact = vectors.astype(np.float64)
    norms = _norms(exact)
    faults = _faults(norms)
    if not faults:
        exact *= (1 / norms)[:, None]  # divisions take five times as long
        return UnitVectors(exact.astype(np.float32), norms, faults)
    scaled = np.zeros_like(vectors)
    usable = np.delete(np.arange(len(vectors)), list(faults))
    scaled[usable] = exact[usable] * (1 / norms[usable, None])
    return UnitVectors(scaled, norms, faults)


def unusable(vectors: Vectors) -> dict[int, str]:
    """Row number -> why that row is no usable vector, as `unit` says it.

    >>> unusable(np.array([[3, 4], [0, 0], [1, np.nan]], np.float32))
    {1: 'a vector of length zero', 2: 'a vector with NaN or infinity'}
    """
    return _faults(_norms(vectors.astype(np.float64)))


def _norms(exact: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """NaN or infinite where a value is; a float32 is too small to become infinite squared."""
    norms: npt.NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    return norms


def _faults(norms: npt.NDArray[np.float64]) -> dict[int, str]:
    usable = (norms > _SMALLEST_NORM) & (norms < np.inf)
    return {
        row: "a vector of length zero" if norms[row] < 1 else "a vector with NaN or infinity"
        for row in np.flatnonzero(~usable).tolist()
    }


def usable(vectors: Vectors, *, scaled: bool) -> UnitVectors:
    """As `unit`; without `scaled` the good rows stay as they came, however long.

    >>> usable(np.array([[3.0, 4.0]], np.float32), scaled=False).vectors.tolist()
    [[3.0, 4.0]]
    """
    result = unit(vectors)
    if scaled:
        return result
    long = {
        int(row): f"a vector of length {result.norms[row]:.3g}, above {LARGEST_NORM:.0e}"
        for row in np.flatnonzero(result.norms > LARGEST_NORM)
    }
    faults = long | result.faults
    kept = np.array(vectors, np.float32)
    kept[list(faults)] = 0
    return UnitVectors(kept, result.norms, faults)


def vector(values: Any, *, maker: str) -> Vectors:
    """One vector that somebody gave, float32, shape (dims,); its numbers are not looked at yet.

    Raises:
        VectorError: ragged, empty, not one row, or no numbers; names the `maker`.

    >>> vector([1, 2], maker="query").tolist()
    [1.0, 2.0]
    """
    try:
        array = np.asarray(values)
    except ValueError:  # ragged rows
        raise VectorError(f"{maker} holds rows of unequal length, not one vector") from None
    if array.dtype.kind not in _NUMBERS:
        what = "no list of numbers" if array.dtype.kind in "OUSb" else f"{array.dtype} values"
        raise VectorError(f"{maker} holds {what}, not a vector of numbers")
    row = array[0] if array.ndim == 2 and len(array) == 1 else array
    if row.ndim != 1 or not row.size:
        raise VectorError(f"{maker} has shape {array.shape}, not that of one vector")
    if row.dtype == np.float32:
        return np.ascontiguousarray(row)
    with np.errstate(over="ignore"):  # too large for float32 becomes inf, and is named later
        return np.ascontiguousarray(row, dtype=np.float32)


def usable_query(vector: Vectors, *, maker: str, scaled: bool) -> Vectors:
    """One query vector of shape (dims,), scaled to length 1 if `scaled`.

    One that is of length 1 already, to 1e-6, stays as it came: scaling would only change its last
    bits, and so the scores that the same vector gets by hand.

    Raises:
        VectorError: it is zero, or holds a NaN or an infinite number.
    """
    if scaled and abs(vector.dot(vector) - 1) < _UNIT / 2:  # most are; in float32, as it is quick
        return vector
    norm = check_query(vector, maker=maker, scaled=scaled)
    # As `usable` does for many rows, in a quarter of the time.
    return (vector / norm).astype(np.float32) if scaled and abs(norm - 1) > _UNIT else vector


def check_query(vector: Vectors, *, maker: str, scaled: bool = True) -> np.float64:
    """The length of a query vector, which must have a direction.

    Raises:
        VectorError: as `usable_query`.
    """
    norm: np.float64 = np.sqrt(np.einsum("i,i->", vector, vector, dtype=np.float64))
    if _SMALLEST_NORM < norm <= LARGEST_NORM:  # a NaN is neither
        return norm
    result = usable(vector[None, :], scaled=scaled)
    if result.faults:
        raise VectorError(f"{maker} gave {result.faults[0]} for the query: ask something else")
    return np.float64(result.norms[0])


def encoded(vectors: Vectors) -> list[bytes]:
    """Each row as base64 of big-endian float32, as Elasticsearch 9.3+ reads it.

    https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector
    """
    return list(map(b64encode, vectors.astype(">f4")))


def packed(vectors: Vectors) -> list[str]:
    """As `encoded`, for those who write JSON."""
    return [row.decode("ascii") for row in encoded(vectors)]


def unpacked(values: Any) -> Vectors:
    """One vector as a server gives it back, an array or what `packed` wrote; float32, bit by bit.

    Raises:
        ValueError: it is neither.
        TypeError: it is neither.

    >>> unpacked(packed(np.array([[0.1, 2]], np.float32))[0]).tolist() == [np.float32(0.1), 2]
    True
    """
    if isinstance(values, str):
        return np.frombuffer(b64decode(values, validate=True), ">f4").astype(np.float32)
    return np.array(values, np.float32)
