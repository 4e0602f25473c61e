"""Options of one search that can never work together, or not with its legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from es_hybrid.errors import UsageError
from es_hybrid.search.legs import Leg
from es_hybrid.search.options import Options


def check_together(legs: Sequence[Leg], options: Options) -> None:
    """Refuse them before anything is sent.

    Args:
        legs: that are to run, weighted.
        options: of the search.

    Raises:
        UsageError: two contradict each other; says which to leave out.
    """
    if options.get("pit") is not None and options.get("preference") is not None:
        raise UsageError(
            "preference and pit are both given: a point in time sees the same copies of the shards "
            "anyway, so leave preference out"
        )
    if options.get("rerank") is not None and options.get("source") is False:
        raise UsageError("a reranker reads the texts of the hits: leave source=False out")
    if options.get("min_score") is not None and len(legs) == 1:
        raise UsageError(
            f"min_score is of fused scores, and leg {legs[0].name!r} alone is not fused: take "
            "min_bm25, min_cosine or the minimum of the leg"
        )
    _check_weights(legs)
    _check_kinds({leg.kind for leg in legs}, options)


def _check_weights(legs: Sequence[Leg]) -> None:
    if not any(leg.weight for leg in legs):
        said = ", ".join(f"{leg.name}={leg.weight:g}" for leg in legs)
        raise UsageError(
            f"all weights are 0 ({said}), so that every hit would score the same: give one leg "
            "more than 0"
        )


def _check_kinds(kinds: set[str], options: Options) -> None:
    if options.get("mmr") is not None and "knn" not in kinds:
        raise UsageError("mmr tells hits apart by their vectors: search with a kNN leg as well")
    if kinds == {"knn"} and options.get("fields") is not None:
        raise UsageError("fields are those of a BM25 leg, and only kNN runs: leave them out")
    marked = options.get("highlight") or {}
    told = isinstance(marked, Mapping) and "highlight_query" in marked
    if kinds == {"knn"} and marked and not told:
        raise UsageError(
            "highlight marks the words that a text leg looks for, and only kNN runs: search with "
            "BM25 as well, give a highlight_query of your own, or leave it out"
        )
