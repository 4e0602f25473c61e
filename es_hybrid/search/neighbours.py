"""How far the k-th neighbour of a document is, by Elasticsearch's own kNN.

"Far" is what the index compares by: for directions the distance of vectors of length 1, which is
0 to 2 with d² = 2 - 2 cosine; for l2_norm that of vectors as they are. Inner products are none.

Ramaswamy, Rastogi and Shim, "Efficient algorithms for mining outliers from large data sets",
SIGMOD 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson

from es_hybrid.client import path
from es_hybrid.contract import Contract
from es_hybrid.documents import PASSAGES_FIELD
from es_hybrid.errors import UsageError
from es_hybrid.filters import Clause
from es_hybrid.fitted.model import Floats
from es_hybrid.refusals import failure
from es_hybrid.search.queries import knn_leg, selection
from es_hybrid.similarity import Similarity, similarity
from es_hybrid.vector_index import vector_index_type
from es_hybrid.vectors import Vectors

_TOGETHER = 32  # searches of one request

# Sends the lines of an ``_msearch`` to a path, and gives its answer back.
Ask = Callable[[str, bytes], Any]
_LINE = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


class Neighbours:
    """Asks for neighbours.

    A document does not count as a neighbour of itself. Where passages have the vectors, the mean
    of a document's passages is searched for, and each other one counts by its nearest passage.

    Args:
        ask: sends searches.
        index: which is searched.
        contract: of the index.
        k: which neighbour, 1 and more.
        among: filters that a neighbour passes; the documents asked about need not.
        packs: whether the server reads query vectors in base64.

    Raises:
        UsageError: the index compares vectors by inner products.
    """

    def __init__(
        self,
        ask: Ask,
        index: str,
        contract: Contract,
        *,
        k: int,
        among: Sequence[Clause] = (),
        packs: bool = False,
    ) -> None:
        self._similarity = _measurable(similarity(contract.similarity), index)
        self._ask, self._k, self._among = ask, k, among
        self._path = path(index, "_msearch")
        field = contract.vector_field
        self._field = f"{PASSAGES_FIELD}.{field}" if contract.passages else field
        self._kind = vector_index_type(contract.vector_index, dims=contract.embedder.dims)
        self._packs = packs

    @property
    def lengths(self) -> bool:
        """Whether lengths of vectors count."""
        return not self._similarity.scaled

    def distances(self, ids: Sequence[str], vectors: Vectors) -> Floats:
        """Euclidean distance to the k-th neighbour, or to the last where there are fewer.

        Args:
            ids: of the documents.
            vectors: float32, shape (n, dims); of length 1 unless lengths count.

        Returns:
            float64, shape (n,); NaN where there is no other document at all.

        Raises:
            ServerError: the server refused, or cannot be reached.
        """
        found = np.full(len(ids), np.nan)
        # Of all neighbours only the k-th is fetched: that takes most of the time. Where there are
        # fewer, that finds none, and all are.
        for first in (self._k, 1):
            missing = np.flatnonzero(np.isnan(found))
            for start in range(0, len(missing), _TOGETHER):
                rows = missing[start : start + _TOGETHER]
                found[rows] = self._last([ids[row] for row in rows], vectors[rows], first=first)
        return found

    def _last(self, ids: Sequence[str], vectors: Vectors, *, first: int) -> list[float]:
        """Distance to the last of the neighbours from `first` to the k-th; NaN if there is none."""
        pairs = zip(ids, vectors, strict=True)
        lines = [line for own, one in pairs for line in ({}, self._body(own, one, first=first))]
        written = b"".join(orjson.dumps(line, option=_LINE) for line in lines)
        return [self._distance(told) for told in self._ask(self._path, written)["responses"]]

    def _body(self, own: str, one: Vectors, *, first: int) -> dict[str, Any]:
        others = {"bool": {"must_not": [{"ids": {"values": [own]}}]}}
        leg = knn_leg(
            one,
            size=self._k,
            kind=self._kind,
            field=self._field,
            packs=self._packs,
            filters=(others, *self._among),
        )
        ranks = {"from": first - 1, "size": self._k - first + 1}
        return {**selection(leg), **ranks, "_source": False, "track_total_hits": False}

    def _distance(self, told: Any) -> float:
        if "error" in told:
            raise failure(told.get("status", 500), told, what=f"POST {self._path}", url="")
        scores = [hit["_score"] for hit in told["hits"]["hits"]]
        if not scores:
            return np.nan
        raw = self._similarity.raw(min(scores))
        return raw if self.lengths else float(np.sqrt(max(2 - 2 * raw, 0.0)))


def _measurable(kind: Similarity, index: str) -> Similarity:
    if kind.name == "max_inner_product":
        raise UsageError(
            f"neighbours needs distances, and {index!r} was made with --similarity {kind.name}, by "
            "which long vectors are near to all others: choose --method mean or clusters, which "
            "look at directions alone"
        )
    return kind
