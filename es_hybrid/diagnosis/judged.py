"""The same judged queries under three similarities, each by comparing all vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.measures import measured
from es_hybrid.evaluation.qrels import Qrels
from es_hybrid.evaluation.significance import Interval, interval
from es_hybrid.vector_stream import Batch
from es_hybrid.vectors import Vectors, unit

SIMILARITIES = ("cosine", "dot product", "Euclidean")
MEASURE = "nDCG@10"

_KEPT = 10  # documents of a ranking: as many as the measure looks at

Floats = NDArray[np.floating[Any]]


@dataclass(slots=True)
class _Best:
    """The best documents of every query so far."""

    scores: Floats
    ids: list[tuple[str, ...]]

    def add(self, scores: Floats, ids: Sequence[str]) -> None:
        """Scores of more documents, shape (queries, n); a document's best passage stands for it."""
        for query, row in enumerate(scores):
            found: dict[str, float] = dict(zip(self.ids[query], self.scores[query], strict=False))
            for place in np.argsort(-row, kind="stable")[: 4 * _KEPT].tolist():
                found[ids[place]] = max(found.get(ids[place], -np.inf), float(row[place]))
            first = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_KEPT]
            self.ids[query] = tuple(one for one, _ in first)
            self.scores[query, : len(first)] = [score for _, score in first]


def rankings(
    batches: Iterable[Batch], queries: Mapping[str, str], vectors: Vectors
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Similarity -> query id -> ids of the best documents.

    Args:
        batches: all documents.
        queries: query id -> its text.
        vectors: of the queries, as the embedder made them, shape (queries, dims).
    """
    directions = unit(vectors).vectors
    best = {
        name: _Best(np.full((len(queries), _KEPT), -np.inf), [()] * len(queries))
        for name in SIMILARITIES
    }
    for batch in batches:
        original = (batch.units * batch.norms[:, None]).astype(np.float32)
        products = vectors @ original.T
        scores = (directions @ batch.units.T, products, 2 * products - batch.norms**2)
        for name, one in zip(SIMILARITIES, scores, strict=True):
            best[name].add(one, batch.ids)
    return {name: dict(zip(queries, kept.ids, strict=True)) for name, kept in best.items()}


def compared(
    batches: Iterable[Batch], queries: Mapping[str, str], vectors: Vectors, qrels: Qrels
) -> dict[str, Interval]:
    """Similarity -> the mean of `MEASURE` over the judged queries, with its interval.

    Raises:
        EsHybridError: ir-measures or SciPy is not installed.
    """
    found = rankings(batches, queries, vectors)
    values = {name: measured(run, qrels, measure=MEASURE) for name, run in found.items()}
    return {name: interval(list(one.values())) for name, one in values.items()}
