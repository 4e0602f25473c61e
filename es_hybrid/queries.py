"""The body of each leg, as Elasticsearch reads it. Pure: nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.documents import META_FIELD, VECTOR_FIELD
from es_hybrid.filters import Clause
from es_hybrid.hits import LegKind
from es_hybrid.vector_index import VectorIndexType
from es_hybrid.vectors import Vectors

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Leg:
    """One ranked list to ask for.

    Attributes:
        name: what it is called in the hits.
        kind: what it ranks by.
        body: the search body.
    """

    name: str
    kind: LegKind
    body: Body


# Equal scores in the order of `_shard_doc`, which is how the native fusion breaks ties.
_SORT = ["_score", "_shard_doc"]
_OURS = [VECTOR_FIELD, META_FIELD]


def bm25_leg(text: str, fields: Sequence[str], *, size: int, filter: Clause | None = None) -> Leg:  # noqa: A002
    """The best `size` documents by BM25 of their best field.

    The text only ever reaches ``multi_match``, which has no syntax to abuse.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-multi-match-query
    """
    query: Body = {"multi_match": {"query": text, "fields": list(fields), "type": "best_fields"}}
    if filter is not None:
        query = {"bool": {"must": query, "filter": filter}}
    return Leg("bm25", "bm25", _body({"query": query}, size=size))


def knn_leg(
    vector: Vectors,
    *,
    size: int,
    kind: VectorIndexType,
    num_candidates: int | None = None,
    filter: Clause | None = None,  # noqa: A002
) -> Leg:
    """The `size` nearest documents by the vector field's similarity.

    Args:
        vector: float32, shape (dims,), of length 1.
        size: k, 1 to 10,000.
        kind: the vector index type, which says whether candidates are scored again.
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
    return Leg("knn", "knn", _body({"knn": knn}, size=size))


def _body(query: Mapping[str, Any], *, size: int) -> Body:
    return {**query, "size": size, "sort": _SORT, "_source": {"excludes": _OURS}}
