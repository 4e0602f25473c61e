"""What a second request tells of the hits: totals, facets, highlights, and why a leg lacks one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.documents import PARTS_SUBFIELD
from es_hybrid.hits import Missing, Total
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
        kind: what it is for: ``"union"``, ``"highlight"``, ``"passing"`` or ``"leg"``.
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
    fused score is asked for, it is what reaches that. Filters hold for documents that were found
    as well: one may have changed since.
    """
    aggs = {} if asked.aggs is None else {"aggs": asked.aggs}
    if asked.min_score is not None:
        shared = found.rankings[0].leg.shared
        clauses = [filtered(these(entry.key for entry in found.fused), shared)]
    else:
        clauses = [_matching(one) for one in found.rankings]
    query = {"bool": {"should": clauses, "minimum_should_match": 1}}
    return {"query": query, "size": 0, "track_total_hits": True, **aggs}


def _matching(one: Ranking) -> Mapping[str, Any]:
    leg = one.leg
    if leg.clause is None:
        return filtered(these(one.found), leg.shared)
    clause = filtered(leg.clause, leg.limits)
    if leg.minimum is None:
        return clause
    # Without functions it does nothing but cut at the minimum.
    return {"function_score": {"query": clause, "min_score": leg.minimum}}


def _highlight(wanted: Mapping[str, Any], legs: Sequence[LegSearch], page: Sequence[Key]) -> Body:
    queries = [leg.clause for leg in legs if leg.clause is not None]
    words = {"bool": {"should": queries}} if queries else {"match_none": {}}
    return {
        "query": {"bool": {"filter": [these(page), *legs[0].shared]}},
        "size": len(page),
        "_source": False,
        "highlight": {"highlight_query": words, **highlighting(wanted, legs)},
    }


def highlighting(wanted: Mapping[str, Any], legs: Sequence[LegSearch]) -> Body:
    """The ``highlight`` object with the fields that BM25 legs search, if it names none.

    A word that was found by the parts of an identifier is marked in the whole field.
    """
    searched = [name for leg in legs for name in _searched(leg)]
    fields = wanted.get("fields") or {name: {} for name in _whole(searched)} or {"*": {}}
    if isinstance(fields, Mapping):
        fields = {name: _with_parts(name, how, searched) for name, how in fields.items()}
    return {**wanted, "fields": fields}


def _with_parts(name: str, how: Mapping[str, Any], searched: Sequence[str]) -> Mapping[str, Any]:
    parts = f"{name}.{PARTS_SUBFIELD}"
    return {"matched_fields": [name, parts]} if parts in searched and not how else how


def _searched(leg: LegSearch) -> list[str]:
    """The fields of a BM25 leg, without boosts; none of another leg."""
    clause = leg.clause if leg.kind == "bm25" and leg.clause is not None else {}
    return [plain(name) for name in clause.get("multi_match", {}).get("fields", ())]


def _whole(fields: Sequence[str]) -> list[str]:
    """Those that are no sub-fields of others."""
    return [name for name in fields if name.rpartition(".")[0] not in fields]


def _absences(found: Found, page: Sequence[Key], frame: Frame) -> list[Wish]:
    """Each leg again, for the hits that it lacks only.

    Of a kNN leg with a filter of its own, which of them pass that: the others have a vector or
    not, it does not matter.
    """
    made = []
    for one in found.rankings:
        keys = tuple(key for key in page if key not in one.found)
        if keys:
            leg = restricted_leg(one.leg, keys)
            if leg.kind == "knn" and leg.filters:
                made.append(Wish("passing", frame.around(_passing(leg)), one.leg, keys))
            made.append(Wish("leg", body(leg, frame), one.leg, keys))
    return made


def _passing(leg: LegSearch) -> Body:
    return {
        "query": {"bool": {"filter": list(leg.limits)}},
        "size": leg.size,
        "_source": False,
    }


def told(wanted: Sequence[Wish], responses: Sequence[Mapping[str, Any]], found: Found) -> Details:
    """Read what the second request answered."""
    details = Details(highlights=dict(found.highlights))
    passing: dict[str, set[Key]] = {}
    for wish, response in zip(wanted, responses, strict=True):
        hits = response["hits"]
        if wish.kind == "union":
            relation = hits["total"]["relation"]
            details.total = Total(hits["total"]["value"], "gte" if found.degraded else relation)
            details.aggregations = response.get("aggregations", {})
        elif wish.kind == "highlight":
            details.highlights = {
                (hit["_index"], hit["_id"]): hit.get("highlight", {}) for hit in hits["hits"]
            }
        elif wish.leg is not None and wish.kind == "passing":
            passing[wish.leg.name] = {(hit["_index"], hit["_id"]) for hit in hits["hits"]}
        elif wish.leg is not None:
            passed = passing.get(wish.leg.name, set(wish.keys))
            _explain(wish, ranking(wish.leg, response), details, passed=passed)
    for leg in found.failed:
        for entry in found.fused:
            details.missing.setdefault(entry.key, {})[leg.name] = Missing("leg failed")
    return details


def _explain(wish: Wish, again: Ranking, details: Details, *, passed: Collection[Key]) -> None:
    for key in wish.keys:
        reasons = details.missing.setdefault(key, {})
        reasons[again.leg.name] = _reason(again, key, passes=key in passed)


def _reason(again: Ranking, key: Key, *, passes: bool) -> Missing:
    leg, hit = again.leg, again.found.get(key)
    if hit is None:
        # Of what passes its filter, kNN finds every document that has a vector.
        return Missing("no vector" if leg.kind == "knn" and passes else "no match")
    _, cosine = again.compared(hit)
    score = hit["_score"]
    value = cosine if leg.kind == "knn" else score
    below = leg.minimum is not None and value is not None and value < leg.minimum
    return Missing("below the minimum" if below else "outside the window", score, cosine)
