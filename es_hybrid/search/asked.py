"""What is searched for: every argument that can never work is refused before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import UsageError, VectorError
from es_hybrid.fusion import check_rank_constant
from es_hybrid.hits import MODES, Mode
from es_hybrid.texts import composed, is_blank
from es_hybrid.vector_index import MAX_CANDIDATES
from es_hybrid.vectors import Vectors, usable_query, vector

# How many of each leg are fused. Elasticsearch's default of 10 is too few to find a document
# that both legs hold at rank 15.
WINDOW = 100

# Elasticsearch's index.max_result_window.
MAX_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One search as the caller wants it.

    Attributes:
        query: words for the BM25 leg, and for the embedder unless there is a `vector`.
        vector: float32, shape (dims,), as the caller gave it.
        mode: which legs run.
        size: number of hits.
        depth: how many each leg returns.
        rank_constant: of reciprocal rank fusion.
        exact: whether the kNN leg may miss nothing.
        num_candidates: of an approximate kNN leg; None takes the default.
    """

    query: str | None
    vector: Vectors | None
    mode: Mode
    size: int
    depth: int
    rank_constant: int
    exact: bool
    num_candidates: int | None


def asked(
    query: str | None,
    *,
    vector: Any,  # noqa: ANN401 - any array of numbers
    mode: Mode | None,
    size: int,
    window: int | None,
    rank_constant: int,
    exact: bool,
    num_candidates: int | None,
) -> Asked:
    """The arguments of a search, checked as far as they can be without the index.

    Raises:
        UsageError: one of them, or two together, can never work.
        VectorError: the vector is none.
    """
    query = None if query is None else _words(query)
    mode = mode or ("knn" if query is None and vector is not None else "hybrid")
    _check_mode(query, mode=mode, given=vector is not None)
    depth = _depth(mode, size=size, window=window)
    check_rank_constant(rank_constant)
    _check_candidates(num_candidates, mode=mode, exact=exact, least=depth)
    row = None if vector is None else _given(vector)
    return Asked(query, row, mode, size, depth, rank_constant, exact, num_candidates)


def _words(query: str) -> str:
    """The query as documents are written: composed, and something to see of it."""
    if is_blank(query):
        raise UsageError(f"query {query!r} is empty: type some words")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"query {query!r} has half of a surrogate pair, which is no Unicode: take it out"
        ) from None
    return composed(query)


def _check_mode(query: str | None, *, mode: str, given: bool) -> None:
    if mode not in MODES:
        raise UsageError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)}")
    if query is None and not given:
        raise UsageError("there is nothing to search for: give some words, a vector, or both")
    if query is None and mode != "knn":
        raise UsageError(f"mode {mode!r} searches for words as well: give some, or take mode knn")
    if given and mode == "bm25":
        raise UsageError("mode 'bm25' searches for words alone: leave the vector out")


def _depth(mode: str, *, size: int, window: int | None) -> int:
    """How deep each leg goes."""
    if not 0 <= size <= MAX_SIZE:
        raise UsageError(f"size {size} is not between 0 and {MAX_SIZE}")
    if mode != "hybrid":
        return max(size, 1)
    if window is not None and not max(size, 1) <= window <= MAX_SIZE:
        raise UsageError(f"window {window} is not between size {size} and {MAX_SIZE}")
    return window or max(WINDOW, size)


def _check_candidates(candidates: int | None, *, mode: str, exact: bool, least: int) -> None:
    if mode == "bm25" and (exact or candidates is not None):
        word = "exact" if exact else "num_candidates"
        raise UsageError(f"{word} is about kNN, which mode 'bm25' does not run: leave it out")
    if candidates is None:
        return
    if exact:
        raise UsageError("an exact search compares all vectors: leave num_candidates out")
    if not least <= candidates <= MAX_CANDIDATES:
        raise UsageError(
            f"num_candidates {candidates} is not between {least}, the hits of the kNN leg, and "
            f"{MAX_CANDIDATES}"
        )


def _given(values: Any) -> Vectors:  # noqa: ANN401 - any array of numbers
    row = vector(values, maker="the query vector")
    usable_query(row, maker="the caller", scaled=True)  # neither zero, NaN nor infinite
    return row


def query_row(row: Vectors, *, dims: int, scaled: bool) -> Vectors:
    """The caller's vector as the index compares it.

    Raises:
        VectorError: it has another number of dimensions than the index, or is too long.
    """
    if len(row) != dims:
        raise VectorError(
            f"the query vector has {len(row)} numbers, the index has {dims} dimensions: make it "
            "with the model that made the index"
        )
    return usable_query(row, maker="the caller", scaled=scaled)
