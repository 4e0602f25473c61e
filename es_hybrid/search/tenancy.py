"""Filters that are bound to a searcher: no call may look beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.errors import UsageError

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


def check_aggregations(aggs: Mapping[str, Any]) -> None:
    """Refuse aggregations that would tell of documents that do not pass the bound filter.

    Raises:
        UsageError: one would; says which.
    """
    for name, spec in aggs.items():
        if not isinstance(spec, Mapping):
            raise UsageError(f"aggregation {name!r} is {spec!r}: give an object")
        for kind, body in spec.items():
            if kind in {"aggs", "aggregations"}:
                check_aggregations(body)
            elif kind != "meta":
                _check(name, kind, body)


def _check(name: str, kind: str, body: Any) -> None:
    if kind not in _BOUND:
        raise UsageError(
            f"aggregation {name!r} is of kind {kind!r}, which looks beyond the filter that is "
            "bound to this searcher: choose another, or a searcher without a filter"
        )
    # Such a bucket is made of every term there is, in whatever document.
    if "terms" in kind and isinstance(body, Mapping) and body.get("min_doc_count") == 0:
        raise UsageError(
            f"aggregation {name!r} has min_doc_count 0, which lists terms beyond the filter that "
            "is bound to this searcher: take 1"
        )
