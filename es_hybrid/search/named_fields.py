"""Fields that options name beside those that are searched: they must be there, and of use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.search.asked import Asked
from es_hybrid.search.searched import Searched

# Fields that Elasticsearch's own collapse takes as well.
_COLLAPSIBLE = frozenset(
    [
        "byte",
        "double",
        "float",
        "half_float",
        "integer",
        "keyword",
        "long",
        "scaled_float",
        "short",
        "unsigned_long",
    ]
)

# Aggregations that read texts; all others want whole values.
_OF_TEXTS = frozenset(["categorize_text", "significant_text"])


def check_named_fields(asked: Asked, searched: Searched) -> None:
    """Refuse what Elasticsearch would answer with nothing, or not understand.

    Raises:
        UsageError: hits are to be collapsed by a field that has no single values, marked or
            counted by one that is not there, counted by a text, or reranked without their texts.
    """
    if asked.collapse is not None:
        _check_collapse(asked.collapse, searched)
    if asked.rerank is not None:
        _check_texts(asked.source, searched.text_fields)
    named = (asked.highlight or {}).get("fields")
    searched.check_fields(named if isinstance(named, Mapping) else ())
    for kind, field in _aggregated(asked.aggs):
        _check_aggregated(kind, field, searched)


def _check_collapse(field: str, searched: Searched) -> None:
    searched.check_fields([field])
    kind = searched.fields.get(field)
    if kind not in _COLLAPSIBLE:
        raise UsageError(
            f"cannot collapse by {field!r}, a field of type {kind}: take a keyword or a number"
        )


def _check_texts(source: bool | Sequence[str], fields: Sequence[str]) -> None:
    """Refuse to rerank by texts that are not read."""
    if isinstance(source, bool):
        return
    lacking = [field for field in fields if not any(_includes(one, field) for one in source)]
    if lacking:
        raise UsageError(
            f"a reranker reads the texts of the hits, and source leaves out {', '.join(lacking)}: "
            "name them as well, or leave source out"
        )


def _includes(pattern: str, field: str) -> bool:
    """Whether a pattern of ``_source`` includes a field: by its name, or that of its object."""
    return fnmatchcase(field, pattern) or fnmatchcase(field, f"{pattern}.*")


def _aggregated(aggs: Any) -> Iterator[tuple[str, str]]:
    """The kind of each aggregation that reads one field, and the field."""
    for spec in aggs.values() if isinstance(aggs, Mapping) else ():
        for kind, body in spec.items() if isinstance(spec, Mapping) else ():
            if kind in {"aggs", "aggregations"}:
                yield from _aggregated(body)
            elif isinstance(body, Mapping) and isinstance(body.get("field"), str):
                yield kind, body["field"]


def _check_aggregated(kind: str, field: str, searched: Searched) -> None:
    if field.startswith("_") or _of_flattened(field, searched):
        return
    searched.check_fields([field])
    if searched.fields.get(field) == "text" and kind not in _OF_TEXTS:
        whole = searched.whole_field(field)
        way = f"take {whole!r}" if whole != field else "take a keyword or a number"
        raise UsageError(f"aggregation {kind!r} reads whole values, and {field!r} is text: {way}")


def _of_flattened(field: str, searched: Searched) -> bool:
    """Whether it is a key within a field of type ``flattened``, which no mapping lists."""
    parts = field.split(".")
    above = (".".join(parts[:count]) for count in range(1, len(parts)))
    return any(searched.fields.get(name) == "flattened" for name in above)
