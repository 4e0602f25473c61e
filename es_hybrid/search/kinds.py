"""Options of a search whose value is of a kind that can never work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.errors import UsageError
from es_hybrid.json_values import shown

_FLAGS = ("exact", "exact_totals", "explain", "allow_partial", "tuned")


def check_kinds(given: Mapping[str, Any]) -> None:
    """Refuse them before anything is sent; `given` is `Options`.

    Raises:
        UsageError: one is of another kind than it can be; says of which it may be.
    """
    for name in _FLAGS:
        _check(given, name, is_flag, "True or False", optional=False)
    _check(given, "weights", is_mapping, "an object, leg -> weight")
    _check(given, "legs", is_list, "a list of legs")
    _check(given, "preference", is_name, "a text")
    _check(given, "collapse", is_name, "the name of one field")
    _check(given, "fields", is_names, "names of fields")
    _check(given, "source", is_names_or_flag, "True, False, or names of fields", optional=False)
    _check(given, "highlight", is_highlight, "True, names of fields, or Elasticsearch's object")
    _check(given, "aggs", is_objects, "an object, name -> aggregation")
    _check(given, "rerank", is_reranker, "an object with scores(query, texts)")


def _check(
    given: Mapping[str, Any], name: str, fits: Any, what: str, *, optional: bool = True
) -> None:
    value = given.get(name)
    if name not in given or (optional and value is None) or fits(value):
        return
    raise UsageError(f"{name} {shown(value)} cannot be used: give {what}, or leave it out")


def is_flag(value: Any) -> bool:
    """Whether it is True or False, not something that only counts as one."""
    return isinstance(value, bool)


def is_mapping(value: Any) -> bool:
    """Whether it is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: Any) -> bool:
    """Whether it is a list that can be read twice."""
    return isinstance(value, list | tuple)


def is_name(value: Any) -> bool:
    """Whether it is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_names(value: Any) -> bool:
    """Whether it is a list, or a text with commas; each name is looked at where it is read."""
    return isinstance(value, str) or is_list(value)


def is_names_or_flag(value: Any) -> bool:
    """Whether it is one of both."""
    return is_flag(value) or is_names(value)


def is_highlight(value: Any) -> bool:
    """Whether it may stand for Elasticsearch's ``highlight`` object."""
    return is_names_or_flag(value) or is_mapping(value)


def is_objects(value: Any) -> bool:
    """Whether it is a mapping of mappings."""
    return is_mapping(value) and all(is_mapping(one) for one in value.values())


def is_reranker(value: Any) -> bool:
    """Whether it can score."""
    return callable(getattr(value, "scores", None)) and isinstance(getattr(value, "id", None), str)
