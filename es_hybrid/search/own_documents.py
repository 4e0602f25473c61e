"""Queries that look at the documents they select, and at nothing else.

A filter that is bound to a searcher hides documents. A query may still ask about them: a `terms`
clause reads its values from another document, `has_child` matches by documents that nobody may
see. What such a query finds, or how much, would tell what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.json_values import shown

# Clauses that hold no others. Some read other documents where they are given a name of one.
# https://www.elastic.co/docs/reference/query-languages/querydsl
_LEAVES = frozenset(
    [
        "combined_fields",
        "distance_feature",
        "exists",
        "fuzzy",
        "geo_bounding_box",
        "geo_distance",
        "geo_grid",
        "geo_polygon",
        "geo_shape",
        "ids",
        "intervals",
        "match",
        "match_all",
        "match_bool_prefix",
        "match_none",
        "match_phrase",
        "match_phrase_prefix",
        "more_like_this",
        "multi_match",
        "parent_id",
        "prefix",
        "query_string",
        "range",
        "rank_feature",
        "regexp",
        "script",
        "semantic",
        "shape",
        "simple_query_string",
        "span_containing",
        "span_first",
        "span_near",
        "span_not",
        "span_or",
        "span_term",
        "span_within",
        "sparse_vector",
        "term",
        "terms",
        "terms_set",
        "text_expansion",
        "wildcard",
    ]
)

# Clauses that hold others, and where.
_HOLDERS: dict[str, frozenset[str]] = {
    "bool": frozenset(["filter", "must", "must_not", "should"]),
    "boosting": frozenset(["negative", "positive"]),
    "constant_score": frozenset(["filter"]),
    "dis_max": frozenset(["queries"]),
    "function_score": frozenset(["query"]),
    "nested": frozenset(["query"]),
    "pinned": frozenset(["organic"]),
    "script_score": frozenset(["query"]),
}

# What else stands in these; anything unknown might be one more place for a clause.
_PLAIN = frozenset(
    [
        "_name",
        "adjust_pure_negative",
        "boost",
        "boost_mode",
        "docs",
        "exp",
        "field_value_factor",
        "functions",
        "gauss",
        "ids",
        "ignore_unmapped",
        "linear",
        "max_boost",
        "min_score",
        "minimum_should_match",
        "negative_boost",
        "path",
        "random_score",
        "score_mode",
        "script",
        "script_score",
        "tie_breaker",
        "weight",
    ]
)

# Elasticsearch's own limit, indices.query.bool.max_nested_depth.
_MAX_DEPTH = 30

# A shape that is kept in a document.
_KEPT_SHAPE = "indexed_shape"


def check_query(what: str, clause: Any, *, depth: int = 0) -> None:
    """Refuse a query that reads other documents than those it selects.

    Args:
        what: whose it is, for messages.
        clause: a query clause.
        depth: of other clauses around it.

    Raises:
        UsageError: a part of it does, or is of a kind that nobody has looked at.
    """
    if not isinstance(clause, Mapping) or len(clause) != 1:
        raise UsageError(
            f"{what} holds {shown(clause)}, which is no query clause: give one object with one "
            'key, such as {"term": {"lang": "ko"}}'
        )
    if depth > _MAX_DEPTH:
        raise UsageError(f"{what} is nested deeper than {_MAX_DEPTH} clauses: simplify it")
    kind, body = next(iter(clause.items()))
    if kind == "knn":
        raise UsageError(
            f"{what} has a knn clause, whose k nearest are found before the filter that is bound "
            "to this searcher: make it a leg, Leg.knn(field=…, vector=…), which is filtered first"
        )
    if kind in _HOLDERS:
        for inner in _inside(what, kind, body):
            check_query(what, inner, depth=depth + 1)
    elif kind not in _LEAVES:
        raise _refused(what, f"a clause of kind {kind!r}")
    elif (pointer := _pointer(kind, body)) is not None:
        raise _refused(what, f"a clause of kind {kind!r} with {shown(pointer)}")


def _inside(what: str, kind: str, body: Any) -> Iterator[Any]:
    """The clauses that a clause holds."""
    if not isinstance(body, Mapping):
        raise UsageError(f"{what}: clause {kind!r} holds {shown(body)}: give an object")
    for name, value in body.items():
        if name in _HOLDERS[kind]:
            yield from _several(value)
        elif name not in _PLAIN:
            raise _refused(what, f"{name!r} in a clause of kind {kind!r}")
    for function in _several(body.get("functions", ())):
        if isinstance(function, Mapping) and "filter" in function:
            yield function["filter"]


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _pointer(kind: str, body: Any) -> Any:
    """What in a leaf names another document; None where nothing does."""
    if not isinstance(body, Mapping):
        return None
    if kind == "terms":
        return next((value for value in body.values() if isinstance(value, Mapping)), None)
    if kind == "more_like_this":
        likes = [one for name in ("like", "unlike") for one in _several(body.get(name, ()))]
        return next((one for one in likes if not isinstance(one, str)), None)
    shapes = (one for one in body.values() if isinstance(one, Mapping) and _KEPT_SHAPE in one)
    return next(shapes, None) if kind in {"geo_shape", "shape"} else None


def _refused(what: str, part: str) -> UsageError:
    return UsageError(
        f"{what} has {part}, which may look beyond the filter that is bound to this searcher: "
        "write it otherwise, or take a searcher without a filter"
    )
