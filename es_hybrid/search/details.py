"""What a second request tells of the hits: totals, facets, highlights, and why a leg lacks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.hits import Missing, MissingReason, Total
from es_hybrid.search.asked import Asked
from es_hybrid.search.checks import plain
from es_hybrid.search.found import Found
from es_hybrid.search.queries import (
    Body,
    Frame,
    Key,
    LegSearch,
    body,
    filtered,
    restricted_leg,
    these,
)
from es_hybrid.search.rankings import Ranking, ranking


@dataclass(frozen=True, slots=True)
class Wish:
    """One search of the second request.

    Attributes:
        kind: what it is for: ``"union"``, ``"highlight"`` or ``"leg"``.
        body: what is sent.
        leg: the leg that is asked again.
        keys: the documents that it is asked about.
    """

    kind: str
    body: Body
    leg: LegSearch | None = None
    keys: tuple[Key, ...] = ()


@dataclass(slots=True)
class Details:
    """What the second request told."""

    total: Total | None = None
    aggregations: Mapping[str, Any] = field(default_factory=dict)
    highlights: dict[Key, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    missing: dict[Key, dict[str, Missing]] = field(default_factory=dict)


def wishes(
    asked: Asked, found: Found, page: Sequence[Key], *, frame: Frame, legs: Sequence[LegSearch]
) -> list[Wish]:
    """The searches that are needed beyond the legs; none for an everyday search.

    Where Elasticsearch fused, it told all that can be told.
    """
    if found.native:
        return []
    made = []
    if asked.aggs is not None or asked.exact_totals:
        made.append(Wish("union", frame.around(_union(asked, found))))
    if asked.highlight is not None and page:
        made.append(Wish("highlight", frame.around(_highlight(asked.highlight, legs, page))))
    if asked.explain:
        made += _absences(found, page, frame)
    return made


def _union(asked: Asked, found: Found) -> Body:
    """All documents that a leg matches: what a query matches, and what kNN returned.

    Elasticsearch counts and aggregates the same set after its own fusion. Where a minimum of the
    fused score is asked for, it is what reaches that.
    """
    aggs = {} if asked.aggs is None else {"aggs": asked.aggs}
    if asked.min_score is not None:
        clauses = [these(entry.key for entry in found.fused)]
    else:
        clauses = [_matching(one) for one in found.rankings]
    query = {"bool": {"should": clauses, "minimum_should_match": 1}}
    return {"query": query, "size": 0, "track_total_hits": True, **aggs}


def _matching(one: Ranking) -> Mapping[str, Any]:
    leg = one.leg
    if leg.clause is None:
        return these(one.found)
    clause = filtered(leg.clause, leg.limits)
    if leg.minimum is None:
        return clause
    # Without functions it does nothing but cut at the minimum.
    return {"function_score": {"query": clause, "min_score": leg.minimum}}


def _highlight(wanted: Mapping[str, Any], legs: Sequence[LegSearch], page: Sequence[Key]) -> Body:
    queries = [leg.clause for leg in legs if leg.clause is not None]
    words = {"bool": {"should": queries}} if queries else {"match_none": {}}
    return {
        "query": {"bool": {"filter": these(page)}},
        "size": len(page),
        "_source": False,
        "highlight": {"highlight_query": words, **highlighting(wanted, legs)},
    }


def highlighting(wanted: Mapping[str, Any], legs: Sequence[LegSearch]) -> Body:
    """The ``highlight`` object with the fields that BM25 legs search, if it names none."""
    fields = wanted.get("fields") or {name: {} for leg in legs for name in _searched(leg)}
    return {**wanted, "fields": fields}


def _searched(leg: LegSearch) -> list[str]:
    """The fields of a BM25 leg, without boosts and without the sub-fields of parts."""
    named = ((leg.clause or {}).get("multi_match") or {}).get("fields", ())
    fields = [plain(name) for name in named]
    return [name for name in fields if name.rpartition(".")[0] not in fields]


def _absences(found: Found, page: Sequence[Key], frame: Frame) -> list[Wish]:
    """Each leg again, for the hits that it lacks only."""
    made = []
    for one in found.rankings:
        keys = tuple(key for key in page if key not in one.found)
        if keys:
            leg = restricted_leg(one.leg, keys)
            made.append(Wish("leg", body(leg, frame), one.leg, keys))
    return made


def told(wanted: Sequence[Wish], responses: Sequence[Mapping[str, Any]], found: Found) -> Details:
    """Read what the second request answered."""
    details = Details(highlights=dict(found.highlights))
    for wish, response in zip(wanted, responses, strict=True):
        hits = response["hits"]
        if wish.kind == "union":
            details.total = Total(hits["total"]["value"], hits["total"]["relation"])
            details.aggregations = response.get("aggregations", {})
        elif wish.kind == "highlight":
            details.highlights = {
                (hit["_index"], hit["_id"]): hit.get("highlight", {}) for hit in hits["hits"]
            }
        elif wish.leg is not None:
            _explain(wish, ranking(wish.leg, response), details)
    for leg in found.failed:
        for entry in found.fused:
            details.missing.setdefault(entry.key, {})[leg.name] = Missing("leg failed")
    return details


def _explain(wish: Wish, again: Ranking, details: Details) -> None:
    for key in wish.keys:
        reasons = details.missing.setdefault(key, {})
        reasons[again.leg.name] = _reason(again, key)


def _reason(again: Ranking, key: Key) -> Missing:
    leg, hit = again.leg, again.found.get(key)
    if hit is None:
        # A leg of kNN finds every document that has a vector and passes its filter.
        nothing: MissingReason = (
            "no vector" if leg.kind == "knn" and not leg.filters else "no match"
        )
        return Missing(nothing)
    _, cosine = again.compared(hit)
    score = hit["_score"]
    value = cosine if leg.kind == "knn" else score
    below = leg.minimum is not None and value is not None and value < leg.minimum
    return Missing("below the minimum" if below else "outside the window", score, cosine)
