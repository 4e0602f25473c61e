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
    scores: Mapping[Key, float] | None = None,
    size: int | None = None,
) -> list[Fused[Key]]:
    """The entries in the order of maximal marginal relevance.

    Args:
        fused: best first.
        response: to `vectors_body`.
        leg: whose vectors tell the entries apart.
        trade_off: of relevance and difference, 0 to 1.
        scores: a reranker's. Where there are any, they are the relevance, from 0 of the worst to
            1 of the best, and what was not reranked stays behind; otherwise it is the cosine
            with the leg's vector.
        size: how many are looked at; the others follow as they were. None is all.
    """
    vectors = {
        (hit["_index"], hit["_id"]): (hit.get("fields") or {}).get(leg.field)
        for hit in response["hits"]["hits"]
    }
    compared = [entry for entry in fused if entry.key in scores] if scores else list(fused)
    rows = [vectors.get(entry.key) for entry in compared]
    relevant: Any = {"query": leg.vector}
    if scores:
        relevant = {"relevance": _scaled([scores[entry.key] for entry in compared])}
    order = mmr(rows, size=len(rows) if size is None else size, trade_off=trade_off, **relevant)
    rest = sorted(set(range(len(compared))).difference(order))
    return [*(compared[place] for place in (*order, *rest)), *fused[len(compared) :]]


def _scaled(scores: Sequence[float]) -> list[float]:
    """From 0 to 1, as cosines are; all 1 where they are equal."""
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
