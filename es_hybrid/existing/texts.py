"""The text of a document that somebody else wrote: its fields may lie inside objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.documents import Document, Fields, document
from es_hybrid.existing.scan import Found


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
        return [found for item in value if (found := _inside(item, rest)) is not None]
    return None


def object_at(name: str, value: Any) -> dict[str, Any]:
    """The object in which a field with this full name holds `value`.

    >>> object_at("a.b", 1)
    {'a': {'b': 1}}
    """
    for part in reversed(name.split(".")):
        value = {part: value}
    made: dict[str, Any] = value
    return made


def text_document(found: Found, names: Sequence[str], *, index: str) -> Document:
    """A Document with the text and its hash, as the indexer makes them of the same fields.

    It has no other fields: nothing but what es_hybrid adds is ever written back.

    Raises:
        RecordError: a text field holds an object.
    """
    texts = {name: value_at(found.source, name) for name in names}
    fields = Fields(text=tuple(names), reserved=frozenset(), text_required=False)
    return document({"_id": found.id, **texts}, fields, where=where(found, index))


def where(found: Found, index: str) -> str:
    """Where a document stands; no two have the same.

    >>> where(Found("7", {}, 0, 1, routing="ann"), "films")
    'films/_doc/7?routing=ann'
    """
    routing = "" if found.routing is None else f"?routing={found.routing}"
    return f"{index}/_doc/{found.id}{routing}"
