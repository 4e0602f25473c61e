"""The body of each leg, as Elasticsearch reads it. Pure: nothing is sent from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from es_hybrid.documents import META_FIELD, PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.filters import Clause, combined
from es_hybrid.hits import KnnWay, LegKind
from es_hybrid.similarity import DEFAULT_SIMILARITY, SIMILARITIES, Similarity
from es_hybrid.vector_index import MAX_CANDIDATES, VectorIndexType
from es_hybrid.vectors import Vectors, packed

Body = dict[str, Any]

# One document, wherever it lies: (index, _id).
Key = tuple[str, str]

# Characters of a query that its words are taken from. Each word is a clause in each field, and a
# whole page would be "too many clauses" (indices.query.bool.max_clause_count, some thousands).
LONGEST_QUERY = 2000

# Of 20,000 random vectors, int8 candidates scored again so often came in the exact order.
RESCORED_OVERSAMPLE = 50.0

# Of linear fusion.
NORMALIZER = "minmax"

# Equal scores in the order of `_shard_doc`, which is how the native fusion breaks ties.
_SORT = ["_score", "_shard_doc"]

# Length of a document's vector: without it an inner product or a distance says no cosine.
NORM_FIELD = f"{META_FIELD}.norm"

NESTED_VECTOR = f"{PASSAGES_FIELD}.{VECTOR_FIELD}"

# Candidates of a kNN leg that is restricted to a few documents.
_FEW = 100

# The passage by which a document was found.
PASSAGE_PARTS = ("text", "start", "end", "norm")
_BEST: Body = {"size": 1, "_source": [f"{PASSAGES_FIELD}.{name}" for name in PASSAGE_PARTS]}


@dataclass(slots=True, kw_only=True)
class LegSearch:
    """One ranked list as it is asked for: by a query, by kNN, by a script, or by a scan.

    Attributes:
        name: what it is called in the hits.
        kind: what it ranks by.
        size: how many it returns.
        weight: in the fusion.
        normalizer: of linear fusion.
        filters: what this leg alone is limited to.
        shared: what all legs are limited to.
        minimum: the lowest score of a query, the lowest cosine of kNN.
        clause: the query that scores.
        knn: the ``knn`` section, without its filter.
        script: the script that scores instead.
        way: how a kNN leg is answered; None in others.
        similarity: what a kNN leg compares by.
        vector: what it looks for, as it is sent.
        field: the vector field; that of passages makes documents count by their best one.
    """

    name: str
    kind: LegKind
    size: int
    weight: float = 1.0
    normalizer: str = NORMALIZER
    filters: tuple[Clause, ...] = ()
    shared: tuple[Clause, ...] = ()
    minimum: float | None = None
    clause: Clause | None = None
    knn: Body | None = None
    script: Body | None = None
    way: KnnWay | None = None
    similarity: Similarity = SIMILARITIES[DEFAULT_SIMILARITY]
    vector: Vectors | None = None
    field: str = VECTOR_FIELD

    @property
    def query_norm(self) -> float | None:
        """Length of `vector`."""
        return None if self.vector is None else float(np.linalg.norm(self.vector))

    @property
    def in_passages(self) -> bool:
        """Whether a document counts by its best passage."""
        return self.field == NESTED_VECTOR

    @property
    def limits(self) -> tuple[Clause, ...]:
        """All filters."""
        return (*self.shared, *self.filters)


@dataclass(slots=True, kw_only=True)
class Frame:
    """What all bodies of one search share.

    Attributes:
        source: ``_source``.
        fields: read of each hit.
        pit: the point in time that is searched.
        timeout: such as ``"500ms"``.
    """

    source: Any = True
    fields: tuple[str, ...] = ()
    pit: Body | None = None
    timeout: str | None = None

    def around(self, body: Mapping[str, Any]) -> Body:
        """`body` with what all share."""
        shared = {"pit": self.pit, "timeout": self.timeout}
        return {**body, **{name: value for name, value in shared.items() if value is not None}}


def bm25_leg(
    text: str, fields: Sequence[str], *, size: int, name: str = "bm25", **more: Any
) -> LegSearch:
    """The best `size` documents by BM25 of their best field; see `LONGEST_QUERY`.

    The text only ever reaches ``multi_match``, which has no syntax to abuse.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-multi-match-query
    """
    words = text[:LONGEST_QUERY]
    clause = {"multi_match": {"query": words, "fields": list(fields), "type": "best_fields"}}
    return LegSearch(name=name, kind="bm25", size=size, clause=clause, **more)


def query_leg(clause: Clause, *, size: int, name: str, **more: Any) -> LegSearch:
    """The best `size` documents by a query of the caller's own."""
    return LegSearch(name=name, kind="query", size=size, clause=clause, **more)


def knn_leg(
    vector: Vectors,
    *,
    size: int,
    kind: VectorIndexType,
    k: int | None = None,
    num_candidates: int | None = None,
    oversample: float | None = None,
    field: str = VECTOR_FIELD,
    packs: bool = False,
    name: str = "knn",
    **more: Any,
) -> LegSearch:
    """The `size` nearest documents by the vector field's similarity.

    Args:
        vector: float32, shape (dims,), of length 1 where the similarity is that of unit vectors.
        size: how many of them count, 1 to 10,000.
        k: how many kNN finds, 1 to 10,000; None takes `size`.
        kind: the vector index type, which says whether candidates are scored again.
        num_candidates: looked at per shard, up to 10,000; None takes the type's own.
        oversample: candidates per hit that are scored again, 0 or 1 to 10; None likewise.
        field: the vector field.
        packs: send the vector in base64, which only servers since 9.4 read.
        name: of the leg.
        more: other attributes of the leg.

    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-knn-query
    """
    knn: Body = {
        "field": field,
        "query_vector": packed(vector[None, :])[0] if packs else vector,
        "k": k or size,
        "num_candidates": kind.num_candidates(k or size, asked=num_candidates),
    }
    oversample = kind.oversample if oversample is None else oversample
    if oversample is not None:
        knn["rescore_vector"] = {"oversample": oversample}
    way: KnnWay = "exact:flat" if kind.name == "flat" else "approximate"
    return LegSearch(
        name=name, kind="knn", size=size, knn=knn, vector=vector, field=field, way=way, **more
    )


def rescored_leg(leg: LegSearch) -> LegSearch:
    """A kNN leg of a quantised index at its deepest: nearly all it has is scored exactly."""
    section = leg.knn or {}
    oversample = max(1.0, min(RESCORED_OVERSAMPLE, MAX_CANDIDATES / section.get("k", leg.size)))
    deepest = {"num_candidates": MAX_CANDIDATES, "rescore_vector": {"oversample": oversample}}
    return replace(leg, knn={**section, **deepest}, way="exact:rescored")


def script_leg(leg: LegSearch) -> LegSearch:
    """A kNN leg with every vector compared by a script: exact, on any vector index.

    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-script-score-query
    """
    source = leg.similarity.script.replace("FIELD", leg.field)
    script = {"source": source, "params": {"query": leg.vector}}
    return replace(leg, script=script, way="exact:script_score")


def scanned_leg(leg: LegSearch) -> LegSearch:
    """A kNN leg for vectors that are fetched and compared on this side."""
    return replace(leg, way="exact:scanned")


def restricted_leg(leg: LegSearch, keys: Sequence[Key]) -> LegSearch:
    """`leg` for certain documents only, however low they score.

    Among so few a kNN leg compares all vectors; of passages, there may be many in each.
    """
    only = replace(leg, minimum=None, size=len(keys), shared=(*leg.shared, these(keys)))
    if leg.knn is None:
        return only
    candidates = MAX_CANDIDATES if leg.in_passages else max(len(keys), _FEW)
    section = {**leg.knn, "k": len(keys), "num_candidates": candidates}
    return replace(only, knn=section, script=None, way="approximate")


def body(leg: LegSearch, frame: Frame) -> Body:
    """The body of a search for one leg."""
    fields = (*frame.fields, *([NORM_FIELD] if needs_norm(leg) else ()))
    read = {"fields": list(fields)} if fields else {}
    shared = {"size": leg.size, "sort": _SORT, "_source": frame.source, **read}
    return frame.around(selection(leg) | shared)


def needs_norm(leg: LegSearch) -> bool:
    """Whether the cosines of a leg need the lengths of the documents' vectors."""
    return leg.kind == "knn" and not leg.similarity.scaled and not leg.in_passages


def selection(leg: LegSearch) -> Body:
    """What a leg finds, in the words of a search body: its query or kNN, filter and minimum."""
    if leg.clause is not None:
        return {"query": filtered(leg.clause, leg.limits), **_least(leg.minimum)}
    if leg.script is None:
        return {"knn": knn_section(leg)}
    least = None if leg.minimum is None else (1 + leg.minimum) / 2
    return {"query": _scripted(leg), **_least(least)}


def knn_section(leg: LegSearch) -> Body:
    """The ``knn`` section with filter, minimum and best passage."""
    section = dict(leg.knn or {})
    if (clause := combined(leg.limits)) is not None:
        section["filter"] = clause
    if leg.minimum is not None:
        section["similarity"] = leg.minimum
    return section | ({"inner_hits": _BEST} if leg.in_passages else {})


def _least(score: float | None) -> Body:
    return {} if score is None else {"min_score": score}


def filtered(clause: Clause, filters: Sequence[Clause]) -> Clause:
    """A query and, beside its score, the filters."""
    if not filters:
        return clause
    return {"bool": {"must": clause, "filter": combined(filters)}}


def _scripted(leg: LegSearch) -> Clause:
    """A script's score of each document, or of each passage with the filters around it."""
    if not leg.in_passages:
        return {"script_score": {"query": with_vector(leg), "script": leg.script}}
    each = {"query": {"exists": {"field": leg.field}}, "script": leg.script}
    nested = {
        "path": PASSAGES_FIELD,
        "score_mode": "max",
        "query": {"script_score": each},
        "inner_hits": _BEST,
    }
    return {"bool": {"must": {"nested": nested}, "filter": list(leg.limits)}}


def with_vector(leg: LegSearch) -> Body:
    """The query for all documents that have a vector and pass the filters."""
    has: Clause = {"exists": {"field": leg.field}}
    if leg.in_passages:
        has = {"nested": {"path": PASSAGES_FIELD, "query": has}}
    return {"bool": {"filter": [has, *leg.limits]}}


def these(keys: Iterable[Key]) -> Clause:
    """The query for certain documents; for none where there are none."""
    found: dict[str, list[str]] = {}
    for index, identifier in keys:
        found.setdefault(index, []).append(identifier)
    each = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": ids}}]}}
        for index, ids in found.items()
    ]
    if not each:
        return {"match_none": {}}  # an empty bool would match all
    return each[0] if len(each) == 1 else {"bool": {"should": each, "minimum_should_match": 1}}
