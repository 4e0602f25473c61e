"""The same legs for an index whose vectors are those of passages: the best one counts.

A document is found by its best passage, which comes along as the leg's inner hit. Filters stay
on the document, where they are applied before the search.
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-knn-query#nested-knn-search
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.documents import PASSAGES_FIELD, VECTOR_FIELD
from es_hybrid.errors import UsageError
from es_hybrid.hits import PassageHit
from es_hybrid.search.queries import Body, Leg

NESTED_VECTOR = f"{PASSAGES_FIELD}.{VECTOR_FIELD}"

_BEST: Body = {
    "size": 1,
    "_source": [f"{PASSAGES_FIELD}.{name}" for name in ("text", "start", "end", "norm")],
}


def in_passages(leg: Leg) -> Leg:
    """`leg` for an index with passages: of BM25, which sees the whole text, or of kNN.

    Raises:
        UsageError: a way of exact search that does not know passages.
    """
    if leg.way in {"exact:rescored", "exact:scanned"}:
        raise UsageError(
            "exact search in passages needs an index made with --vector-index flat, or a server "
            "that runs scripts: leave --exact out, or index under another name"
        )
    body = {**leg.body}
    if "knn" in body:
        body["knn"] = body["knn"] | {"field": NESTED_VECTOR, "inner_hits": _BEST}
    elif leg.way == "exact:script_score":
        body["query"] = _scripted(body["query"]["script_score"])
    excluded = [*body["_source"]["excludes"], PASSAGES_FIELD]
    return replace(leg, body=body | {"_source": {"excludes": excluded}})


def _scripted(scored: Mapping[str, Any]) -> Body:
    """A script's score of each passage, and the documents' filter around it."""
    source = scored["script"]["source"].replace(f"'{VECTOR_FIELD}'", f"'{NESTED_VECTOR}'")
    each = {
        "query": {"exists": {"field": NESTED_VECTOR}},
        "script": {**scored["script"], "source": source},
    }
    nested = {
        "path": PASSAGES_FIELD,
        "score_mode": "max",
        "query": {"script_score": each},
        "inner_hits": _BEST,
    }
    of_document = [
        clause
        for clause in scored["query"]["bool"]["filter"]
        if clause != {"exists": {"field": VECTOR_FIELD}}
    ]
    return {"bool": {"must": {"nested": nested}, "filter": of_document}}


def best_passage(found: Mapping[str, Any], *, cosine: float | None) -> PassageHit | None:
    """The passage by which a kNN leg found a document; None where documents have one vector.

    Args:
        found: Elasticsearch's hit.
        cosine: of query and passage, which is what the document is ranked by.
    """
    source = _best(found)
    if source is None:
        return None
    return PassageHit(source["text"], source["start"], source["end"], cosine)


def best_norm(found: Mapping[str, Any]) -> float | None:
    """Length of the best passage's vector, as the model made it; None where there is none."""
    source = _best(found)
    return None if source is None else source.get("norm")


def _best(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    inner = found.get("inner_hits", {}).get(PASSAGES_FIELD)
    hits = inner["hits"]["hits"] if inner else ()
    return hits[0]["_source"] if hits else None
