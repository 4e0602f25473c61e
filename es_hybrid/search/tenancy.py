"""Filters that are bound to a searcher: no call may look beyond them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from es_hybrid.errors import InvalidFilter, UsageError
from es_hybrid.filters import Clause, Filters, clauses
from es_hybrid.json_values import shown
from es_hybrid.search.asked import Asked
from es_hybrid.search.own_documents import check_query

# Aggregations over the documents found, and nothing else. `global` and `significant_*` read the
# whole index, `children` and `parent` documents beside those that were found.
# https://www.elastic.co/docs/reference/aggregations
_BOUND = frozenset(
    [
        "adjacency_matrix",
        "auto_date_histogram",
        "avg",
        "avg_bucket",
        "boxplot",
        "bucket_correlation",
        "bucket_script",
        "bucket_selector",
        "bucket_sort",
        "cardinality",
        "composite",
        "cumulative_cardinality",
        "cumulative_sum",
        "date_histogram",
        "date_range",
        "derivative",
        "extended_stats",
        "extended_stats_bucket",
        "filter",
        "filters",
        "frequent_item_sets",
        "geo_bounds",
        "geo_centroid",
        "geo_distance",
        "geo_line",
        "geohash_grid",
        "geohex_grid",
        "geotile_grid",
        "histogram",
        "ip_prefix",
        "ip_range",
        "matrix_stats",
        "max",
        "max_bucket",
        "median_absolute_deviation",
        "min",
        "min_bucket",
        "missing",
        "moving_fn",
        "moving_percentiles",
        "multi_terms",
        "nested",
        "normalize",
        "percentile_ranks",
        "percentiles",
        "percentiles_bucket",
        "range",
        "rare_terms",
        "rate",
        "reverse_nested",
        "sampler",
        "serial_diff",
        "stats",
        "stats_bucket",
        "string_stats",
        "sum",
        "sum_bucket",
        "t_test",
        "terms",
        "time_series",
        "top_hits",
        "top_metrics",
        "value_count",
        "variable_width_histogram",
        "weighted_avg",
    ]
)


@dataclass(frozen=True, slots=True)
class Bound:
    """What no call can widen.

    Attributes:
        filters: of every leg of every search.
        routing: which shards are searched.
    """

    filters: tuple[str | Clause, ...] = ()
    routing: str | None = None

    def check(self, asked: Asked, *, name: str) -> None:
        """Refuse a search that would look beyond.

        Args:
            asked: the search.
            name: what the searcher searches.

        Raises:
            UsageError: a point in time of another searcher; beside a bound filter, a query or
                an aggregation that tells of documents that do not pass it.
        """
        if asked.pit is not None and not asked.pit.is_of(name, self.routing):
            raise UsageError(
                f"this point in time is of {asked.pit.searched.name!r} (routing "
                f"{asked.pit.routing!r}), this searcher of {name!r} (routing {self.routing!r}): "
                "open one with its own open_point_in_time()"
            )
        if self.filters:
            _check_all(asked)


def _check_all(asked: Asked) -> None:
    try:
        for what, clause in _clauses(asked):
            check_query(what, clause)
        check_aggregations(asked.aggs or {})
    except RecursionError:
        raise UsageError(
            "a search is nested too deeply to be looked through: simplify it"
        ) from None


def bound(filters: Filters, routing: str | None) -> Bound:
    """What a searcher is bound to, kept apart from what the caller may change later.

    Raises:
        InvalidFilter: the filter is none, or limits nothing.
        UsageError: the routing value is none.
    """
    if routing is not None and (not isinstance(routing, str) or not routing.strip()):
        raise UsageError(f"routing {routing!r} is no routing value: give a text, or leave it out")
    if filters is None:
        return Bound((), routing)
    clauses(filters, fields=None)
    kept = (filters,) if isinstance(filters, str | Mapping) else tuple(filters)
    if not kept:
        raise InvalidFilter(
            f"filter {filters!r} limits nothing: bind one such as 'tenant=a', or leave it out"
        )
    try:
        return Bound(deepcopy(kept), routing)
    except RecursionError:
        raise InvalidFilter("the bound filter is nested too deeply: simplify it") from None


def _clauses(asked: Asked) -> Iterator[tuple[str, Any]]:
    """Each query that a call brings along, and whose it is."""
    yield from (("the filter", one) for one in clauses(asked.filters, fields=None))
    for leg in asked.legs:
        what = f"leg {leg.name!r}"
        if leg.body is not None:
            yield what, leg.body
        yield from ((what, one) for one in clauses(leg.filter, fields=None))
    yield from (("highlight", one) for one in _held(asked.highlight, {"highlight_query"}))


def _held(value: Any, names: set[str]) -> Iterator[Any]:
    """What stands under one of these names, in any depth."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name in names and isinstance(part, Mapping):
                yield part
            else:
                yield from _held(part, names)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _held(part, names)


def check_aggregations(aggs: Any) -> None:
    """Refuse aggregations that would tell of documents that do not pass the bound filter.

    Raises:
        UsageError: one would; says which.
    """
    if not isinstance(aggs, Mapping):
        raise UsageError(f"aggregations are {shown(aggs)}: give an object, name -> aggregation")
    for name, spec in aggs.items():
        if not isinstance(spec, Mapping):
            raise UsageError(f"aggregation {name!r} is {shown(spec)}: give an object")
        for kind, body in spec.items():
            if kind in {"aggs", "aggregations"}:
                check_aggregations(body)
            elif kind != "meta":
                _check(f"aggregation {name!r}", kind, body)


def _check(what: str, kind: str, body: Any) -> None:
    if kind not in _BOUND:
        raise UsageError(
            f"{what} is of kind {kind!r}, which looks beyond the filter that is bound to this "
            "searcher: choose another, or a searcher without a filter"
        )
    for clause in _queries(kind, body):
        check_query(what, clause)
    least = body.get("min_doc_count", 1) if isinstance(body, Mapping) else 1
    # With 0, a bucket is made of every term there is, in whatever document.
    if "terms" in kind and not (type(least) is int and least >= 1):
        raise UsageError(
            f"{what} has min_doc_count {least!r}, which lists terms beyond the filter that is "
            "bound to this searcher: take 1"
        )


def _queries(kind: str, body: Any) -> Iterator[Any]:
    """The queries by which an aggregation chooses among the documents found."""
    if kind == "filter":
        yield body
    elif kind in {"filters", "adjacency_matrix"}:
        named = body.get("filters", {}) if isinstance(body, Mapping) else {}
        yield from named.values() if isinstance(named, Mapping) else named
    else:
        yield from _held(body, {"filter", "highlight_query", "query"})
