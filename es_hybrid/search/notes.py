"""What a person should know about an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.search.again import again
from es_hybrid.search.asking import Turn
from es_hybrid.search.found import Found
from es_hybrid.search.queries import LONGEST_QUERY, LegSearch, body
from es_hybrid.search.rankings import ranking
from es_hybrid.search.rounds import Rounds


def notes(turn: Turn, found: Found) -> Rounds[tuple[tuple[str, ...], list[str]]]:
    """What to say; where minima left nothing, how near the best document came.

    The other list holds what could not be found out.
    """
    said = []
    missing: list[str] = []
    query = turn.asked.query
    if query is not None and len(query) > LONGEST_QUERY and turn.asked.mode != "knn":
        said.append(
            f"BM25 looked for the first {LONGEST_QUERY:,} of {len(query):,} characters of the query"
        )
    if not found.raw and any(leg.minimum is not None for leg in turn.legs):
        near, missing = yield from _nearest(turn)
        said.append(": ".join(["nothing good enough", *(["; ".join(near)] if near else [])]))
    if turn.asked.min_score is not None and found.raw and not found.fused:
        said.append(f"nothing good enough: no fused score reaches {turn.asked.min_score:g}")
    return tuple(said), missing


def _nearest(turn: Turn) -> Rounds[tuple[list[str], list[str]]]:
    """The best score of each leg that has a minimum, without it; and what is missing."""
    legs = [leg for leg in turn.legs if leg.minimum is not None]
    bodies = [("note", body(replace(leg, minimum=None, size=1), turn.frame)) for leg in legs]
    responses, missing = yield from again(turn, bodies)
    pairs = zip(legs, responses, strict=True)
    return [_said(leg, response) for leg, response in pairs if response is not None], missing


def _said(leg: LegSearch, response: Mapping[str, Any]) -> str:
    if not response["hits"]["hits"]:
        return f"leg {leg.name} matches nothing, whatever its minimum"
    best = next(iter(ranking(leg, response).found.values()))
    _, cosine = ranking(leg, response).compared(best)
    value = best["_score"] if cosine is None else cosine
    what = "score" if cosine is None else "cosine"
    return f"the best of leg {leg.name} has {what} {value:.3f}, below its minimum {leg.minimum:g}"
