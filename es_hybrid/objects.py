"""Fields inside the objects of a document, by their full names such as ``body.text``; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def value_at(source: Mapping[str, Any], name: str) -> Any:
    """What a field with this full name holds; None where there is nothing.

    >>> value_at({"a": [{"b": 1}, {"b": 2}]}, "a.b"), value_at({"a.b": 3}, "a.b")
    ([1, 2], 3)
    """
    if name in source:
        return source[name]
    parts = name.split(".")
    for cut in range(1, len(parts)):
        head, rest = ".".join(parts[:cut]), ".".join(parts[cut:])
        if head in source:
            return _inside(source[head], rest)
    return None


def _inside(value: Any, rest: str) -> Any:
    if isinstance(value, Mapping):
        return value_at(value, rest)
    if isinstance(value, list):
        found = (_inside(item, rest) for item in value)
        return [one for one in found if one is not None] or None
    return None


def beginning(source: Mapping[str, Any], names: Sequence[str], *, most: int = 80) -> str:
    """How what stands in these fields begins, in one line of at most so many characters.

    >>> beginning({"title": "Sea  of", "text": "snow", "year": 1}, ["title", "text"], most=10)
    'Sea of · …'
    """
    parts = (str(value) for name in names if (value := value_at(source, name)))
    text = " · ".join(" ".join(part.split()) for part in parts)
    return text if len(text) <= most else text[: most - 1] + "…"


def object_at(name: str, value: Any) -> dict[str, Any]:
    """The object in which a field with this full name holds `value`.

    >>> object_at("a.b", 1)
    {'a': {'b': 1}}
    """
    for part in reversed(name.split(".")):
        value = {part: value}
    made: dict[str, Any] = value
    return made


def with_value(source: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy in which a field has a value: inside the object that is there, or in a new one.

    Where a list stands in the way, its name stays whole, which Elasticsearch reads as the same
    field: nothing that is there is replaced.

    >>> with_value({"a": {"c": 1}}, "a.b", 2), with_value({"a": [{"c": 1}]}, "a.b", 2)
    ({'a': {'c': 1, 'b': 2}}, {'a': [{'c': 1}], 'a.b': 2})
    """
    head, _, rest = name.partition(".")
    if name in source or not rest:
        return {**source, name: value}
    if head not in source:
        return {**source, **object_at(name, value)}
    inner = source[head]
    if isinstance(inner, Mapping):
        return {**source, head: with_value(inner, rest, value)}
    return {**source, name: value}


def change_at(source: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The part of a document that gives a field a value when it is merged with all of it.

    As `with_value` says, nothing that is there is replaced.

    >>> change_at({"a": {"c": 1}}, "a.b", 2), change_at({"a": [{"c": 1}]}, "a.b", 2)
    ({'a': {'b': 2}}, {'a.b': 2})
    """
    head, _, rest = name.partition(".")
    if name in source or not rest:
        return {name: value}
    if head not in source:
        return object_at(name, value)
    inner = source[head]
    return {head: change_at(inner, rest, value)} if isinstance(inner, Mapping) else {name: value}


def without(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A copy in which a field has no value, however it was written.

    >>> without({"a": [{"b": 1, "c": 2}], "a.b": 3}, "a.b")
    {'a': [{'c': 2}]}
    """
    kept = {key: value for key, value in source.items() if key != name}
    head, _, rest = name.partition(".")
    if rest and head in kept:
        kept[head] = _emptied(kept[head], rest)
    return kept


def _emptied(value: Any, rest: str) -> Any:
    if isinstance(value, Mapping):
        return without(value, rest)
    if isinstance(value, list):
        return [_emptied(item, rest) for item in value]
    return value
