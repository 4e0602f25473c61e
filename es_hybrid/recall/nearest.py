"""The truth that recall is measured against: every vector compared, whatever the server can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from es_hybrid.similarity import Floats
from es_hybrid.vector_stream import Batch
from es_hybrid.vectors import Vectors

# Vectors that differ by rounding alone are equally near: relative to a value of 1 and more.
TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Truth:
    """How near the nearest documents of each query are.

    Attributes:
        least: float64, shape (queries,): nearness of the k-th nearest document, or of the last
            where there are fewer; see `nearness`.
        counts: int, shape (queries,): how many there are, k at most.
        vectors: so many were compared with each query.
    """

    least: Floats
    counts: npt.NDArray[np.int64]
    vectors: int


def nearest(
    batches: Iterable[Batch],
    queries: Vectors,
    *,
    k: int,
    similarity: str,
    own: Sequence[str | None] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Compare all queries with all vectors, in one pass over them.

    A document whose passages have the vectors is as near as its best passage; all vectors of a
    document have to be in one batch, one behind the other.

    Args:
        batches: all documents.
        queries: float32, shape (n, dims), as they are searched for.
        k: so many documents are wanted.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        own: the document that each query was made of, which does not count; empty for none.
        progress: told how many documents are done, and of how many.
    """
    best = np.full((len(queries), k), -np.inf)
    done = vectors = 0
    for batch in batches:
        if not len(batch.ids):
            continue
        starts = _starts(batch.ids)
        documents = [batch.ids[start] for start in starts]
        near = np.maximum.reduceat(nearness(batch, queries, similarity), starts, axis=1)
        _leave_out(near, documents, own)
        best = np.partition(np.concatenate([best, near], axis=1), -k, axis=1)[:, -k:]
        done, vectors = done + len(documents), vectors + len(batch.ids)
        if progress is not None:
            progress(done, batch.total)
    found = np.isfinite(best)
    least = np.where(found, best, np.inf).min(axis=1)
    return Truth(least, found.sum(axis=1), vectors)


def nearness(batch: Batch, queries: Vectors, similarity: str) -> Floats:
    """Cosine, inner product, or the negative squared distance; shape (queries, vectors).

    The larger, the nearer, whichever it is.
    """
    if similarity == "cosine":
        return np.asarray(queries @ batch.units.T, np.float64)
    stored = batch.units * batch.norms[:, None]
    products: Floats = queries.astype(np.float64) @ stored.T
    if similarity == "max_inner_product":
        return products
    lengths = np.square(queries.astype(np.float64)).sum(axis=1)
    distances: Floats = 2 * products - batch.norms**2 - lengths[:, None]
    return distances


def _starts(ids: Sequence[str]) -> list[int]:
    """Where each document begins."""
    return [place for place, one in enumerate(ids) if place == 0 or ids[place - 1] != one]


def _leave_out(near: Floats, documents: Sequence[str], own: Sequence[str | None]) -> None:
    if not own:
        return
    places = {document: place for place, document in enumerate(documents)}
    for row, document in enumerate(own):
        if document in places:
            near[row, places[document]] = -np.inf
