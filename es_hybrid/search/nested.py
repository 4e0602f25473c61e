"""Passages: a document is found by its best one, which comes along as the leg's inner hit.

Filters stay on the document, where they are applied before the search.
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-knn-query#nested-knn-search
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.documents import PASSAGES_FIELD
from es_hybrid.hits import PassageHit


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
