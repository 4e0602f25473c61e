"""After fusion: a reranker reads the hits again, and MMR makes them differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.fusion import Fused
from es_hybrid.mmr import mmr
from es_hybrid.rerank import Reranker, reranked
from es_hybrid.search.queries import Body, Frame, Key, LegSearch, these

# Between the texts of a document, as a reranker reads them.
_BETWEEN = "\n"


def texts_of(
    keys: Sequence[Key], raw: Mapping[Key, Mapping[str, Any]], fields: Sequence[str]
) -> list[str]:
    """What a reranker reads of each document: its text fields, one below the other."""
    return [_text(raw[key].get("_source", {}), fields) for key in keys]


def _text(source: Mapping[str, Any], fields: Sequence[str]) -> str:
    values = [source.get(name) for name in fields]
    return _BETWEEN.join(
        " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for value in values
        if value is not None
    )


def by_reranker(
    fused: Sequence[Fused[Key]], reranker: Reranker, *, query: str, texts: Sequence[str]
) -> tuple[list[Fused[Key]], dict[Key, float]]:
    """The first len(texts) entries in the reranker's order, the rest behind; and its scores."""
    order = reranked(reranker, query, texts)
    first = [fused[place] for place, _ in order]
    scores = {fused[place].key: score for place, score in order}
    return [*first, *fused[len(texts) :]], scores


def compared_leg(legs: Sequence[LegSearch]) -> LegSearch:
    """The leg by whose vectors hits are told apart.

    Raises:
        UsageError: there is none, or documents have many vectors.
    """
    leg = next((one for one in legs if one.kind == "knn"), None)
    if leg is None:
        raise UsageError("mmr tells hits apart by their vectors: search with a kNN leg as well")
    if leg.in_passages:
        raise UsageError("mmr needs one vector for each document, not passages: leave it out")
    return leg


def vectors_body(keys: Sequence[Key], leg: LegSearch, frame: Frame) -> Body:
    """The search that reads the vectors of certain documents."""
    asked = {"query": {"bool": {"filter": these(keys)}}, "size": len(keys), "_source": False}
    return frame.around(asked | {"fields": [leg.field]})


def by_difference(
    fused: Sequence[Fused[Key]],
    response: Mapping[str, Any],
    leg: LegSearch,
    *,
    trade_off: float,
) -> list[Fused[Key]]:
    """The entries in the order of maximal marginal relevance to the leg's vector."""
    vectors = {
        (hit["_index"], hit["_id"]): (hit.get("fields") or {}).get(leg.field)
        for hit in response["hits"]["hits"]
    }
    rows = [vectors.get(entry.key) for entry in fused]
    order = mmr(rows, query=leg.vector, size=len(rows), trade_off=trade_off)
    return [fused[place] for place in order]
