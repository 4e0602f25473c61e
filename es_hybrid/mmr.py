"""Maximal marginal relevance: hits that are relevant and differ from one another.

A pure function on vectors; nothing here knows Elasticsearch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.vectors import UnitVectors, Vectors, unit

Row = Sequence[float] | npt.NDArray[np.floating] | None


def mmr(
    vectors: Sequence[Row] | npt.NDArray[np.floating],
    *,
    trade_off: float,
    size: int,
    query: Sequence[float] | npt.NDArray[np.floating] | None = None,
    relevance: Sequence[float] | npt.NDArray[np.floating] | None = None,
) -> list[int]:
    """Pick rows one by one: each time the most relevant that is least like those picked before.

    The next row is the one with the largest

        trade_off · relevance(row) - (1 - trade_off) · max cosine(row, each row picked)

    (Carbonell and Goldstein: The Use of MMR, Diversity-Based Reranking for Reordering Documents
    and Producing Summaries, SIGIR 1998). Of equal rows the first given is picked. Rows without a
    direction (None, NaN, infinite, length zero) are like nothing: they follow at the end, as given.

    Elasticsearch's ``diversify`` retriever chooses by the same rule but returns what it chose in
    the old order, and drops documents without a vector.

    Args:
        vectors: n rows of equal length, of any scale, best hit first; None for a missing one.
        trade_off: λ of the paper, 0 to 1: 1 is relevance alone, 0 is difference alone.
        size: how many rows to pick, 0 and up; time and memory are O(size · n · dims) and
            O(n · dims).
        query: relevance is the cosine with this vector.
        relevance: n numbers instead of a query, on the scale of a cosine: both are added up.

    Returns:
        Row numbers, min(size, n), in the order they were picked.

    Raises:
        UsageError: a trade-off outside of 0 to 1, a negative size, both or neither of query and
            relevance, or relevances that are not n finite numbers.
        VectorError: rows or query of unequal length, not numbers, or a query without direction.

    >>> mmr([[1, 0], [1, 0.01], [0.8, 0.6]], query=[1, 0], size=3, trade_off=0.3)
    [0, 2, 1]
    """
    check_trade_off(trade_off)
    if size < 0:
        raise UsageError(f"size {size} is below 0: use 0 or more")
    if (query is None) == (relevance is None):
        raise UsageError("what is relevant? give either the query's vector or the relevances")
    scaled = unit(_matrix(vectors))
    known = _cosines_with(query, scaled) if relevance is None else _given(relevance, len(vectors))
    usable = [row for row in range(len(vectors)) if row not in scaled.faults]
    picked = _picked(scaled.vectors[usable], known[usable], size=size, trade_off=trade_off)
    return [*(usable[place] for place in picked), *sorted(scaled.faults)][:size]


def check_trade_off(value: float) -> float:
    """`value`, if it can be a trade-off.

    Raises:
        UsageError: it is not 0 to 1.
    """
    if not 0 <= value <= 1:
        raise UsageError(
            f"trade-off {value} is not 0 to 1: 1 is relevance alone, 0 is difference alone"
        )
    return value


def _picked(rows: Vectors, relevance: Vectors, *, size: int, trade_off: float) -> list[int]:
    """Places of the picked rows; `rows` have length 1."""
    gain = trade_off * relevance
    nearest = np.zeros(len(rows), np.float32)
    picked: list[int] = []
    for _ in range(min(size, len(rows))):
        best = int(np.argmax(gain - (1 - trade_off) * nearest))
        near = _cosines(rows, rows[best])
        nearest = np.maximum(nearest, near) if picked else near
        picked.append(best)
        gain[best] = -np.inf
    return picked


def _cosines(rows: Vectors, one: Vectors) -> Vectors:
    # Not @: BLAS may round equal rows differently by their place, and so part ties.
    cosines: Vectors = np.einsum("ij,j->i", rows, one)
    return cosines


def _cosines_with(query: Row, rows: UnitVectors) -> Vectors:
    one, count = unit(_matrix([query])), len(rows.vectors)
    if one.faults:
        raise VectorError(f"the query is {one.faults[0]}: it must have a direction")
    if len(rows.faults) == count:
        return np.zeros(count, np.float32)
    if one.vectors.shape[1] != rows.vectors.shape[1]:
        raise VectorError(
            f"a query of {one.vectors.shape[1]} dimensions for rows of {rows.vectors.shape[1]}: "
            "both must come from one model"
        )
    return _cosines(rows.vectors, one.vectors[0])


def _given(relevance: Sequence[float] | npt.NDArray[np.floating], count: int) -> Vectors:
    with np.errstate(over="ignore"):  # too large for float32 becomes inf, and is refused
        values = np.asarray(relevance, np.float32)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise UsageError(
            f"relevance of shape {values.shape} for {count} rows: give each row one finite number"
        )
    return values


def _matrix(vectors: Sequence[Row] | npt.NDArray[np.floating]) -> Vectors:
    """Float32, shape (n, dims); NaN where a row is None, one column where all are."""
    try:
        dims = next((len(row) for row in vectors if row is not None), 1)
        rows = [[np.nan] * dims if row is None else row for row in vectors]
        with np.errstate(over="ignore"):  # too large for float32 becomes inf: no direction
            return np.array(rows, np.float32).reshape(len(rows), dims)
    except (TypeError, ValueError) as error:
        raise VectorError(f"these are no rows of numbers, all of one length: {error}") from None
