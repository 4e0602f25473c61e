"""Facets of a search: the most frequent values of fields, as lines for a terminal or as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from es_hybrid.reports import Cell, Number, Table

if TYPE_CHECKING:
    from es_hybrid.hits import SearchResult


def facet_lines(result: SearchResult) -> Iterator[str]:
    """The values of each field that was counted, and how many documents have each."""
    for field, answer in result.aggregations.items():
        said = [f"{_quoted(value)} ({count:,})" for value, count in _counts(answer)]
        yield f"{field}: {', '.join(said) or 'no values'}"


def facet_tables(result: SearchResult) -> Iterator[Table]:
    """The same, a table for each field."""
    for field, answer in result.aggregations.items():
        rows: list[list[Cell]] = [[value, Number(count)] for value, count in _counts(answer)]
        notes = () if rows else ("no document that matches has a value",)
        yield Table(f"values of {field}", ("value", "documents"), rows, notes)


def _counts(answer: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for bucket in answer["buckets"]:
        yield str(bucket.get("key_as_string", bucket["key"])), bucket["doc_count"]


def _quoted(value: str) -> str:
    """A value as one of several with commas between them: one that has some is quoted."""
    return json.dumps(value, ensure_ascii=False) if set(value) & {",", '"'} else value
