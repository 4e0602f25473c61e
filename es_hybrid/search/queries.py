"""The body of each leg, as Elasticsearch reads it. Pure: nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from es_hybrid.documents import META_FIELD, VECTOR_FIELD
from es_hybrid.filters import Clause
from es_hybrid.hits import KnnWay, LegKind
from es_hybrid.similarity import DEFAULT_SIMILARITY, SIMILARITIES, Similarity
from es_hybrid.vector_index import MAX_CANDIDATES, VectorIndexType
from es_hybrid.vectors import Vectors

Body = dict[str, Any]

# Characters of a query that its words are taken from. Each word is a clause in each field, and a
# whole page would be "too many clauses" (indices.query.bool.max_clause_count, some thousands).
LONGEST_QUERY = 2000

# Of 20,000 random vectors, int8 candidates scored again so often came in the exact order.
RESCORED_OVERSAMPLE = 50.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One ranked list to ask for.

    Attributes:
        name: what it is called in the hits.
        kind: what it ranks by.
        body: the search body.
        way: how a kNN leg is answered; None in a BM25 leg.
        similarity: what a kNN leg compares by.
        vector: what it looks for, as it is sent.
    """

    name: str
    kind: LegKind
    body: Body
    way: KnnWay | None = None
    similarity: Similarity = SIMILARITIES[DEFAULT_SIMILARITY]
    vector: Vectors | None = None

    @property
    def query_norm(self) -> float | None:
        """Length of `vector`."""
        return None if self.vector is None else float(np.linalg.norm(self.vector))


# Equal scores in the order of `_shard_doc`, which is how the native fusion breaks ties.
_SORT = ["_score", "_shard_doc"]
_OURS = [VECTOR_FIELD, META_FIELD]

# Length of a document's vector: without it an inner product or a distance says no cosine.
NORM_FIELD = f"{META_FIELD}.norm"


def bm25_leg(text: str, fields: Sequence[str], *, size: int, filter: Clause | None = None) -> Leg:  # noqa: A002
    """The best `size` documents by BM25 of their best field; see `LONGEST_QUERY`.

    The text only ever reaches ``multi_match``, which has no syntax to abuse.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-multi-match-query
    """
    words = text[:LONGEST_QUERY]
    query: Body = {"multi_match": {"query": words, "fields": list(fields), "type": "best_fields"}}
    if filter is not None:
        query = {"bool": {"must": query, "filter": filter}}
    return Leg("bm25", "bm25", _body({"query": query}, size=size))


def knn_leg(
    vector: Vectors,
    *,
    size: int,
    kind: VectorIndexType,
    similarity: Similarity = SIMILARITIES[DEFAULT_SIMILARITY],
    num_candidates: int | None = None,
    filter: Clause | None = None,  # noqa: A002
) -> Leg:
    """The `size` nearest documents by the vector field's similarity.

    Args:
        vector: float32, shape (dims,), of length 1 where the similarity is that of unit vectors.
        size: k, 1 to 10,000.
        kind: the vector index type, which says whether candidates are scored again.
        similarity: of the vector field.
        num_candidates: looked at per shard, `size` to 10,000; None takes the type's own.
        filter: applied before the search, so that `size` hits remain.

    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-knn-query
    """
    knn: Body = {
        "field": VECTOR_FIELD,
        "query_vector": vector,
        "k": size,
        "num_candidates": kind.num_candidates(size, asked=num_candidates),
    }
    if filter is not None:
        knn["filter"] = filter
    if kind.oversample is not None:
        knn["rescore_vector"] = {"oversample": kind.oversample}
    way: KnnWay = "exact:flat" if kind.name == "flat" else "approximate"
    return _knn({"knn": knn}, vector, size=size, similarity=similarity, way=way)


def rescored_leg(leg: Leg) -> Leg:
    """A kNN leg of a quantised index at its deepest: nearly all it has is scored exactly."""
    oversample = max(1.0, min(RESCORED_OVERSAMPLE, MAX_CANDIDATES / leg.body["size"]))
    deepest = {"num_candidates": MAX_CANDIDATES, "rescore_vector": {"oversample": oversample}}
    knn = {**leg.body["knn"], **deepest}
    return replace(leg, body={**leg.body, "knn": knn}, way="exact:rescored")


def script_leg(
    vector: Vectors,
    *,
    size: int,
    similarity: Similarity,
    filter: Clause | None = None,  # noqa: A002
) -> Leg:
    """As `knn_leg`, with every vector compared by a script: exact, on any vector index.

    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-script-score-query
    """
    script = {
        "source": similarity.script.replace("FIELD", VECTOR_FIELD),
        "params": {"query": vector},
    }
    query = {"script_score": {"query": with_vector(filter), "script": script}}
    return _knn(
        {"query": query}, vector, size=size, similarity=similarity, way="exact:script_score"
    )


def scanned_leg(
    vector: Vectors,
    *,
    size: int,
    similarity: Similarity,
    filter: Clause | None = None,  # noqa: A002
) -> Leg:
    """As `knn_leg`, for vectors that are fetched and compared on this side."""
    query = {"query": with_vector(filter)}
    return _knn(query, vector, size=size, similarity=similarity, way="exact:scanned")


def with_vector(filter: Clause | None) -> Body:  # noqa: A002
    """The query for all documents that have a vector and pass the filter."""
    clauses = [{"exists": {"field": VECTOR_FIELD}}, *([] if filter is None else [filter])]
    return {"bool": {"filter": clauses}}


def _knn(
    query: Mapping[str, Any], vector: Vectors, *, size: int, similarity: Similarity, way: KnnWay
) -> Leg:
    norm = {} if similarity.scaled else {"fields": [NORM_FIELD]}
    body = _body(query, size=size) | norm
    return Leg("knn", "knn", body, way=way, similarity=similarity, vector=vector)


def _body(query: Mapping[str, Any], *, size: int) -> Body:
    return {**query, "size": size, "sort": _SORT, "_source": {"excludes": _OURS}}
